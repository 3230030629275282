"""The region editor on Panel and Bokeh: picture, typed fields, numbers, writing to the config."""

import base64
from pathlib import Path
from typing import Any

from workbench.core.extras import load
from workbench.widgets.models import Changed, RegionModel
from workbench.widgets.opening import Opened
from workbench.widgets.views.answer_panel import AnswerPanel
from workbench.widgets.views.centre_panel import CentrePanel
from workbench.widgets.views.channel import keep_order
from workbench.widgets.views.colour_panel import ColourPanel
from workbench.widgets.views.gestures import SHAPES
from workbench.widgets.views.mask_panel import MaskPanel
from workbench.widgets.views.notes import Notes
from workbench.widgets.views.picture_view import PictureView
from workbench.widgets.views.region_panel import RegionPanel
from workbench.widgets.views.runs_panel import RunsPanel
from workbench.widgets.views.static import still_png
from workbench.widgets.views.write_panel import WritePanel

NOWHERE = "nowhere (no file was given)"
STILL = (
    '<div data-workbench-still="{key}" style="font-family:sans-serif;margin:8px">'
    '<p role="status">The picture to draw on is being loaded. Where it does not come, type regions '
    'in a notebook (<code>wb.region_editor(..., view="typed")</code>) or in a terminal '
    "(<code>workbench config set-roi</code>); until then, a picture that does not move:</p>"
    '<img alt="The detector and its regions" style="max-width:100%" '
    'src="data:image/png;base64,{png}"></div>'
)
DRAWING = {
    **{shape.capitalize(): shape for shape in SHAPES},
    "Points": "points",
    "Pan": "pan",
    "Zoom": "zoom",
}


class RegionEditor:
    """Shows a session; owns nothing but its widgets.

    Parameters
    ----------
    opened
        Detectors, pictures and what is drawn on them; where they come from.
    config
        Producer config that regions are written to; None: typed in the widget.
    run
        First run that gets the regions; None: typed in the widget.
    state
        File in which what is drawn is kept, for the message of a lost kernel; None: not kept.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        config: Path | None = None,
        run: int | None = None,
        state: Path | None = None,
    ) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self.session = session = opened.session
        self.notes = Notes(self._push)
        kept = f"<code>{state}</code>" if state else NOWHERE
        self.picture = PictureView(session, self.notes, kept)
        self.regions = RegionPanel(session, self.notes, self.picture)
        self.colours = ColourPanel(session, self.notes, self.picture)
        self.masks = MaskPanel(opened, self.notes)
        self.centre = CentrePanel(session, self.notes, self.picture)
        self.runs = RunsPanel(opened, self.notes)
        self.answers = AnswerPanel(session, self.notes, opened.frames)
        self.picture.on_preview(self.answers.preview)
        self._parts = [self.picture.repaint, self.regions.refresh, self.answers.refresh]
        self.writing = WritePanel(
            opened, self.notes, self.picture, self.centre.bins, config=config, run=run
        )
        others = (self.colours, self.masks, self.centre, self.runs, self.writing)
        self._parts += [one.refresh for one in others]
        self._bar = self._make_bar()
        self.panel: Any = self._layout()
        for model in session.models.values():
            model.on_change(self._changed)
        session.on_change(self._changed)
        if config is not None and run is not None and config.is_file():
            with self.notes:
                self.writing.take_over()

    @property
    def model(self) -> RegionModel:
        """The model of the detector that is shown."""
        return self.session.shown

    @property
    def still(self) -> str:
        """HTML that stands before the editor until its script runs: a picture, and what to do."""
        png = base64.b64encode(still_png(self.model)).decode()
        return STILL.format(key=self.picture.canvas.figure.id, png=png)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """Return Panel's page, and before it what stays where its script does not run."""
        with self.notes.alone, self.picture.canvas.greeting():
            shown = self.panel._repr_mimebundle_(include, exclude)
            keep_order(self.panel, self.notes.alone, self._greet)
        if shown is None:
            return None
        data, about = shown
        if "text/html" in data:
            data = {**data, "text/html": self.still + data["text/html"]}
        return data, about

    def _changed(self, changed: Changed) -> None:
        with self.notes.alone:
            if changed.parts & {"shown", "picture"}:
                self._show_choice()
            for part in self._parts:
                part(changed.parts)
            self._push()

    def _greet(self) -> None:
        self.picture.canvas.greet()
        self._push()

    def _push(self) -> None:
        """Bring changes of the figure to a notebook; in a board they go by themselves."""
        if hasattr(self, "panel"):
            self._pn.io.push_notebook(self.panel)

    def _make_bar(self) -> Any:
        make = self._pn.widgets
        self._detector = make.Select(label="Detector", width=140)
        self._origin = make.Select(label="Picture", width=250)
        self._drawing = make.RadioButtonGroup(
            label="Drawing", options=DRAWING, value="rectangle", align="end"
        )
        self._show_choice()
        guarded = self.notes.guarded
        self._detector.param.watch(
            guarded(lambda: self.session.show(self._detector.value)), "value"
        )
        self._origin.param.watch(
            guarded(lambda: self.session.show(self._detector.value, self._origin.value)), "value"
        )
        self._drawing.param.watch(
            guarded(lambda: self.picture.draw_with(self._drawing.value)), "value"
        )
        buttons = [
            self._button("Undo", lambda: self.model.undo()),
            self._button("Redo", lambda: self.model.redo()),
            self._button("Whole picture", self.picture.fit, 104),
            self._button("Zoom in", lambda: self.picture.zoom_by(0.5), 72),
            self._button("Zoom out", lambda: self.picture.zoom_by(2.0), 78),
        ]
        row = self._pn.Row  # where the page is narrow, whole groups go to the next line
        groups = row(self._detector, self._origin), row(self._drawing), row(*buttons, align="end")
        return self._pn.FlexBox(*groups, align_items="flex-end", gap="0px")

    def _button(self, name: str, act: Any, width: int = 58) -> Any:
        button = self._pn.widgets.Button(label=name, width=width, margin=(5, 3))
        button.on_click(self.notes.guarded(act))
        return button

    def _show_choice(self) -> None:
        detector = self.model.picture.detector
        with self.notes.quietly():
            self._detector.param.update(options=list(self.session.models), value=detector)
            origins = list(self.session.pictures(detector))
            self._origin.param.update(options=origins, value=self.model.picture.origin)

    def _layout(self) -> Any:
        pn, canvas = self._pn, self.picture.canvas
        picture = pn.Column(
            pn.pane.Bokeh(canvas.notice, sizing_mode="stretch_width"),
            pn.pane.Bokeh(canvas.figure, sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )
        tabs = pn.Tabs(
            ("Write to the config", self.writing.panel),
            ("Mask", self.masks.panel),
            ("Centre", self.centre.panel),
            ("Other runs", self.runs.panel),
            ("Signal over events", self.answers.events),
            ("Colours", self.colours.panel),
            sizing_mode="stretch_width",
        )
        return pn.Column(
            self._bar,
            self.notes.panel,
            pn.Row(
                pn.Column(picture, tabs, sizing_mode="stretch_width"),
                pn.Column(self.regions.panel, self.answers.panel),
                sizing_mode="stretch_width",
            ),
            sizing_mode="stretch_width",
        )

"""What the selected region would give: the producer's numbers, profiles, its signal over events."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.widgets.models import (
    Answer,
    FrameSource,
    RegionModel,
    Session,
    answer,
    roi_of,
    signal,
)
from workbench.widgets.views.fields import Drawn
from workbench.widgets.views.notes import Notes

Frames = Callable[[], FrameSource]
WIDTH, HEIGHT = 345, 125  # of a profile, screen pixels
TICKS = 3  # on the upright axis of a profile: more numbers would overlap
EVENTS = 200  # of which the signal is shown at first
NAMES = ("columns", "rows")  # along which the sums over axis 0 and over axis 1 run
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555")


class AnswerPanel:
    """Numbers and profiles that follow the region while it is drawn.

    Parameters
    ----------
    session
        Detectors and what is drawn on them.
    notes
        Where errors are shown.
    frames
        Detector -> how its frames are opened, for the signal over events.
    """

    def __init__(self, session: Session, notes: Notes, frames: Mapping[str, Frames]) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._session, self._notes, self._frames = session, notes, frames
        self._table = self._pn.pane.HTML("", margin=(5, 10), width=WIDTH)
        self._histogram = Plot("Pixels per value", f"value [{self._unit}]", "pixels")
        self._profiles = Plot(
            "Summed over the other axis",
            "row or column [pixel]",
            f"sum [{self._unit}]",
            2,
            names=NAMES,
        )
        self._signal = Plot("Sum of each event", "event", f"sum [{self._unit}]")
        self._events = self._pn.widgets.IntInput(
            label="Events", value=EVENTS, start=1, step=100, width=110
        )
        self._go = self._pn.widgets.Button(label="Signal over events", align="end", width=150)
        self._go.on_click(notes.guarded(self._ask))
        plots = (self._histogram, self._profiles)
        self.panel = self._pn.Column(
            self._table, *(self._pn.pane.Bokeh(one.figure) for one in plots), width=WIDTH + 15
        )
        self.events = self._pn.Column(
            self._pn.Row(self._events, self._go),
            self._pn.pane.Bokeh(self._signal.figure, sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )
        self.refresh(frozenset({"shown"}))

    def refresh(self, parts: frozenset[str]) -> None:
        """Show the model again, as far as it changed."""
        if parts & {"shown", "regions", "selected", "picture", "mask_steps"}:
            name = self._model.selected
            self.preview(self._model[name] if name else None)

    def preview(self, region: Drawn | None) -> None:
        """Show what a region gives, as while it is being dragged; None: nothing."""
        if region is None:
            self._table.object = "Draw a region on the picture, or type one."
            for one in (self._histogram, self._profiles):
                one.show([])
            return
        picture = self._model.picture
        found = answer(picture, roi_of(picture.layout, region, good=self._model.good))
        self._table.object = _told(found)
        for one, axis, what in (
            (self._histogram, "xaxis", "value"),
            (self._profiles, "yaxis", "sum"),
            (self._signal, "yaxis", "sum"),
        ):
            getattr(one.figure, axis).axis_label = f"{what} [{self._unit}]"  # another detector's
        self._histogram.show([(found.edges[:-1], found.histogram)])
        self._profiles.show(
            [
                (np.arange(len(values)) + found.config.bounds.low[-2:][1 - axis], values)
                for axis, values in found.projections.items()
                if values.ndim == 1
            ]
        )

    @property
    def _model(self) -> RegionModel:
        return self._session.shown

    @property
    def _unit(self) -> str:
        return self._model.picture.unit

    def _ask(self) -> None:
        detector, name = self._model.picture.detector, self._model.selected
        if detector not in self._frames:
            raise InputError(
                f"{detector}: its frames are not at hand, only this picture; open the editor on "
                "the raw run for the signal over events"
            )
        if not name:
            raise InputError("no region is selected: choose one in the list, or draw one")
        roi = roi_of(self._model.picture.layout, self._model[name], good=self._model.good)
        found = signal(self._frames[detector](), roi, stop=int(self._events.value))
        self._signal.show([(found.events, found["sum"])])
        self._notes.say(f"{name}: sum of {len(found.events)} events of {found.origin}")


class Plot:
    """A small plot of a few lines."""

    def __init__(
        self, title: str, x: str, y: str, lines: int = 1, *, names: Sequence[str] = ()
    ) -> None:
        self._models = load("bokeh.models", "the region editor", "widgets")
        self.figure: Any = load("bokeh.plotting", "the region editor", "widgets").figure(
            title=title, width=WIDTH, height=HEIGHT + (20 if names else 0), tools="",
            toolbar_location=None, x_axis_label=x, y_axis_label=y,
        )  # fmt: skip
        self._sources = []
        for number in range(lines):
            source = self._models.ColumnDataSource(data={"x": [], "y": []})
            named = {"legend_label": names[number]} if names else {}
            colour = COLOURS[number % len(COLOURS)]
            self.figure.line("x", "y", source=source, line_color=colour, line_width=1.5, **named)
            self._sources.append(source)
        self.figure.title.text_font_size = "12px"
        self.figure.yaxis.ticker.update(desired_num_ticks=TICKS, num_minor_ticks=2)
        for axis in self.figure.axis:
            axis.axis_label_text_font_size, axis.major_label_text_font_size = "11px", "10px"
        if names:
            self.figure.legend.update(
                label_text_font_size="10px", padding=2, spacing=12, background_fill_alpha=0.6,
                orientation="horizontal", location="top_right", glyph_height=10,
            )  # fmt: skip

    def show(self, lines: list[tuple[Array, Array]]) -> None:
        """Draw x, y of each line; nothing to draw hides the plot."""
        self.figure.visible = bool(lines)
        for number, source in enumerate(self._sources):
            x, y = lines[number] if number < len(lines) else ([], [])
            source.data = {"x": np.asarray(x, np.float64), "y": np.asarray(y, np.float64)}


def _told(found: Answer) -> str:
    row, col = found.centroid
    middle = f"row {row:.2f}, column {col:.2f}" if np.isfinite(row) else "none: no light"
    rows = (
        ("sum", f"{found.sum:.7g} {found.unit}"),
        ("mean", f"{found.mean:.5g} {found.unit}"),
        ("brightest", f"{found.max:.5g} {found.unit}"),
        ("centre of mass", middle),
        ("pixels used", f"{found.used} of {found.pixels}"),
    )
    cells = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:normal;color:#555;'
        f'padding-right:14px">{name}</th><td style="font-variant-numeric:tabular-nums">'
        f"{value}</td></tr>"
        for name, value in rows
    )
    return f'<table aria-label="What the region gives" style="font-size:14px">{cells}</table>'

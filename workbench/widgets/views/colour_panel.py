"""Colours of the picture and the part of it that is shown, by typing."""

from collections.abc import Callable
from typing import Any

from workbench.core.extras import load
from workbench.widgets.models import DisplayRange, RegionModel, Session
from workbench.widgets.views.fields import number_of, number_text
from workbench.widgets.views.notes import Notes
from workbench.widgets.views.picture_view import PictureView

PALETTES = {"viridis": "Viridis256", "magma": "Magma256", "grey": "Greys256", "turbo": "Turbo256"}
LEVELS = 255  # colours; the level 0 has one of its own


def colours(palette: str) -> list[str]:
    """Return the colours of a palette of `PALETTES`, dark to bright."""
    found = list(getattr(load("bokeh.palettes", "the region editor", "widgets"), PALETTES[palette]))
    return found[:LEVELS]


class ColourPanel:
    """Range of values, scale and palette; rows and columns that are shown."""

    def __init__(self, session: Session, notes: Notes, picture: PictureView) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._session, self._notes, self._picture = session, notes, picture
        make, width = self._pn.widgets, 130
        self._scale = make.Select(label="Scale", options=["linear", "log", "gamma"], width=width)
        self._gamma = make.FloatInput(label="Gamma", step=0.1, width=width)
        self._percents = [
            make.FloatInput(label=f"{end} percentile", step=0.5, start=0, end=100, width=width)
            for end in ("Lower", "Upper")
        ]
        self._ends = [
            make.TextInput(label=f"{end} value", placeholder="by percentile", width=width)
            for end in ("Darkest", "Brightest")
        ]
        self._palette = make.Select(label="Palette", options=list(PALETTES), width=width)
        models = load("bokeh.models", "the region editor", "widgets")
        self._sides = [  # of Bokeh: they go to the browser together with the picture
            models.Spinner(title=f"Shown {side}", mode="int", width=width, margin=(5, 10))
            for side in ("rows from", "rows to", "columns from", "columns to")
        ]
        self._filled: list[int | None] = [side.value for side in self._sides]
        self._go = make.Button(label="Show this part", width=width, align="end")
        self._told = self._pn.pane.HTML("", margin=(0, 10))
        self._connect()
        ranges = self._pn.FlexBox(self._scale, self._gamma, *self._percents, *self._ends)
        ranges.append(self._palette)
        sides = (self._pn.pane.Bokeh(side) for side in self._sides)
        part = self._pn.FlexBox(*sides, self._go, align_items="flex-end")
        self.panel = self._pn.Column(ranges, self._told, part, sizing_mode="stretch_width")
        picture.show_palette(colours(self._palette.value))
        self.refresh(frozenset({"shown"}))

    def refresh(self, parts: frozenset[str]) -> None:
        """Show the model again, as far as it changed."""
        if not parts & {"shown", "display", "picture"}:
            return
        with self._notes.quietly():
            self._fill()

    def _fill(self) -> None:
        display = self._model.state.display
        self._scale.value, self._gamma.value = display.scale, display.gamma
        self._gamma.disabled = display.scale != "gamma"
        self._percents[0].value, self._percents[1].value = display.percent_low, display.percent_high
        for end, value in zip(self._ends, self._known(), strict=True):
            end.value = number_text(value)
        if (drawn := self._picture.rendered) is not None:
            unit = self._model.picture.unit
            self._told.object = f"Colours from {drawn.low:.5g} to {drawn.high:.5g} {unit}"
        self._fill_sides()

    def _known(self) -> tuple[float | None, float | None]:
        """Return the two ends, with all of their digits."""
        return self._model.state.display.low, self._model.state.display.high

    def _fill_sides(self) -> None:
        """Show which part is on the screen; a side that was typed stays until it is shown."""
        view = self._picture.view
        for number, value in enumerate((view.top, view.bottom, view.left, view.right)):
            if self._sides[number].value == self._filled[number]:
                self._sides[number].value = self._filled[number] = round(value)

    def _show_part(self) -> None:
        self._picture.zoom_to(*(side.value for side in self._sides))
        self._filled = [side.value for side in self._sides]

    @property
    def _model(self) -> RegionModel:
        return self._session.shown

    def _guarded(self, act: Callable[[], object]) -> Callable[[Any], None]:
        return self._notes.guarded(act, then=lambda: self.refresh(frozenset({"display"})))

    def _connect(self) -> None:
        for widget in (self._scale, self._gamma, *self._percents, *self._ends):
            widget.param.watch(self._guarded(self._change), "value")
        self._palette.param.watch(
            self._guarded(lambda: self._picture.show_palette(colours(self._palette.value))), "value"
        )
        self._go.on_click(self._guarded(self._show_part))
        self._picture.on_look(self._fill_sides)

    def _change(self) -> None:
        low, high = (
            number_of(end.value, end.label, known)
            for end, known in zip(self._ends, self._known(), strict=True)
        )
        first, last = (percent.value for percent in self._percents)
        self._model.set_display(
            DisplayRange(low, high, first, last, self._scale.value, self._gamma.value)
        )

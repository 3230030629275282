"""The mask as a list of steps, and the beam centre: what the producer needs besides regions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.core.extras import load
from workbench.regions import Circle, RegionError, Ring, bad_fraction, fit_centre
from workbench.widgets.models import (
    EdgeStep,
    GrowStep,
    InvertStep,
    MaskStep,
    RegionModel,
    RegionStep,
    Session,
    StatusStep,
    ThresholdStep,
)
from workbench.widgets.views.notes import Notes

WIDTH = 120  # screen pixels


class MaskPanel:
    """Steps of the mask: add, take back; and the beam centre, typed or fitted to a drawn ring."""

    def __init__(self, session: Session, notes: Notes) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._session, self._notes = session, notes
        make = self._pn.widgets
        self._pixels = make.IntInput(label="Pixels", value=1, start=0, width=WIDTH)
        self._low = make.FloatInput(label="Lowest value", value=None, width=WIDTH)
        self._high = make.FloatInput(label="Highest value", value=None, width=WIDTH)
        self._steps = make.Select(label="Steps of the mask", options={}, size=4, width=330)
        self._told = self._pn.pane.HTML("", margin=(0, 10))
        self._row = make.FloatInput(label="Beam row", value=None, step=1, width=WIDTH)
        self._col = make.FloatInput(label="Beam column", value=None, step=1, width=WIDTH)
        self._fitted = self._pn.pane.HTML("", margin=(0, 10))
        for widget in (self._row, self._col):
            widget.param.watch(self._notes.guarded(self._type_centre), "value")
        self.panel = self._layout()
        self.refresh(frozenset({"shown"}))

    def refresh(self, parts: frozenset[str]) -> None:
        """Show the model again, as far as it changed."""
        if parts & {"shown", "mask_steps", "picture"}:
            steps = self._model.state.mask_steps
            self._steps.options = {f"{n + 1}. {step}": n for n, step in enumerate(steps)}
            share = 100 * bad_fraction(self._model.good)
            self._told.object = f"The mask takes out {share:.3g} % of the pixels."
        if parts & {"shown", "centre"}:
            with self._notes.quietly():
                self._row.value, self._col.value = self._model.state.centre or (None, None)

    @property
    def _model(self) -> RegionModel:
        return self._session.shown

    def _layout(self) -> Any:
        row, column = self._pn.FlexBox, self._pn.Column
        return column(
            row(
                self._button("Without region", lambda: self._add(RegionStep(self._chosen()))),
                self._button("Only region", lambda: self._add(RegionStep(self._chosen(), "only"))),
                self._button("Without bad pixels", lambda: self._add(StatusStep())),
                self._button("Invert", lambda: self._add(InvertStep())),
            ),
            row(
                self._pixels,
                self._button("Without edges", lambda: self._add(EdgeStep(self._pixels.value))),
                self._button("Grow", lambda: self._add(GrowStep(self._pixels.value))),
                self._low,
                self._high,
                self._button("Between values", self._between),
            ),
            row(self._steps, self._button("Take step back", self._take_back)),
            self._told,
            row(
                self._row,
                self._col,
                self._button("Middle of region", self._take_centre),
                self._button("Fit to drawn ring", self._fit),
            ),
            self._fitted,
            sizing_mode="stretch_width",
        )

    def _add(self, step: MaskStep) -> None:
        self._model.add_mask_step(step)

    def _between(self) -> None:
        self._add(ThresholdStep(self._low.value, self._high.value))

    def _take_back(self) -> None:
        if self._steps.value is None:
            raise RegionError("choose a step of the mask in the list first")
        self._model.remove_mask_step(self._steps.value)

    def _chosen(self) -> Any:
        if not self._model.selected:
            raise RegionError("no region is selected: choose one in the list, or draw one")
        return self._model[self._model.selected]

    def _type_centre(self) -> None:
        if self._row.value is not None and self._col.value is not None:
            self._model.set_centre((self._row.value, self._col.value))

    def _take_centre(self) -> None:
        region = self._chosen()
        if not isinstance(region, Circle | Ring):
            raise RegionError("the middle is that of a circle or ring: select one")
        self._model.set_centre((region.row, region.col))

    def _fit(self) -> None:
        ring = self._chosen()
        if not isinstance(ring, Ring):
            raise RegionError("draw a ring so that a ring of light lies between its two circles")
        picture = self._model.picture
        good = picture.layout.on_picture(self._model.used) & np.isfinite(picture.image)
        radius, width = (ring.inner + ring.outer) / 2, ring.outer - ring.inner
        fit = fit_centre(
            picture.image, good, centre=(ring.row, ring.col), radii=[radius], width=width
        )
        self._model.set_centre((fit.row, fit.col))
        self._fitted.object = str(fit)

    def _button(self, name: str, act: Callable[[], object]) -> Any:
        button = self._pn.widgets.Button(label=name, align="end", width=WIDTH + 20)
        button.on_click(self._notes.guarded(act))
        return button

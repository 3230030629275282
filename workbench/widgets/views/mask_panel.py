"""The mask as a list of steps: regions, values, edges, other masks, proposals from dark frames."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.regions import Polarity, RegionError, bad_fraction, check_mask, read_mask
from workbench.widgets.models import (
    EdgeStep,
    GrowStep,
    InvertStep,
    MaskError,
    MaskStep,
    RegionModel,
    RegionStep,
    StatusStep,
    ThresholdStep,
    given,
    proposed_of,
)
from workbench.widgets.opening import Opened
from workbench.widgets.views.notes import Notes

WIDTH = 120  # screen pixels
WIDE = 390
SIGMAS = 6.0  # from the median of the tile, beyond which a pixel is proposed as bad
USUAL = "as usual for such files"
POLARITIES = {USUAL: None, **{str(one): one for one in Polarity}}


class MaskPanel:
    """Steps of the mask: add one, take one back."""

    def __init__(self, opened: Opened, notes: Notes) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._opened, self._notes = opened, notes
        make = self._pn.widgets
        self._pixels = make.IntInput(label="Pixels", value=1, start=0, width=80)
        self._low = make.FloatInput(label="Lowest value", value=None, width=WIDTH)
        self._high = make.FloatInput(label="Highest value", value=None, width=WIDTH)
        self._sigmas = make.FloatInput(label="Sigmas", value=SIGMAS, start=0, step=0.5, width=80)
        self._file = make.TextInput(label="Mask file", placeholder="mask.npy", width=230)
        self._polarity = make.Select(label="In the file", options=list(POLARITIES), width=200)
        self._steps = make.Select(label="Steps of the mask", options={}, size=6, width=WIDE)
        self._told = self._pn.pane.HTML("", margin=(0, 10))
        self.panel = self._layout()
        self.refresh(frozenset({"shown"}))

    def refresh(self, parts: frozenset[str]) -> None:
        """Show the model again, as far as it changed."""
        if parts & {"shown", "mask_steps", "picture"}:
            steps = self._model.state.mask_steps
            self._steps.options = {f"{n + 1}. {step}": n for n, step in enumerate(steps)}
            good = self._model.good
            share, count = 100 * bad_fraction(good), good.size - int(good.sum())
            self._told.object = f"The mask takes out {count} pixels ({share:.3g} %), tinted red."

    @property
    def _model(self) -> RegionModel:
        return self._opened.session.shown

    def _layout(self) -> Any:
        pn, add = self._pn, self._add

        def row(*parts: Any) -> Any:
            return pn.FlexBox(*parts, align_items="flex-end")

        adding = pn.Column(
            row(
                self._button("Without region", lambda: add(RegionStep(self._chosen()))),
                self._button("Only region", lambda: add(RegionStep(self._chosen(), "only"))),
                self._button("Without bad pixels", lambda: add(StatusStep())),
                self._button("Invert", lambda: add(InvertStep()), 70),
            ),
            row(
                self._pixels,
                self._button("Without edges", lambda: add(EdgeStep(self._pixels.value))),
                self._button("Grow", lambda: add(GrowStep(self._pixels.value)), 70),
            ),
            row(self._low, self._high, self._button("Between values", self._between)),
            row(self._sigmas, self._button("Propose from dark frames", self._propose, 190)),
            row(self._file, self._polarity, self._button("Read mask", self._read, 100)),
        )
        back = self._button("Take step back", self._take_back)
        adding.width = 600
        return pn.FlexBox(adding, pn.Column(self._steps, self._told, back, width=WIDE + 20))

    def _add(self, step: MaskStep) -> None:
        self._model.add_mask_step(step)

    def _between(self) -> None:
        self._add(ThresholdStep(self._low.value, self._high.value))

    def _propose(self) -> None:
        detector = self._model.picture.detector
        frames = self._opened.frames.get(detector)
        constants = None if frames is None else frames().constants
        if constants is None:
            raise MaskError(
                f"{detector}: its dark frames are not at hand; open the editor on the raw run with "
                "its constants"
            )
        step = proposed_of(constants, sigmas=self._sigmas.value)
        self._add(step)
        self._notes.say(f"Proposed from {step.origin}. Look at it; take the step back if wrong.")

    def _read(self) -> None:
        text = self._file.value.strip()
        if not text:
            raise InputError("Mask file: give the path of a .npy, .edf or text file")
        picture = self._model.picture
        polarity = POLARITIES[self._polarity.value]
        mask = read_mask(Path(text), picture.frame.shape, layout=picture.layout, polarity=polarity)
        name = Path(text).name
        self._add(given(mask, picture, origin=name))
        doubts = check_mask(mask, status=picture.good, field=picture.detector, origin=name)
        taken = f"{name} takes out {mask.size - int(mask.sum())} of {mask.size} pixels."
        self._notes.say("\n".join([taken, *map(str, doubts)]))

    def _take_back(self) -> None:
        if self._steps.value is None:
            raise RegionError("choose a step of the mask in the list first")
        self._model.remove_mask_step(self._steps.value)

    def _chosen(self) -> Any:
        if not self._model.selected:
            raise RegionError("no region is selected: choose one in the list, or draw one")
        return self._model[self._model.selected]

    def _button(self, name: str, act: Callable[[], object], width: int = WIDTH + 20) -> Any:
        button = self._pn.widgets.Button(label=name, align="end", width=width, margin=(5, 5))
        button.on_click(self._notes.guarded(act))
        return button

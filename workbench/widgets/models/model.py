"""The state of the region editor and its rules: named regions, mask, centre; undo; listeners."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Bools
from workbench.core.atomic import write_text
from workbench.core.errors import NotThereError, UnknownNameError
from workbench.regions import Box, ConfigRegion, RegionError
from workbench.widgets.models.display import DisplayRange
from workbench.widgets.models.listeners import Changed, Listener, Listeners
from workbench.widgets.models.masks import MaskStep, mask_of
from workbench.widgets.models.picture import Picture
from workbench.widgets.models.state import (
    FORMAT,
    Beam,
    Drawn,
    RegionState,
    StateError,
    parse,
    state_from_dict,
)

MOST_UNDONE = 200  # changes that can be taken back
UNDONE = (
    "regions",
    "mask_steps",
    "centre",
    "beam",
    "points",
)  # parts of the state that undo brings back
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class RegionModel:
    """Regions, mask and beam centre drawn on one detector's picture.

    Every change is one commit: it is checked, can be undone, and is told to the listeners. Where
    it is refused, the model is as before.

    Parameters
    ----------
    picture
        What they are drawn on.
    state
        To begin with; None: nothing drawn.
    """

    def __init__(self, picture: Picture, state: RegionState | None = None) -> None:
        self._picture = picture
        self._state = self._checked(state or RegionState())
        self._mask: Bools | None = None
        self._past: list[RegionState] = []
        self._future: list[RegionState] = []
        self._renamed: dict[str, str] = {}
        self._listeners = Listeners()

    @property
    def picture(self) -> Picture:
        """What the regions are drawn on."""
        return self._picture

    @property
    def state(self) -> RegionState:
        """Everything else."""
        return self._state

    @property
    def regions(self) -> Mapping[str, Drawn]:
        """Regions by name."""
        return dict(self._state.regions)

    @property
    def selected(self) -> str:
        """Name of the region that is worked on; "" for none."""
        return self._state.selected

    @property
    def good(self) -> Bools:
        """The user's mask, True = use, in the shape of the frames; all True without steps."""
        if self._mask is None:
            self._mask = mask_of(self._state.mask_steps, self._picture)
            self._mask.flags.writeable = False
        return self._mask

    @property
    def used(self) -> Bools:
        """What both the user's and the detector's own mask use, in the shape of the frames."""
        return self.good & self._picture.good

    def __getitem__(self, name: str) -> Drawn:
        if name not in self._state.regions:
            raise UnknownNameError(
                "region", name, self._state.regions, f"the picture of {self._picture.detector}"
            )
        return self._state.regions[name]

    def config_of(self, name: str) -> ConfigRegion:
        """Return a region as a producer config writes it: exactly the same pixels."""
        return self._picture.layout.to_config(self[name])

    def put(self, name: str, region: Drawn) -> None:
        """Add or replace a region; `RegionError` where it holds no pixel of the detector."""
        self._check_name(name)
        self._check_region(name, region)
        self._commit(
            replace(self._state, regions={**self._state.regions, name: region}, selected=name)
        )

    def change(self, name: str, region: Drawn) -> None:
        """Replace a region by another; what is selected stays."""
        self[name]
        self._check_region(name, region)
        self._commit(replace(self._state, regions={**self._state.regions, name: region}))

    def add(self, region: Drawn) -> str:
        """Add a region under the next free name ``ROI_<n>``; return the name."""
        number = 0
        while f"ROI_{number}" in self._state.regions:
            number += 1
        self.put(f"ROI_{number}", region)
        return f"ROI_{number}"

    def rename(self, name: str, new: str) -> None:
        """Give a region another name; it keeps its place in the order.

        Raises
        ------
        RegionError
            For a name that another region has.
        """
        region = self[name]
        if new == name:
            return
        self._check_name(new)
        if new in self._state.regions:
            raise RegionError(f"a region is already named {new!r}; choose another name")
        renamed = {
            (new if one == name else one): (region if one == name else kept)
            for one, kept in self._state.regions.items()
        }
        selected = new if self.selected == name else self.selected
        self._commit(replace(self._state, regions=renamed, selected=selected))
        self._renamed = {**self._renamed, name: new}
        self._renamed.pop(new, None)

    def now_called(self, name: str) -> str:
        """Return the name that a region has now, by one that it had when something was typed."""
        while name not in self._state.regions and name in self._renamed:
            name = self._renamed[name]
        return name

    def remove(self, name: str) -> None:
        """Take a region away."""
        self[name]
        kept = {one: each for one, each in self._state.regions.items() if one != name}
        selected = "" if self.selected == name else self.selected
        self._commit(replace(self._state, regions=kept, selected=selected))

    def move(self, name: str, rows: float, cols: float) -> None:
        """Move a region over the picture [pixel]; see `Layout.moved` for boxes."""
        region = self[name]
        if isinstance(region, Box):
            self.change(name, self._picture.layout.moved(region, rows, cols))
        else:
            self.change(name, region.moved(rows, cols))

    def select(self, name: str) -> None:
        """Choose the region that is worked on; "" for none."""
        if name:
            self[name]
        self._commit(replace(self._state, selected=name))

    def set_centre(self, centre: tuple[float, float] | None) -> None:
        """Set the beam centre (row, col) in the picture [pixel]; it may lie beside the detector."""
        self.set_beam(centre, self._state.beam)

    def set_beam(self, centre: tuple[float, float] | None, beam: Beam) -> None:
        """Set the beam centre and all else about the beam, as one change.

        Raises
        ------
        RegionError
            For a centre that is not two finite numbers.
        """
        if centre is not None:
            centre = (float(centre[0]), float(centre[1]))
            if not np.isfinite(centre).all():
                raise RegionError(f"a beam centre is two numbers, not {centre}")
        self._commit(replace(self._state, centre=centre, beam=beam))

    def set_points(self, points: Iterable[tuple[float, float]]) -> None:
        """Set the points that were picked on a ring: (row, col) [pixel].

        Raises
        ------
        RegionError
            For points that are not finite.
        """
        picked = tuple((float(row), float(col)) for row, col in points)
        if not np.isfinite(picked).all():
            raise RegionError("points on a ring are pairs of numbers")
        self._commit(replace(self._state, points=picked))

    def set_display(self, display: DisplayRange) -> None:
        """Set the colours; not part of undo."""
        self._commit(replace(self._state, display=display))

    def add_mask_step(self, step: MaskStep) -> None:
        """Let the mask go one step further."""
        self.set_mask_steps((*self._state.mask_steps, step))

    def remove_mask_step(self, place: int) -> None:
        """Take one step of the mask back; the later ones stay.

        Raises
        ------
        RegionError
            For a step that the mask does not have.
        """
        steps = list(self._state.mask_steps)
        if not 0 <= place < len(steps):
            raise RegionError(f"the mask has {len(steps)} steps, there is no step {place}")
        del steps[place]
        self.set_mask_steps(tuple(steps))

    def set_mask_steps(self, steps: tuple[MaskStep, ...]) -> None:
        """Replace all steps of the mask."""
        self._commit(self._checked(replace(self._state, mask_steps=tuple(steps))))

    def show(self, picture: Picture) -> None:
        """Draw on another picture of the same detector, such as that of another run.

        Raises
        ------
        StateError
            For a picture of another detector.
        """
        if picture.detector != self._picture.detector:
            raise StateError(
                f"regions of {self._picture.detector} do not belong on {picture.detector}"
            )
        before, self._picture = self._picture, picture
        try:
            self._checked(self._state)
        except RegionError:
            self._picture = before
            raise
        self._mask = None
        self._listeners.tell(Changed(frozenset({"picture", "mask_steps"})))

    def undo(self) -> bool:
        """Take the last change back; False where there is none."""
        return self._step(self._past, self._future)

    def redo(self) -> bool:
        """Make a change again that was taken back; False where there is none."""
        return self._step(self._future, self._past)

    @property
    def can_undo(self) -> bool:
        """Tell whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Tell whether there is a change to make again."""
        return bool(self._future)

    def on_change(self, listener: Listener) -> Callable[[], None]:
        """Have a function called after every change; return what ends that.

        An error in a listener neither stops the others nor the change: it is raised once all
        were told, with those of the others as its context.
        """
        return self._listeners.add(listener)

    def to_json(self) -> str:
        """Return the state as JSON, without the picture."""
        return json.dumps(self.as_dict(), indent=1) + "\n"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        detector, shape = self._picture.detector, list(self._picture.frame.shape)
        return {"format": FORMAT, "detector": detector, "shape": shape, **self._state.as_dict()}

    def from_json(self, text: str, where: str = "the text") -> None:
        """Take over a state; `StateError` where it is of another detector. It can be undone."""
        self.set_state(self.read(parse(text, where), where))

    def set_state(self, state: RegionState) -> None:
        """Take over a whole state, as one change."""
        self._commit(self._checked(state))

    def read(self, plain: Mapping[str, Any], where: str) -> RegionState:
        """Return the state in the plain values of `as_dict`, checked against the picture.

        Raises
        ------
        StateError
            For the state of another detector, or of frames of another shape.
        """
        shape = tuple(plain.get("shape", ()))
        if plain.get("detector") != self._picture.detector or shape != self._picture.frame.shape:
            raise StateError(
                f"{where} holds regions of {plain.get('detector')} with frames {shape}, not of "
                f"{self._picture.detector} with frames {self._picture.frame.shape}"
            )
        return self._checked(state_from_dict(plain))

    def save(self, path: str | Path) -> None:
        """Write the state to a file, whole or not at all."""
        write_text(Path(path), self.to_json())

    def restore(self, path: str | Path) -> None:
        """Take over the state of a file that `save` wrote."""
        self.from_json(read_state(path), str(path))

    def _checked(self, state: RegionState) -> RegionState:
        for name, region in state.regions.items():
            self._check_region(name, region)
        mask_of(state.mask_steps, self._picture)
        return state

    def _check_region(self, name: str, region: Drawn) -> None:
        try:
            self._picture.layout.to_config(region)
        except RegionError as error:
            raise RegionError(f"{name}: {error}") from error

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise RegionError(
                f"{name!r} is no name for a region: use letters, digits and _, as ROI_0"
            )

    def _commit(self, state: RegionState) -> None:
        if any(getattr(state, part) != getattr(self._state, part) for part in UNDONE):
            self._past = [*self._past, self._state][-MOST_UNDONE:]
            self._future = []
        self._replace(state)

    def _step(self, source: list[RegionState], target: list[RegionState]) -> bool:
        if not source:
            return False
        state = source.pop()
        target.append(self._state)
        selected = self.selected if self.selected in state.regions else ""
        self._replace(replace(state, display=self._state.display, selected=selected))
        return True

    def _replace(self, state: RegionState) -> None:
        old, self._state = self._state, state
        parts = {part for part in vars(state) if getattr(state, part) != getattr(old, part)}
        if "mask_steps" in parts:
            self._mask = None
        names = {
            name
            for name in {*old.regions, *state.regions}
            if old.regions.get(name) != state.regions.get(name)
        }
        if parts:
            self._listeners.tell(Changed(frozenset(parts), frozenset(names)))


def read_state(path: str | Path) -> str:
    """Return the text of a stored state; `NotThereError` where there is no such file."""
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise NotThereError(
            f"cannot read stored regions from {path}: {error.strerror}; give a file that the "
            "region editor saved"
        ) from error

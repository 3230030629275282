"""What a person made on a picture: regions, mask, beam centre, colours; its JSON."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.core.errors import InputError
from workbench.regions import Box, Region, region_from_dict
from workbench.widgets.models.display import DisplayRange
from workbench.widgets.models.masks import MaskStep, step_from_dict

Drawn = Region | Box
FORMAT = 1


class StateError(InputError):
    """A stored state that cannot be read, or that belongs to another detector."""


class BeamError(InputError):
    """A beam that is not known well enough, or that cannot be."""


@dataclass(frozen=True)
class Beam:
    """What is known of the beam besides its centre.

    Parameters
    ----------
    distance
        From the sample to the plane of the detector [mm]; None: not known.
    energy
        Of the photons [keV]; None: not known.
    tilt
        Of the detector, tx and ty as producer configs count them [deg].
    pixel
        Side of a pixel [um], for pictures without positions; None: as the positions say.

    Raises
    ------
    BeamError
        For a distance, energy or pixel that is not above 0, and tilts of 90 degrees or more.
    """

    distance: float | None = None
    energy: float | None = None
    tilt: tuple[float, float] = (0.0, 0.0)
    pixel: float | None = None

    def __post_init__(self) -> None:
        for name, unit in (("distance", "mm"), ("energy", "keV"), ("pixel", "um")):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise BeamError(f"{name}: type a number above 0 {unit}, not {value!r}")
        object.__setattr__(self, "tilt", tuple(self.tilt))
        if not all(abs(angle) < 90 for angle in self.tilt):
            raise BeamError(f"tilts: type angles below 90 degrees, not {self.tilt}")


@dataclass(frozen=True)
class RegionState:
    """All that `RegionModel` knows besides the picture.

    Parameters
    ----------
    regions
        By name, in the order in which they were made.
    selected
        Name of the region that is worked on; "" for none.
    mask_steps
        From every pixel in use to the mask.
    centre
        Beam centre (row, col) in the picture [pixel]; None where not known.
    beam
        Distance, energy and tilts.
    points
        Picked on one ring: (row, col) [pixel].
    display
        Colours.
    """

    regions: Mapping[str, Drawn] = field(default_factory=dict)
    selected: str = ""
    mask_steps: tuple[MaskStep, ...] = ()
    centre: tuple[float, float] | None = None
    beam: Beam = field(default_factory=Beam)
    points: tuple[tuple[float, float], ...] = ()
    display: DisplayRange = field(default_factory=DisplayRange)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `state_from_dict` is the way back."""
        return {
            "regions": {name: region.as_dict() for name, region in self.regions.items()},
            "selected": self.selected,
            "mask": [step.as_dict() for step in self.mask_steps],
            "centre": None if self.centre is None else list(self.centre),
            "beam": asdict(self.beam),
            "points": [list(point) for point in self.points],
            "display": asdict(self.display),
        }


def state_from_dict(plain: Mapping[str, Any]) -> RegionState:
    """Rebuild a state from `RegionState.as_dict`; `StateError` names what it cannot read."""
    try:
        centre = plain["centre"]
        return RegionState(
            {str(name): region_from_dict(one) for name, one in plain["regions"].items()},
            str(plain["selected"]),
            tuple(step_from_dict(one) for one in plain["mask"]),
            None if centre is None else (float(centre[0]), float(centre[1])),
            Beam(**plain.get("beam", {})),
            tuple((float(row), float(col)) for row, col in plain.get("points", ())),
            DisplayRange(**plain["display"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise StateError(f"stored regions cannot be read: {why}; draw them again") from error


def parse(text: str, where: str) -> dict[str, Any]:
    """Return the JSON object of a stored state; `StateError` where it is none of ours."""
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise StateError(
            f"{where} is not JSON ({error}); give a file that the region editor saved"
        ) from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise StateError(f"{where} holds no stored regions; give a file that the editor saved")
    return plain

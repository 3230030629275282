"""A mask as a list of steps that can be shown, changed and kept: each makes it from the one before.

True = use. A mask begins with every pixel in use.
"""

import base64
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.core.findings import Severity
from workbench.regions import (
    Box,
    Region,
    between,
    check_mask,
    edges,
    grown,
    propose,
    region_from_dict,
)
from workbench.widgets.models.picture import Picture


class MaskError(InputError):
    """A mask or a step towards one that cannot be; the text says what would do."""


@dataclass(frozen=True)
class MaskStep(ABC):
    """One step of a mask."""

    @abstractmethod
    def after(self, good: Bools, picture: Picture) -> Bools:
        """Return the mask that this step makes of one, in the shape of the picture's frame."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `step_from_dict` is the way back."""
        return {"step": _KIND_OF[type(self)], **asdict(self)}

    @abstractmethod
    def __str__(self) -> str:
        """Say in words what the step does."""


@dataclass(frozen=True)
class StatusStep(MaskStep):
    """Take out what the detector's own mask takes out."""

    def __str__(self) -> str:
        return "without the detector's own bad pixels"

    def after(self, good: Bools, picture: Picture) -> Bools:
        """Return the mask without the picture's bad pixels."""
        return good & picture.good


@dataclass(frozen=True)
class EdgeStep(MaskStep):
    """Take out the outer pixels of every tile.

    Parameters
    ----------
    width
        [pixel]
    """

    width: int

    def __str__(self) -> str:
        return f"without the outer {self.width} pixel(s) of every tile"

    def after(self, good: Bools, picture: Picture) -> Bools:
        """Return the mask without the edges."""
        return good & edges(picture.frame.shape, self.width)


@dataclass(frozen=True)
class ThresholdStep(MaskStep):
    """Take out pixels outside a range of values, and those not measured.

    Parameters
    ----------
    low, high
        Used are ``low <= value < high`` [unit of the picture]; None: open.

    Raises
    ------
    MaskError
        Without a value, and unless low < high.
    """

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise MaskError("a threshold needs a lowest or a highest value")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise MaskError(f"no value lies in {self.low} to {self.high}: give the lower first")

    def __str__(self) -> str:
        ends = [f"{word} {end:g}" for word, end in (("below", self.low), ("from", self.high))
                if end is not None]  # fmt: skip
        return f"without values {' and '.join(ends)}"

    def after(self, good: Bools, picture: Picture) -> Bools:
        """Return the mask without values outside the range."""
        return good & between(picture.frame, self.low, self.high)


@dataclass(frozen=True)
class RegionStep(MaskStep):
    """Take out, bring back or keep only the pixels of a region.

    Parameters
    ----------
    region
        On the picture, or in the detector's own coordinates.
    use
        "without": its pixels are taken out; "with": they are brought back; "only": all others
        are taken out.

    Raises
    ------
    MaskError
        For a use other than "without", "with" and "only".
    """

    region: Region | Box
    use: Literal["without", "with", "only"] = "without"

    def __post_init__(self) -> None:
        if self.use not in ("without", "with", "only"):
            raise MaskError(f"a region is used 'without', 'with' or 'only', not {self.use!r}")

    def __str__(self) -> str:
        words = {"without": "without", "with": "again with", "only": "only"}
        return f"{words[self.use]} {self.region}"

    def after(self, good: Bools, picture: Picture) -> Bools:
        """Return the mask with the region taken out, brought back, or alone."""
        inside = picture.layout.pixels(self.region)
        if self.use == "with":
            return good | inside
        return good & (inside if self.use == "only" else ~inside)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"step": "region", "region": self.region.as_dict(), "use": self.use}


@dataclass(frozen=True)
class InvertStep(MaskStep):
    """Use what was not used, and the other way round."""

    def __str__(self) -> str:
        return "inverted"

    def after(self, good: Bools, picture: Picture) -> Bools:  # noqa: ARG002 - as all steps
        """Return the inverted mask."""
        return ~good


@dataclass(frozen=True)
class GrowStep(MaskStep):
    """Let the bad areas grow within each tile.

    Parameters
    ----------
    width
        [pixel]
    """

    width: int

    def __str__(self) -> str:
        return f"bad areas grown by {self.width} pixel(s)"

    def after(self, good: Bools, picture: Picture) -> Bools:  # noqa: ARG002 - as all steps
        """Return the mask with larger bad areas."""
        return grown(good, self.width)


@dataclass(frozen=True, eq=False)
class GivenStep(MaskStep):
    """Combine with another mask: from a file, a proposal, another program.

    Parameters
    ----------
    good
        Shape of the frames, True = use.
    origin
        Where it comes from, in words.
    use
        "and": used is what both use; "or": what one of them uses.

    Raises
    ------
    MaskError
        For a way to combine masks other than "and" and "or".
    """

    good: Bools
    origin: str = "an array"
    use: Literal["and", "or"] = "and"

    def __post_init__(self) -> None:
        if self.use not in ("and", "or"):
            raise MaskError(f"masks are combined by 'and' or 'or', not {self.use!r}")

    def __str__(self) -> str:
        return f"{self.use} the mask of {self.origin}"

    def after(self, good: Bools, picture: Picture) -> Bools:
        """Return the combined mask; `MaskError` where the shapes differ."""
        if self.good.shape != picture.frame.shape:
            raise MaskError(
                f"the mask of {self.origin} has shape {self.good.shape}, frames of "
                f"{picture.detector} {picture.frame.shape}; take one made for this detector"
            )
        return good & self.good if self.use == "and" else good | self.good

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: the bits packed, compressed, in base 64."""
        packed = base64.b64encode(zlib.compress(np.packbits(self.good).tobytes())).decode()
        return {
            "step": "given", "shape": list(self.good.shape), "bits": packed,
            "origin": self.origin, "use": self.use,
        }  # fmt: skip


Steps = Sequence[MaskStep]


def mask_of(steps: Steps, picture: Picture) -> Bools:
    """Return the mask that steps make, one after the other, in the shape of the frames."""
    good = np.ones(picture.frame.shape, np.bool_)
    for step in steps:
        good = step.after(good, picture)
    return good


def given(good: Array, picture: Picture, *, origin: str = "the mask") -> GivenStep:
    """Return the step that combines with a user's mask; `MaskError` where a check forbids it.

    Parameters
    ----------
    good
        True or 1 = use, shape of a frame.
    picture
        Of the detector, with its own mask.
    origin
        Where the mask comes from, in words.
    """
    found = check_mask(good, status=picture.good, field=picture.detector, origin=origin)
    errors = [one for one in found if one.severity is Severity.ERROR]
    if errors:
        raise MaskError(f"{origin}: {errors[0].message} [{errors[0].code}]")
    return GivenStep(np.asarray(good).astype(np.bool_), origin)


def proposed(dark: Floats, noise: Floats, *, sigmas: float = 6.0) -> GivenStep:
    """Return a step that takes out bad pixels as dark frames show them; see `regions.propose`.

    Parameters
    ----------
    dark, noise
        Mean and standard deviation of dark frames, shape of a frame, same unit.
    sigmas
        Pixels further than this from their tile's median are bad.
    """
    proposal = propose(dark, noise, sigmas=sigmas)
    counts = ", ".join(f"{count} {why}" for why, count in proposal.counts().items() if count)
    return GivenStep(proposal.good, f"dark frames, {sigmas:g} sigma: {counts or 'none bad'}")


def proposed_of(constants: Constants, *, sigmas: float = 6.0) -> GivenStep:
    """Return the step proposed from the dark level and noise of a detector's constants.

    Of several gain ranges the first counts. Raises `MaskError` where the constants lack them.
    """
    one = constants.in_range(constants.ranges[0]) if constants.ranges else constants
    if one.pedestal is None or one.noise is None:
        lacking = "dark level" if one.pedestal is None else "noise"
        raise MaskError(
            f"the constants of {one.detector} ({one.origin}) have no {lacking}: make them from a "
            "dark run with 'workbench constants'"
        )
    return proposed(one.pedestal, one.noise, sigmas=sigmas)


def step_from_dict(plain: Mapping[str, Any]) -> MaskStep:
    """Rebuild a step from `as_dict`; `MaskError` names what it cannot read."""
    values = {name: value for name, value in plain.items() if name != "step"}
    try:
        kind = _KINDS[plain["step"]]
        if kind is RegionStep:
            return RegionStep(region_from_dict(values["region"]), values["use"])
        if kind is GivenStep:
            return GivenStep(_bits(values), values["origin"], values["use"])
        return kind(**values)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise MaskError(f"cannot read a step of a mask from {str(dict(plain))[:200]}") from error


def _bits(values: Mapping[str, Any]) -> Bools:
    shape = tuple(int(length) for length in values["shape"])
    packed = np.frombuffer(zlib.decompress(base64.b64decode(values["bits"])), np.uint8)
    flat = np.unpackbits(packed, count=int(np.prod(shape)))
    return flat.astype(np.bool_).reshape(shape)


_KINDS: dict[str, type[MaskStep]] = {
    "status": StatusStep,
    "edges": EdgeStep,
    "threshold": ThresholdStep,
    "region": RegionStep,
    "invert": InvertStep,
    "grow": GrowStep,
    "given": GivenStep,
}
_KIND_OF = {kind: name for name, kind in _KINDS.items()}

"""Half-open pixel ranges in any number of dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.core.errors import InputError


class BoundsError(InputError):
    """A region that is empty, reversed or not on the detector."""


@dataclass(frozen=True)
class Bounds:
    """A half-open box of pixels: axis k covers ``low[k] <= index < high[k]``."""

    low: tuple[int, ...]
    high: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.low) != len(self.high) or not self.low:
            raise BoundsError(f"bounds need one low and one high per axis, not {self}")
        for axis, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            if low < 0 or high <= low:
                raise BoundsError(f"axis {axis}: [{low}, {high}] is empty or reversed")

    def __str__(self) -> str:
        pairs = (f"[{low}, {high}]" for low, high in zip(self.low, self.high, strict=True))
        return f"[{', '.join(pairs)}]"

    @classmethod
    def from_pairs(cls, pairs: Sequence[Sequence[float]]) -> "Bounds":
        """Build from ``[[low, high], ...]`` as producer configs write it."""
        for axis, pair in enumerate(pairs):
            if len(pair) != 2:
                raise BoundsError(f"axis {axis}: a range is [low, high], not {list(pair)}")
        return cls(tuple(int(low) for low, _ in pairs), tuple(int(high) for _, high in pairs))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length along each axis."""
        return tuple(high - low for low, high in zip(self.low, self.high, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        """One slice per axis."""
        return tuple(slice(low, high) for low, high in zip(self.low, self.high, strict=True))

    def within(self, outer: "Bounds") -> "Bounds":
        """Return where this box lies in the array that `outer` cuts out."""
        low = tuple(own - start for own, start in zip(self.low, outer.low, strict=True))
        high = tuple(own - start for own, start in zip(self.high, outer.low, strict=True))
        return Bounds(low, high)

    def fit(self, shape: tuple[int, ...]) -> "Bounds":
        """Return the part that lies on an array of this shape.

        An end beyond the array is legal (configs write 1e6 for "to the end"); a start beyond it,
        or another number of axes, raises `BoundsError`.
        """
        if len(shape) != len(self.low):
            raise BoundsError(
                f"region {self} has {len(self.low)} axes, the detector has shape {shape}"
            )
        for axis, (low, length) in enumerate(zip(self.low, shape, strict=True)):
            if low >= length:
                raise BoundsError(
                    f"region {self} starts at {low} on axis {axis}, where the detector ends at "
                    f"{length}: it lies outside the detector"
                )
        high = tuple(min(end, length) for end, length in zip(self.high, shape, strict=True))
        return Bounds(self.low, high)

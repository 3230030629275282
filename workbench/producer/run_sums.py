"""Run sums of one detector: added up frame by frame in workers, merged in the order of the run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.atomic import appearing
from workbench.core.frames import FrameSpec
from workbench.producer.entries import SumEntry
from workbench.reductions import Calibration, PixelSum
from workbench.reductions.sums import add_together
from workbench.sources import Frame


@dataclass(frozen=True, eq=False)
class SumGroup:
    """Sums that take the same frames, and what they have come to.

    Parameters
    ----------
    sums
        What is summed.
    dropped
        Whether they take only events without X-rays.
    skip_first
        Whether they leave out the run's first frame.
    raw
        Whether they take the readings as they are.
    state
        Shape (segment, sum, pixel): compiled loops want each array of a frame by itself.
    """

    sums: tuple[PixelSum, ...]
    dropped: bool
    skip_first: bool
    raw: bool
    state: Floats


class RunSums:
    """All run sums of one detector over some of the events.

    Parameters
    ----------
    entries
        From the config.
    spec
        Of whole frames.
    constants
        Of each segment.
    """

    def __init__(
        self, entries: Sequence[SumEntry], spec: FrameSpec, constants: Sequence[Calibration]
    ) -> None:
        self._spec = spec
        self._constants = tuple(constants)
        every = [entry.sum for entry in entries]
        kinds = sorted({_kind(one) for one in every})
        chosen = (tuple(one for one in every if _kind(one) == kind) for kind in kinds)
        self.groups = tuple(
            SumGroup(sums, *kind, self._start(sums))
            for sums, kind in zip(chosen, kinds, strict=True)
        )

    def add(self, group: SumGroup, frames: Sequence[Frame]) -> Bools:
        """Add frames to all sums of a group; return which had good pixels without a value."""
        missing = np.zeros(len(frames), np.bool_)
        for number, constants in enumerate(self._constants):
            pixels = [frame[number] for frame in frames]
            if group.raw and pixels:
                none = self._none(constants.pedestal.shape, pixels[0].dtype.name)
                constants = replace(none, good=constants.good)
            missing |= add_together(group.sums, group.state[number], pixels, constants)
        return missing

    def save(self, path: Path) -> None:
        """Write the sums for `merge`; the file appears whole."""
        with appearing(path) as place, place.open("wb") as file:
            for group in self.groups:
                file.write(group.state.data)

    def merge(self, path: Path) -> None:
        """Add the sums of the events that follow, as `save` wrote them."""
        start = 0
        for group in self.groups:
            later = np.memmap(path, np.float64, "r", start, group.state.shape)
            for number, one in enumerate(group.sums):
                one.merge(group.state[:, number], later[:, number])
            start += group.state.nbytes

    def finish(self) -> dict[str, Array]:
        """Return the sums for the file, by name."""
        return {
            one.name: one.finish(
                np.ascontiguousarray(group.state[:, number]).reshape(self._spec.shape), self._spec
            )
            for group in self.groups
            for number, one in enumerate(group.sums)
        }

    @staticmethod
    @lru_cache(maxsize=4)
    def _none(shape: tuple[int, ...], dtype: str) -> Calibration:
        return Calibration.of(None, shape=shape, dtype=dtype)

    def _start(self, sums: Sequence[PixelSum]) -> Floats:
        pixels = self._constants[0].pedestal.size
        pixel = replace(self._spec, shape=(1,))
        starts = np.stack([one.start(pixel) for one in sums])
        return np.broadcast_to(starts, (len(self._constants), len(sums), pixels)).copy()


def _kind(one: PixelSum) -> tuple[bool, bool, bool]:
    return one.dropped, one.skip_first, one.raw

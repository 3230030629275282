"""One area detector: its calibration, regions and sums, worked stack by stack."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from workbench.core.arrays import Array, Bools, Frames, Ints
from workbench.core.constants import Constants
from workbench.core.errors import WorkbenchError
from workbench.core.frames import FrameSpec
from workbench.core.stack import Stack
from workbench.producer.entries import RoiEntry, SumEntry
from workbench.producer.frames import FrameField
from workbench.reductions import Calibration, calibrate
from workbench.smalldata import DatasetSpec
from workbench.sources import RawRun

GROUP_BYTES = 64 << 20  # of frames worked at a time
BATCH_PIXELS = 1 << 19  # calibrated at a time, so that they stay in the processor's cache
# What a reduction may raise on odd data; anything else is a fault of the machine and stops the run.
REDUCTION_ERRORS = (
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,
    WorkbenchError,
)


@dataclass(frozen=True, eq=False)
class AreaDetector:
    """What is done with the frames of one detector.

    Parameters
    ----------
    frames
        Where they are in the raw run.
    calibration
        Constants ready for use.
    rois, sums
        From the config.
    constants
        As read; None without.
    """

    frames: FrameField
    calibration: Calibration
    rois: tuple[RoiEntry, ...] = ()
    sums: tuple[SumEntry, ...] = ()
    constants: Constants | None = None

    @property
    def name(self) -> str:
        """Name of the detector."""
        return self.frames.detector

    @cached_property
    def spec(self) -> FrameSpec:
        """What reductions are told."""
        return self.calibration.spec

    @cached_property
    def specs(self) -> tuple[DatasetSpec, ...]:
        """The datasets of all regions."""
        return tuple(
            DatasetSpec(
                f"{self.name}/{entry.name}_{output.name}",
                output.dtype,
                output.shape,
                unit=output.unit,
                long_name=output.long_name,
            )
            for entry in self.rois
            for output in entry.roi.outputs(self.spec)
        )

    @property
    def group(self) -> int:
        """How many frames are worked at a time: where they are copied, this bounds the memory."""
        size = prod(self.frames.shape) * np.dtype(self.frames.dtype).itemsize
        return max(1, GROUP_BYTES // size)


class AreaWork:
    """Reduces the frames of one range of events and keeps its part of the run sums.

    Parameters
    ----------
    detector
        What to do.
    """

    def __init__(self, detector: AreaDetector) -> None:
        self._detector = detector
        self.sums = {entry.sum.name: entry.sum.start(detector.spec) for entry in detector.sums}
        self.counts: Counter[str] = Counter()
        self.messages: dict[str, str] = {}

    def reduce(self, raw: RawRun, stack: Stack, xray: Ints | None) -> dict[str, Array]:
        """Return a row for each event of the stack and each dataset, and add to the sums.

        Parameters
        ----------
        raw
            Where the frames are; they are read event by event, as views on the file if they can.
        stack
            The events; its own arrays are not used.
        xray
            Beam status of each event: 1 on, 0 off, -1 unknown; None where the run has none.
        """
        values = {spec.name: spec.blank(len(stack)) for spec in self._detector.specs}
        damaged = raw.damaged(self._detector.name)[stack.first : stack.first + len(stack)]
        other_gain = np.zeros(len(stack), np.bool_)
        for rows, frames in self._frames(raw, stack):
            for entry in self._detector.rois:
                self._region(entry, rows, frames, values, other_gain)
            for summed in self._detector.sums:
                chosen = ~damaged[rows]
                if summed.sum.dropped:  # of unknown status: not known to be dropped
                    chosen &= False if xray is None else xray[rows] == 0
                self._add(summed, [frames[place] for place in np.flatnonzero(chosen)])
            if np.isfinite(self._detector.calibration.limit) and self._detector.sums:
                other_gain[rows] |= self._switched(frames)
        if count := int(np.count_nonzero(other_gain)):
            self.counts["other_gain"] += count
        return values

    def _frames(self, raw: RawRun, stack: Stack) -> Iterator[tuple[Ints, list[Array]]]:
        """Yield rows of the stack with their frames, a few at a time."""
        detector = self._detector
        span = slice(stack.first, stack.first + len(stack))
        candidates = raw.present(detector.name)[span] | raw.partial(detector.name)[span]
        rows: list[int] = []
        frames: list[Array] = []
        for row in np.flatnonzero(candidates).tolist():
            frame = raw.event(stack.first + row)[detector.frames.name]
            if frame is None:
                continue
            rows.append(row)
            frames.append(frame)
            if len(rows) == detector.group:
                yield np.array(rows), frames
                rows, frames = [], []
        if rows:
            yield np.array(rows), frames

    def _region(
        self,
        entry: RoiEntry,
        rows: Ints,
        frames: list[Array],
        values: dict[str, Array],
        other_gain: Bools,
    ) -> None:
        detector = self._detector
        region = entry.roi.region(detector.spec)
        size = max(1, BATCH_PIXELS // prod(region.shape))
        for first in range(0, len(rows), size):
            batch = rows[first : first + size]
            try:
                cut = np.stack([frame[region.slices] for frame in frames[first : first + size]])
                pixels = calibrate(cut, detector.calibration.within(region))
                reduced = entry.roi.reduce_region(pixels, detector.spec)
            except REDUCTION_ERRORS as error:
                self.counts[f"error_{entry.name}"] += len(batch)
                self.messages.setdefault(entry.name, f"{type(error).__name__}: {error}")
                continue
            other_gain[batch] |= self._beyond(pixels)
            for name, reduced_rows in reduced.items():
                values[f"{detector.name}/{entry.name}_{name}"][batch] = reduced_rows

    def _beyond(self, pixels: Frames) -> Bools:
        if not np.isfinite(self._detector.calibration.limit):
            return np.zeros(len(pixels), np.bool_)
        return np.asarray(np.isnan(pixels.reshape(len(pixels), -1)).any(axis=1))

    def _switched(self, frames: list[Array]) -> Bools:
        limit = self._detector.calibration.limit
        return np.array([frame.max() >= limit for frame in frames], np.bool_)

    def _add(self, entry: SumEntry, frames: list[Array]) -> None:
        name = entry.sum.name
        try:
            added = entry.sum.add(self.sums[name], frames, self._detector.calibration)
        except REDUCTION_ERRORS as error:
            self.counts[f"error_sum_{name}"] += len(frames)
            self.messages.setdefault(f"sum_{name}", f"{type(error).__name__}: {error}")
            return
        self.sums[name] = added
        self.counts[f"summed_{name}"] += len(frames)

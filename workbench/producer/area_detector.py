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
    def bytes_per_event(self) -> int:
        """Size of one raw frame [bytes]."""
        return prod(self.frames.shape) * np.dtype(self.frames.dtype).itemsize


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

    def reduce(self, stack: Stack, xray: Ints | None) -> dict[str, Array]:
        """Return a row per event for each dataset and add to the sums.

        Parameters
        ----------
        xray
            Beam status of each event: 1 on, 0 off, -1 unknown; None where the run has none.
        """
        field = self._detector.frames
        frames, present = stack[field.name], stack.present[field.algorithm]
        values = {spec.name: spec.blank(len(stack)) for spec in self._detector.specs}
        other_gain = np.zeros(len(stack), np.bool_)
        for entry in self._detector.rois:
            self._region(entry, frames, np.flatnonzero(present), values, other_gain)
        whole = present & ~stack.damaged.get(field.algorithm, np.zeros(len(stack), np.bool_))
        for summed in self._detector.sums:
            chosen = whole & (xray == 0) if summed.sum.dropped and xray is not None else whole
            self._add(summed, frames, np.flatnonzero(chosen), other_gain)
        if count := int(np.count_nonzero(other_gain)):
            self.counts["other_gain"] += count
        return values

    def _region(
        self,
        entry: RoiEntry,
        frames: Array,
        rows: Ints,
        values: dict[str, Array],
        other_gain: Bools,
    ) -> None:
        detector = self._detector
        region = entry.roi.region(detector.spec)
        for batch in _batches(rows, max(1, BATCH_PIXELS // prod(region.shape))):
            try:
                pixels = calibrate(frames, detector.calibration, region, rows=_span(batch))
                reduced = entry.roi.reduce_region(pixels, detector.spec)
            except REDUCTION_ERRORS as error:
                self.counts[f"error_{entry.name}"] += len(batch)
                self.messages.setdefault(entry.name, f"{type(error).__name__}: {error}")
                continue
            other_gain[batch] |= self._beyond(pixels)
            for name, rows_of_value in reduced.items():
                values[f"{detector.name}/{entry.name}_{name}"][batch] = rows_of_value

    def _beyond(self, pixels: Frames) -> Bools:
        if not np.isfinite(self._detector.calibration.limit):
            return np.zeros(len(pixels), np.bool_)
        return np.asarray(np.isnan(pixels.reshape(len(pixels), -1)).any(axis=1))

    def _add(self, entry: SumEntry, frames: Array, rows: Ints, other_gain: Bools) -> None:
        calibration = self._detector.calibration
        name = entry.sum.name
        if not len(rows):
            return
        try:
            self.sums[name] = entry.sum.add(self.sums[name], frames, calibration, rows=rows)
        except REDUCTION_ERRORS as error:
            self.counts[f"error_sum_{name}"] += len(rows)
            self.messages.setdefault(f"sum_{name}", f"{type(error).__name__}: {error}")
            return
        self.counts[f"summed_{name}"] += len(rows)
        if np.isfinite(calibration.limit):
            for row in rows:
                other_gain[row] |= frames[row].max() >= calibration.limit


def _batches(rows: Ints, size: int) -> Iterator[Ints]:
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def _span(rows: Ints) -> Ints | slice:
    """Return a slice where rows follow each other: slices take no copy."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows

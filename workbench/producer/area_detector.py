"""One area detector: its calibration, reductions and sums, worked stack by stack."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from workbench.core.arrays import Bools, Ints
from workbench.core.bounds import Bounds
from workbench.core.errors import WorkbenchError
from workbench.core.frames import FrameSpec, Output
from workbench.core.stack import Stack
from workbench.producer.entries import SumEntry
from workbench.producer.frames import FrameField
from workbench.producer.run_sums import RunSums
from workbench.reductions import Calibration, Reduction, calibrate
from workbench.reductions.calibrate import lacking
from workbench.regions import Layout
from workbench.smalldata import DatasetSpec, SomeRows
from workbench.sources import Frame, RawRun

BESIDE = ("fim", "w8")  # in names of detectors that LCLS-II files keep as det_<name>
GROUP_BYTES = 64 << 20  # of frames worked at a time
BATCH_PIXELS = 9 << 19  # calibrated at a time: eight frames of ePix100, four of a megapixel
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
class Task:
    """One reduction of a detector and the name of its datasets."""

    name: str
    reduction: Reduction


@dataclass(frozen=True, eq=False)
class AreaDetector:
    """What is done with the frames of one detector.

    Parameters
    ----------
    frames
        Where they are in the raw run.
    calibration
        Constants ready for use.
    tasks, sums
        What is made of them.
    origin
        Where the constants came from; empty without.
    layout
        Where its pixels lie in the assembled picture; None where no sum asks for it.
    integrating
        Whether its frames have rows of their own, below ``intg/``.
    """

    frames: FrameField
    calibration: Calibration
    tasks: tuple[Task, ...] = ()
    sums: tuple[SumEntry, ...] = ()
    origin: str = ""
    layout: Layout | None = None
    integrating: bool = False

    @property
    def name(self) -> str:
        """Name of the detector."""
        return self.frames.detector

    @property
    def folder(self) -> str:
        """Folder of what is made of it: monitors of eight diodes have one beside their readings."""
        return f"det_{self.name}" if any(part in self.name for part in BESIDE) else self.name

    @cached_property
    def spec(self) -> FrameSpec:
        """What reductions are told."""
        return self.calibration.spec

    @cached_property
    def may_be_nan(self) -> bool:
        """Whether pixels in use can be NaN: by their amplifier, or as the detector stores them."""
        return self.calibration.may_miss or np.dtype(self.frames.dtype).kind == "f"

    @cached_property
    def specs(self) -> tuple[DatasetSpec, ...]:
        """The datasets of all reductions."""
        return tuple(
            DatasetSpec(
                self.dataset(task, output),
                output.dtype,
                output.shape,
                unit=output.unit,
                long_name=output.long_name,
                dims=tuple(self.setting(task, name) for name in output.dims),
                labels=self._labels(task, output),
                ragged=output.ragged,
            )
            for task in self.tasks
            for output in task.reduction.outputs(self.spec)
        )

    def _labels(self, task: Task, output: Output) -> tuple[str, ...]:
        """Return what the axes of one output are called."""
        kept = task.reduction.settings(self.spec) if output.dims else {}
        return tuple(kept[name].axis or name for name in output.dims)

    def dataset(self, task: Task, output: Output) -> str:
        """Return the dataset of one output."""
        folder = f"intg/{self.folder}" if self.integrating else self.folder
        return f"{folder}/{output.under(task.name).path}"

    def setting(self, task: Task, name: str) -> str:
        """Return the dataset of one setting of a reduction, or of one inside it ("pj.axis")."""
        own = f"{task.name}_{name}" if "." not in name else name.replace(".", "_")
        return f"UserDataCfg/{self.folder}/{task.name}__{own}"

    @property
    def group(self) -> int:
        """How many frames are worked at a time: where they are copied, this bounds the memory."""
        size = prod(self.frames.shape) * np.dtype(self.frames.dtype).itemsize
        return max(1, GROUP_BYTES // size)

    @cached_property
    def by_segment(self) -> tuple[Calibration, ...]:
        """Constants of each of the arrays that a frame consists of."""
        if self.frames.segments == 1:
            return (self.calibration,)
        whole = self.frames.shape
        low = (0,) * len(whole)
        return tuple(
            self.calibration.within(Bounds((number, *low[1:]), (number + 1, *whole[1:])))
            for number in range(self.frames.segments)
        )


class AreaWork:
    """Reduces the frames of one range of events and keeps its part of the run sums.

    Parameters
    ----------
    detector
        What to do.
    """

    def __init__(self, detector: AreaDetector) -> None:
        self._detector = detector
        self.sums = RunSums(detector.sums, detector.spec, detector.by_segment)
        self.counts: Counter[str] = Counter()
        self.messages: dict[str, str] = {}

    def reduce(self, raw: RawRun, stack: Stack, xray: Ints | None) -> dict[str, SomeRows]:
        """Return the rows of the events that have the frame, for each dataset; add to the sums.

        Parameters
        ----------
        raw
            Where the frames are; they are read event by event, as views on the file if they can.
        stack
            The events; its own arrays are not used.
        xray
            Beam status of each event: 1 on, 0 off, -1 unknown; None where the run has none.
        """
        detector, stop = self._detector, stack.first + len(stack)
        found: dict[str, list[SomeRows]] = {spec.name: [] for spec in detector.specs}
        damaged = raw.damaged(detector.name)[stack.first : stop]
        frames_of = detector.frames.read(raw, start=stack.first, stop=stop, size=detector.group)
        for events, frames in frames_of:
            rows = events - stack.first
            other_gain = np.zeros(len(rows), np.bool_)
            for task in detector.tasks:
                for name, some in self._task(task, rows, frames, other_gain):
                    found[name].append(some)
            whole = ~damaged[rows]
            known_dropped = whole & (False if xray is None else xray[rows] == 0)
            first = events == int(np.argmax(raw.present(detector.name)))
            self._add(frames, (whole, known_dropped, first), other_gain)
            if count := int(np.count_nonzero(other_gain)):
                state = "other_gain" if detector.calibration.may_miss else "nan_pixels"
                self.counts[state] += count
        return {spec.name: _joined(spec, found[spec.name]) for spec in detector.specs}

    def _task(
        self, task: Task, rows: Ints, frames: Sequence[Frame], other_gain: Bools
    ) -> Iterator[tuple[str, SomeRows]]:
        detector = self._detector
        region = task.reduction.region(detector.spec)
        around = detector.calibration.around(region)
        constants = detector.calibration.within(around)
        wanted = (slice(None), *region.within(around).slices)
        outputs = task.reduction.outputs(detector.spec)
        datasets = {output.name: detector.dataset(task, output) for output in outputs}
        size = max(1, BATCH_PIXELS // prod(around.shape))
        for first in range(0, len(rows), size):
            batch = slice(first, first + size)
            try:
                cut = detector.frames.cut(frames[batch], around)
                pixels = calibrate(cut, constants)
                reduced = task.reduction.reduced(pixels[wanted], detector.spec)
            except REDUCTION_ERRORS as error:
                self.counts[f"error_{task.name}"] += len(rows[batch])
                self.messages.setdefault(task.name, f"{type(error).__name__}: {error}")
                continue
            if detector.may_be_nan:
                other_gain[batch] |= lacking(pixels, constants)
            for name, values in reduced.items():
                yield datasets[name], SomeRows(rows[batch], values)

    def _add(
        self, frames: Sequence[Frame], kinds: tuple[Bools, Bools, Bools], other_gain: Bools
    ) -> None:
        """Add frames to the sums; `kinds`: whole, without X-rays, the first of the run."""
        whole, dropped, first = kinds
        for group in self.sums.groups:
            taken = dropped if group.dropped else whole
            chosen = np.flatnonzero(taken & ~first if group.skip_first else taken)
            try:
                missing = self.sums.add(group, [frames[place] for place in chosen.tolist()])
            except REDUCTION_ERRORS as error:
                for one in group.sums:
                    self.counts[f"error_sum_{one.name}"] += len(chosen)
                    self.messages.setdefault(f"sum_{one.name}", f"{type(error).__name__}: {error}")
                continue
            other_gain[chosen] |= missing
            for one in group.sums:
                self.counts[f"summed_{one.name}"] += len(chosen)


def _joined(spec: DatasetSpec, found: Sequence[SomeRows]) -> SomeRows:
    if len(found) == 1:
        return found[0]
    where = np.concatenate([np.empty(0, np.int64), *(some.where for some in found)])
    values = np.concatenate([spec.blank(0), *(some.values for some in found)])
    return SomeRows(where, values)

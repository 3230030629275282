"""Frames of one detector of a raw run, calibrated as the producer calibrates them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from workbench.core.arrays import Floats, Frames, Ints
from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.frames import FrameSpec
from workbench.producer import ProducerConfig
from workbench.producer.common_mode import FUNCTION as COMMON_MODE
from workbench.producer.entries import EntryError
from workbench.producer.frames import FrameField, calibration_of, frame_fields
from workbench.reductions import Calibration, calibrate
from workbench.sources import RawRun
from workbench.sources.constants import read_constants

GROUP_BYTES = 32 << 20  # of frames read at a time


class NoFramesError(InputError):
    """A detector that delivered no frame."""


@dataclass(frozen=True, eq=False)
class RawFrames:
    """The frames of one detector of a raw run.

    Parameters
    ----------
    raw
        The run.
    field
        Where the frames are in it.
    calibration
        Constants ready for use.
    constants
        As read, with the positions of the pixels; None without.
    common_mode
        In words: that it was taken off as the config asks, or why not; empty where none is asked.
    """

    raw: RawRun
    field: FrameField
    calibration: Calibration
    constants: Constants | None = None
    common_mode: str = ""

    @classmethod
    def of(
        cls,
        raw: RawRun,
        detector: str,
        *,
        constants: Path | None = None,
        config: Path | None = None,
    ) -> "RawFrames":
        """Find the frames of a detector.

        Raises `UnknownNameError` where the run has no such detector with frames, `NoFramesError`
        where it is in none of the events.

        Parameters
        ----------
        raw, detector
            The run and its detector.
        constants
            File of calibration constants; None leaves frames raw, in ADU.
        config
            Producer config whose common mode is taken off, as a production does; None: none is.
        """
        fields = frame_fields(raw)
        if detector in raw.detectors and not raw.present(detector).any():
            raise NoFramesError(
                f"{detector} is in none of the {raw.n_events} events of {label_of(raw)}; choose "
                "another run, or check that the detector was recorded"
            )
        if detector not in fields:
            raise UnknownNameError("detector with frames", detector, fields, label_of(raw))
        field, read = fields[detector], None
        if constants is not None:
            read = read_constants(constants, detector, number_of(raw))
        made, told = calibration_of(raw, field, read), ""
        if config is not None:
            made, told = _without_common_mode(made, field, config, number_of(raw))
        return cls(raw, field, made, read, told)

    @property
    def spec(self) -> FrameSpec:
        """What reductions are told."""
        return self.calibration.spec

    @property
    def label(self) -> str:
        """Where the values come from, in words."""
        told = f", {self.common_mode}" if self.common_mode else ""
        return f"raw frames of {self.field.detector}, {label_of(self.raw)}{told}"

    @property
    def whole(self) -> Bounds:
        """All pixels."""
        return Bounds((0,) * len(self.field.shape), self.field.shape)

    def stacks(
        self,
        region: Bounds | None = None,
        *,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[tuple[Ints, Frames]]:
        """Yield event numbers and calibrated pixels of a region, shape (event, *region).

        Events without the detector's frame are left out.

        Parameters
        ----------
        region
            Pixels wanted; None: all.
        start, stop
            Range of events.
        """
        region = self.whole if region is None else region
        around = self.calibration.around(region)
        constants, wanted = self.calibration.within(around), region.within(around).slices
        fitting = GROUP_BYTES // (prod(self.field.shape) * np.dtype(self.field.dtype).itemsize)
        groups = self.field.read(self.raw, start=start, stop=stop, size=max(1, fitting))
        for events, frames in groups:
            pixels = calibrate(self.field.cut(frames, around), constants)
            yield events, pixels[:, *wanted]

    def mean(self, events: int) -> tuple[Floats, int]:
        """Return the mean of the first frames and how many they are; NaN where none was usable."""
        total, count = np.zeros(self.field.shape), np.zeros(self.field.shape)
        done = 0
        for numbers, frames in self.stacks():
            used = frames[: events - done].astype(np.float64)
            known = np.isfinite(used)
            total += np.where(known, used, 0.0).sum(axis=0)
            count += known.sum(axis=0)
            done += min(len(numbers), events - done)
            if done >= events:
                break
        return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0), done


def _without_common_mode(
    calibration: Calibration, field: FrameField, path: Path, run: int
) -> tuple[Calibration, str]:
    """Return a calibration that takes off what a config asks for, and what was done, in words."""
    try:
        config = ProducerConfig.load(path, run)
    except NotThereError as error:
        return calibration, f"without common mode: {error}"
    mine = f"{COMMON_MODE}[{field.detector!r}]"
    for mode in config.common_modes:
        if mode.detector != field.detector:
            continue
        try:
            made = mode.applied(calibration, field)
        except EntryError as error:
            return calibration, f"without the common mode that {path.name} asks for: {error}"
        return made, f"without common mode (mode {mode.mode.bits} of {path.name})"
    for one in config.skipped:
        if one.entry.startswith((mine, "the ")) or one.entry == COMMON_MODE:
            return calibration, f"common mode is not taken off: {one.reason}"
    return calibration, ""


def number_of(raw: RawRun) -> int:
    """Return the number by which constants and files name a run."""
    return raw.number if raw.file_number is None else raw.file_number


def label_of(raw: RawRun) -> str:
    """Return how messages name a raw run."""
    return f"{raw.experiment} run {number_of(raw)}"

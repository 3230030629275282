"""Frames summed over a run, pixel by pixel."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output
from workbench.reductions.base import RunSum, reductions
from workbench.reductions.calibrate import Calibration, calibrate, lacking
from workbench.reductions.sum_kernels import HITS, MAXIMUM, SQUARE, add_frames

_THRESHOLD = re.compile(r"thresADU(?P<value>-?\d+(\.\d+)?(e-?\d+)?)$")
_SKIP = {"skip", "skipFirst"}
TOGETHER = 32  # frames that pass while a block of the sum is in the fastest memory
RAW = "raw"  # base word of sums that are not calibrated; any other base word means nothing
TOKENS = ("calib", "max", "square", "dropped", "nhits", "img", "skipFirst", "thresADU<x>")


class UnknownSumError(InputError):
    """A sum algorithm with a token that this version does not have."""


@reductions.register("sum")
@dataclass(frozen=True)
class PixelSum(RunSum[Floats]):
    """Sum, or largest value, of each pixel over the events of a run.

    Parameters
    ----------
    name
        As in the config, for example "calib_thresADU2_square".
    low
        Values below count as zero, in the unit of the frames.
    hits
        Count values above zero as 1.
    square
        Sum squares.
    maximum
        Keep the largest value instead of adding.
    dropped
        Use only events without X-rays.
    skip_first
        Leave out the run's first frame, which cameras often read badly.
    image
        Store the assembled picture of the sum.
    raw
        Sum the readings as the DAQ stored them, with pedestal and gain bits.
    """

    name: str = "calib"
    low: float = -np.inf
    hits: bool = False
    square: bool = False
    maximum: bool = False
    dropped: bool = False
    skip_first: bool = False
    image: bool = False
    raw: bool = False

    @classmethod
    def parse(cls, text: str) -> "PixelSum":
        """Read an algorithm as configs write it: tokens joined by ``_``, "raw" or another first.

        Raises
        ------
        UnknownSumError
            For a token that there is not.
        """
        base, *tokens = text.split("_")
        low = -np.inf
        for token in tokens:
            match = _THRESHOLD.match(token)
            if match:
                low = float(match["value"])
            elif token not in TOKENS and token not in _SKIP:
                raise UnknownSumError(
                    f"sum {text!r}: unknown token {token!r}; known are {', '.join(TOKENS)}"
                )
        hits, square, maximum = (name in tokens for name in ("nhits", "square", "max"))
        skip = not _SKIP.isdisjoint(tokens)
        only, image, raw = "dropped" in tokens, "img" in tokens, base == RAW
        return cls(text, low, hits, square, maximum, only, skip, image, raw)

    @property
    def flags(self) -> int:
        """What is done with each value, as the compiled loop takes it."""
        return HITS * self.hits | SQUARE * self.square | MAXIMUM * self.maximum

    def output(self, spec: FrameSpec) -> Output:
        """Declare the sum, in the shape of the detector; its picture is made of it at the end."""
        value = "ADU" if self.raw else spec.unit
        unit = "1" if self.hits else f"{value}^2" if self.square else value
        what = "largest value" if self.maximum else "sum"
        which = "events without X-rays" if self.dropped else "all events"
        which = f"{which} but the first" if self.skip_first else which
        long_name = f"{what} of each pixel over {which}, not masked"
        long_name += ", not calibrated" if self.raw else ""
        long_name += ", assembled" if self.image else ""
        return Output(self.name, unit, spec.shape, "float64", long_name)

    def start(self, spec: FrameSpec) -> Floats:
        """Return the empty sum."""
        return np.full(spec.shape, -np.inf if self.maximum else 0.0)

    def add(
        self,
        state: Floats,
        frames: Sequence[Array] | Array,
        calibration: Calibration | None = None,
    ) -> Floats:
        """Return the sum with these frames added, in place; pixels that are NaN add nothing."""
        if not len(frames):
            return state
        if calibration is None:
            calibration = Calibration.of(None, shape=state.shape, dtype=frames[0].dtype.name)
        add_together([self], state.reshape(1, -1), frames, calibration)
        return state

    def merge(self, first: Floats, second: Floats) -> Floats:
        """Return the sum of two parts of the run, the first one with the second added."""
        together: np.ufunc = np.maximum if self.maximum else np.add
        together(first, second, out=first)
        return first

    def finish(self, state: Floats, spec: FrameSpec) -> Floats:
        """Return the sum; the largest of no event is NaN."""
        if self.maximum:
            state = np.where(np.isneginf(state), np.nan, state)
        return state.reshape(spec.shape)


def add_together(
    sums: Sequence[PixelSum],
    states: Floats,
    frames: Sequence[Array] | Array,
    calibration: Calibration,
) -> Bools:
    """Add frames to several sums in one pass, in place; states are (sum, pixel).

    Returns for each frame whether a good pixel has no value: it used another amplifier than the
    constants', or is NaN or infinite.
    """
    if calibration.table is not None or calibration.common is not None:  # not pixel by pixel
        values = [calibrate(frame[np.newaxis], calibration)[0] for frame in frames]
        plain = Calibration.of(None, shape=states.shape[1:], dtype=calibration.pedestal.dtype.name)
        add_together(sums, states, values, plain)
        return np.array([lacking(one[np.newaxis], calibration)[0] for one in values], np.bool_)
    lows = np.array([one.low for one in sums])
    flags = np.array([one.flags for one in sums], np.int64)
    missing = np.zeros(-(-len(frames) // TOGETHER) * TOGETHER, np.bool_)
    for first in range(0, len(frames), TOGETHER):
        group = [_flat(frame) for frame in frames[first : first + TOGETHER]]
        add_frames(
            states,
            tuple(group + group[:1] * (TOGETHER - len(group))),
            len(group),
            calibration.pedestal.reshape(-1),
            calibration.gain.reshape(-1),
            np.ascontiguousarray(calibration.good).reshape(-1),
            calibration.limit,
            frames[0].dtype.kind == "f" or bool(np.isfinite(calibration.limit)),
            lows,
            flags,
            missing[first:],
        )
    return missing[: len(frames)]


def _flat(frame: Array) -> Array:
    """Return the pixels in a row, read-only: one type for the compiler whatever the source."""
    pixels = np.ascontiguousarray(frame).reshape(-1).view()
    pixels.flags.writeable = False
    return pixels

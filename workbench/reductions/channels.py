"""Channels of a digitizer: their waveforms, whole and in part, each over its own time axis.

Frames are (channel, sample), or (sample,) of one channel. Names are those of today's producer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Frames
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, reductions
from workbench.reductions.waveforms import Samples

AFTER = "time after the first sample sent"


@reductions.register("channels")
@dataclass(frozen=True)
class Channels(Reduction):
    """Whole waveforms of a digitizer, channel by channel.

    Parameters
    ----------
    numbers
        By which the channels are called, one for each row of the frames.
    lengths
        Samples of each.
    step
        From sample to sample [s].
    """

    numbers: tuple[int, ...]
    lengths: tuple[int, ...]
    step: float

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare a waveform of each channel; NaN where nothing was sent.

        Raises
        ------
        InputError
            Where the frames do not have these channels and samples.
        """
        rows = spec.shape[0] if len(spec.shape) > 1 else 1
        if len(self.numbers) != rows or max(self.lengths) > spec.shape[-1]:
            raise InputError(f"channels of {self.lengths} samples, but frames of {spec.shape}")
        text = "waveform; NaN where nothing was sent"
        return tuple(
            Output(
                f"hsd_{number}", spec.unit, (length,), "float32", text, dims=(f"times_{number}",)
            )
            for number, length in zip(self.numbers, self.lengths, strict=True)
        )

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:  # noqa: ARG002 - as all
        """Return the times of the samples of each channel."""
        return {
            f"times_{number}": Setting(np.arange(length) * self.step, "s", AFTER, "time")
            for number, length in zip(self.numbers, self.lengths, strict=True)
        }

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the waveforms, shape (event, sample); bad samples are NaN."""
        lines = np.where(spec.good, pixels, np.float32(np.nan))
        lines = lines.reshape(len(pixels), len(self.numbers), -1)
        return {
            f"hsd_{number}": lines[:, row, :length]
            for row, (number, length) in enumerate(zip(self.numbers, self.lengths, strict=True))
        }


@reductions.register("part of a channel")
@dataclass(frozen=True)
class ChannelPart(Reduction):
    """A range of samples of one channel, and their sum.

    Parameters
    ----------
    number
        By which the channel is called.
    row
        Of the frames.
    samples
        The range, [first, last).
    step
        From sample to sample [s].
    """

    number: int
    row: int
    samples: Samples
    step: float

    @property
    def name(self) -> str:
        """Name of its values."""
        return f"hsd_{self.number}__ROI"

    def region(self, spec: FrameSpec) -> Bounds:
        """Return the samples."""
        first, last = self.samples
        if len(spec.shape) == 1:
            return Bounds((first,), (last,))
        return Bounds((self.row, first), (self.row + 1, last))

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare samples and sum; NaN where nothing was sent.

        Raises
        ------
        InputError
            For samples that the channel does not have.
        """
        first, last = self.samples
        if not 0 <= first < last <= spec.shape[-1]:
            raise InputError(
                f"[{first}, {last}] does not lie on the {spec.shape[-1]} samples of "
                f"hsd_{self.number}; write [first, last) with 0 <= first < last"
            )
        shape, dims = (last - first,), (f"{self.name}.times",)
        text = "part of the waveform; NaN where nothing was sent"
        total = "sum of that part; NaN where a sample of it was not sent"
        return (
            Output(f"{self.name}_wf", spec.unit, shape, "float32", text, dims=dims),
            Output(f"{self.name}_sum", spec.unit, long_name=total),
        )

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:  # noqa: ARG002 - as all
        """Return the range and the times of its samples."""
        times = np.arange(*self.samples) * self.step
        return {
            f"{self.name}.ROI": Setting(np.array(self.samples), "1", "samples [first, last)"),
            f"{self.name}.times": Setting(times, "s", AFTER, "time"),
        }

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return samples, shape (event, sample), and sums, shape (event,); bad samples are NaN."""
        good = spec.good[self.region(spec).slices]
        wave = np.where(good, pixels, np.float32(np.nan)).reshape(len(pixels), -1)
        return {
            f"{self.name}_wf": wave,
            f"{self.name}_sum": wave.sum(axis=1, dtype=np.float64),
        }

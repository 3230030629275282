"""Waveforms of digitizers: integrals above a baseline, and samples above threshold.

Frames are (sample,) or (channel, sample); ranges of samples are half-open.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Frames
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, reductions

Samples = tuple[int, int]  # [first, last)


@reductions.register("waveform integral")
@dataclass(frozen=True)
class WaveformIntegral(Reduction):
    """Sum of a range of samples of each channel above its baseline.

    Parameters
    ----------
    signal
        Range that is summed; None takes all samples.
    background
        Range whose median is the baseline of the channel in that event; None: the baseline is 0.
    negative
        Turn the sign: pulses go down.
    """

    signal: Samples | None = None
    background: Samples | None = None
    negative: bool = False

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare one integral per channel; a bad channel or sample leaves NaN."""
        check_samples(self.signal, spec, "sig_roi")
        check_samples(self.background, spec, "bkg_roi")
        text = "sum of the samples" if self.background is None else "sum above the median before it"
        return (Output("", spec.unit, spec.shape[:-1], "float64", text),)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the ranges of samples and the sign."""
        kept = {"negative_signal": Setting(int(self.negative), "1", "1 = sign turned")}
        signal = self.signal or (0, spec.shape[-1])
        kept["sig_roi"] = Setting(np.array(signal), "1", "samples [first, last) that are summed")
        return kept | background_setting(self.background)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the integrals, shape (event, ...)."""
        used = np.where(spec.good, pixels, np.nan).astype(np.float64)
        above = used[..., slice(*(self.signal or (None,)))]
        if self.background is not None:
            above = above - np.median(used[..., slice(*self.background)], axis=-1, keepdims=True)
        total = above.sum(axis=-1)
        return {"": -total if self.negative else total}


@reductions.register("samples above threshold")
@dataclass(frozen=True)
class AboveThreshold(Reduction):
    """Mark samples above threshold with 1, all others with 0.

    Parameters
    ----------
    threshold
        In the unit of the frames; with `background`, in standard deviations of that range above
        its mean.
    top
        Samples above count as 0, in the unit of the frames.
    background
        Range of samples that tells mean and standard deviation of each channel in that event.
    """

    threshold: float = 1.0
    top: float = 1e6
    background: Samples | None = None

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the marks, in the shape of a frame."""
        check_samples(self.background, spec, "bkg_roi")
        return (Output("", "1", spec.shape, "float32", "1 where the sample is above threshold"),)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return the thresholds, and the samples that tell the noise."""
        unit = spec.unit if self.background is None else "1"
        kept = {
            "threshold": Setting(self.threshold, unit, "samples above are marked"),
            "threshold_max": Setting(self.top, spec.unit, "samples above count as 0"),
            "use_rms": Setting(int(self.background is not None), "1", "1 = threshold in noise"),
        }
        return kept | background_setting(self.background)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the marks, shape (event, ...); bad and NaN samples are never above.

        All marks of a channel are NaN in events in which it has no other sample, or NaN in its
        `background`: floats, as channels lack samples one by one.
        """
        level: float | Array = self.threshold
        if self.background is not None:
            quiet = pixels[..., slice(*self.background)].astype(np.float64)
            spread = quiet.std(axis=-1, keepdims=True)
            level = quiet.mean(axis=-1, keepdims=True) + self.threshold * spread
        kept = np.where(pixels > self.top, 0, pixels)
        marks = (spec.good & (kept > level)).astype(np.float32)
        usable = (spec.good & ~np.isnan(pixels)).any(axis=-1, keepdims=True) & ~np.isnan(level)
        return {"": np.where(usable, marks, np.float32(np.nan))}


def background_setting(samples: Samples | None) -> dict[str, Setting]:
    """Return the range of samples that tells the baseline, where there is one."""
    if samples is None:
        return {}
    return {"bkg_roi": Setting(np.array(samples), "1", "samples [first, last) of the baseline")}


def check_samples(samples: Samples | None, spec: FrameSpec, name: str) -> None:
    """Refuse a range of samples that does not lie on the waveform."""
    if not spec.shape:
        raise InputError("a single number is no waveform")
    if samples is not None and not 0 <= samples[0] < samples[1] <= spec.shape[-1]:
        raise InputError(
            f"{name} {list(samples)} does not lie on waveforms of {spec.shape[-1]} samples; write "
            "[first, last) with 0 <= first < last"
        )

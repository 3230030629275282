"""Waveforms as sums of a few reference shapes: how strong each pulse is, and how well that fits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from workbench.core.arrays import Floats, Frames
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, reductions
from workbench.reductions.compiled import compiled
from workbench.reductions.roi import squeezed
from workbench.reductions.waveforms import Samples, check_samples

Mode = Literal["max", "norm", "both"]


@dataclass(frozen=True, eq=False)
class Basis:
    """Reference shapes of the waveform of one pulse.

    Parameters
    ----------
    components
        From a singular value decomposition of single pulses, strongest first, shape (k, sample).
    samples
        Range of the waveform that they describe.
    background
        So many samples at the beginning tell the baseline; 0: the baseline is 0.
    channel
        Of the detector; None where it has one.
    """

    components: Floats
    samples: Samples
    background: int = 0
    channel: int | None = None


@reductions.register("svd fit")
@dataclass(frozen=True, eq=False)
class SvdFit(Reduction):
    """Least-squares fit of pulses made of reference shapes to one channel.

    Parameters
    ----------
    basis
        The shapes.
    components
        How many of them are used.
    delays
        Delay of each pulse to the first shape's place [sample].
    mode
        Strength of a pulse: "max" of its fitted waveform, "norm" of its coefficients, or "both",
        first the norms of all pulses, then the maxima.
    reconstructed
        Store the fitted waveform.

    Raises
    ------
    InputError
        For a mode that there is not, more components than the basis has, and delays beyond its
        samples.
    """

    basis: Basis
    components: int = 2
    delays: tuple[int, ...] = (0,)
    mode: Mode = "max"
    reconstructed: bool = False

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise InputError(f"mode {self.mode!r}: use one of {', '.join(get_args(Mode))}")
        known = len(self.basis.components)
        if not 1 <= self.components <= known:
            raise InputError(f"{self.components} components: the basis has {known}")
        length = self.basis.components.shape[1]
        if not self.delays or not all(-length < delay < length for delay in self.delays):
            raise InputError(f"delays must be one or more numbers below {length} samples")

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare strengths, quality and coefficients of the fit.

        Raises
        ------
        InputError
            Where the basis is not for waveforms of this shape and range.
        """
        channel, samples = self.basis.channel, self.basis.samples
        channels = spec.shape[:-1]
        fits = channels == () if channel is None else len(channels) == 1 and channel < channels[0]
        if not fits:
            raise InputError(
                f"the basis is for channel {channel}, the waveforms have shape {spec.shape}"
            )
        check_samples(samples, spec, "range of the basis")
        length = samples[1] - samples[0]
        if self.basis.components.shape[1] != length:
            raise InputError(
                f"the shapes of the basis have {self.basis.components.shape[1]} samples, its range "
                f"{length}"
            )
        pulses, numbers = len(self.delays), len(self.delays) * self.components
        kinds = 2 if self.mode == "both" else 1
        sizes = squeezed((kinds, pulses))
        out = [
            Output("intensities", spec.unit, sizes, long_name=f"{self.mode} of each pulse"),
            Output("score", "1", (), long_name="R^2: 1 - residual / variance of the waveform"),
            Output("coefficients", spec.unit, squeezed((numbers,)), long_name="of the shapes"),
        ]
        if self.reconstructed:
            out.append(Output("reconstructed", spec.unit, (length,), long_name="fitted waveform"))
        return tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:  # noqa: ARG002 - as all
        """Return the shapes that are fitted, and where."""
        shapes = self.basis.components[: self.components]
        kept = {
            "components": Setting(shapes, "1", "reference shapes, strongest first"),
            "roi": Setting(np.array(self.basis.samples), "1", "samples [first, last) of the fit"),
            "bkg_idx": Setting(self.basis.background, "1", "first samples that tell the baseline"),
            "delay": Setting(np.array(self.delays), "1", "delay of each pulse, in samples"),
            "mode": Setting(self.mode, "1", "how the strength of a pulse is told"),
        }
        if self.basis.channel is not None:
            kept["channel"] = Setting(self.basis.channel, "1", "channel of the detector")
        return kept

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs, shape (event, ...); NaN where a sample is bad."""
        used = np.where(spec.good, pixels, np.nan).astype(np.float64)
        wave = used if self.basis.channel is None else used[:, self.basis.channel]
        if self.basis.background:
            wave = wave - wave[:, : self.basis.background].mean(axis=1, keepdims=True)
        wave = np.ascontiguousarray(wave[:, slice(*self.basis.samples)])
        shapes = self.basis.components[: self.components].astype(np.float64)
        together = np.concatenate([_delayed(shapes, delay) for delay in self.delays])
        solver = np.ascontiguousarray(np.linalg.pinv(together).T)
        coefficients, fitted = _fit(wave, solver, together)
        residual = ((wave - fitted) ** 2).sum(axis=1)
        scatter = ((wave - wave.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        score = np.full_like(residual, np.nan)
        np.divide(residual, scatter, out=score, where=scatter > 0)
        values = {
            "intensities": self._strength(coefficients, together),
            "score": 1 - score,
            "coefficients": coefficients,
        }
        if self.reconstructed:
            values["reconstructed"] = fitted
        shaped = {output.name: output.shape for output in self.outputs(spec)}
        return {name: each.reshape(len(wave), *shaped[name]) for name, each in values.items()}

    def _strength(self, coefficients: Floats, together: Floats) -> Floats:
        every = coefficients.reshape(len(coefficients), len(self.delays), self.components)
        norms = np.sqrt((every**2).sum(axis=2))
        maxima = np.empty_like(norms)
        for pulse in range(len(self.delays)):
            own = slice(pulse * self.components, (pulse + 1) * self.components)
            single = np.ascontiguousarray(coefficients[:, own])
            maxima[:, pulse] = _combined(single, together[own]).max(axis=1)
        both = {"norm": norms, "max": maxima}
        return both[self.mode] if self.mode != "both" else np.stack([norms, maxima], axis=1)


def _delayed(shapes: Floats, delay: int) -> Floats:
    """Return the shapes moved to later samples, zeros where they have not begun or have ended."""
    moved = np.zeros_like(shapes)
    length = shapes.shape[1]
    later, earlier = max(delay, 0), max(-delay, 0)
    moved[:, later : length - earlier] = shapes[:, earlier : length - later]
    return moved


@compiled
def _fit(wave: Floats, solver: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    """Return coefficients (event, k) and fitted waveforms (event, sample).

    A loop, for matrix products give other bits for other numbers of events.
    """
    coefficients = np.zeros((len(wave), len(solver)))
    for event in range(len(wave)):
        for number in range(len(solver)):
            for sample in range(wave.shape[1]):
                coefficients[event, number] += wave[event, sample] * solver[number, sample]
    return coefficients, _combined(coefficients, shapes)


@compiled
def _combined(coefficients: Floats, shapes: Floats) -> Floats:
    """Return the sums of the shapes, shape (event, sample)."""
    out = np.zeros((len(coefficients), shapes.shape[1]))
    for event in range(len(coefficients)):
        for number in range(len(shapes)):
            for sample in range(shapes.shape[1]):
                out[event, sample] += coefficients[event, number] * shapes[number, sample]
    return out

"""A diffraction peak that the pump weakens and that a phonon moves, in stored pixels."""

import math
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

STREAM = 3  # of random numbers, beside those of the made-up run and of other scenes
SIDE = 16  # pixels, of the stored region (rows 342 to 358, columns 192 to 208)
NOISE = 0.35  # keV, of a dark pixel
CENTRE = 7.5  # pixel, row and column of the peak in the region
PULSES = 25  # moments within the pulses' length over which a shot is averaged


@dataclass(frozen=True)
class DiffractionPeak(Scene):
    """A Gaussian spot in ``peak_area`` of the camera on the spot; make the run with camera_every=1.

    Its intensity follows the run's `amplitude`, `t0`, `tau` and `sigma`. From `t0` on it is moved
    along the rows by shift * (1 - exp(-u / damping) cos(2 pi frequency u)), u = delay - t0.

    Parameters
    ----------
    photons
        In the spot in a shot of mean I0, laser off.
    width
        Standard deviation of the spot [pixel].
    diffuse
        Photons per pixel around it in a shot of mean I0, rising by a third across the region.
    harmonic
        Photons of three times the energy per pixel in a shot of mean I0.
    shift
        How far the spot's centre ends up from where it was [pixel].
    frequency, damping
        [THz], [ps]
    """

    photons: float = 400.0
    width: float = 1.5
    diffuse: float = 0.4
    harmonic: float = 0.0
    shift: float = 0.25
    frequency: float = 1.25
    damping: float = 1.5

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return pixels, sum and brightest pixel of the region."""
        draw = generator(spec.seed, Draw.USER, spec.run, int(shots.events[0]), STREAM)
        there = np.asarray(shots.epix[1].all(axis=1))
        relative = (shots.i0 / spec.pulse_energy)[there]
        across = np.arange(SIDE, dtype=np.float64)
        moved = np.asarray(self._moved(spec, shots.delay) * shots.laser)[there]
        rows = _profile(across - CENTRE - moved[:, None], self.width)
        cols = _profile(across - CENTRE, self.width)
        spot = self.photons * shots.change[there, None, None] * rows[:, :, None] * cols
        slope = self.diffuse * (1 + (across - CENTRE) / 3 / SIDE)[:, None]
        photons = draw.poisson(relative[:, None, None] * (spot + slope))
        thirds = draw.poisson(relative[:, None, None] * np.full((SIDE, SIDE), self.harmonic))
        light = spec.photon_energy * (photons + 3 * thirds)
        pixels = np.full((len(shots), SIDE, SIDE), np.nan, np.float32)
        pixels[there] = light + NOISE * draw.standard_normal(photons.shape)
        name = f"{place.spot}/peak"
        total = pixels.sum(axis=(1, 2), dtype=np.float64)
        brightest = pixels.max(axis=(1, 2)).astype(np.float64)
        return {f"{name}_area": pixels, f"{name}_sum": total, f"{name}_max": brightest}

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return the motion and the width; the intensity's kinetics are the run's own."""
        del spec, place
        return {
            "shift": (self.shift, "pixel", "how far the peak's centre ends up from where it was"),
            "swing": (self.shift, "pixel", "amplitude of its oscillation at time zero"),
            "frequency": (self.frequency, "THz", "of its oscillation"),
            "damping": (self.damping, "ps", "decay time of its oscillation"),
        }

    def _moved(self, spec: PumpProbe, delay: Floats) -> Floats:
        """Return the displacement, averaged over the pulses' length, shape (event,) [pixel]."""
        part = (np.arange(PULSES) + 0.5) / PULSES
        places = spec.sigma * math.sqrt(2) * np.array([_inverse_erf(2 * one - 1) for one in part])
        u = delay[:, None] - spec.t0 + places
        fading = np.exp(-np.maximum(u, 0) / self.damping) * np.cos(2 * np.pi * self.frequency * u)
        moved: Floats = np.where(u > 0, self.shift * (1 - fading), 0.0).mean(axis=1)
        return moved


def _profile(away: Floats, width: float) -> Floats:
    """Return the share of a Gaussian in pixels of unit width."""
    edge = np.vectorize(math.erf)
    root = width * math.sqrt(2)
    return np.asarray((edge((away + 0.5) / root) - edge((away - 0.5) / root)) / 2)


def _inverse_erf(value: float) -> float:
    """Return x with erf(x) = value, by bisection."""
    low, high = -6.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < value else (low, middle)
    return (low + high) / 2

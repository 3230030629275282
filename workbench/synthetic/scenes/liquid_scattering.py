"""Scattering of a liquid that the pump changes: one state decays into another that lives on."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.facility import FieldFact
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe, response
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station
from workbench.synthetic.tiles import N_PHI, NOISE, Q_EDGES, ring_camera

LASTING = 1e6  # ps, decay time of a state that does not decay within any window
WINDOW = (1.5, 3.5)  # 1/angstrom: the pump changes where the light goes, not how much there is
STREAM = 1  # of random numbers, beside those that the made-up run draws for its cameras


@dataclass(frozen=True)
class LiquidScattering(Scene):
    """A water-like curve in ``azav_azav`` of the ring camera; make the run with jungfrau_every=1.

    The pump makes a state whose difference curve has the height `first` of the laser-off signal;
    it decays with the run's `tau` into one of height `second` that lives on. Both are isotropic and
    leave the light between 1.5 and 3.5 1/angstrom as it is. The run's own `t0`, `sigma`, jitter and
    time tool hold.

    Parameters
    ----------
    photons
        On the whole camera in a shot of mean I0.
    first, second
        Largest change by either state, over the laser-off signal's mean in the window.
    drift
        Relative change of the curve's slope in q from begin to end of the run, laser on and off.
    """

    photons: float = 1.0e6
    first: float = 0.03
    second: float = 0.015
    drift: float = 0.0

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the azimuthal averages of one block."""
        camera = ring_camera(place.ring_shape, spec.photon_energy)
        pixels, _ = camera.bins
        draw = generator(spec.seed, Draw.USER, spec.run, int(shots.events[0]), STREAM)
        there = np.asarray(shots.jungfrau[1].all(axis=1))
        along = shots.events[there] / max(spec.n_events - 1, 1) - 0.5
        tilt = 1 + self.drift * along[:, None] * (centres() - 2.0)
        curves = (liquid() + self._changes(spec, place, shots)[there]) * tilt
        per_pixel = self.photons * curves / (pixels.sum(axis=0) * liquid()).sum()
        relative = (shots.i0 / spec.pulse_energy)[there]
        expected = relative[:, None, None] * pixels * per_pixel[:, None, :]
        noise = NOISE * np.sqrt(pixels) * draw.standard_normal(expected.shape)
        filled = np.where(pixels > 0, pixels, np.nan)
        mean = np.full((len(shots), N_PHI, len(centres())), np.nan)
        mean[there] = (spec.photon_energy * draw.poisson(expected) + noise) / filled
        return {f"{place.rings}/azav_azav": mean}

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit, meaning and axes of the averages."""
        if name != f"{place.rings}/azav_azav":
            return None
        meaning = "mean per pixel at this azimuth and q"
        return FieldFact("azav_azav", "keV", meaning, dims=("phi", "q"))

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return the decay time and both states' difference curves."""
        first, second = (state.tolist() for state in self.states(spec, place))
        text = "of the signal's mean in the window, at the bins' q"
        return {
            "tau_1": (spec.tau, "ps", "decay time of the first state"),
            "curve_1": (first, "1", f"difference curve of the first state, {text}"),
            "curve_2": (second, "1", f"difference curve of the second state, {text}"),
            "curve_q": (centres().tolist(), "1/angstrom", "q of the difference curves"),
        }

    def states(self, spec: PumpProbe, place: Station) -> tuple[Floats, Floats]:
        """Return both states' difference curves over the mean signal in the window, shape (q,)."""
        inside = _inside(spec, place)
        found = []
        for height, period, width in ((self.first, 0.9, 1.4), (self.second, 1.5, 2.2)):
            fading = np.exp(-(((centres() - 2.0) / width) ** 2))
            wave = np.sin(2 * np.pi * centres() / period) * fading
            wave -= liquid() * (inside * wave).sum() / (inside * liquid()).sum()
            found.append(height * wave / np.abs(wave).max())
        return found[0], found[1]

    def _changes(self, spec: PumpProbe, place: Station, shots: Shots) -> Floats:
        """Return the change of the curve in each shot, in the unit of `liquid`, (event, q)."""
        early = response(shots.delay, t0=spec.t0, tau=spec.tau, sigma=spec.sigma) * shots.laser
        pumped = response(shots.delay, t0=spec.t0, tau=LASTING, sigma=spec.sigma) * shots.laser
        first, second = self.states(spec, place)
        inside = _inside(spec, place)
        light = float((inside * liquid()).sum() / inside.sum())
        change: Floats = early[:, None] * first + (pumped - early)[:, None] * second
        return light * change


def centres() -> Floats:
    """Return the centres of the bins in q [1/angstrom]."""
    return np.asarray((Q_EDGES[1:] + Q_EDGES[:-1]) / 2)


def liquid() -> Floats:
    """Return the laser-off curve, like that of water: a broad peak at 2.1 1/angstrom."""
    q = centres()
    return np.asarray(
        0.3 + np.exp(-(((q - 2.1) / 0.5) ** 2)) + 0.35 * np.exp(-(((q - 3.0) / 0.6) ** 2))
    )


def _inside(spec: PumpProbe, place: Station) -> Floats:
    """Return the pixels of each bin in q that lies in the window, 0 outside."""
    pixels = ring_camera(place.ring_shape, spec.photon_energy).bins[0].sum(axis=0)
    window = (centres() >= WINDOW[0]) & (centres() < WINDOW[1])
    return np.asarray(pixels * window, dtype=np.float64)

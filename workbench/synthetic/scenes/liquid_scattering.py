"""Scattering of a liquid that the pump changes: one state decays into another that lives on."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.core.arrays import Array, Floats, Ints
from workbench.facility import FieldFact
from workbench.smalldata import OnceValue
from workbench.synthetic.cameras import HC
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe, response
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station
from workbench.synthetic.tiles import N_PHI, NOISE, Q_EDGES, ring_camera

LASTING = 1e6  # ps, decay time of a state that does not decay within any window
WINDOW = (1.5, 3.5)  # 1/angstrom: the pump changes where the light goes, not how much there is
ALIGNED = (0.7, 1.2)  # 1/angstrom: where the anisotropic curve has its peak
STREAM = 1  # of random numbers, beside those that the made-up run draws for its cameras


@dataclass(frozen=True)
class LiquidScattering(Scene):
    """A water-like curve in ``azav_azav`` of the ring camera; make the run with jungfrau_every=1.

    The pump makes a state whose difference curve has the height `first` of the laser-off signal;
    it decays with the run's `tau` into one of height `second` that lives on. Both are isotropic and
    leave the light between 1.5 and 3.5 1/angstrom as it is. The run's own `t0`, `sigma`, jitter and
    time tool hold.

    A linearly polarised pump excites the molecules along its field, which then rotate away. To
    lowest order the signal at azimuth phi gets a second part, S_2(q, t) P_2(cos theta_q), where
    theta_q is the angle between the scattering vector and the polarisation: cos theta_q =
    cos(theta) cos(phi - axis), 2 theta the scattering angle and the pump along the X-rays
    (U. Lorenz, K. B. Moller and N. E. Henriksen, New J. Phys. 12, 113022 (2010); E. Biasin et al.,
    J. Synchrotron Rad. 25, 306 (2018)). P_2 is averaged over the pixels of each bin.

    Parameters
    ----------
    photons
        On the whole camera in a shot of mean I0.
    first, second
        Largest change by either state, over the laser-off signal's mean in the window.
    drift
        Relative change of the curve's slope in q from begin to end of the run, laser on and off.
    anisotropy
        Mean of the anisotropic curve from 0.7 to 1.2 1/angstrom right after the pump, over the
        laser-off signal's mean in the window; 0: the signal is isotropic.
    rotation
        Time in which the anisotropic part decays to 1/e [ps].
    axis
        Azimuth of the pump's polarisation [deg].
    azimuths
        Into how many azimuths the producer sorted the pixels.
    """

    photons: float = 1.0e6
    first: float = 0.03
    second: float = 0.015
    drift: float = 0.0
    anisotropy: float = 0.0
    rotation: float = 1.2
    axis: float = 0.0
    azimuths: int = N_PHI

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the azimuthal averages of one block."""
        pixels, second = self.bins(spec, place)
        draw = generator(spec.seed, Draw.USER, spec.run, int(shots.events[0]), STREAM)
        there = np.asarray(shots.jungfrau[1].all(axis=1))
        along = shots.events[there] / max(spec.n_events - 1, 1) - 0.5
        tilt = 1 + self.drift * along[:, None] * (centres() - 2.0)
        curves = ((liquid() + self._changes(spec, place, shots)[there]) * tilt)[:, None, :]
        if self.anisotropy:
            curves = curves + self._turned(spec, place, shots)[there][:, None, :] * second
        scale = self.photons / (pixels.sum(axis=0) * liquid()).sum()
        relative = (shots.i0 / spec.pulse_energy)[there]
        expected = relative[:, None, None] * pixels * (scale * curves)
        noise = NOISE * np.sqrt(pixels) * draw.standard_normal(expected.shape)
        filled = np.where(pixels > 0, pixels, np.nan)
        mean = np.full((len(shots), self.azimuths, len(centres())), np.nan)
        mean[there] = (spec.photon_energy * draw.poisson(expected) + noise) / filled
        return {f"{place.rings}/azav_azav": mean}

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        """Return what the producer notes of its azimuths."""
        pixels, _ = self.bins(spec, place)
        wave = _wave(place.ring_shape, spec.photon_energy, self.azimuths)
        text = "over the pixels of each bin"
        borders = np.linspace(0, 2 * np.pi, self.azimuths + 1)
        stem = f"UserDataCfg/{place.rings}/azav__azav"
        return {
            f"{stem}_phiVec": OnceValue(borders, "rad", "azimuths"),
            f"{stem}_phiBins": OnceValue(self.azimuths, "1", ""),
            f"{stem}_norm": OnceValue(pixels.astype(np.float64), "1", "pixels in each bin"),
            f"{stem}_cos2phi": OnceValue(wave.real, "1", f"mean of cos(2 phi) {text}"),
            f"{stem}_sin2phi": OnceValue(wave.imag, "1", f"mean of sin(2 phi) {text}"),
        }

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
        found: dict[str, Planted] = {
            "tau_1": (spec.tau, "ps", "decay time of the first state"),
            "curve_1": (first, "1", f"difference curve of the first state, {text}"),
            "curve_2": (second, "1", f"difference curve of the second state, {text}"),
            "curve_q": (centres().tolist(), "1/angstrom", "q of the difference curves"),
        }
        if not self.anisotropy:
            return found
        low, high = ALIGNED
        return found | {
            "tau_aniso": (self.rotation, "ps", "decay time of the anisotropic part"),
            "anisotropy": (
                self.anisotropy,
                "1",
                f"mean of the anisotropic curve from {low} to {high} 1/angstrom, {text}",
            ),
            "curve_aniso": (self.turned(spec, place).tolist(), "1", f"anisotropic curve, {text}"),
            "axis": (self.axis, "deg", "azimuth of the pump's polarisation"),
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

    def turned(self, spec: PumpProbe, place: Station) -> Floats:
        """Return the anisotropic curve right after the pump over the mean signal, shape (q,).

        A peak and a dip, with as much of the liquid's curve as keeps the light in the window.
        """
        pixels, second = self.bins(spec, place)
        inside = (pixels * second).sum(axis=0) * (
            (centres() >= WINDOW[0]) & (centres() < WINDOW[1])
        )
        q = centres()
        wave = np.exp(-(((q - 0.95) / 0.35) ** 2)) - 0.6 * np.exp(-(((q - 1.9) / 0.45) ** 2))
        wave -= liquid() * (inside * wave).sum() / (inside * liquid()).sum()
        mean = wave[(q >= ALIGNED[0]) & (q < ALIGNED[1])].mean()
        return np.asarray(self.anisotropy * wave / mean)

    def _turned(self, spec: PumpProbe, place: Station, shots: Shots) -> Floats:
        """Return the anisotropic part of each shot, in the unit of `liquid`, (event, q)."""
        course = response(shots.delay, t0=spec.t0, tau=self.rotation, sigma=spec.sigma)
        inside = _inside(spec, place)
        light = float((inside * liquid()).sum() / inside.sum())
        return np.asarray(light * (course * shots.laser)[:, None] * self.turned(spec, place))

    def bins(self, spec: PumpProbe, place: Station) -> tuple[Ints, Floats]:
        """Return pixels and mean P_2(cos theta_q) of each bin, shape (phi, q)."""
        axis = float(np.deg2rad(self.axis))
        return _second_order(place.ring_shape, spec.photon_energy, self.azimuths, axis)

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


@lru_cache(maxsize=4)
def _second_order(
    shape: tuple[int, ...], photon_energy: float, azimuths: int, axis: float
) -> tuple[Ints, Floats]:
    """Return pixels and mean P_2(cos theta_q) of each bin, shape (phi, q); bin 0 around phi = 0."""
    camera = ring_camera(shape, photon_energy)
    sine = camera.q * HC / photon_energy / (4 * np.pi)
    cosine = np.sqrt(1 - sine**2) * np.cos(camera.phi - axis)
    return _means(shape, photon_energy, azimuths, (3 * cosine**2 - 1) / 2)


def _wave(shape: tuple[int, ...], photon_energy: float, azimuths: int) -> Array:
    """Return the mean of exp(2 i phi) over the pixels of each bin, complex, shape (phi, q)."""
    phi = ring_camera(shape, photon_energy).phi
    parts = [_means(shape, photon_energy, azimuths, one(2 * phi))[1] for one in (np.cos, np.sin)]
    return parts[0] + 1j * parts[1]


def _means(
    shape: tuple[int, ...], photon_energy: float, azimuths: int, values: Floats
) -> tuple[Ints, Floats]:
    """Return pixels of each bin and the mean over them of a value of each pixel, (phi, q)."""
    camera = ring_camera(shape, photon_energy)
    step = 2 * np.pi / azimuths
    sector = np.floor(camera.phi / step + 0.5).astype(np.int64) % azimuths
    ring = np.searchsorted(Q_EDGES, camera.q.ravel(), side="right") - 1
    kept = (ring >= 0) & (ring < len(centres()))
    flat = (sector.ravel() * len(centres()) + ring)[kept]
    size, bins = azimuths * len(centres()), (azimuths, len(centres()))
    pixels: Ints = np.bincount(flat, minlength=size).reshape(bins)
    total = np.bincount(flat, values.ravel()[kept], minlength=size).reshape(bins)
    return pixels, np.asarray(total / np.maximum(pixels, 1), dtype=np.float64)


def _inside(spec: PumpProbe, place: Station) -> Floats:
    """Return the pixels of each bin in q that lies in the window, 0 outside."""
    pixels = ring_camera(place.ring_shape, spec.photon_energy).bins[0].sum(axis=0)
    window = (centres() >= WINDOW[0]) & (centres() < WINDOW[1])
    return np.asarray(pixels * window, dtype=np.float64)

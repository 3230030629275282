"""An emission line on the spot camera behind a von Hamos crystal; the pump moves it."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.bounds import Bounds
from workbench.facility import FieldFact
from workbench.smalldata import OnceValue
from workbench.synthetic.cameras import epix_1
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

PLACE = Bounds((300, 400), (348, 496))
NOISE = 0.25  # keV, of a pixel
HC = 12_398.41984  # eV angstrom
SILICON = 5.431020511  # angstrom, lattice
PITCH = 0.05  # mm


@dataclass(frozen=True)
class EmissionLine(Scene):
    """A Lorentzian line in region "xes" of the spot camera, moved in every shot with laser.

    The crystal is Si(440) of 500 mm radius. Energy rises along the columns; the line leans against
    the rows by `rotation`. Each photon deposits its energy in one pixel.

    Parameters
    ----------
    line_energy, line_fwhm
        Of the line without laser [eV].
    line_shift
        By which the pump moves it [eV].
    rotation
        Of the detector [deg].
    photons
        In a frame at mean I0.
    background
        Photons per pixel besides the line, at mean I0.
    """

    line_energy: float = 7058.0
    line_fwhm: float = 2.5
    line_shift: float = 0.4
    rotation: float = 3.0
    photons: float = 300.0
    background: float = 0.01

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """Pixel maps and other regions, which the spectrometer needs none of."""
        maps = (f"UserDataCfg/*/{name}" for name in ("[xyz]", "i[xy]", "ped", "rms", "gain"))
        return ("Sums/*", "UserDataCfg/epix10k2M/*", *maps)

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the pixels of the region, NaN without a frame."""
        draw = generator(spec.seed, Draw.SCENE, spec.run, int(shots.events[0]))
        there = np.flatnonzero(shots.epix[1].all(axis=1))
        rates = np.stack([self._rate(0.0), self._rate(self.line_shift)])
        relative = (shots.i0 / spec.pulse_energy)[there]
        rate = rates[shots.laser[there].astype(int)] * relative[:, None, None]
        frames = np.full((len(shots), *PLACE.shape), np.nan, np.float32)
        noise = NOISE * draw.standard_normal(rate.shape)
        frames[there] = 1e-3 * self.line_energy * draw.poisson(rate) + noise
        frames[there] *= epix_1().good[PLACE.slices]
        return {f"{place.spot}/xes_area": frames}

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        """Return the region as a producer config would have it."""
        del spec
        key = f"UserDataCfg/{place.spot}/xes__xes"
        pairs = np.array(list(zip(PLACE.low, PLACE.high, strict=True)))
        bad = ~epix_1().good[PLACE.slices]
        return {
            f"{key}_ROI": OnceValue(pairs, "1", ""),
            f"{key}_bound": OnceValue(pairs, "1", ""),
            f"{key}_mask": OnceValue(bad.astype(np.uint8), "1", "1 where bad"),
            f"{key}_writeArea": OnceValue(1, "1", ""),
        }

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and axes of the region's pixels."""
        if name != f"{place.spot}/xes_area":
            return None
        return FieldFact("xes_area", "keV", "pixels of the region", dims=("row", "col"))

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return energy, width and shift of the line, and the rotation."""
        del spec, place
        return {
            "line_energy": (self.line_energy, "eV", "line without laser"),
            "line_fwhm": (self.line_fwhm, "eV", "full width at half maximum"),
            "line_shift": (self.line_shift, "eV", "of the line with laser"),
            "rotation": (self.rotation, "deg", "of the detector"),
        }

    def _rate(self, shift: float) -> Floats:
        """Return the expected photons per pixel at mean I0, shape (row, col)."""
        rows, cols = PLACE.shape
        row, col = np.indices(PLACE.shape)
        turn = np.deg2rad(self.rotation)
        middle = (cols - 1) / 2
        along = middle + (col - middle) * np.cos(turn) + (row - (rows - 1) / 2) * np.sin(turn)
        spacing = SILICON / np.sqrt(32)
        sine = HC / (2 * spacing * self.line_energy)
        focus = 1000.0 * np.sqrt(1 - sine**2) / sine  # mm, 2 R cot(theta)
        axis = focus + PITCH * (along - middle)
        energy = HC / (2 * spacing) * np.hypot(1, axis / 1000.0)
        away = 2 * (energy - self.line_energy - shift) / self.line_fwhm
        line = 1 / (1 + away**2)
        return np.asarray(self.photons * line / line.sum() + self.background)

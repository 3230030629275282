"""Scene: X-ray Thomson scattering on a crystal spectrometer at MEC, and foils to calibrate it."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.facility import FieldFact
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted
from workbench.synthetic.scenes.laser_shots import LaserShots
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station
from workbench.synthetic.tiles import NOISE

SHAPE = (60, 300)  # rows, columns
ACROSS = (27.3, 3.0)  # centre and standard deviation of the band of light [pixel]
FOIL = (9442.3, 9572.0)  # eV: platinum L alpha 1 and zinc K beta 1, Bearden 1967
LEAF = "xrts_area"
FRAMES = 8  # sets these random numbers apart from others of the same purpose


@dataclass(frozen=True)
class XrtsShots(LaserShots):
    """Spectra along the columns of a region of the spot camera: elastic and inelastic scattering.

    Photons fall Poisson, times I0, on a flat background; pixels have read noise. A run of a foil
    has two lines of known energy instead.

    Parameters
    ----------
    foil
        Whether the run is of the foil.
    dispersion
        [eV/pixel]; the photon energy lies at the middle of the columns.
    width
        Standard deviation of the instrument [eV].
    photons
        In the elastic line, or in each line of the foil, at mean I0.
    ratio
        Photons in the inelastic line over those in the elastic one.
    shift, inelastic_width
        Loss of energy, and standard deviation of the inelastic line [eV].
    background
        Photons in each pixel.
    """

    foil: bool = False
    dispersion: float = 1.2
    width: float = 5.0
    photons: float = 6000.0
    ratio: float = 0.7
    shift: float = 42.0
    inelastic_width: float = 15.0
    background: float = 0.02

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return also the pictures, (event, row, col) [keV]."""
        light = self._light(spec)
        frames = []
        for event, i0 in zip(shots.events.tolist(), shots.i0.tolist(), strict=True):
            draw = generator(spec.seed, Draw.PIXELS, spec.run, event, FRAMES)
            photons = draw.poisson(light * i0 / spec.pulse_energy)
            noise = NOISE * draw.standard_normal(SHAPE)
            frames.append((photons * spec.photon_energy + noise).astype(np.float32))
        return super().columns(spec, place, shots) | {f"{place.spot}/{LEAF}": np.stack(frames)}

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and axes of the pictures."""
        if name == f"{place.spot}/{LEAF}":
            return FieldFact(LEAF, "keV", "pixels of the spectrum", dims=("row", "col"))
        return super().fact(place, name)

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return also energies, widths and ratio."""
        fwhm = 2 * np.sqrt(2 * np.log(2))
        known: dict[str, Planted] = {
            "elastic_energy": (1e3 * spec.photon_energy, "eV", "of the photons"),
            "elastic_fwhm": (fwhm * self.width, "eV", "width of the instrument"),
            "dispersion": (self.dispersion, "eV/pixel", "of the spectrometer"),
        }
        if not self.foil:
            known |= {
                "inelastic_shift": (self.shift, "eV", "loss of energy"),
                "inelastic_fwhm": (fwhm * self.inelastic_width, "eV", "of the inelastic line"),
                "inelastic_ratio": (self.ratio, "1", "inelastic over elastic photons"),
            }
        return super().quantities(spec, place) | known

    def _light(self, spec: PumpProbe) -> Floats:
        """Return the photons that each pixel expects at mean I0."""
        middle, elastic = SHAPE[1] / 2, 1e3 * spec.photon_energy
        energy = elastic + self.dispersion * (np.arange(SHAPE[1]) + 0.5 - middle)
        lines = (
            [(line, self.width, 1.0) for line in FOIL]
            if self.foil
            else [(elastic, self.width, 1.0),
                  (elastic - self.shift, self.inelastic_width, self.ratio)]
        )  # fmt: skip
        along = np.zeros(SHAPE[1])
        for place, sigma, weight in lines:
            shape = np.exp(-((energy - place) ** 2) / (2 * sigma**2))
            along += weight * shape * self.dispersion / (sigma * np.sqrt(2 * np.pi))
        row = np.arange(SHAPE[0]) + 0.5
        across = np.exp(-((row - ACROSS[0]) ** 2) / (2 * ACROSS[1] ** 2))
        light: Floats = self.photons * np.outer(across / across.sum(), along) + self.background
        return light

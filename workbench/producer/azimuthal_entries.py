"""``get_azav`` of a config: averages over q and azimuth, from centre, distance and energy."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.core.frames import Setting
from workbench.producer.doubts import odd_distance
from workbench.producer.entries import DetectorFacts, EntryError, Recipe
from workbench.producer.given import Given, naming
from workbench.reductions import Azimuthal, Scattering, Setup, scattering_from_positions
from workbench.reductions.bins import azimuth_edges, checked_azimuths, checked_edges, radial_edges
from workbench.reductions.scattering import plane_of
from workbench.reductions.splitting import SPLITTINGS, moved, with_reach
from workbench.regions import DetectorGeometry

REFUSED = {  # keys of today's function that are not followed -> what to do instead
    "rbin": "bins of radius are not made: give qbin",
    "thresRms": "thresholds in noise are not applied: give thresADU",
    "darkImg": "dark pictures are not subtracted here: put the pedestal into the constants",
    "gainImg": "gain pictures are not applied here: put the gain into the constants",
}
WITHOUT_EFFECT = ("ADU_per_Photon",)  # today's function reads it and does not use it
KEYS = (
    "name", "center", "dis_to_sam", "eBeam", "tx", "ty", "qbin", "phiBins", "Pplane", "geomCorr",
    "polCorr", "square", "thresADU", "thresADUhigh", "userMask", "splitting",
    *REFUSED, *WITHOUT_EFFECT,
)  # fmt: skip
Q_BIN, PHI_BINS = 5e-3, 1  # 1/angstrom; today's function's, where a config gives none


@dataclass(frozen=True, eq=False)
class AzavRecipe(Recipe):
    """An azimuthal average that waits for the positions of the pixels.

    Parameters
    ----------
    center
        x, y of psana's image frame [um], as configs have it.
    distance
        From the sample to the plane of the detector, along its normal [mm].
    energy
        Of the photons [keV].
    tilt
        tx, ty [deg].
    q
        Width of the bins, or their edges [1/angstrom].
    phi
        Number of bins, or their edges [rad].
    horizontal
        Share of the light that is polarised horizontally; None: no correction.
    solid_angle
        Whether to correct for it.
    square, low, high, good, splitting
        As of `Azimuthal`.
    """

    center: tuple[float, float]
    distance: float
    energy: float
    tilt: tuple[float, float] = (0.0, 0.0)
    q: float | Floats = Q_BIN
    phi: int | Floats = PHI_BINS
    horizontal: float | None = 0.0
    solid_angle: bool = True
    square: bool = False
    low: float = -math.inf
    high: float = math.inf
    good: Bools | None = None
    splitting: str = "no"

    @property
    def setup(self) -> Setup:
        """Sample and beam in the laboratory frame; `GeometryInputError` for impossible numbers.

        The image frame's x runs against y of the laboratory, its y against x.
        """
        given = {"center": self.center, "dis_to_sam": self.distance, "eBeam": self.energy}
        tilt = {"tx": self.tilt[0], "ty": self.tilt[1]}
        x, y = DetectorGeometry.from_config(given | tilt, pixel=1.0).centre_um
        return Setup(
            (-y, -x), self.distance, self.energy, self.tilt, self.horizontal, self.solid_angle
        )

    def build(self, facts: DetectorFacts) -> Azimuthal:
        """Return the reduction; `EntryError` where no usable pixel is in any bin."""
        place = facts.positions
        plane = plane_of(place[2])

        def seen(down: float, right: float) -> Scattering:
            points = moved(place, down, right)
            return scattering_from_positions(*points, self.setup, plane=plane)

        scattering = with_reach(seen, self.splitting)
        made = Azimuthal(
            scattering,
            radial_edges(scattering.radial, self.q) if isinstance(self.q, float) else self.q,
            azimuth_edges(scattering.phi, self.phi) if isinstance(self.phi, int) else self.phi,
            self.low,
            self.high,
            self.good,
            self.square,
            set_up=self._set_up(),
            splitting=self.splitting,
        )
        return with_pixels(made, facts)

    def doubts(self, facts: DetectorFacts) -> Iterator[tuple[str, str]]:
        """Tell that the beam meets no part of the detector or its gaps, or of an odd distance."""
        yield from odd_distance(self.distance, "dis_to_sam", "mm", 1.0)
        x, y, _ = facts.positions
        beside = [
            max(float(np.nanmin(at)) - centre, centre - float(np.nanmax(at)), 0.0)
            for at, centre in zip((x, y), self.setup.centre, strict=True)
        ]
        if any(beside):
            yield (
                "centre-off-detector",
                f"the beam meets the plane of {facts.detector} {math.hypot(*beside) / 1e3:.1f} mm "
                "beside it; q is computed all the same. Look at center (x, y in um of psana's "
                f"image frame: {self.center}) and at tx (which moves it)",
            )

    def _set_up(self) -> dict[str, Setting]:
        """Return the numbers that it was made from, by the names and units of today's function."""
        setup, text = self.setup, "beam centre in psana's image frame"
        kept = {
            "xcen": Setting(self.center[0] / 1e3, "mm", f"x of the {text}"),
            "ycen": Setting(self.center[1] / 1e3, "mm", f"y of the {text}"),
            "dis_to_sam": Setting(self.distance, "mm", "sample to detector, along its normal"),
            "eBeam": Setting(self.energy, "keV", "photon energy"),
            "lam": Setting(setup.wavelength, "angstrom", "wavelength"),
            "tx": Setting(self.tilt[0], "degree", "tilt of the detector"),
            "ty": Setting(self.tilt[1], "degree", "tilt of the detector"),
            "geomCorr": Setting(int(self.solid_angle), "1", "1 = corrected for solid angle"),
            "polCorr": Setting(
                int(self.horizontal is not None), "1", "1 = corrected for polarisation"
            ),
            "square": Setting(int(self.square), "1", "1 = signals are squared"),
        }
        if self.horizontal is not None:
            text = "share of the light that is polarised horizontally"
            kept["Pplane"] = Setting(self.horizontal, "1", text)
        return kept


def read_azav(value: object) -> tuple[str, AzavRecipe]:
    """Return name and recipe of one dictionary of ``get_azav``, or raise `EntryError`.

    Keys are those of today's function. ``center``, ``dis_to_sam`` and ``eBeam`` must be there: its
    own defaults (0.1 mm, 9.5 keV) fit no experiment.
    """
    given = Given(value, KEYS, "an azimuthal entry")
    for key, what in REFUSED.items():
        if key in given:
            raise EntryError("not-produced", f"{key}: {what}", key)
    center = given.numbers("center")
    if len(center) != 2:
        raise EntryError("wrong-type", f"center is x, y in um, not {center}", "center")
    polarised = given.flag("polCorr", default=True)
    made = AzavRecipe(
        (float(center[0]), float(center[1])),
        given.number("dis_to_sam"),
        given.number("eBeam"),
        (given.number("tx", 0.0), given.number("ty", 0.0)),
        _q(given),
        _phi(given),
        given.number("Pplane", 0.0) if polarised else None,
        given.flag("geomCorr", default=True),
        given.flag("square", default=False),
        given.number("thresADU", -math.inf),
        given.number("thresADUhigh", math.inf),
        given.mask("userMask"),
        splitting_of(given),
    )
    with naming("dis_to_sam"):
        made.setup  # noqa: B018 - refuses numbers that cannot be
    return given.name("azav"), made


def splitting_of(given: Given) -> str:
    """Return how pixels are split among bins, as an entry has it."""
    splitting = given.text("splitting", "no")
    if splitting not in SPLITTINGS:
        text = f"no splitting {splitting!r}; known are {', '.join(SPLITTINGS)}"
        raise EntryError("wrong-type", text, "splitting")
    return splitting


def with_pixels(made: Azimuthal, facts: DetectorFacts) -> Azimuthal:
    """Return the reduction if any usable pixel is in one of its bins."""
    if not made.usable(facts.spec).any():
        text = "every pixel is masked: look at userMask and at the detector's own mask"
        raise EntryError("no-pixels", f"{facts.detector}: {text}")
    if not made.pixels(facts.spec).any():
        low, high = made.radial_edges[0], made.radial_edges[-1]
        known = made.scattering.radial[made.usable(facts.spec)]
        raise EntryError(
            "no-pixels",
            f"no usable pixel of {facts.detector} lies between {low:g} and {high:g} "
            f"{made.scattering.unit} and in the bins of azimuth; its pixels reach from "
            f"{known.min():.4g} to {known.max():.4g}",
        )
    return made


def _q(given: Given) -> float | Floats:
    values = given.numbers("qbin") if "qbin" in given else [Q_BIN]
    with naming("qbin"):
        if len(values) > 1:
            return checked_edges(values)
    if values[0] <= 0:
        raise EntryError("wrong-type", f"qbin is a width above 0, not {values[0]}", "qbin")
    return float(values[0])


def _phi(given: Given) -> int | Floats:
    values = given.numbers("phiBins") if "phiBins" in given else [PHI_BINS]
    with naming("phiBins"):
        if len(values) > 1:
            return checked_azimuths(values)
    if values[0] < 1 or values[0] != int(values[0]):
        text = f"phiBins is a number of bins or their edges in rad, not {values[0]}"
        raise EntryError("wrong-type", text, "phiBins")
    return int(values[0])

"""``get_azav_pyfai`` of a config: averages of the assembled picture, from a ``.poni`` file."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.core.frames import Setting
from workbench.producer.azimuthal_entries import splitting_of, with_pixels
from workbench.producer.doubts import odd_distance
from workbench.producer.entries import DetectorFacts, EntryError, Recipe
from workbench.producer.given import Given, naming
from workbench.producer.pictures import layout_of
from workbench.reductions import Azimuthal, Integration, Scattering
from workbench.reductions.bins import ON_EDGE, TURN, checked_azimuths, checked_edges, equal_edges
from workbench.reductions.scattering import RADIAL, scattering_from_geometry
from workbench.reductions.splitting import with_reach
from workbench.regions import DetectorGeometry, Layout, Poni, read_poni

KEYS = (
    "name", "poni_file", "ai_kwargs", "userMask", "thres", "threshold", "return2d",
    "polarization_factor", "npts", "npts_az", "int_units", "azav_kwargs", "splitting",
)  # fmt: skip
NUMBERS = ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")  # of ai_kwargs [m, rad]
SIZES = ("pixel1", "pixel2", "wavelength")  # of ai_kwargs [m]
UNITS = {  # pyFAI's name -> UDUNITS
    "q_A^-1": "1/angstrom", "q_nm^-1": "1/nm", "2th_deg": "degree", "2th_rad": "rad", "r_mm": "mm",
}  # fmt: skip
Range = tuple[float, float]


@dataclass(frozen=True, eq=False)
class PyfaiRecipe(Recipe):
    """An average of the assembled picture that waits for the layout of the detector.

    Parameters
    ----------
    file
        The ``.poni`` file, relative to the config; empty where `numbers` are given.
    numbers
        Of pyFAI's integrator, without a file.
    units
        pyFAI's name of the radial axis: a key of `UNITS`.
    bins
        In azimuth and in the radial coordinate.
    curve
        Average over all azimuths.
    horizontal
        Share of the light that is polarised horizontally; None: no correction.
    solid_angle
        Whether to correct for it.
    radial, azimuth
        Ranges [`units`, degree]; None: from the first pixel to the last.
    low
        Pixels below count as 0, in the unit of the frames.
    good
        The user's mask, True = use.
    splitting
        As of `Azimuthal`.
    """

    file: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    units: str = "2th_deg"
    bins: tuple[int, int] = (360, 256)
    curve: bool = False
    horizontal: float | None = 1.0
    solid_angle: bool = True
    radial: Range | None = None
    azimuth: Range | None = None
    low: float = -math.inf
    good: Bools | None = None
    splitting: str = "no"

    def build(self, facts: DetectorFacts) -> Integration:
        """Return the reduction; `EntryError` where file, detector and config do not fit."""
        layout = layout_of(facts) or Layout.flat(facts.spec.shape)
        poni = self._poni(facts, layout)
        unit = UNITS[self.units]
        if RADIAL[unit] and poni.wavelength is None:
            where = self.file or "ai_kwargs"
            text = f"{where} has no wavelength, which int_units {self.units!r} needs: add it"
            raise EntryError("no-wavelength", text, "int_units")

        def seen(down: float, right: float) -> Scattering:
            return scattering_from_geometry(
                layout.rows.astype(np.float64) + (0.5 + down),
                layout.cols.astype(np.float64) + (0.5 + right),
                DetectorGeometry.from_poni(poni),
                horizontal=self.horizontal,
                solid_angle=self.solid_angle,
                unit=unit,
                orientation=poni.orientation,
            )

        scattering = with_reach(seen, self.splitting)
        made = Azimuthal(
            scattering,
            _edges(scattering.radial, self.bins[1], self.radial),
            self._sectors(scattering.phi),
            self.low,
            good=self.good,
            set_up=self._set_up(poni),
            splitting=self.splitting,
        )
        return Integration(with_pixels(made, facts), self.curve)

    def doubts(self, facts: DetectorFacts) -> Iterable[tuple[str, str]]:
        """Tell of an odd distance among the numbers of the config."""
        del facts
        return () if self.file else odd_distance(self.numbers.get("dist", 0.0), "dist", "m", 1e3)

    def files(self, folder: Path | None) -> tuple[Path, ...]:
        """Return the ``.poni`` file; a relative path begins at the config."""
        path = Path(self.file).expanduser()
        return (path if folder is None else folder / path,) if self.file else ()

    def _sectors(self, phi: Floats) -> Floats:
        """Return edges of azimuth [rad]; pyFAI counts from -180 to 180 degrees."""
        asked = None if self.azimuth is None else tuple(np.deg2rad(self.azimuth))
        if self.curve:
            return checked_azimuths(asked or (-TURN / 2, TURN / 2))
        edges = _edges(np.mod(phi + TURN / 2, TURN) - TURN / 2, self.bins[0], asked)
        edges[0] -= ON_EDGE * (edges[1] - edges[0])  # turning rounds
        return edges

    def _poni(self, facts: DetectorFacts, layout: Layout) -> Poni:
        if not self.file:
            return self._numbered(facts)
        (path,) = self.files(facts.folder)
        try:
            poni = read_poni(path)
        except (InputError, OSError) as error:
            raise EntryError("poni-file", f"{error} (poni_file {self.file!r})") from error
        if poni.shape is not None and poni.shape != layout.shape:
            raise EntryError(
                "poni-shape",
                f"{path} is for pictures of {poni.shape} pixels, the assembled picture of "
                f"{facts.detector} has {layout.shape}: calibrate on that picture",
            )
        return poni

    def _numbered(self, facts: DetectorFacts) -> Poni:
        sizes = {name: self.numbers.get(name) for name in SIZES}
        if sizes["pixel1"] is None or sizes["pixel2"] is None:
            x, y, _ = facts.positions
            pitch = 1e-6 * float(np.median(np.hypot(np.diff(x, axis=-1), np.diff(y, axis=-1))))
            sizes |= {name: sizes[name] or pitch for name in ("pixel1", "pixel2")}
        distance, *others = (self.numbers.get(name, 0.0) for name in NUMBERS)
        poni1, poni2, rot1, rot2, rot3 = others
        height, width = sizes["pixel1"] or math.nan, sizes["pixel2"] or math.nan
        return Poni(distance, poni1, poni2, rot1, rot2, rot3, sizes["wavelength"], height, width)

    def _set_up(self, poni: Poni) -> dict[str, Setting]:
        """Return the numbers that it was made from, by the names of today's function."""
        lengths = ("distance", "poni1", "poni2")
        kept = {f"azcfg_{name}": Setting(getattr(poni, name), "m", f"pyFAI's {name}")
                for name in (*lengths[1:], "pixel1", "pixel2")}  # fmt: skip
        kept["azcfg_dist"] = Setting(poni.distance, "m", "sample to detector, along its normal")
        for number in (1, 2, 3):
            name = f"rot{number}"
            kept[f"azcfg_{name}"] = Setting(getattr(poni, name), "rad", f"pyFAI's {name}")
        if poni.wavelength is not None:
            kept["azcfg_wavelength"] = Setting(poni.wavelength, "m", "wavelength")
        if self.horizontal is not None:
            text = "share of horizontal minus that of vertical polarisation"
            kept["polarization_factor"] = Setting(2 * self.horizontal - 1, "1", text)
        return kept | {
            "azcfg_detorientation": Setting(poni.orientation, "1", "pyFAI's orientation"),
            "poni_file": Setting(self.file, "1", "geometry file; empty where the config has it"),
            "npts": Setting(self.bins[1], "1", "bins of the radial axis"),
            "npts_az": Setting(self.bins[0], "1", "bins of azimuth"),
            "int_units": Setting(self.units, "1", "pyFAI's name of the radial axis"),
            "return2d": Setting(int(not self.curve), "1", "1 = maps over azimuth"),
        }


def read_azav_pyfai(value: object) -> tuple[str, PyfaiRecipe]:
    """Return name and recipe of one dictionary of ``get_azav_pyfai``, or raise `EntryError`.

    Keys are those of today's function; ``threshold`` is ``thres``, as configs have it. ``return2d``
    is True where not given, as there.
    """
    given = Given(value, KEYS, "a pyFAI entry")
    if ("poni_file" in given) == ("ai_kwargs" in given):
        text = "a pyFAI entry needs one of 'poni_file' and 'ai_kwargs'"
        raise EntryError("missing-key", text, "poni_file")
    if "thres" in given and "threshold" in given:
        raise EntryError("wrong-type", "give thres or threshold, not both", "threshold")
    numbers = _numbers(given)
    ranges, solid_angle = _options(given)
    low = given.number("threshold" if "threshold" in given else "thres", -math.inf)
    return given.name("pyfai"), PyfaiRecipe(
        given.text("poni_file", ""),
        numbers,
        _units(given),
        (_count(given, "npts_az", 360), _count(given, "npts", 256)),
        not given.flag("return2d", default=True),
        _horizontal(given),
        solid_angle,
        *ranges,
        low,
        given.mask("userMask"),
        splitting_of(given),
    )


def _numbers(given: Given) -> dict[str, float]:
    for inner in given.inner("ai_kwargs", (*NUMBERS, *SIZES)):
        found = {name: inner.number(name, 0.0) for name in NUMBERS[1:]}
        found["dist"] = inner.number("dist")
        found |= {name: inner.number(name) for name in SIZES if name in inner}
        if min(found[name] for name in ("dist", *SIZES) if name in found) <= 0:
            text = f"ai_kwargs: dist, {', '.join(SIZES)} are lengths above 0 m"
            raise EntryError("wrong-type", text, "ai_kwargs")
        return found
    return {}


def _options(given: Given) -> tuple[tuple[Range | None, Range | None], bool]:
    keys = ("radial_range", "azimuth_range", "correctSolidAngle")
    for inner in given.inner("azav_kwargs", keys):
        ranges = [_range(inner, key) for key in keys[:2]]
        return (ranges[0], ranges[1]), inner.flag("correctSolidAngle", default=True)
    return (None, None), True


def _range(given: Given, key: str) -> Range | None:
    if key not in given:
        return None
    values = given.numbers(key)
    if len(values) != 2 or not values[0] < values[1]:
        raise EntryError("wrong-type", f"{key} is (low, high), not {values}", "azav_kwargs")
    with naming("azav_kwargs"):
        if key == "azimuth_range":
            checked_azimuths(np.deg2rad(values))
    return float(values[0]), float(values[1])


def _units(given: Given) -> str:
    units = given.text("int_units", "2th_deg")
    if units not in UNITS:
        text = f"no int_units {units!r}; known are {', '.join(UNITS)}"
        raise EntryError("wrong-type", text, "int_units")
    return units


def _count(given: Given, key: str, default: int) -> int:
    count = given.whole(key, default)
    if not 1 <= count <= 100_000:
        raise EntryError("wrong-type", f"{key} is a number of bins from 1 on, not {count}", key)
    return count


def _horizontal(given: Given) -> float | None:
    if given.names("polarization_factor") and "polarization_factor" not in given:
        return None
    factor = given.number("polarization_factor", 1.0)
    if not -1 <= factor <= 1:
        text = f"polarization_factor is -1 (vertical) to 1 (horizontal), not {factor}"
        raise EntryError("wrong-type", text, "polarization_factor")
    return (1 + factor) / 2


def _edges(values: Floats, number: int, asked: Range | None) -> Floats:
    if asked is None:
        return equal_edges(values, number)
    return checked_edges(np.linspace(*asked, number + 1))

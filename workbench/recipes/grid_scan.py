"""Grid scans: signal over I0 on a grid of two motors; its spot or hole, and cuts through it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from workbench.binning import Parameter, bin_run, edges_around
from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.recipes.profiles import BETTER, FWHM, fits_quietly
from workbench.recipes.scan_steps import ScanError, Scanned, independent, scanned
from workbench.runs import Channel, Cut
from workbench.runs.measured import measured
from workbench.runs.protocol import AnyRun

FEWEST = 9  # places with an error, for six numbers
MOST_PLACES = 2000  # along one motor; more: it does not stand still at places of a grid
POOR = 3.0  # chi2 per degree of freedom
NONE = float("nan")


@dataclass(frozen=True)
class GridScan:
    """What a grid scan shows.

    Parameters
    ----------
    motors
        Along x and along y.
    x, y
        Places, shape (column,) and (row,).
    value, error, count
        Signal over I0, its error and its shots, shape (row, column); NaN and 0 where not visited.
    text, unit
        What was measured, and its unit.
    state
        "peak", "hole" or "none": a plane describes the grid as well.
    parameters
        Centre and full width at half maximum along x and y, of a Gaussian; none without a spot.
    brightest, darkest
        Place (x, y) of the largest and of the smallest value.
    mass
        Centre of mass above (of a hole: below) the median level.
    message
        What a reader must know.
    """

    motors: tuple[Scanned, Scanned]
    x: Floats
    y: Floats
    value: Floats
    error: Floats
    count: Ints
    text: str
    unit: str
    state: str
    parameters: Mapping[str, Parameter]
    brightest: tuple[float, float]
    darkest: tuple[float, float]
    mass: tuple[Parameter, Parameter]
    message: str

    @property
    def middle(self) -> tuple[int, int]:
        """Row and column next to the spot; to the brightest place where there is none."""
        x, y = self.brightest
        if self.parameters:
            x, y = self.parameters["centre_x"].value, self.parameters["centre_y"].value
        return int(np.argmin(np.abs(self.y - y))), int(np.argmin(np.abs(self.x - x)))

    @property
    def table(self) -> Table:
        """Places along both motors, by what they are."""
        rows: list[tuple[str, ...]] = [
            ("largest value", f"{self.brightest[0]:.6g}", f"{self.brightest[1]:.6g}"),
            ("smallest value", f"{self.darkest[0]:.6g}", f"{self.darkest[1]:.6g}"),
            ("centre of mass", str(self.mass[0]), str(self.mass[1])),
        ]
        if self.parameters:
            for text, name in (("Gaussian, centre", "centre"), ("Gaussian, FWHM", "width")):
                pair = (str(self.parameters[f"{name}_{axis}"]) for axis in "xy")
                rows.append((text, *pair))
        columns = ("", *(motor.channel.name for motor in self.motors))
        notes = (self.message,) if self.message else ()
        return Table(columns, tuple(rows), f"{self.text}: {self.state}", notes)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def grid_scan(
    run: AnyRun,
    signal: str | Channel,
    where: Cut | None = None,
    *,
    by: str | Channel | None = "i0",
    motors: tuple[str, str] = ("", ""),
    units: tuple[str, str] = ("", ""),
) -> GridScan:
    """Measure a signal over I0 at each place of a grid scan and look for a spot or a hole.

    Parameters
    ----------
    run, signal, where, by
        As for `motor_scan`.
    motors
        Scanned variables along x and y; empty: the only two under ``scan/`` that move.
    units
        Of their positions, where the file does not say.

    Raises `ScanError` where it cannot be told what was scanned, `InputError` for too few places.
    """
    pair = _pair(run, motors, units)
    channel = run.channel(signal)
    edges = {motor.channel: _edges(run, motor) for motor in pair}
    dark = "dark" if run.mask(of="dark").any() else "none"
    binned = bin_run(run, edges, channel, where, by, background=dark)  # type: ignore[arg-type]
    name = channel.name
    value, error = (binned[one].values.T for one in (name, f"{name}_error"))
    good = np.isfinite(value) & (error > 0)
    if np.count_nonzero(good) < FEWEST:
        raise InputError(
            f"{run.label}: {np.count_nonzero(good)} places of the grid have a value and an error, "
            f"at least {FEWEST} are needed; look at the cuts"
        )
    x, y = (np.unique(motor.values[np.isfinite(motor.values)]) for motor in pair)
    state, parameters, said = _spot(x, y, value, error, good, (pair[0].unit, pair[1].unit))
    missing = int(good.size - np.count_nonzero(good))
    said += [f"{missing} of {good.size} places have no value with an error"] if missing else []
    unknown = ", ".join(one.channel.name for one in pair if not one.unit)
    said += [f"unit of {unknown} is not in the file: give it"] if unknown else []
    columns, rows = np.meshgrid(x, y)
    top, low = np.nanargmax(np.where(good, value, NONE)), np.nanargmin(np.where(good, value, NONE))
    return GridScan(
        pair,
        x,
        y,
        value,
        error,
        binned[f"{name}_count"].values.T,
        name if by is None else f"{name} over {run.channel(by).name}",
        str(binned[name].attrs.get("units", "")),
        state,
        parameters,
        (float(columns.flat[top]), float(rows.flat[top])),
        (float(columns.flat[low]), float(rows.flat[low])),
        _mass(pair, (columns[good], rows[good]), value[good], error[good], hole=state == "hole"),
        "; ".join(said),
    )


def _pair(run: AnyRun, motors: tuple[str, str], units: tuple[str, str]) -> tuple[Scanned, Scanned]:
    if all(motors):
        first, second = (scanned(run, *one) for one in zip(motors, units, strict=True))
        return first, second
    if any(motors):
        raise ScanError(f"{run.label}: name both motors of the grid, or none; named: {motors}")
    found = independent(run)
    if len(found) != 2:
        names = ", ".join(one.name for one in found) or "none"
        raise ScanError(
            f"{run.label}: a grid needs two variables under scan/ that move independently; those "
            f"that move: {names}; name motor_x and motor_y, or use motor_scan"
        )
    first, second = (scanned(run, one.name, unit) for one, unit in zip(found, units, strict=True))
    return first, second


def _edges(run: AnyRun, motor: Scanned) -> Floats:
    places = np.unique(motor.values[np.isfinite(motor.values)])
    if len(places) > MOST_PLACES:
        raise ScanError(
            f"{run.label}: {motor.channel.name} has {len(places)} different positions: it swept, "
            "so there is no grid; bin by it instead"
        )
    return edges_around(measured(motor.channel))


def _gaussian(places: Array, *terms: float) -> Floats:
    base, height, x, y, wide, high = terms
    return np.asarray(
        base
        + height * np.exp(-(((places[0] - x) / wide) ** 2) / 2 - ((places[1] - y) / high) ** 2 / 2)
    )


def _spot(
    x: Floats, y: Floats, value: Floats, error: Floats, good: Bools, units: tuple[str, str]
) -> tuple[str, dict[str, Parameter], list[str]]:
    """Return what the grid shows, centre and width of the Gaussian, and remarks."""
    columns, rows = np.meshgrid(x, y)
    places = np.stack([columns[good], rows[good]])
    known, spread = value[good], error[good]
    chi2, terms, errors = _fit(x, y, places, known, spread)
    if not _plane(places, known, spread) - chi2 > BETTER:
        return "none", {}, ["a plane describes the grid as well as a spot: there is no centre"]
    found = {}
    for place, (axis, unit) in enumerate(zip("xy", units, strict=True)):
        centre, width = 2 + place, 4 + place
        found[f"centre_{axis}"] = Parameter(float(terms[centre]), float(errors[centre]), unit)
        found[f"width_{axis}"] = Parameter(
            float(FWHM * terms[width]), float(FWHM * errors[width]), unit
        )
    per = chi2 / max(len(known) - 6, 1)
    poor = f"the Gaussian does not describe the grid (chi2 per degree {per:.1f}): errors too small"
    return "peak" if terms[1] > 0 else "hole", found, [poor] if per > POOR else []


def _fit(
    x: Floats, y: Floats, places: Array, value: Floats, error: Floats
) -> tuple[float, Floats, Floats]:
    """Return chi2, terms and their errors of the best Gaussian of several starts."""
    base, span = float(np.median(value)), np.array([np.ptp(x), np.ptp(y)])
    best: tuple[float, Floats, Floats] = (np.inf, np.full(6, NONE), np.full(6, NONE))
    low = [-np.inf, -np.inf, x[0], y[0], *(0.1 * span / [len(x), len(y)])]
    high = [np.inf, np.inf, x[-1], y[-1], *(2 * span)]
    for top in (int(np.argmax(value)), int(np.argmin(value))):
        for share in (4, 10):
            start = [base, value[top] - base, *places[:, top], *(span / share)]
            try:
                with fits_quietly():
                    terms, covariance = curve_fit(
                        _gaussian, places, value, start, error, True, bounds=(low, high)
                    )
            except (RuntimeError, OptimizeWarning):  # does not converge from here
                continue
            chi2 = float(np.sum(((value - _gaussian(places, *terms)) / error) ** 2))
            if chi2 < best[0]:
                best = (chi2, terms, np.sqrt(np.diag(covariance)))
    return best


def _plane(places: Array, value: Floats, error: Floats) -> float:
    """Return chi2 of a plane."""
    design = np.stack([np.ones_like(value), *places], axis=1) / error[:, None]
    terms = np.linalg.lstsq(design, value / error, rcond=None)[0]
    return float(np.sum((value / error - design @ terms) ** 2))


def _mass(
    pair: tuple[Scanned, Scanned],
    places: tuple[Floats, Floats],
    value: Floats,
    error: Floats,
    *,
    hole: bool,
) -> tuple[Parameter, Parameter]:
    """Return the centre of mass of what rises above (or falls below) the median level."""
    weight = np.median(value) - value if hole else value - np.median(value)
    weight = np.maximum(weight, 0.0)
    total = float(weight.sum())
    found = []
    for motor, place in zip(pair, places, strict=True):
        centre = float((weight * place).sum()) / total if total else NONE
        lit = weight > 0
        spread = sqrt(float(((place - centre)[lit] ** 2 * error[lit] ** 2).sum())) / (total or NONE)
        found.append(Parameter(centre, spread, motor.unit))
    return found[0], found[1]

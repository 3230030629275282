"""Grid scans: signal over I0 on a grid of two motors; its spot or hole, and cuts through it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.binning import Parameter, bin_run, edges_around
from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.rounding import with_error
from workbench.core.table import Table
from workbench.recipes.grid_spot import FEWEST, Spot, find_spot
from workbench.recipes.scan_steps import ScanError, Scanned, independent, scanned
from workbench.runs import Channel, Cut
from workbench.runs.measured import measured
from workbench.runs.protocol import AnyRun

MOST_PLACES = 2000  # along one motor; more: it does not stand still at places of a grid
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
    spot
        The Gaussian fitted to it, and the centre of mass.
    brightest, darkest
        Place (x, y) of the largest and of the smallest value.
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
    spot: Spot
    brightest: tuple[float, float]
    darkest: tuple[float, float]
    message: str

    @property
    def state(self) -> str:
        """Say in a word what was found: "peak", "hole" or "none"."""
        return self.spot.state

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Centre, full width at half maximum and height of the Gaussian; none without a spot."""
        return self.spot.parameters

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
            ("largest value", *self._places(self.brightest)),
            ("smallest value", *self._places(self.darkest)),
        ]
        if np.isfinite(self.spot.mass[0].value):
            rows.append(("centre of mass", *map(str, self.spot.mass)))
        if self.parameters:
            for text, name in (("Gaussian, centre", "centre"), ("Gaussian, FWHM", "width")):
                pair = (str(self.parameters[f"{name}_{axis}"]) for axis in "xy")
                rows.append((text, *pair))
        columns = ("", *(motor.channel.name for motor in self.motors))
        notes = (self.message,) if self.message else ()
        height = f", height {self.parameters['height']}" if self.parameters else ""
        return Table(columns, tuple(rows), f"{self.text}: {self.state}{height}", notes)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def _places(self, place: tuple[float, float]) -> tuple[str, str]:
        x, y = (
            with_error(value, unit=motor.channel.unit or "")
            for value, motor in zip(place, self.motors, strict=True)
        )
        return x, y


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
    value, error, count = (binned[one].values.T for one in (name, f"{name}_error", f"{name}_count"))
    unit = str(binned[name].attrs.get("units", ""))
    good = np.isfinite(value) & (error > 0)
    if np.count_nonzero(good) < FEWEST:
        raise InputError(
            f"{run.label}: {np.count_nonzero(good)} places of the grid have a value and an error, "
            f"at least {FEWEST} are needed; look at the cuts"
        )
    x, y = (np.unique(motor.values[np.isfinite(motor.values)]) for motor in pair)
    both = (pair[0].unit, pair[1].unit)
    spot = find_spot(x, y, value, error, count, units=both, value_unit=unit)
    columns, rows = np.meshgrid(x, y)
    top, low = np.nanargmax(np.where(good, value, NONE)), np.nanargmin(np.where(good, value, NONE))
    return GridScan(
        pair,
        x,
        y,
        value,
        error,
        count,
        name if by is None else f"{name} over {run.channel(by).name}",
        unit,
        spot,
        (float(columns.flat[top]), float(rows.flat[top])),
        (float(columns.flat[low]), float(rows.flat[low])),
        "; ".join((*spot.remarks, *_remarks(pair, good))),
    )


def _remarks(pair: tuple[Scanned, Scanned], good: Bools) -> list[str]:
    missing = int(good.size - np.count_nonzero(good))
    said = [f"{missing} of {good.size} places have no value with an error"] if missing else []
    unknown = ", ".join(one.channel.name for one in pair if not one.unit)
    return said + ([f"unit of {unknown} is not in the file: give it"] if unknown else [])


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

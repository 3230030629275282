"""Motor scans: signal over I0 against position, up and down apart; edges, peaks, centres."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.binning import NothingLeftError, Parameter, bin_run, on_off
from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.table import Cell, Table
from workbench.recipes.half_maximum import REASONS
from workbench.recipes.profiles import FEWEST, METHODS, Feature, find_feature
from workbench.recipes.scan_steps import Scanned, Steps, scanned, steps_of
from workbench.runs import Channel, Cut
from workbench.runs.measured import measured
from workbench.runs.protocol import AnyRun

STEP = "scan_step"
POOR = 3.0  # chi2 per degree of freedom from which a fit does not describe the points
PASSES = {"up": 1, "down": -1}


@dataclass(frozen=True)
class Pass:
    """All steps that the motor reached from one side.

    Parameters
    ----------
    x, value, error
        Position, signal over I0 (or relative change) and its error, shape (point,), x rising.
    count
        Shots of each point.
    feature
        What the points show.
    """

    x: Floats
    value: Floats
    error: Floats
    count: Ints
    feature: Feature


@dataclass(frozen=True)
class MotorScan:
    """A motor scan and what was found in it.

    Parameters
    ----------
    motor
        The scanned variable.
    against
        What the positions are: the set position, or a readback.
    text, unit
        What was measured, and its unit.
    passes
        "up" and "down", as far as the motor came from there.
    method
        Which of the methods gives the numbers of `parameters`.
    message
        What a reader must know of them.
    """

    motor: Scanned
    against: str
    text: str
    unit: str
    passes: Mapping[str, Pass]
    method: str
    message: str

    @property
    def state(self) -> str:
        """Say in a word what was found: "edge", "peak" or "none"."""
        return next(iter(self.passes.values())).feature.kind

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Centre and width in the motor's unit; with both passes also the backlash, up - down.

        Without edge or peak the slope of a straight line.
        """
        features = {name: one.feature for name, one in self.passes.items()}
        if self.state == "none":
            return {"slope": _mean([one.slope for one in features.values()])}
        shapes = {name: one.shapes[self.method] for name, one in features.items()}
        found = {f"centre_{name}": shape.centre for name, shape in shapes.items()}
        centres = list(found.values())
        both = Parameter(
            sum(one.value for one in centres) / len(centres),
            float(np.sqrt(sum(one.error**2 for one in centres))) / len(centres),
            centres[0].unit,
        )
        found = {"centre": both, **found, "width": _mean([one.width for one in shapes.values()])}
        if len(shapes) == 2:
            up, down = found["centre_up"], found["centre_down"]
            error = float(np.hypot(up.error, down.error))
            found["backlash"] = Parameter(up.value - down.value, error, up.unit)
        return found

    @property
    def table(self) -> Table:
        """Centre and width of every pass by every method; chi2 of the fits."""
        rows: list[tuple[Cell, ...]] = []
        for name, one in self.passes.items():
            if one.feature.kind == "none":
                chi2 = one.feature.line_chi2 / (len(one.x) - 2)
                rows.append((name, "straight line", f"slope {one.feature.slope}", "", chi2))
                continue
            for method in METHODS:
                shape = one.feature.shapes[method]
                per = shape.chi2 / shape.dof if shape.dof else None
                fits = per is None or per < POOR or shape is one.feature.fit
                centre = shape.state or (str(shape.centre) if fits else "does not fit")
                width = str(shape.width) if fits and not shape.state else ""
                rows.append((name, method, centre, width, per))
        columns = ("pass", "method", "centre", "width (FWHM)", "chi2 per degree")
        notes = (self.motor.why, self.message)
        return Table(columns, tuple(rows), f"{self.text} against {self.against}", notes)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def motor_scan(
    run: AnyRun,
    signal: str | Channel,
    where: Cut | None = None,
    *,
    by: str | Channel | None = "i0",
    motor: str = "",
    readback: str = "",
    unit: str = "",
    compare: str = "shots",
    kind: str = "",
    method: str = "",
) -> MotorScan:
    """Measure a signal over I0 at each step of a motor scan and look for an edge or a peak.

    The dark means of signal and I0 are subtracted first. Points are ratios of sums with the error
    of the scatter of the shots; those with fewer than two shots are left out.

    Parameters
    ----------
    run, signal, where
        From `open_run`; one value per event; which events.
    by
        Normalisation; None: the mean of the signal.
    motor
        The scanned variable; empty: the only one under ``scan/`` that moves.
    readback
        Positions are the mean of this field in each step; empty: the set position.
    unit
        Of the position, where the file does not say.
    compare
        "shots": signal over I0 of all shots; "on_off": relative change with laser, as in a scan
        of the spatial overlap.
    kind, method
        As for `find_feature`; the method, one of `METHODS`, that the numbers are taken from;
        empty: the fit that belongs to the kind.

    Raises `ScanError`, `InputError` (method) and `NothingLeftError` (steps in either direction).
    """
    if method not in {"", *METHODS}:
        raise InputError(f"method {method!r}: use {', '.join(METHODS)} or ''")
    one = scanned(run, motor, unit)
    steps = steps_of(run, one)
    channel = run.channel(signal)
    number = Channel.from_values(STEP, steps.of_event.astype(np.float64), unit="1", select=run.mask)
    edges: Floats = np.arange(len(steps.position) + 1, dtype=np.float64) - 0.5
    points = _points(run, channel, (number, edges), where, by, compare)
    place = _read_back(run, readback, steps) if readback else steps.position
    passes = _passes(points, place, steps, one.unit, kind)
    if not passes:
        raise NothingLeftError(
            f"{run.label}: {one.channel.name} has fewer than {FEWEST} steps in either direction"
        )
    by_text = "" if by is None else f" over {run.channel(by).name}"
    text = f"{channel.name}{by_text}" + (", on / off - 1" if compare == "on_off" else "")
    edge = next(iter(passes.values())).feature.kind == "edge"
    chosen = method or ("edge" if edge else "gaussian")
    against = readback or f"{one.channel.name}, set position"
    message = _message(passes, chosen, one, int(np.count_nonzero(~points.good)))
    return MotorScan(one, against, text, points.unit, passes, chosen, message)


@dataclass(frozen=True)
class _Points:
    """Value, error and shots of every step, and the unit of the value."""

    value: Floats
    error: Floats
    count: Ints
    unit: str

    @property
    def good(self) -> Bools:
        return np.asarray(np.isfinite(self.value) & (self.error > 0))


def _passes(points: _Points, place: Floats, steps: Steps, unit: str, kind: str) -> dict[str, Pass]:
    """Return what each pass with enough steps shows."""
    found = {}
    for name, sense in PASSES.items():
        there = steps.direction == sense
        if np.count_nonzero(there) < FEWEST:
            continue
        chosen = there & points.good
        x, y, error, count = _merged(
            place[chosen], points.value[chosen], points.error[chosen], points.count[chosen]
        )
        feature = find_feature(x, y, error, unit=unit, y_unit=points.unit, kind=kind)
        found[name] = Pass(x, y, error, count, feature)
    return found


def _points(
    run: AnyRun,
    channel: Channel,
    axis: tuple[Channel, Floats],
    where: Cut | None,
    by: str | Channel | None,
    compare: str,
) -> _Points:
    number, edges = axis
    if compare == "on_off":
        binned = on_off(run, {number: edges}, channel, where, by)
        name, count = "relative", binned["on_count"].values
    elif compare == "shots":
        dark = "dark" if run.mask(of="dark").any() else "none"
        binned = bin_run(run, {number: edges}, channel, where, by, background=dark)  # type: ignore[arg-type]
        name, count = channel.name, binned[f"{channel.name}_count"].values
    else:
        raise InputError(f"compare {compare!r}: use 'shots' or 'on_off'")
    unit = str(binned[name].attrs.get("units", ""))
    return _Points(binned[name].values, binned[f"{name}_error"].values, count, unit)


def _read_back(run: AnyRun, readback: str, steps: Steps) -> Floats:
    """Return the mean of a readback in each step; NaN where it was never read."""
    values = measured(run.channel(readback))
    good = np.isfinite(values) & (steps.of_event >= 0)
    number, size = steps.of_event[good], len(steps.position)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            np.bincount(number, values[good], minlength=size) / np.bincount(number, minlength=size)
        )


def _merged(
    x: Floats, y: Floats, error: Floats, count: Ints
) -> tuple[Floats, Floats, Floats, Ints]:
    """Sort points by position; those at the same position become their weighted mean."""
    places, group = np.unique(x, return_inverse=True)
    weight = error**-2
    total = np.bincount(group, weight)
    mean = np.bincount(group, weight * y) / total
    return places, mean, np.sqrt(1 / total), np.bincount(group, count).astype(np.int64)


def _mean(parameters: list[Parameter]) -> Parameter:
    """Return the weighted mean of numbers with errors; NaN ones are left out."""
    known = [one for one in parameters if np.isfinite(one.value) and one.error > 0]
    if not known:
        return parameters[0]
    weight = np.array([one.error**-2 for one in known])
    value = float(np.average([one.value for one in known], weights=weight))
    return Parameter(value, float(weight.sum() ** -0.5), known[0].unit)


def _message(passes: Mapping[str, Pass], method: str, motor: Scanned, left_out: int) -> str:
    said = []
    if not motor.unit:
        said.append("the motor's unit is not in the file: give it")
    if left_out:
        said.append(f"{left_out} steps without a value and an error are left out")
    for name, one in passes.items():
        feature, fit = one.feature, one.feature.fit
        if feature.kind == "none":
            said.append(f"{name}: a straight line describes it as well as an edge or a peak")
        elif fit.dof and fit.chi2 > POOR * fit.dof:
            said.append(
                f"{name}: the {method} does not describe the points (chi2 per degree "
                f"{fit.chi2 / fit.dof:.1f}): its error is too small"
            )
        state = feature.shapes["half_maximum"].state
        if feature.kind != "none" and state:
            said.append(f"{name}: no half maximum ({state}): {REASONS[state]}")
        elif feature.kind != "none" and not np.isfinite(feature.shapes[method].centre.error):
            said.append(f"{name}: {method} has no error")
    kinds = {one.feature.kind for one in passes.values()}
    if len(kinds) > 1:
        said.append(f"up and down look different ({', '.join(sorted(kinds))}): not comparable")
    return "; ".join(said)

"""Calibration of the time tool: a scan of the laser delay turns its edge positions into times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyval

from workbench.binning import Parameter
from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.rounding import with_error
from workbench.core.table import Table
from workbench.runs import Cut, Run, need_events
from workbench.runs.measured import measured

UNITS = ("ps", "ps/pixel", "ps/pixel^2")
FEWEST_EDGES = 10  # of a step, for a median with an error
MEDIAN = 1.2533  # sqrt(pi / 2): error of a median over that of a mean, for Gaussian scatter
MAD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation
SPARE = 2  # steps beyond the number of coefficients
SURE = 4.0  # by which chi2 must fall for one more coefficient: two standard errors
TOO_LARGE = 5.0  # standard deviations of chi2 above its mean: the steps contradict each other
FOLLOWS = 5.0  # standard errors that the edge must move with the laser
LOST = 0.05  # of the edges; a step that lacks more, and surely so, may be cut by the camera's end
NEAR = 3.0  # standard deviations of the jitter: closer to the camera's end, edges are cut off
SAME = 1e-4  # ps; nominal delays closer than this are one step


class CalibrationError(InputError):
    """A scan that no calibration can be made of; the text says what is lacking."""


@dataclass(frozen=True)
class Steps:
    """The steps of the scan, by rising delay, and their edges.

    Parameters
    ----------
    delay
        Nominal delay [ps], shape (step,).
    position, error
        Median position of the edge [pixel], and its error in time [ps]; NaN without edges.
    edges, shots
        Edges found, and shots with X-rays and laser.
    used
        Which steps were fitted.
    shot_position, shot_delay
        Of every edge, shape (edge,) [pixel], [ps].
    """

    delay: Floats
    position: Floats
    error: Floats
    edges: Ints
    shots: Ints
    used: Bools
    shot_position: Floats
    shot_delay: Floats


@dataclass(frozen=True)
class TimeToolCalibration:
    """The polynomial from edge position [pixel] to time [ps], constant first, as ``ttCalib``.

    Parameters
    ----------
    coefficients, errors
        p0 [ps], p1 [ps/pixel], p2 [ps/pixel^2]; p2 is 0 where a straight line describes the scan.
    degree
        1 or 2.
    chi2, dof
        Sum of squared residuals in units of the errors, and degrees of freedom.
    valid
        Edge positions between which the scan supports it [pixel].
    jitter
        Scatter of single shots, from the median absolute deviation [ps].
    steps
        What was fitted.
    stored
        The constants in the file, None where it has none.
    state
        "calibrated"; "inconsistent": the steps scatter more than their shots explain.
    message
        The state in words, and which steps were left out.
    where
        Which run, for the config line.
    """

    coefficients: tuple[float, float, float]
    errors: tuple[float, float, float]
    degree: int
    chi2: float
    dof: int
    valid: tuple[float, float]
    jitter: float
    steps: Steps
    stored: tuple[float, ...] | None
    state: str
    message: str
    where: str

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The fitted coefficients by name: tt_p0, tt_p1, and tt_p2 where it was needed."""
        each = zip(self.coefficients, self.errors, UNITS, strict=True)
        named = {f"tt_p{order}": Parameter(*one) for order, one in enumerate(each)}
        return dict(list(named.items())[: self.degree + 1])

    def time(self, position: Array) -> Floats:
        """Return the calibrated time at each edge position [pixel]; in ps."""
        return np.asarray(polyval(np.asarray(position, np.float64), self.coefficients))

    @property
    def residuals(self) -> Floats:
        """Nominal delay minus calibrated time of every step [ps], shape (step,)."""
        return np.asarray(self.steps.delay - self.time(self.steps.position))

    @property
    def config_line(self) -> str:
        """The line for the producer config."""
        low, high = self.valid
        numbers = ", ".join(f"{number:.8g}" for number in self.coefficients)
        return f"ttCalib = [{numbers}]  # {self.where}, edges from {low:.0f} to {high:.0f} pixel"

    @property
    def table(self) -> Table:
        """Coefficients with errors beside the constants in the file."""
        rows = tuple(
            (name, value, error, None if self.stored is None else self._stored(order), unit)
            for order, (name, value, error, unit) in enumerate(
                zip(("p0", "p1", "p2"), self.coefficients, self.errors, UNITS, strict=True)
            )
        )
        caption = f"{self.state}: chi2 {self.chi2:.1f} for {self.dof} degrees of freedom"
        columns = ("coefficient", "value", "error", "in the file", "unit")
        return Table(columns, rows, caption, (self.message, self.comparison))

    @property
    def comparison(self) -> str:
        """How far the constants in the file are from these, in words."""
        if self.stored is None:
            return "the file holds no constants to compare with"
        off = self.stored_minus_fitted(np.linspace(*self.valid, 100))
        return (
            f"constants in the file: {1e3 * off.mean():+.0f} fs apart on average over the valid "
            f"range, {1e3 * off.std():.0f} fs rms around that"
        )

    def stored_minus_fitted(self, position: Floats) -> Floats:
        """Return the time by the constants in the file minus that by these [ps]."""
        if self.stored is None:
            return np.full(position.shape, np.nan)
        return np.asarray(polyval(position, self.stored) - self.time(position))

    def _stored(self, order: int) -> float:
        return self.stored[order] if self.stored and order < len(self.stored) else 0.0

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def time_tool_calibration(
    run: Run,
    where: Cut | None = None,
    *,
    scanned: str = "",
    position: str = "tt_position",
    step_width: float | None = None,
    degrees: Sequence[int] = (1, 2),
) -> TimeToolCalibration:
    """Fit the laser delay as a polynomial of the median edge position in each step of a scan.

    The laser moves alone, so the edge moves with it; the sign is such that the calibrated time is
    added to the nominal delay. Errors follow from the shots' scatter in time and are never rescaled
    by chi2. A step that has lost edges beyond the camera's end has a wrong median: it is left out,
    and so are those within 3 jitters of an end that the scan has reached.

    Parameters
    ----------
    run
        From `open_run`.
    where
        Cuts on the amplitude and width of the edge.
    scanned
        Field of the delay that was moved; empty: the hutch's first that moves.
    position
        Field or role of the edge position [pixel]; 0 or NaN where there is no edge.
    step_width
        Delays are grouped in steps of this width [ps]; None: each value of its own.
    degrees
        Polynomials to choose from: a higher one where it lowers chi2 by more than 4.

    Raises `CalibrationError` where too few steps hold edges, and where the edge does not follow;
    `InputError` for a degree of the polynomial other than 1 and 2.
    """
    if not degrees or not set(degrees) <= {1, 2}:
        raise InputError(f"degrees {tuple(degrees)}: the time tool's polynomial has degree 1 or 2")
    need_events(run, FEWEST_EDGES * (min(degrees) + 1 + SPARE))
    nominal = run.delay(time_tool=False, source=scanned or None)
    axis = nominal.why.partition("=")[2].partition(".")[0].strip()
    edge = measured(run.channel(position))
    both = run.mask(of="on") & np.isfinite(nominal.read())
    found = both & run.mask(where, of="on") & np.isfinite(edge) & (edge != 0)
    steps = _steps(nominal.read(), edge, both, found, step_width)
    steps = _inside(steps)
    _check(run, steps, min(degrees), axis)
    fits = [_fit(steps, degree) for degree in sorted(set(degrees)) if _enough(steps, degree)]
    best = fits[0]
    for other in fits[1:]:
        if best.chi2 - other.chi2 > SURE * max(1.0, other.chi2 / other.dof):
            best = other
    return _calibration(run, steps, best, fits[-1])


@dataclass(frozen=True)
class _Fit:
    degree: int
    values: Floats
    errors: Floats
    chi2: float
    dof: int
    jitter: float
    step_errors: Floats


def _steps(nominal: Floats, edge: Floats, both: Bools, found: Bools, width: float | None) -> Steps:
    grid = width or SAME
    keys = np.round(nominal[both] / grid).astype(np.int64)
    numbers, first = np.unique(keys, return_inverse=True)
    place = np.full(len(nominal), -1)
    place[both] = first
    size = len(numbers)
    shots = np.bincount(first, minlength=size)
    edges = np.bincount(place[found], minlength=size)
    delay = np.bincount(first, weights=nominal[both], minlength=size) / shots
    median = np.array(
        [np.median(edge[found & (place == n)]) if edges[n] else np.nan for n in range(size)]
    )
    blank = np.full(size, np.nan)
    used = edges >= FEWEST_EDGES
    shot_delay = delay[place[found]] if size else np.zeros(0)
    return Steps(delay, median, blank, edges, shots, used, edge[found], shot_delay)


def _inside(steps: Steps) -> Steps:
    """Leave out steps that lost edges, and those near an end of the camera that was reached."""
    if not steps.used.any():
        return steps
    part = steps.edges / np.maximum(steps.shots, 1)
    typical = float(np.median(part[steps.used & (part >= part[steps.used].max() / 2)]))
    spread = np.sqrt(typical * (1 - typical) / np.maximum(steps.shots, 1))
    poor = ~steps.used | (typical - part > np.maximum(LOST * typical, 3 * spread))
    used = steps.used & ~poor
    if used.sum() < 2:
        return _replaced(steps, used)
    lowest, highest = steps.delay[used].min(), steps.delay[used].max()
    rises = float(np.polyfit(steps.delay[used], steps.position[used], 1)[0]) > 0
    ends = {False: steps.delay[poor] < lowest, True: steps.delay[poor] > highest}
    jitter = _scatter(steps, used, steps.shot_position, steps.position)
    for late, beyond in ends.items():
        if beyond.any():
            top = late == rises
            limit = steps.shot_position.max() if top else steps.shot_position.min()
            used &= np.abs(limit - np.nan_to_num(steps.position)) > NEAR * jitter
    return _replaced(steps, used)


def _scatter(steps: Steps, used: Bools, shots: Floats, medians: Floats) -> float:
    """Return the robust standard deviation of shots around the medians of their used steps."""
    number = np.searchsorted(steps.delay, steps.shot_delay)
    kept = used[number]
    away = shots[kept] - medians[number[kept]]
    return MAD * float(np.median(np.abs(away)))


def _replaced(steps: Steps, used: Bools, error: Floats | None = None) -> Steps:
    kept = steps.error if error is None else error
    return Steps(
        steps.delay,
        steps.position,
        kept,
        steps.edges,
        steps.shots,
        used,
        steps.shot_position,
        steps.shot_delay,
    )


def _enough(steps: Steps, degree: int) -> bool:
    return int(steps.used.sum()) >= degree + 1 + SPARE


def _check(run: Run, steps: Steps, degree: int, axis: str) -> None:
    used, need = int(steps.used.sum()), degree + 1 + SPARE
    if len(steps.delay) > max(3 * int(steps.used.sum()), 200) and used < need:
        raise CalibrationError(
            f"{run.label}: {axis} has {len(steps.delay)} different values, few of them with "
            f"{FEWEST_EDGES} edges: it was not moved in steps; give step_width [ps] to group them"
        )
    if used < need:
        raise CalibrationError(
            f"{run.label}: {used} of {len(steps.delay)} steps of {axis} hold {FEWEST_EDGES} edges "
            f"that the camera saw whole ({int(steps.edges.sum())} edges in "
            f"{int(steps.shots.sum())} shots with X-rays and laser), at least {need} are needed: "
            "loosen the cuts on amplitude and width, or scan lxt within the time tool's window"
        )
    kept = steps.used
    error = MEDIAN * _scatter(steps, kept, steps.shot_position, steps.position)
    weight = steps.edges[kept] / error**2
    moved = steps.delay[kept] - np.average(steps.delay[kept], weights=weight)
    slope = float((weight * moved * steps.position[kept]).sum() / (weight * moved**2).sum())
    spread = float(1 / np.sqrt((weight * moved**2).sum()))
    if abs(slope) < FOLLOWS * spread:
        raise CalibrationError(
            f"{run.label}: the edge does not move with {axis} ({with_error(slope, spread)} pixel "
            "per ps): the time tool's stage moved along with the laser (lxt_ttc), or the scanned "
            "field is another one; scan lxt alone"
        )


def _fit(steps: Steps, degree: int) -> _Fit:
    """Fit delay against position; the steps' errors are those of their medians, turned to time."""
    used = steps.used
    position, delay = steps.position[used], steps.delay[used]
    root = np.sqrt(steps.edges[used])
    scale = np.abs(position).max() ** -np.arange(degree + 1.0)
    design = np.vander(position, degree + 1, increasing=True) * scale
    values = np.linalg.lstsq(design * root[:, None], delay * root, rcond=None)[0] * scale
    times, medians = (polyval(x, values) for x in (steps.shot_position, steps.position))
    jitter = _scatter(steps, used, times, medians)
    errors = MEDIAN * jitter / np.sqrt(np.maximum(steps.edges, 1))
    pulls = (delay - polyval(position, values)) / errors[used]
    weighted = design / errors[used][:, None]
    covariance = np.linalg.inv(weighted.T @ weighted) * np.outer(scale, scale)
    step_errors = np.where(steps.edges > 0, errors, np.nan)
    return _Fit(
        degree,
        values,
        np.sqrt(np.diag(covariance)),
        float((pulls**2).sum()),
        int(used.sum()) - degree - 1,
        jitter,
        step_errors,
    )


def _calibration(run: Run, steps: Steps, fit: _Fit, fullest: _Fit) -> TimeToolCalibration:
    positions = steps.position[steps.used]
    contradict = fit.chi2 > fit.dof + TOO_LARGE * np.sqrt(2 * fit.dof)
    texts = [_state_in_words(contradict)]
    if fullest.degree > fit.degree:
        bend = with_error(float(fullest.values[2]), float(fullest.errors[2]), UNITS[2])
        texts.append(f"a straight line describes the steps as well as a parabola (p2 = {bend})")
    left_out = steps.delay[~steps.used]
    if len(left_out):
        texts.append(
            f"{len(left_out)} of {len(steps.delay)} steps left out, which lack edges or lie at the "
            f"camera's end: {', '.join(f'{delay:.3g}' for delay in left_out)} ps"
        )
    values, errors = np.zeros(3), np.zeros(3)
    values[: fit.degree + 1], errors[: fit.degree + 1] = fit.values, fit.errors
    return TimeToolCalibration(
        (float(values[0]), float(values[1]), float(values[2])),
        (float(errors[0]), float(errors[1]), float(errors[2])),
        fit.degree,
        fit.chi2,
        fit.dof,
        (float(positions.min()), float(positions.max())),
        fit.jitter,
        _replaced(steps, steps.used, fit.step_errors),
        _stored(run),
        "inconsistent" if contradict else "calibrated",
        "; ".join(texts),
        run.label,
    )


def _state_in_words(contradict: bool) -> str:
    if contradict:
        return (
            "the steps scatter more than their shots explain: the laser's lock jumped or drifted, "
            "or positions are not edges; look at the residuals and do not use these constants"
        )
    return "errors follow from the scatter of the shots"


def _stored(run: Run) -> tuple[float, ...] | None:
    """Return the constants that the producer was given, from ``UserDataCfg/tt/ttCalib``."""
    settings = run.settings.get("tt")
    if settings is None or "ttCalib" not in settings:
        return None
    constants = np.atleast_1d(np.asarray(settings["ttCalib"], dtype=np.float64)).ravel()
    good = constants.size in {2, 3} and np.isfinite(constants).all() and constants.any()
    return tuple(constants.tolist()) if good else None

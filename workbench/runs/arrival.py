"""What the time tool says of each shot [ps]: calibrated, without the shots where it saw no edge."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial.polynomial import polyval

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import UnknownNameError
from workbench.core.units import UnitError, factor
from workbench.facility import RoleField
from workbench.runs.measured import measured
from workbench.runs.nominal import DelayError
from workbench.runs.roles import RoleError

if TYPE_CHECKING:
    from workbench.runs.run import Run

WIDEST = 20.0  # ps, 5 to 95 % of the shots; the window of a time tool is 1 to 2 ps
NARROWEST = 1e-3  # ps; below, the numbers are in another unit
FEWEST = 20  # shots with an edge, for a spread that means something


@dataclass(frozen=True)
class Arrival:
    """The time-tool correction.

    Parameters
    ----------
    name
        Where it comes from.
    values
        Correction of each event [ps], NaN where it saw no edge, shape (event,).
    how
        One line: source, calibration, which shots are missing.
    zeros
        Events whose correction was exactly 0: the mark of a failed fit, not a time.
    """

    name: str
    values: Floats
    how: str
    zeros: Bools


ALL_ZERO = "never varies (0)"  # the fit was not run, or found no edge in any shot


@dataclass(frozen=True)
class Uncalibrated:
    """A time-tool correction that is in the file but is no time, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} {self.reason}"


def find_arrival(run: "Run") -> tuple[Arrival, tuple[Uncalibrated, ...]]:
    """Return the correction and those passed over because they are not calibrated.

    The polynomial of ``experiment.toml`` comes before what the file stores. Raises `RoleError`
    where there is no time tool, `DelayError` where none of its values is a time.
    """
    if run.setup.time_tool.polynomial:
        return _by_polynomial(run), ()
    lines = [line for line in run.role_fields("jitter") if line.name in run]
    if not lines:
        names = [line.name for line in run.role_fields("jitter")]
        raise RoleError("jitter", run.label, names, hint="; or run.delay(time_tool=False)")
    passed_over: list[Uncalibrated] = []
    for line in lines:
        arrival, reason = _stored(run, line)
        if not reason:
            how = "".join(f"; passed over: {each}" for each in passed_over)
            return (
                Arrival(arrival.name, arrival.values, arrival.how + how, arrival.zeros),
                tuple(passed_over),
            )
        passed_over.append(Uncalibrated(line.name, reason))
    never = all(each.reason == ALL_ZERO for each in passed_over)
    raise DelayError(
        f"{run.label}: the time tool is not calibrated or found no edge "
        f"({'; '.join(map(str, passed_over))}); give [time_tool] polynomial in experiment.toml, or "
        "use run.delay(time_tool=False)",
        "time-tool-zero" if never else "time-tool-uncalibrated",
    )


def read_arrival(run: "Run", name: str) -> Floats:
    """Return the correction that `find_arrival` chose in the whole run, in some of its events [ps].

    Whether these are times was judged there: a few events need not show it.
    """
    if run.setup.time_tool.polynomial:
        return _polynomial_of(run)[1]
    (line,) = [line for line in run.role_fields("jitter") if line.name == name]
    return _stored(run, line)[0].values


def _polynomial_of(run: "Run") -> tuple[str, Floats]:
    given = run.setup.time_tool
    name = given.position or _position_name(run)
    if not name or name not in run:
        raise UnknownNameError(
            "edge position", name or "tt_position", run, f"{run.label}, for {run.setup.why}"
        )
    edge = measured(run[name])
    edge[edge == 0] = np.nan
    return name, np.asarray(polyval(edge, given.polynomial) * factor(given.unit, "ps"))


def _by_polynomial(run: "Run") -> Arrival:
    given = run.setup.time_tool
    name, values = _polynomial_of(run)
    reason = _no_time(values, None)
    if reason:
        raise DelayError(
            f"{run.setup.why}: by the polynomial of [time_tool] the correction {reason}; check "
            "its order (a + b x + c x^2) and its unit",
            "time-tool-uncalibrated",
        )
    how = f"polynomial {list(given.polynomial)} [{given.unit}] of {name}, as {run.setup.why} says"
    return Arrival(f"polynomial of {name}", values, how, np.zeros(len(values), np.bool_))


def _stored(run: "Run", line: RoleField) -> tuple[Arrival, str]:
    """Return a correction of the file, and why it is none; empty where it is one."""
    channel = run[line.name]
    unit = channel.unit or line.unit
    try:
        scale = factor(unit, "ps")
    except UnitError as error:
        raise DelayError(
            f"{run.label}: {line.name} is in {unit or 'an unknown unit'}, which is no time and "
            "cannot be added to ps; use run.delay(time_tool=False)",
            "delay-unit",
        ) from error
    values = measured(channel) * scale
    zeros = values == 0
    edge, how = _edge(run)
    failed = zeros if edge is None else zeros | ~np.isfinite(edge) | (edge == 0)
    constant = _constant(values)
    values[failed] = np.nan
    reason = constant or _no_time(values, edge)
    text = f"{line.name}; missing where {how}"
    if line.assumed:
        text += " (assumed: no public file shows this field)"
    return Arrival(line.name, values, text, np.asarray(zeros)), reason


def _edge(run: "Run") -> tuple[Floats | None, str]:
    position = _position_name(run)
    if not position:
        # Without the position only an exact zero tells that the fit failed.
        return None, "the correction is exactly 0 or NaN"
    return measured(run[position]), f"{position} is 0 or NaN, or the correction exactly 0"


def _position_name(run: "Run") -> str:
    return next((line.name for line in run.role_fields("tt_position") if line.name in run), "")


def _constant(values: Floats) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "was never measured"
    return f"never varies ({known[0]:g})" if known.size > 1 and np.ptp(known) == 0 else ""


def _no_time(values: Floats, edge: Floats | None) -> str:
    """Say why values are no calibrated times; empty where they may be."""
    known = np.isfinite(values)
    if not known.any():
        return "was never measured where there is an edge"
    if known.sum() > 1 and np.ptp(values[known]) == 0:
        return f"never varies ({values[known][0]:g})"
    if known.sum() < FEWEST:
        return ""
    if edge is not None and np.allclose(values[known], edge[known], rtol=1e-6, atol=0):
        return "repeats the edge position in pixels"
    low, high = np.percentile(values[known], (5, 95))
    if high - low > WIDEST:
        return f"spreads over {high - low:.3g} ps, a time tool sees 1 to 2 ps"
    if high - low < NARROWEST:
        return f"spreads over only {high - low:.2g} ps: its unit is another one"
    return ""

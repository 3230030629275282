"""Mean and spread of single shots; where too few were measured, an error that says of what."""

import numpy as np

from workbench.binning.parameter import Parameter
from workbench.binning.plan import NothingLeftError
from workbench.core.arrays import Bools, Floats
from workbench.runs import Channel, Cut, Scope, need_events
from workbench.runs.protocol import AnyRun


def mean_of_shots(run: AnyRun, field: str | Channel, where: Bools) -> float:
    """Return the mean of a field over the chosen events in which it was measured, in its unit.

    Parameters
    ----------
    run
        The run.
    field
        One value per event.
    where
        Which events, shape (event,).

    Raises
    ------
    FewEventsError
        Where the run has no events.
    NothingLeftError
        Where it was measured in none of them.
    """
    need_events(run)
    channel = run.channel(field)
    values = channel.read(where=where)
    measured = values[np.isfinite(values)]
    if not measured.size:
        raise NothingLeftError(
            f"{run.label}: {channel.name} was measured in none of the {len(values)} chosen events "
            f"(the run has {run.n_events}); look at run.check(), or name another field"
        )
    return float(measured.mean())


def measured_range(
    run: AnyRun, field: str | Channel, where: Cut | None = None, *, of: Scope = "all"
) -> tuple[float, float]:
    """Return the smallest and the largest value of a field in the shots that pass the cuts.

    Parameters
    ----------
    run, field
        As for `mean_of_shots`.
    where
        Which events.
    of
        Class of events: "all", "on", "off", "dark".

    Raises `FewEventsError` for less than two events, `NothingLeftError` where the shots left
    hold less than two different values.
    """
    need_events(run, 2)
    channel = run.channel(field)
    chosen = run.mask(where, of=of)
    values = channel.read(where=chosen).astype(np.float64)
    measured = values[np.isfinite(values)]
    if not measured.size or not np.ptp(measured) > 0:
        raise NothingLeftError(
            f"{run.label}: {channel.name} covers no range: of {run.n_events} events "
            f"{int(run.mask(of=of).sum())} are of class {of!r}, {len(values)} of these pass the "
            f"cuts, and {measured.size} hold a value ({len(np.unique(measured))} different); look "
            "at run.check() and at run.tally(...)"
        )
    return float(measured.min()), float(measured.max())


def relative_spread(shots: Floats) -> Parameter:
    """Return the standard deviation of shots over their mean, and its error [1].

    The spread s over n independent shots has the error s * sqrt((k - 1) / (4 n)) with the kurtosis
    k of the shots (the error of a root of the second moment, H. Cramér, *Mathematical Methods of
    Statistics*, Princeton 1946, section 27.4). NaN where fewer than two shots were measured, or
    their mean is not above 0.
    """
    measured = shots[np.isfinite(shots)]
    if measured.size < 2 or not measured.mean() > 0:
        return Parameter(np.nan, np.nan, "1")
    relative = measured / measured.mean()
    spread = float(relative.std(ddof=1))
    fourth = ((relative - 1) ** 4).mean() / spread**4 if spread else np.nan
    return Parameter(spread, float(spread * np.sqrt((fourth - 1) / (4 * measured.size))), "1")

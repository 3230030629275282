"""Mean and spread of single shots; where too few were measured, an error that says of what."""

import numpy as np

from workbench.binning.parameter import Parameter
from workbench.binning.plan import NothingLeftError
from workbench.core.arrays import Bools, Floats
from workbench.runs.channel import Channel
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
    NothingLeftError
        Where it was measured in none of them.
    """
    channel = run.channel(field)
    values = channel.read(where=where)
    measured = values[np.isfinite(values)]
    if not measured.size:
        raise NothingLeftError(
            f"{run.label}: {channel.name} was measured in none of the {len(values)} chosen events "
            f"(the run has {run.n_events}); look at run.check(), or name another field"
        )
    return float(measured.mean())


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

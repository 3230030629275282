"""Runs with fewer events than an analysis needs: refused before it speaks of anything else."""

from workbench.core.errors import InputError
from workbench.runs.protocol import AnyRun


class FewEventsError(InputError):
    """A run without events, or with too few for what was asked of it."""


def need_events(run: AnyRun, fewest: int = 1) -> None:
    """Raise `FewEventsError` where a run holds fewer events than are needed.

    Parameters
    ----------
    run
        One run, or several as one.
    fewest
        Number of events, whatever they are, below which nothing can come of it.
    """
    if run.n_events >= fewest:
        return
    if not run.n_events:
        raise FewEventsError(
            f"{run.label} has no events: the run was ended at once, or nothing has been written "
            "yet; look at run.check(), or take another run"
        )
    events = "1 event" if run.n_events == 1 else f"{run.n_events} events"
    raise FewEventsError(
        f"{run.label} has only {events}, of at least {fewest} that are needed: the run was ended "
        "early, or little has been written yet; look at run.check(), or take another run"
    )

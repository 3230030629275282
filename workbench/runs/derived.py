"""Channels computed from others: running medians in the order of time."""

import numpy as np

from workbench.runs.answers import Reduce, Scope
from workbench.runs.channel import Channel
from workbench.runs.cuts.conditions import reduced_text
from workbench.runs.medians import GAP, running_median
from workbench.runs.protocol import AnyRun


def median_channel(
    run: AnyRun,
    field: str,
    *,
    events: int = 120,
    of: Scope = "all",
    centred: bool = False,
    gap: float = GAP,
    reduce: Reduce = "",
) -> Channel:
    """Return the running median of a field over a class of events; see `runs.medians`."""
    stored, missing = run.cut_values(field, reduce)
    values = np.where(missing, np.nan, np.asarray(stored, dtype=np.float64))
    base = run.in_scope(of)
    medians = running_median(
        values, run.timestamps, events=events, base=base, centred=centred, gap=gap
    )
    text = reduced_text(run.field_name(field), reduce)
    where = "around" if centred else "before"
    which = "" if of == "all" else f"{of} "
    return Channel.from_values(
        f"{text}, running median",
        medians,
        unit=run.channel(field).unit,
        select=run.mask,
        why=f"median of the {events} {which}events {where} each, not across gaps over {gap:g} s",
    )

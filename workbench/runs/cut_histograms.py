"""Histograms of the number that a cut judges, before and after it, with its ends."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from workbench.core.arrays import Floats, Ints
from workbench.core.errors import InputError
from workbench.runs.answers import Events
from workbench.runs.cuts import AllOf, Cut, Measured, Not
from workbench.runs.protocol import AnyRun

BINS = 100
SHOWN = (0.5, 99.5)  # percentiles between which values are drawn, unless the cut lies outside


@dataclass(frozen=True)
class CutHistogram:
    """What one cut of a selection does to the number that it judges.

    Parameters
    ----------
    edges
        Of the bins, in the unit of `field`, shape (bin + 1,).
    before, after
        Events per bin that pass the other cuts, and those that also pass this one.
    low, high
        Ends of the cut; None where open.
    text, field
        What the number is, and the channel whose unit it has.
    cut
        The cut in words, with frozen numbers.
    missing, outside
        Events before the cut whose number was not measured, or lies beyond the edges.
    """

    edges: Floats
    before: Ints
    after: Ints
    low: float | None
    high: float | None
    text: str
    field: str
    cut: str
    missing: int
    outside: int


@runtime_checkable
class _Measures(Protocol):
    def measure(self, events: Events) -> Measured: ...


def cut_histogram(
    run: AnyRun,
    part: Cut,
    *,
    others: Cut | None = None,
    of: str = "all",
    bins: int = BINS,
) -> CutHistogram:
    """Count the number that one cut judges, over the events of a class, before and after it.

    Parameters
    ----------
    run
        From `open_run`.
    part
        A range, a distance from a running median or from a line, or the opposite of one.
    others
        Cuts that the events pass before.
    of
        Class of events.
    bins
        Number of bins.

    Raises
    ------
    InputError
        For a cut that does not judge a number.
    """
    frozen = part.freeze(run)
    judge = frozen.inner if isinstance(frozen, Not) else frozen
    if not isinstance(judge, _Measures):
        raise InputError(f"{part} does not judge a number that could be drawn")
    measured = judge.measure(run)
    base = run.classes.of(of)
    if others is not None:
        base = base & others.answer(run).selected
    kept = base & frozen.answer(run).selected
    there = np.isfinite(measured.values) & ~measured.missing
    values = measured.values.astype(np.float64)
    edges = _edges(values[base & there], measured, bins)
    before, after = (np.histogram(values[some & there], edges)[0] for some in (base, kept))
    gone = int(np.count_nonzero(base & ~there))
    return CutHistogram(
        edges,
        before,
        after,
        measured.low,
        measured.high,
        measured.text,
        measured.field,
        str(frozen),
        gone,
        int(np.count_nonzero(base)) - gone - int(before.sum()),
    )


def cut_histograms(run: AnyRun, selection: Cut, *, of: str = "all") -> tuple[CutHistogram, ...]:
    """Return the histogram of every cut of a selection that judges a number, others applied.

    A cut that applies to one class of events is counted over that class, where `of` is "all".
    """
    frozen = selection.freeze(run)
    found = []
    for number, part in enumerate(frozen.parts):
        inner = part.inner if isinstance(part, Not) else part
        if isinstance(inner, _Measures):
            others = AllOf((*frozen.parts[:number], *frozen.parts[number + 1 :]))
            rest = others if others.cuts else None
            found.append(cut_histogram(run, part, others=rest, of=_class_of(part, of)))
    return tuple(found)


def _class_of(part: Cut, of: str) -> str:
    scopes = tuple(part.scopes)
    return scopes[0] if of == "all" and len(scopes) == 1 else of


def _edges(values: Floats, measured: Measured, bins: int) -> Floats:
    ends = [end for end in (measured.low, measured.high) if end is not None]
    shown = list(np.percentile(values, SHOWN)) if values.size else []
    low, high = min([*shown, *ends], default=0.0), max([*shown, *ends], default=1.0)
    margin = 0.05 * (high - low) or 0.5 * abs(low) or 0.5
    return np.linspace(low - margin, high + margin, bins + 1)

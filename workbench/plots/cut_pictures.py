"""Each cut of a selection: the number that it judges, before and after it, with its ends."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from workbench.plots.style import (
    BLUE,
    GREY,
    Picture,
    house_style,
    label,
    legend_above,
    mark_cut,
    nothing,
    panels,
    say_empty,
    tidy,
)
from workbench.runs import Cut, CutHistogram
from workbench.runs import cut_histograms as count
from workbench.runs.protocol import AnyRun

COLUMNS = 3


def cut_histograms(run: AnyRun, selection: Cut, *, of: str = "all") -> Picture:
    """Draw what every cut of a selection that judges a number does to it, the others applied."""
    found = count(run, selection, of=of)
    if not found:
        return nothing("no cut of the selection judges a number that could be drawn")
    return draw_cuts(found, [run.channel(one.field).unit for one in found])


def draw_cuts(cuts: Sequence[CutHistogram], units: Sequence[str]) -> Picture:
    """Draw histograms of cuts: events that pass all other cuts, and those that also pass this."""
    columns = min(COLUMNS, len(cuts))
    rows = -(-len(cuts) // columns)
    with house_style():
        picture, axes = panels(rows, columns, height=3.7 * rows)
        for one, unit, axis in zip(cuts, units, axes, strict=False):
            _draw(axis, one, unit)
        for spare in axes[len(cuts) :]:
            spare.set_visible(False)
    picture.alt = "Cuts, before and after: " + "; ".join(one.cut for one in cuts)
    return picture


def _draw(axes: Axes, one: CutHistogram, unit: str) -> None:
    axes.set_xlabel(label(one.text, unit))
    axes.set_ylabel("events per bin")
    if not one.before.any():
        say_empty(axes, f"no value left ({one.missing} missing)")
        return
    axes.stairs(one.before, one.edges, fill=True, color=GREY, alpha=0.45, label="other cuts")
    axes.stairs(one.after, one.edges, color=BLUE, linewidth=1.6, label="and this cut")
    axes.set_xlim(one.edges[0], one.edges[-1])
    axes.set_ylim(0, 1.08 * max(1, int(one.before.max())))
    mark_cut(axes, one.low, one.high)
    tidy(axes)
    kept, total = int(one.after.sum()), int(one.before.sum())
    lost = [f"{n:,} {what}" for n, what in _left_out(one) if n]
    notes = [f"{kept:,} of {total:,} events kept", ", ".join(lost)]
    axes.set_xlabel("\n".join([axes.get_xlabel(), *filter(None, notes)]))
    axes.locator_params(axis="x", nbins=5)
    legend_above(axes, columns=2)


def _left_out(one: CutHistogram) -> tuple[tuple[int, str], ...]:
    return (one.missing, "missing"), (one.outside, "outside")

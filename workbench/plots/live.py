"""The live picture: laser on against off, I0, time tool and presence, now and since the start."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from workbench.binning.live import DELAY, Snapshot
from workbench.binning.live_sums import Moments, Side
from workbench.core.arrays import Floats
from workbench.plots.curves import Curve, Level, draw_level, draw_points
from workbench.plots.style import (
    BLUE,
    DELAY_LABEL,
    DIFFERENCE,
    DPI,
    GREY,
    ON,
    ORANGE,
    SKY,
    Picture,
    house_style,
    label,
    legend_above,
    nothing,
    say_empty,
    tidy,
)

WIDTH, HEIGHT = 10.4, 8.2  # inch, so that all of it fits a screen
_PLACE = {"left": 0.115, "right": 0.985, "top": 0.912, "bottom": 0.17, "hspace": 0.5}
_LETTERS = 150  # in a line of the text


def live(snapshot: Snapshot) -> Picture:
    """Draw a snapshot of `binning.Live`: left its last shots, right all since the run's start."""
    if snapshot.sides is None:
        return nothing(f"{snapshot.label}: nothing to show yet: {snapshot.why}")
    recent, whole = snapshot.sides
    with house_style():
        # Places are fixed: to find them anew takes longer than all the drawing.
        picture = Picture(figsize=(WIDTH, HEIGHT), dpi=DPI)
        grid = picture.add_gridspec(3, 1, height_ratios=(4.6, 1.9, 1.3), **_PLACE)
        above = grid[0].subgridspec(2, 2, height_ratios=(1.2, 1), hspace=0.08, wspace=0.04)
        below = grid[1].subgridspec(1, 2, wspace=0.2)
        places = ((above[0, 0], above[0, 1]), (above[1, 0], above[1, 1]), (below[0], below[1]))
        rows = [[picture.add_subplot(one) for one in pair] for pair in places]
        _curves(rows[0], snapshot)
        _changes(rows[1], snapshot)
        _trend(rows[2][0], snapshot, "i0", snapshot.i0, (recent.i0, whole.i0))
        _trend(
            rows[2][1], snapshot, "position", snapshot.position, (recent.position, whole.position)
        )
        _presence(picture.add_subplot(grid[2]), recent, whole)
        _told(picture, snapshot, recent, whole)
        tidy(rows[0][0], rows[1][0], *rows[2])
        picture.align_ylabels([row[0] for row in rows])
    picture.alt = f"{snapshot.label}: laser on against off, I0, time tool and presence so far"
    return picture


def _centres(snapshot: Snapshot) -> Floats:
    return (snapshot.edges[1:] + snapshot.edges[:-1]) / 2


def _curves(pair: Sequence[Axes], snapshot: Snapshot) -> None:
    texts = snapshot.texts
    over = " over I0" if "i0" in texts else ""
    unit = f"{texts['signal_unit']}/{texts['i0_unit']}" if "i0" in texts else texts["signal_unit"]
    for axes, side, name in zip(pair, snapshot.sides or (), ("last", "all"), strict=True):
        off = Level(float(side.off.value[0]), float(side.off.error[0]))
        if np.isfinite(off.value):
            draw_level(axes, off, "laser off")
        curve = Curve(_centres(snapshot), side.on.value, side.on.error)
        draw_points(axes, curve, ON, "laser on")
        used = f"{int(side.on.count.sum()):,} on, {int(side.off.count[0]):,} off"
        axes.set_title(f"{name} {side.n_shots:,} shots: {used}", loc="left")
        axes.tick_params(labelbottom=False)
    pair[0].set_ylabel(label(f"signal{over}", unit))
    pair[1].legend(loc="best")
    _alike(pair)


def _changes(pair: Sequence[Axes], snapshot: Snapshot) -> None:
    for axes, side in zip(pair, snapshot.sides or (), strict=True):
        axes.axhline(0, color=GREY, linewidth=0.8)
        curve = Curve(_centres(snapshot), side.change.value, side.change.error)
        draw_points(axes, curve, DIFFERENCE, "")
        axes.set_xlabel(DELAY_LABEL if snapshot.texts["axis"] == DELAY else snapshot.texts["axis"])
    pair[0].set_ylabel("on / off - 1 [1]")
    _alike(pair)


def _alike(pair: Sequence[Axes]) -> None:
    """Give both panels of a row the same limits, so that they can be compared at a glance."""
    drawn = [axes for axes in pair if axes.has_data()]
    lows, highs = zip(*(axes.get_ylim() for axes in drawn), strict=True) if drawn else ((0,), (1,))
    left, right = zip(*(axes.get_xlim() for axes in drawn), strict=True) if drawn else ((0,), (1,))
    for axes in drawn:
        axes.set(xlim=(min(left), max(right)), ylim=(min(lows), max(highs)))
    pair[1].tick_params(labelleft=False)
    pair[1].yaxis.get_offset_text().set_visible(False)


def _trend(
    axes: Axes,
    snapshot: Snapshot,
    which: str,
    points: tuple[Floats, Floats, Floats],
    sides: tuple[Moments, Moments],
) -> None:
    """Draw mean and spread of a quantity over the run, its last shots shaded."""
    seconds, mean, spread = points
    text = {"i0": "no normalisation", "position": "no time tool in this run"}[which]
    axes.set_xlabel("time since the first event [s]")
    if which not in snapshot.texts or not len(seconds):
        say_empty(axes, text if which not in snapshot.texts else "no value so far")
        return
    unit = snapshot.texts[f"{which}_unit"]
    spread = np.nan_to_num(spread)
    axes.fill_between(seconds, mean - spread, mean + spread, color=SKY, alpha=0.4, linewidth=0)
    axes.plot(seconds, mean, color=BLUE, marker=".")
    axes.axvspan(snapshot.recent_from, max(seconds[-1], snapshot.recent_from), color=ORANGE,
                 alpha=0.25, linewidth=0)  # fmt: skip
    axes.set_ylabel(label({"i0": "I0", "position": "edge"}[which], unit))
    last, every = (f"{_mean(moments)} {unit}" for moments in sides)
    axes.set_title(f"last: {last}", fontsize=9.5, loc="left")
    axes.set_title(f"all: {every}", fontsize=9.5, loc="right")


def _mean(moments: Moments) -> str:
    mean, spread = float(moments.mean[0]), float(moments.spread[0])
    return f"{mean:.4g} ± {spread:.2g}" if moments.count[0] else "none"


def _presence(axes: Axes, recent: Side, whole: Side) -> None:
    names = list(whole.present)
    if not names:
        say_empty(axes, "the file does not tell which detector was there (no damage/)")
        return
    place = np.arange(len(names))
    for shift, colour, text, side in ((-0.2, ORANGE, "last", recent), (0.2, BLUE, "all", whole)):
        share = [100 * side.present.get(name, 0.0) for name in names]
        axes.bar(place + shift, share, 0.38, color=colour, label=f"{text} shots")
    axes.set_xticks(place, names, rotation=25, ha="right", fontsize=9.5)
    axes.set_ylim(0, 100)
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("there [%]")
    legend_above(axes)


def _told(picture: Picture, snapshot: Snapshot, recent: Side, whole: Side) -> None:
    """Write what no curve shows: where the run stands, what the time tool finds, the delay."""
    state = "has ended" if snapshot.ended else "is being taken"
    waiting = f", {snapshot.waiting:,} of them not yet in the sums" if snapshot.waiting else ""
    picture.suptitle(
        f"{snapshot.label} {state}: {snapshot.n_events:,} shots{waiting}", x=0.01, y=0.99,
        ha="left", fontsize=13, color=GREY if snapshot.ended else ON,
    )  # fmt: skip
    found = ["none expected" if np.isnan(one.edges_found) else f"{one.edges_found:.1%}"
             for one in (recent, whole)]  # fmt: skip
    names = {"signal": "Signal", "i0": "I0", "position": "edge"}
    fields = [f"{word}: {snapshot.texts[key]}" for key, word in names.items()
              if key in snapshot.texts]  # fmt: skip
    facts = (
        f"{', '.join(fields)}. "
        f"Edge found in {found[0]} of the last and {found[1]} of all shots with both beams. "
        f"Refreshed in {snapshot.seconds:.2g} s. {snapshot.why[:1].upper()}{snapshot.why[1:]}"
    )
    lines = textwrap.wrap(facts, _LETTERS, max_lines=3, placeholder=" ...")
    picture.text(0.01, 0.008, "\n".join(lines), ha="left", va="bottom", fontsize=9.5, color=GREY)

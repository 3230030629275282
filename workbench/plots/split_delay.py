"""Split and delay: the two inputs that tell the branches, and the signal of each over delay."""

from matplotlib.axes import Axes

from workbench.plots.style import (
    BLUE,
    CUT,
    GREY,
    RED,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    tidy,
)
from workbench.recipes import SplitDelay


def split_branches(found: SplitDelay) -> Picture:
    """Draw the readings of both inputs with the threshold, and signal over I0 of each branch."""
    with house_style():
        picture, (inputs, signal) = panels(1, 2, height=4.4, width_ratios=(2, 3))
        inputs.plot(*found.volts, ".", color=GREY, alpha=0.3, markersize=5)
        inputs.axhline(found.threshold, color=CUT, linestyle="--", linewidth=1)
        inputs.axvline(found.threshold, color=CUT, linestyle="--", linewidth=1)
        _quarters(inputs, found)
        inputs.set_xlabel(label(found.names[0], "V"))
        inputs.set_ylabel(label(found.names[1], "V"))
        for branch, color, mark in ((found.first, BLUE, "o"), (found.second, RED, "s")):
            text = f"{branch.name}: {branch.signal}"
            signal.errorbar(
                branch.delay, branch.value, branch.error, fmt=mark, color=color, label=text
            )
        signal.set_xlabel(label("delay of the split, as the motor gives it", "ps"))
        signal.set_ylabel(label("signal over I0", found.first.signal.unit))
        legend_above(signal, columns=1)
        tidy(signal)
    picture.alt = "inputs that tell the branches, and signal of each branch over delay"
    return picture


def _quarters(axes: Axes, found: SplitDelay) -> None:
    """Write what each quarter is at the lines of the threshold, between the clouds of points."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    at, gap = found.threshold, 0.02 * (high - low)
    for name, beyond_x, beyond_y in (
        ("first alone", True, False), ("second alone", False, True),
        ("both", True, True), ("neither", False, False),
    ):  # fmt: skip
        x = (at + (right if beyond_x else left)) / 2
        y, side = (at + gap, "bottom") if beyond_y else (at - gap, "top")
        axes.text(x, y, f"{name}\n{found.counts[name]}", ha="center", va=side)

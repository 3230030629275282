"""Split and delay: the two inputs that tell the branches, and the signal of each over delay."""

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
        low, high = found.volts.min(), found.volts.max()
        middle = {"first alone": (0.75, 0.12), "second alone": (0.2, 0.88)}
        middle |= {"both": (0.75, 0.88), "neither": (0.2, 0.12)}
        for name, (x, y) in middle.items():
            text = f"{name}\n{found.counts[name]}"
            inputs.text(
                low + x * (high - low),
                low + y * (high - low),
                text,
                ha="center",
                va="center",
                bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0},
            )
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

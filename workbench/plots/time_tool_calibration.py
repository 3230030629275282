"""The picture of a time-tool calibration: shots, steps, polynomial and residuals."""

import numpy as np

from workbench.plots.style import (
    BLACK,
    BLUE,
    FIT,
    GREY,
    ORANGE,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    tidy,
)
from workbench.recipes import TimeToolCalibration

POINTS = 400  # of the drawn polynomial
SHOTS = 4000  # at most, drawn one by one


def time_tool_calibration(found: TimeToolCalibration) -> Picture:
    """Draw laser delay over edge position: single shots, medians of steps, fit and residuals.

    Open circles are steps that were left out. The second panel also shows how far the constants in
    the file are off, where it has any.
    """
    steps, used = found.steps, found.steps.used
    thin = slice(None, None, max(1, len(steps.shot_delay) // SHOTS))
    fine = np.linspace(*found.valid, POINTS)
    text = f"fit, degree {found.degree}, over its valid range"
    with house_style():
        picture, (axes, rest) = panels(2, height=6.4, sharex=True, height_ratios=(3, 1.6))
        shots = steps.shot_position[thin], steps.shot_delay[thin]
        axes.plot(*shots, ".", color=GREY, markersize=2, alpha=0.5, label="shots")
        left = ~used & np.isfinite(steps.position)
        axes.plot(
            steps.position[left], steps.delay[left], "o", color=BLACK, mfc="none", label="left out"
        )
        axes.plot(
            steps.position[used], steps.delay[used], "o", color=BLUE, label="median of each step"
        )
        axes.plot(fine, found.time(fine), color=FIT, label=text, zorder=3)
        axes.set_ylabel(label("laser delay", "ps"))
        legend_above(axes, columns=4)
        rest.axhline(0, color=FIT)
        position, away = steps.position[used], 1e3 * found.residuals[used]
        rest.errorbar(position, away, 1e3 * steps.error[used], fmt="o", color=BLUE, capsize=0)
        if found.stored is not None:
            off = 1e3 * found.stored_minus_fitted(fine)
            rest.plot(fine, off, "--", color=ORANGE, label="constants in the file minus fit")
            legend_above(rest)
        rest.set_xlabel(label("edge position", "pixel"))
        rest.set_ylabel(label("delay - fit", "fs"))
        tidy(axes, rest)
        picture.align_ylabels([axes, rest])
    picture.alt = "laser delay against edge position of the time tool, with polynomial fit"
    return picture

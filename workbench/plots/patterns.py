"""Powder patterns above each other with their peaks, and rings of a calibrant against its table."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from workbench.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    say_empty,
    tidy,
)
from workbench.recipes.powder import Pattern
from workbench.recipes.powder_peaks import CalibrantCheck, PatternComparison, Peak

COLOURS = (BLUE, RED, GREEN, BLACK, ORANGE)
SPACED = 0.25  # of the range, between patterns drawn above each other
ANGLE = "scattering angle 2 theta"


def patterns(found: Sequence[tuple[Pattern, Sequence[Peak]]]) -> Picture:
    """Draw patterns above each other, errors as bands, the peaks that were fitted as ticks."""
    with house_style():
        picture, (axes,) = panels(height=2.6 + 0.9 * len(found))
        axes.set_xlabel(label(ANGLE, "deg"))
        unit = found[0][0].unit if found else ""
        axes.set_ylabel(label("mean of a pixel, shifted", unit))
        ranges = [float(np.nanmax(one.value) - np.nanmin(one.value)) for one, _ in found
                  if np.isfinite(one.value).any()]  # fmt: skip
        step = SPACED * max(ranges, default=1.0)
        for number, (pattern, peaks) in enumerate(found):
            colour = COLOURS[number % len(COLOURS)]
            _draw(axes, pattern, peaks, shift=number * step, colour=colour)
        if not found:
            say_empty(axes, "no pattern")
        else:
            axes.margins(x=0.01)
            legend_above(axes)
            tidy(axes)
    picture.alt = "powder patterns: " + ", ".join(one.label for one, _ in found)
    return picture


def calibrant_residuals(check: CalibrantCheck, pattern: Pattern) -> Picture:
    """Draw a pattern with the tabulated rings, and below how far the measured ones are off."""
    with house_style():
        picture, (top, below) = panels(2, 1, height=5.4, sharex=True, height_ratios=(1.6, 1))
        _draw(top, pattern, (), shift=0.0, colour=BLUE)
        for number, line in enumerate(check.expected):
            text = f"{check.name}, tabulated" if number == 0 else "_"
            top.axvline(line, color=GREY, linewidth=0.9, linestyle="--", zorder=0, label=text)
        top.set_ylabel(label("mean of a pixel", pattern.unit))
        legend_above(top)
        found = np.array([peak.state == "found" for peak in check.peaks])
        errors = np.array([peak.two_theta.error for peak in check.peaks])
        below.axhline(0, color=GREY, linewidth=1)
        if found.any():
            below.errorbar(
                check.expected[found], check.residuals[found], errors[found], fmt="o", color=RED,
                capsize=3,
            )  # fmt: skip
        else:
            say_empty(below, "no ring was found")
        below.set_ylabel(label("measured - tabulated", "deg"))
        below.set_xlabel(label(ANGLE, "deg"))
        tidy(top, below)
    picture.alt = check.table.caption
    return picture


def peak_shifts(found: Sequence[PatternComparison]) -> Picture:
    """Draw the strain of every ring against its spacing, with the mean of each comparison."""
    with house_style():
        picture, (axes,) = panels(height=3.4)
        axes.set_xlabel(label("spacing d without drive", "angstrom"))
        axes.set_ylabel(label("strain, change of d / d", "%"))
        for number, one in enumerate(found):
            colour = COLOURS[(number + 1) % len(COLOURS)]
            table = [(old.spacing.value, old, new) for old, new in one.pairs]
            if not table:
                continue
            x = np.array([row[0] for row in table])
            y = np.array([new.spacing.value / old.spacing.value - 1 for _, old, new in table])
            error = np.array([
                np.hypot(old.spacing.error / old.spacing.value,
                         new.spacing.error / new.spacing.value) for _, old, new in table
            ])  # fmt: skip
            mean = one.parameters["strain"]
            axes.axhline(100 * mean.value, color=colour, linewidth=1, linestyle="--")
            axes.errorbar(
                x, 100 * y, 100 * error, fmt="o", color=colour, capsize=3,
                label=f"{one.label} against {one.reference}: "
                f"({100 * mean.value:.3f} ± {100 * mean.error:.3f}) %",
            )  # fmt: skip
        if not any(one.pairs for one in found):
            say_empty(axes, "no peaks to compare: name runs before or after the drive")
        else:
            legend_above(axes, columns=1)
    picture.alt = "strain of each ring"
    return picture


def _draw(
    axes: Axes, pattern: Pattern, peaks: Sequence[Peak], *, shift: float, colour: str
) -> None:
    x, y, error = pattern.two_theta, pattern.value + shift, pattern.error
    frames = f"{pattern.frames} frame{'s' if pattern.frames > 1 else ''}"
    axes.fill_between(x, y - error, y + error, color=colour, alpha=0.25, linewidth=0)
    axes.plot(x, y, color=colour, linewidth=1.2, label=f"{pattern.label}, {frames}")
    for peak in peaks:
        at = peak.two_theta.value
        height = float(np.interp(at, x, np.nan_to_num(y)))
        axes.plot([at], [height], marker="v", markersize=6, color=colour, markeredgecolor=BLACK)

"""Binned curves with error bars: one, or laser on and off with difference, fit and residuals."""

import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from workbench.core.arrays import Array, Floats
from workbench.plots.style import (
    BLUE,
    DELAY_LABEL,
    DIFFERENCE,
    FIT,
    GREY,
    OFF,
    ON,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    say_empty,
    tidy,
)


@dataclass(frozen=True)
class Curve:
    """Values over bins: centre, value and one standard deviation, all of shape (bin,)."""

    x: Array
    value: Array
    error: Array

    @property
    def good(self) -> Array:
        """Bins that hold a value."""
        return np.isfinite(self.value)


@dataclass(frozen=True)
class Level:
    """One value for all bins, with one standard deviation."""

    value: float
    error: float


@dataclass(frozen=True)
class Line:
    """A fitted curve: fine-grained to draw, and at the bins for the residuals."""

    x: Array
    value: Array
    at_bins: Array
    text: str = "fit"


def binned_curve(
    curve: Curve, text: str, unit: str, *, x_label: str = DELAY_LABEL, counts: Array | None = None
) -> Picture:
    """Draw one curve with error bars; with `counts`, the events per bin below it."""
    with house_style():
        if counts is None:
            picture, (axes,) = panels(height=4.2)
            lowest = axes
        else:
            picture, (axes, lowest) = panels(2, height=5.4, sharex=True, height_ratios=(3, 1))
            lowest.stairs(counts, _edges(curve.x), fill=True, color=GREY)
            lowest.set_ylabel("events per bin")
        draw_points(axes, curve, BLUE, "")
        axes.set_ylabel(label(text, unit))
        lowest.set_xlabel(x_label)
        tidy(axes, lowest)
    picture.alt = f"{text} over bins"
    return picture


def on_off_curves(
    on: Curve,
    off: Curve | Level,
    difference: Curve,
    *,
    text: str,
    unit: str,
    change: tuple[str, str] | None = None,
    fit: Line | None = None,
    footer: str = "",
) -> Picture:
    """Draw laser on and off over delay, their difference, the fit and its residuals.

    Parameters
    ----------
    on, off
        Signal with and without laser.
    difference
        What the second panel shows and the fit belongs to.
    text, unit
        Of the signal.
    change
        Text and unit of the difference, where it is not "on - off" in the unit of the signal.
    fit
        The fitted curve, in the second panel.
    footer
        Written below the picture: how the delay was made, what was forced by hand.
    """
    what, change_unit = change or ("on - off", unit)
    ratios = (3, 3) if fit is None else (3, 3, 1.3)
    with house_style():
        picture, axes = panels(
            len(ratios), height=2.6 * len(ratios) + 0.4, sharex=True, height_ratios=ratios
        )
        if isinstance(off, Level):
            draw_level(axes[0], off, "laser off, all delays")
        else:
            draw_points(axes[0], off, OFF, "laser off")
        draw_points(axes[0], on, ON, "laser on")
        axes[0].set_ylabel(label(text, unit))
        legend_above(axes[0])
        draw_points(axes[1], difference, DIFFERENCE, what)
        axes[1].axhline(0, color=GREY, linewidth=0.8)
        axes[1].set_ylabel(label(what, change_unit))
        if fit is not None:
            axes[1].plot(fit.x, fit.value, color=FIT, label=fit.text, zorder=3)
            _residuals(axes[2], difference, fit)
        legend_above(axes[1])
        axes[-1].set_xlabel(DELAY_LABEL)
        tidy(*axes)
        picture.align_ylabels(axes)
        if footer:
            picture.supxlabel(
                textwrap.fill(footer, 150), x=0.01, ha="left", fontsize=9.5, color=GREY
            )
    picture.alt = f"{text} against delay: laser on, laser off, difference"
    return picture


def trend(time: Array, values: Array, text: str, unit: str, *, block: int = 120) -> Picture:
    """Draw medians of `block` consecutive events against `time` [s], with their quartiles."""
    n_blocks = len(values) // block
    with house_style():
        picture, (axes,) = panels(height=2.8)
        axes.set_xlabel("time since the first event [s]")
        axes.set_ylabel(label(text, unit))
        if n_blocks < 2:
            say_empty(axes, f"fewer than {2 * block} events")
            return picture
        stacked = np.asarray(values[: n_blocks * block], np.float64).reshape(n_blocks, block)
        kept = np.isfinite(stacked).any(axis=1)
        seconds = np.asarray(time[: n_blocks * block], np.float64).reshape(n_blocks, block)[kept]
        low, middle, high = np.nanpercentile(stacked[kept], (25, 50, 75), axis=1)
        centre = seconds.mean(axis=1)
        axes.fill_between(centre, low, high, color=BLUE, alpha=0.2, linewidth=0, label="quartiles")
        axes.plot(centre, middle, color=BLUE, label=f"median of {block} events")
        legend_above(axes)
        tidy(axes)
    picture.alt = f"{text} over the time of the run"
    return picture


def draw_points(axes: Axes, curve: Curve, colour: str, name: str) -> None:
    """Draw a curve as points with error bars; say so where no bin holds events."""
    good = curve.good
    if not good.any():
        say_empty(axes, "no bin holds events")
        return
    # A bin of one event has a value and no error: a point without a bar.
    error = np.where(np.isfinite(curve.error), curve.error, 0.0)[good]
    axes.errorbar(
        curve.x[good],
        curve.value[good],
        error,
        fmt="o",
        color=colour,
        ecolor=colour,
        elinewidth=1.2,
        capsize=0,
        label=name,
    )


def draw_level(axes: Axes, level: Level, name: str) -> None:
    """Draw the laser-off level with its error as a band."""
    low, high = level.value - level.error, level.value + level.error
    axes.axhspan(low, high, color=OFF, alpha=0.25, linewidth=0)
    axes.axhline(level.value, color=OFF, label=name)


def _residuals(axes: Axes, difference: Curve, fit: Line) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = (difference.value - fit.at_bins) / difference.error
    good = np.isfinite(pull)
    axes.axhspan(-1, 1, color=FIT, alpha=0.15, linewidth=0)
    axes.axhline(0, color=FIT)
    axes.plot(difference.x[good], pull[good], "o", color=DIFFERENCE)
    reach = max(3.0, float(np.abs(pull[good]).max()) * 1.1) if good.any() else 3.0
    axes.set_ylim(-reach, reach)
    axes.set_ylabel("residual [sigma]")


def _edges(centres: Array) -> Floats:
    if len(centres) < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - middle[0], 2 * centres[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]]).astype(np.float64)

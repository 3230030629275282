"""Pictures of difference scattering: maps over delay and q, slices, components, curves of a fit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.rounding import with_error
from workbench.plots.style import (
    CYCLE,
    DELAY_LABEL,
    GREY,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    robust_range,
    tidy,
)
from workbench.recipes import Components, Difference, GlobalFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

SIGNED_COLOURS = "RdBu_r"
Q_LABEL = "q [1/Å]"
LEFT_OUT = "#DDDDDD"  # cells without a value
SIGMAS = 4.0  # range of the residual map


def difference_map(difference: Difference, fit: GlobalFit | None = None) -> Picture:
    """Draw dS over delay and q; with a fit also its model and the residuals in sigma."""
    shown = [("dS", difference.value)]
    if fit is not None:
        shown += [("fit", fit.model), ("residual", fit.residuals)]
    reach = max(np.abs(robust_range(difference.value)).max(), 1e-12)
    with house_style():
        picture, axes = panels(len(shown), height=2.5 * len(shown) + 0.6, sharex=True)
        for one, (name, values) in zip(axes, shown, strict=True):
            limit = SIGMAS if name == "residual" else reach
            mesh = signed_map(one, difference, values, limit)
            bar = picture.colorbar(mesh, ax=one, extend="both", pad=0.01)
            bar.set_label(label(name, "sigma" if name == "residual" else difference.unit))
        axes[-1].set_xlabel(DELAY_LABEL)
    picture.alt = "difference scattering over delay and q"
    return picture


def difference_slices(
    difference: Difference,
    windows: Sequence[tuple[float, float]],
    delays: Sequence[float],
    fit: GlobalFit | None = None,
) -> Picture:
    """Draw dS over q at some delays, and over delay in some windows of q [1/angstrom]."""
    with house_style():
        picture, (over_q, over_delay) = panels(2, height=6.6)
        step = _step(difference)
        for number, delay in enumerate(delays):
            row = int(np.abs(difference.delay - delay).argmin())
            values = difference.value[row] + number * step
            text = f"{difference.delay[row]:.2f} ps"
            colour = CYCLE[number % len(CYCLE)]
            over_q.axhline(number * step, color=GREY, linewidth=0.7)
            points(over_q, difference.q, values, difference.total[row], colour, text)
            if fit is not None:
                over_q.plot(difference.q, fit.model[row] + number * step, color=colour)
        over_q.set_xlabel(Q_LABEL)
        over_q.set_ylabel(label("dS, each shifted up", difference.unit))
        legend_above(over_q)
        for number, (low, high) in enumerate(windows):
            values, error = difference.at(low, high)
            text = f"{low:g} to {high:g} 1/Å"
            colour = CYCLE[number % len(CYCLE)]
            points(over_delay, difference.delay, values, error, colour, text)
            if fit is not None:
                inside = difference.good & (difference.q >= low) & (difference.q < high)
                over_delay.plot(difference.delay, fit.model[:, inside].mean(axis=1), color=colour)
        over_delay.axhline(0, color=GREY, linewidth=0.7)
        over_delay.set_xlabel(DELAY_LABEL)
        over_delay.set_ylabel(label("mean dS", difference.unit))
        legend_above(over_delay)
        tidy(over_q, over_delay)
    picture.alt = "difference scattering: slices at delays and in windows of q"
    return picture


def component_panels(found: Components) -> Picture:
    """Draw singular values against those of noise, and courses and curves of the leading ones."""
    shown = range(min(len(found.values), found.significant + 1))
    with house_style():
        picture, (values, courses, curves) = panels(1, 3, height=3.9, width_ratios=(1, 1.5, 1.5))
        numbers = np.arange(len(found.values)) + 1
        values.axhspan(0, found.noise, color=GREY, alpha=0.25, linewidth=0, label="noise alone")
        values.plot(numbers, found.values, "o")
        values.set_yscale("log")
        values.set_ylim(min(found.values.min(), found.noise) / 2, found.values.max() * 2)
        values.set_xticks(numbers)
        values.set_xlabel("component")
        values.set_ylabel("singular value [sigma]")
        values.legend(loc="upper right")
        for number in shown:
            noise = number >= found.significant
            text = f"{number + 1}" + (" (noise)" if noise else "")
            colour, line = (GREY, ":") if noise else (CYCLE[number % len(CYCLE)], "-")
            courses.plot(found.delay, found.courses[number], line, color=colour, label=text)
            curves.plot(found.q, found.curves[number], line, color=colour)
        courses.set_xlabel(DELAY_LABEL.replace(", ", ",\n"))
        courses.set_ylabel("course, 1 at its largest")
        legend_above(courses)
        curves.set_xlabel(Q_LABEL)
        curves.set_ylabel(label("curve", found.unit))
        tidy(curves)
    picture.alt = "singular values, courses over delay and curves over q"
    return picture


def global_fit_curves(fit: GlobalFit) -> Picture:
    """Draw the curve of each decay over q with its errors."""
    times = {
        name: with_error(one.value, one.error, one.unit) for name, one in fit.parameters.items()
    }
    with house_style():
        picture, (axes,) = panels(height=4.2)
        axes.axhline(0, color=GREY, linewidth=0.7)
        rows = zip(fit.names, fit.curves, fit.errors, strict=True)
        for number, (name, curve, error) in enumerate(rows):
            text = f"{name} = {times[name]}" if name in times else name
            axes.plot(fit.difference.q, curve, color=CYCLE[number], linewidth=0.8)
            points(axes, fit.difference.q, curve, error, CYCLE[number], text)
        axes.set_xlabel(Q_LABEL)
        axes.set_ylabel(label("curve of each decay", fit.difference.unit))
        legend_above(axes)
        tidy(axes)
    picture.alt = "curves associated with the decays of a global fit"
    return picture


def signed_map(axes: "Axes", difference: Difference, values: Floats, limit: float) -> "QuadMesh":
    """Draw values over delay and q, red above and blue below zero, up to a limit."""
    order = np.argsort(difference.delay)
    mesh = axes.pcolormesh(
        _edges(difference.delay[order]),
        _edges(difference.q),
        np.ma.masked_invalid(values[order].T),
        cmap=SIGNED_COLOURS,
        vmin=-limit,
        vmax=limit,
    )
    axes.set_facecolor(LEFT_OUT)
    axes.grid(visible=False)
    axes.set_ylabel(Q_LABEL)
    return mesh


def points(axes: "Axes", x: Array, value: Array, error: Array, colour: str, text: str) -> None:
    """Draw points with errors; NaN are left out, and unknown errors are not drawn."""
    good = np.isfinite(value)
    bars = np.where(np.isfinite(error), error, 0.0)[good]
    axes.errorbar(
        x[good], value[good], bars, fmt="o", markersize=3, color=colour, elinewidth=1, label=text
    )


def _step(difference: Difference) -> float:
    low, high = robust_range(difference.value)
    return 0.8 * (high - low)


def _edges(centres: Array) -> Floats:
    if len(centres) < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5], dtype=np.float64)
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])

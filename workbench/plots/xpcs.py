"""Correlation of speckle: g2 over lag with its fit, and the two-time correlation."""

import numpy as np
from matplotlib.axes import Axes

from workbench.plots.style import (
    BLUE,
    FIT,
    GREY,
    IMAGE_COLOURS,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    robust_range,
)
from workbench.recipes import Correlation, Relaxation

POINTS = 400  # of the drawn fit


def speckle_correlation(found: Correlation, fit: Relaxation | None = None) -> Picture:
    """Draw g2 over lag with errors and fit, its residuals, and the two-time correlation.

    A sample in equilibrium shows a stripe of constant width along the diagonal of the two-time
    correlation; a width that changes along it means that the sample ages.
    """
    with house_style():
        picture, axes = panels(2, 2, height=5.4, height_ratios=(3, 1), width_ratios=(5, 4))
        curve, two_time, residuals, below = axes
        below.remove()
        grid = two_time.get_subplotspec()
        assert grid is not None  # made by `panels`
        two_time.set_subplotspec(grid.get_gridspec()[:, 1])
        residuals.sharex(curve)
        curve.errorbar(
            found.lag, found.g2, found.error, fmt="o", color=BLUE, label=f"g2, {found.movie.region}"
        )
        curve.axhline(1, color=GREY, linewidth=0.8)
        if fit is not None:
            _draw_fit(curve, residuals, found, fit)
        curve.set(xscale="log")
        curve.set_ylabel(label("g2", "1"))
        curve.tick_params(labelbottom=False)
        legend_above(curve, columns=2)
        residuals.axhline(0, color=GREY, linewidth=0.8)
        residuals.set_xlabel(label("lag", "s"))
        residuals.set_ylabel("residual\n[errors]")
        _draw_two_time(two_time, found)
    picture.alt = f"g2 over lag and two-time correlation of {found.movie.region}"
    return picture


def _draw_fit(curve: Axes, residuals: Axes, found: Correlation, fit: Relaxation) -> None:
    fine = np.geomspace(found.single[0], found.single[-1], POINTS)
    text = f"fit: contrast {fit.contrast},\nrelaxation time {fit.relaxation_time}"
    curve.plot(fine, fit.curve(fine), color=FIT, zorder=3, label=text)
    off = (found.g2 - found.weights @ fit.curve(found.single)) / found.error
    residuals.errorbar(found.lag, off, np.ones(len(off)), fmt="o", color=BLUE)


def _draw_two_time(axes: Axes, found: Correlation) -> None:
    apart = ~np.eye(len(found.two_time), dtype=bool)  # the diagonal alone would set the colours
    low, high = robust_range(found.two_time[apart])
    image = axes.pcolormesh(
        found.age, found.age, found.two_time, cmap=IMAGE_COLOURS, vmin=low, vmax=high
    )
    error = float(np.nanmedian(found.two_time_error[apart]))
    axes.set(aspect="equal", title=f"two-time correlation, error {error:.2g}")
    axes.set_xlabel(label("time of one frame", "s"))
    axes.set_ylabel(label("time of the other", "s"))
    axes.grid(visible=False)
    figure = axes.get_figure()
    assert figure is not None  # axes of a picture
    figure.colorbar(image, ax=axes, label=label("correlation", "1"), shrink=0.8)

"""Edges of a spatial time tool: over the delay with the calibration, and their quality."""

import numpy as np

from workbench.core.arrays import Floats
from workbench.plots.style import (
    BLUE,
    DELAY_LABEL,
    GREEN,
    GREY,
    ORANGE,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    say_empty,
    tidy,
)
from workbench.recipes.spatial_time_tool import EdgeCalibration, Edges

BINS = 40


def time_tool_edges(edges: Edges, calibration: EdgeCalibration, delay: Floats) -> Picture:
    """Draw rows of the edges over the delay with the line, and the widths of the edges."""
    with house_style():
        picture, (left, right) = panels(1, 2, height=4.2, width_ratios=(1.8, 1))
        own = delay[edges.events]
        left.plot(own, edges.position, ".", color=GREY, markersize=3, alpha=0.5, label="shots")
        fitted = calibration.used
        for chosen, colour, text in ((fitted, BLUE, "median"), (~fitted, ORANGE, "not fitted")):
            chosen = chosen & np.isfinite(calibration.error)
            if chosen.any():
                left.errorbar(
                    calibration.delay[chosen], calibration.position[chosen],
                    calibration.error[chosen], fmt="o", color=colour, capsize=3, label=text,
                )  # fmt: skip
        if calibration.parameters:
            scale, zero = (calibration.parameters[name] for name in ("ps_per_pixel", "row_at_zero"))
            ends = np.array([np.nanmin(own), np.nanmax(own)])
            line = zero.value + ends / scale.value
            left.plot(ends, line, color=GREEN, label=f"{scale}", zorder=3)
        left.set_xlabel(DELAY_LABEL)
        left.set_ylabel(label("row of the edge", "pixel"))
        legend_above(left, columns=4)
        width = edges.width[np.isfinite(edges.width)]
        right.set_xlabel(label("width of the edge", "pixel"))
        right.set_ylabel("shots")
        if len(width):
            right.hist(width, BINS, color=BLUE)
        else:
            say_empty(right, "no edge was found")
        tidy(left, right)
    picture.alt = f"edges of {edges.field}: {calibration.state}"
    return picture

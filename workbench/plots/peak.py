"""Pictures of a tracked peak: where it is looked for, and how it moves and widens over delay."""

import numpy as np

from workbench.core.rounding import with_error
from workbench.plots.style import (
    BLUE,
    DELAY_LABEL,
    FIT,
    GREY,
    OFF,
    ORANGE,
    RED,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    tidy,
)
from workbench.recipes import Oscillation, Track, TrackedPeak

POINTS = 800  # of the drawn fit
SHOWN = ("shift", "frequency", "damping")  # in the legend


def peak_region(peak: TrackedPeak) -> Picture:
    """Draw the mean laser-off picture, the pixels of the peak (red) and of its ring (orange)."""
    with house_style():
        picture, (axes,) = panels(height=4.4, width=6.0)
        image = axes.imshow(peak.picture)
        bar = picture.colorbar(image, ax=axes)
        bar.set_label(label("mean of a laser-off shot", peak.intensity.unit))
        for pixels, colour in ((peak.spot, RED), (peak.ring, ORANGE)):
            edges = np.pad(pixels, 1).astype(float)
            rows, cols = (np.arange(-1, size + 1) for size in pixels.shape)
            axes.contour(cols, rows, edges, levels=[0.5], colors=[colour], linewidths=2)
        axes.plot(peak.centre[1], peak.centre[0], "+", color=RED, markersize=12)
        axes.set_xlim(-0.5, peak.picture.shape[1] - 0.5)
        axes.set_ylim(peak.picture.shape[0] - 0.5, -0.5)
        axes.set_xlabel(label("column in the region", "pixel"))
        axes.set_ylabel(label("row in the region", "pixel"))
        axes.grid(visible=False)
        tidy(bar.ax)
    picture.alt = "mean picture of the peak with the pixels that count"
    return picture


def peak_track(track: Track, fit: Oscillation | None = None, along: str = "row") -> Picture:
    """Draw row, column and width over delay, minus those without laser, and a fit to one."""
    shown = (
        ("row", track.row, track.row_error, track.off[0]),
        ("column", track.col, track.col_error, track.off[1]),
        ("width", track.width, track.width_error, track.off[2]),
    )
    with house_style():
        picture, axes = panels(3, height=7.6, sharex=True)
        for one, (name, value, error, (level, spread)) in zip(axes, shown, strict=True):
            one.axhspan(-spread, spread, color=OFF, alpha=0.25, linewidth=0)
            one.axhline(0, color=GREY, linewidth=0.8)
            text = f"laser on - off; off: {with_error(level, spread, 'pixel')}"
            one.errorbar(track.delay, value - level, error, fmt="o", color=BLUE, label=text)
            if fit is not None and name.startswith(along):
                fine = np.linspace(track.low.min(), track.high.max(), POINTS)
                found = ", ".join(f"{key} = {fit.parameters[key]}" for key in SHOWN)
                one.plot(fine, fit.curve(fine), color=FIT, label=f"fit: {found}", zorder=3)
            one.set_ylabel(label(name, "pixel"))
            legend_above(one, columns=1)
        axes[-1].set_xlabel(DELAY_LABEL)
        tidy(*axes)
        picture.align_ylabels(axes)
    picture.alt = "row, column and width of the peak over delay"
    return picture

"""The picture of a motor scan: up and down apart, with what was fitted and where its centre is."""

import numpy as np

from workbench.core.rounding import with_error
from workbench.plots.curves import Curve, draw_points
from workbench.plots.style import BLUE, GREY, RED, Picture, house_style, label, panels, tidy
from workbench.recipes.motor_scan import MotorScan

COLOURS = {"up": BLUE, "down": RED}
POINTS = 600  # of a drawn fit


def motor_scan(scan: MotorScan) -> Picture:
    """Draw each pass of a `recipes.motor_scan` with its fit; dashed lines stand at the centres."""
    with house_style():
        picture, (axes, below) = panels(2, height=5.6, sharex=True, height_ratios=(3, 1))
        for name, one in scan.passes.items():
            colour = COLOURS[name]
            draw_points(
                axes, Curve(one.x, one.value, one.error), colour, f"{name}: {_said(scan, name)}"
            )
            if scan.state != "none" and one.feature.fit.terms:
                fine = np.linspace(one.x.min(), one.x.max(), POINTS)
                axes.plot(fine, one.feature.curve(fine), color=colour, linewidth=1.2)
                pull = (one.value - one.feature.curve(one.x)) / one.error
                below.plot(one.x, pull, "o", color=colour)
                axes.axvline(
                    one.feature.shapes[scan.method].centre.value, color=colour, linestyle="--"
                )
        below.axhspan(-1, 1, color=GREY, alpha=0.2, linewidth=0)
        below.axhline(0, color=GREY, linewidth=0.8)
        reach = max(3.5, float(np.abs(below.get_ylim()).max()))
        below.set_ylim(-reach, reach)
        below.set_ylabel("residual [sigma]")
        axes.set_ylabel(label(scan.text, scan.unit))
        below.set_xlabel(label(scan.against, scan.motor.unit))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=1, borderaxespad=0.2)
        tidy(axes, below)
        picture.align_ylabels([axes, below])
    picture.alt = f"{scan.text} against {scan.against}"
    return picture


def _said(scan: MotorScan, name: str) -> str:
    """Return the centre of one pass in words, or that there is none."""
    feature = scan.passes[name].feature
    if scan.state == "none":
        return f"no edge or peak, slope {feature.slope}"
    one = feature.shapes[scan.method]
    width = with_error(one.width.value, one.width.error, one.width.unit)
    return f"{scan.method.replace('_', ' ')} at {one.centre}, FWHM {width}"

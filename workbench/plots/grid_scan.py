"""The picture of a grid scan: the map with its spot, and cuts through it with error bars."""

import numpy as np
from matplotlib.axes import Axes

from workbench.core.arrays import Floats
from workbench.plots.curves import Curve, draw_points
from workbench.plots.style import BLUE, GREY, RAISED, RED, Picture, house_style, label, panels, tidy
from workbench.recipes.grid_scan import GridScan

POINTS = 400  # of a drawn fit


def grid_scan(scan: GridScan) -> Picture:
    """Draw the map of a `recipes.grid_scan` and the row and column next to its spot."""
    row, column = scan.middle
    names = [one.channel.name for one in scan.motors]
    units = [one.unit for one in scan.motors]
    with house_style():
        picture, (image, across, along) = panels(1, 3, height=4.0, width_ratios=(1.35, 1, 1))
        power, values = _scaled(scan.value)
        shown = image.pcolormesh(_edges(scan.x), _edges(scan.y), values, rasterized=True)
        picture.colorbar(shown, ax=image, label=label("signal", f"{power} {scan.unit}".strip()))
        picture.suptitle(f"{scan.text}: {_said(scan)}", fontsize=11, x=0.01, ha="left")
        image.set_facecolor(GREY)
        image.grid(visible=False)
        image.axhline(scan.y[row], color=BLUE, linewidth=1.2, linestyle="--")
        image.axvline(scan.x[column], color=RED, linewidth=1.2, linestyle="--")
        _mark(image, scan)
        image.set_xlim(*_edges(scan.x)[[0, -1]])  # also where a mark reaches beyond the grid
        image.set_ylim(*_edges(scan.y)[[0, -1]])
        image.set_xlabel(label(names[0], units[0]))
        image.set_ylabel(label(names[1], units[1]))
        draw_points(across, Curve(scan.x, scan.value[row], scan.error[row]), BLUE, "")
        fine = np.linspace(scan.x[0], scan.x[-1], POINTS)
        across.plot(fine, scan.spot.surface(fine, np.full(POINTS, scan.y[row])), color=BLUE)
        across.set_xlabel(label(names[0], units[0]))
        across.set_ylabel(label("signal", scan.unit))
        across.set_title(f"{names[1]} = {scan.y[row]:.4g} {units[1]}")
        draw_points(along, Curve(scan.y, scan.value[:, column], scan.error[:, column]), RED, "")
        fine = np.linspace(scan.y[0], scan.y[-1], POINTS)
        along.plot(fine, scan.spot.surface(np.full(POINTS, scan.x[column]), fine), color=RED)
        along.set_xlabel(label(names[1], units[1]))
        along.set_ylabel(label("signal", scan.unit))
        along.set_title(f"{names[0]} = {scan.x[column]:.4g} {units[0]}")
        tidy(image, across, along)
    picture.alt = f"{scan.text} on a grid of {names[0]} and {names[1]}: {scan.state}"
    return picture


def _said(scan: GridScan) -> str:
    """Return in words what the grid shows."""
    if not scan.parameters:
        return "no spot or hole"
    centre = ", ".join(str(scan.parameters[f"centre_{axis}"]) for axis in "xy")
    return f"{scan.state} at {centre}"


def _scaled(values: Floats) -> tuple[str, Floats]:
    """Return a power of ten for the unit, empty where none is needed, and values over it."""
    most = float(np.nanmax(np.abs(values)))
    exponent = 3 * int(np.floor(np.log10(most) / 3)) if most > 0 else 0
    if -3 <= exponent <= 3:
        return "", values
    return f"10{str(exponent).translate(RAISED)}", values / 10.0**exponent


def _mark(axes: Axes, scan: GridScan) -> None:
    """Draw the centre with half the widths as a cross."""
    if not scan.parameters:
        return
    centre = [scan.parameters[f"centre_{axis}"].value for axis in "xy"]
    half = [scan.parameters[f"width_{axis}"].value / 2 for axis in "xy"]
    axes.errorbar(centre[0], centre[1], half[1], half[0], color="white", fmt="none", elinewidth=2)


def _edges(places: Floats) -> Floats:
    middle = (places[1:] + places[:-1]) / 2
    first, last = 2 * places[0] - middle[0], 2 * places[-1] - middle[-1]
    return np.asarray(np.concatenate([[first], middle, [last]]), dtype=np.float64)

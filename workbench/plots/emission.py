"""Emission spectra: mean frame with the lines' direction, laser on and off, difference, fits."""

import numpy as np
from matplotlib.axes import Axes

from workbench.plots.style import (
    BLACK,
    DIFFERENCE,
    GREY,
    IMAGE_COLOURS,
    OFF,
    ON,
    ORANGE,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    robust_range,
    tidy,
)
from workbench.recipes import Emission

POINTS = 600  # of a drawn fit


def emission_spectrum(found: Emission) -> Picture:
    """Draw the mean frame, the spectra with and without laser with their fits, and on - off."""
    with house_style():
        picture, (frame, spectrum, difference) = panels(3, height=8.2, height_ratios=(2, 4, 3))
        _frame(frame, found)
        for name, color, values, error, line in (
            ("off", OFF, found.off, found.off_error, found.line_off),
            ("on", ON, found.on, found.on_error, found.line_on),
        ):
            fine = np.linspace(*found.window, POINTS)
            text = f"laser {name}"
            if line is not None:
                spectrum.plot(fine, line.curve(fine), color=color, zorder=3)
                text = f"laser {name}: line at {line.energy}"
            spectrum.errorbar(
                found.energy, values, error, fmt=".", color=color, alpha=0.7, label=text
            )
        spectrum.set_ylabel(label("signal per pixel over I0", found.unit))
        legend_above(spectrum)
        difference.errorbar(
            found.energy, found.difference, found.difference_error, fmt=".", color=DIFFERENCE
        )
        if found.line_on is not None and found.line_off is not None:
            change = found.line_on.curve(fine) - found.line_off.curve(fine)
            difference.plot(fine, change, color=ORANGE, zorder=3, label="difference of the fits")
            legend_above(difference)
        difference.axhline(0, color=GREY, linewidth=0.8)
        difference.set_ylabel(label("on - off", found.unit))
        difference.set_xlabel(label("photon energy", "eV"))
        spectrum.sharex(difference)
        spectrum.tick_params(labelbottom=False)
        tidy(spectrum, difference)
    picture.alt = "emission spectra with and without laser, and their difference"
    return picture


def _frame(axes: Axes, found: Emission) -> None:
    unit = found.spectra.channel.unit or ""
    image, names = found.spectra.image, ("row", "column")
    if found.spectra.axis == "row":
        image, names = image.T, ("column", "row")
    low, high = robust_range(image)
    drawn = axes.imshow(image, cmap=IMAGE_COLOURS, vmin=low, vmax=high, aspect="auto")
    if figure := axes.get_figure(root=True):
        figure.colorbar(drawn, ax=axes, label=label("value", unit), extend="both", pad=0.01)
    axes.grid(visible=False)
    axes.set(xlabel=label(f"{names[1]} of the region", "pixel"), ylabel=label(names[0], "pixel"))
    rows = len(image)
    brightest = int(np.nan_to_num(image).sum(axis=0).argmax())
    slope = np.tan(np.radians(found.spectra.rotation))
    row = np.array([0, rows - 1])
    line = brightest - (row - (rows - 1) / 2) * slope
    axes.plot(line, row, color=BLACK, linestyle="--", linewidth=1.8)
    axes.set_title(f"mean frame; dashed: direction of the lines, {found.spectra.rotation:.2f} deg")

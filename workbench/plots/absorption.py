"""Pictures of X-ray absorption: static and transient spectra, the map over delay and energy."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.rounding import with_error
from workbench.plots.difference import signed_map
from workbench.plots.style import (
    CYCLE,
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
    robust_range,
    tidy,
)
from workbench.recipes import Absorption, EdgeFit, GlobalFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENERGY_LABEL = "energy [keV]"
POINTS = 500  # of the drawn edge
SIGMAS = 4.0  # range of the residual map


def absorption_spectra(found: Absorption, edge: EdgeFit | None = None) -> Picture:
    """Draw spectra with and without laser, the fitted edge, and their difference over energy."""
    with house_style():
        picture, (spectra, change) = panels(2, height=6.4, sharex=True, height_ratios=(3, 2))
        _points(spectra, found.energy, found.off, found.off_error, OFF, "laser off")
        _points(spectra, found.energy, found.on, found.on_error, ON, "laser on, all delays")
        if edge is not None:
            fine = np.linspace(found.energy.min(), found.energy.max(), POINTS)
            one = edge.parameters["edge_energy"]
            text = f"fit: edge at {with_error(one.value, one.error, one.unit)}"
            spectra.plot(fine, edge.curve(fine), color=FIT, label=text)
            spectra.axvline(one.value, color=FIT, linestyle=":", linewidth=1)
        spectra.set_ylabel(label("signal over I0", found.unit))
        legend_above(spectra)
        change.axhline(0, color=GREY, linewidth=0.8)
        _points(change, found.energy, found.difference, found.difference_error, DIFFERENCE, "")
        change.set_ylabel(label("on - off", found.unit))
        change.set_xlabel(ENERGY_LABEL)
        tidy(spectra, change)
        picture.align_ylabels([spectra, change])
    picture.alt = "absorption spectra with and without laser, and their difference"
    return picture


def absorption_map(fit: GlobalFit) -> Picture:
    """Draw on - off over delay and energy, the residuals of the fit, and each decay's spectrum."""
    difference = fit.difference
    reach = max(np.abs(robust_range(difference.value)).max(), 1e-12)
    with house_style():
        picture, (change, rest, spectra) = panels(3, height=8.4, height_ratios=(1.2, 1.2, 1))
        shown = (
            (change, difference.value, reach, label("on - off", difference.unit)),
            (rest, fit.residuals, SIGMAS, "residual [sigma]"),
        )
        for axes, values, limit, text in shown:
            mesh = signed_map(axes, difference, values, limit)
            bar = picture.colorbar(mesh, ax=axes, extend="both", pad=0.01)
            bar.set_label(text)
            axes.set_ylabel(ENERGY_LABEL)
            axes.set_xlabel(DELAY_LABEL)
            tidy(bar.ax)
        change.sharex(rest)
        change.set_xlabel("")
        spectra.axhline(0, color=GREY, linewidth=0.8)
        rows = zip(fit.names, fit.curves, fit.errors, strict=True)
        for number, (name, curve, error) in enumerate(rows):
            colour = CYCLE[number % len(CYCLE)]
            text = f"{name} = {fit.parameters[name]}" if name in fit.parameters else name
            _points(spectra, difference.q, curve, error, colour, text)
        spectra.set_xlabel(ENERGY_LABEL)
        spectra.set_ylabel(label("spectrum", difference.unit))
        legend_above(spectra)
        tidy(spectra)
    picture.alt = "transient absorption over delay and energy, residuals, spectra of the decays"
    return picture


def _points(axes: "Axes", x: Floats, value: Floats, error: Floats, colour: str, text: str) -> None:
    bars: Array = np.where(np.isfinite(error), error, 0.0)
    axes.errorbar(x, value, bars, fmt="o", color=colour, elinewidth=1.2, label=text)

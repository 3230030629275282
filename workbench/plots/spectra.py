"""Spectra of a spectrometer with elastic and inelastic line, and their residuals."""

from workbench.core.arrays import Floats
from workbench.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    tidy,
)
from workbench.recipes.spectral_lines import ElasticInelastic
from workbench.recipes.spectrometer import Spectrum


def elastic_inelastic(spectrum: Spectrum, fit: ElasticInelastic) -> Picture:
    """Draw a spectrum with errors, the fit with its elastic part, and the residuals in errors."""
    with house_style():
        picture, (top, below) = panels(2, 1, height=5.2, sharex=True, height_ratios=(2.4, 1))
        frames = f"{spectrum.frames} frame{'s' if spectrum.frames > 1 else ''}"
        top.errorbar(
            spectrum.x, spectrum.value, spectrum.error, fmt=".", color=BLUE, elinewidth=0.8,
            label=f"{spectrum.label}, {frames}",
        )  # fmt: skip
        below.axhline(0, color=GREY, linewidth=1)
        if fit.curves is not None:
            whole, elastic = fit.curves
            top.plot(spectrum.x, whole, color=GREEN, label="fit", zorder=3)
            top.plot(spectrum.x, elastic, color=ORANGE, linestyle="--", label="elastic", zorder=3)
            below.plot(spectrum.x, _in_errors(spectrum, whole), ".", color=BLACK)
        what = "energy" if spectrum.axis == "eV" else "position"
        top.set_ylabel(label("sum over the band", spectrum.unit))
        below.set_ylabel("residual\n[standard errors]")
        below.set_xlabel(label(what, spectrum.axis))
        legend_above(top)
        tidy(top, below)
    picture.alt = f"spectrum of {spectrum.label}: {fit.state}"
    return picture


def _in_errors(spectrum: Spectrum, curve: Floats) -> Floats:
    residual: Floats = (spectrum.value - curve) / spectrum.error
    return residual

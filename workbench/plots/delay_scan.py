"""The picture of a delay scan: laser on and off, their relative difference, fit and residuals."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.binning import KineticsFit, step_decay_in_bins
from workbench.core.arrays import Floats
from workbench.plots.curves import Curve, Level, Line, on_off_curves
from workbench.plots.style import Picture

if TYPE_CHECKING:
    import xarray as xr

POINTS = 800  # of the drawn fit
SHOWN = ("t0", "tau", "amplitude")  # in the legend
HALF_WIDTH = np.sqrt(3.0)  # standard deviations from the middle of an even spread to its end


def delay_scan(binned: "xr.Dataset", fit: KineticsFit | None = None) -> Picture:
    """Draw a dataset of `binning.on_off` over "delay", with the fit to its `relative` change.

    Points lie at the mean delay of each bin's events.
    """
    x = binned["delay_mean"].values
    return on_off_curves(
        Curve(x, binned["on"].values, binned["on_error"].values),
        Level(float(binned["off"]), float(binned["off_error"])),
        Curve(x, binned["relative"].values, binned["relative_error"].values),
        text=f"{binned.attrs['field']} over I0",
        unit=str(binned["on"].attrs["units"]),
        change=("on / off - 1", str(binned["relative"].attrs["units"])),
        fit=None if fit is None else _line(binned, fit),
        footer=str(binned["delay"].attrs.get("why", "")),
    )


def _line(binned: "xr.Dataset", fit: KineticsFit) -> Line:
    mean, spread = binned["delay_mean"].values, binned["delay_std"].values
    shape = step_decay_in_bins(
        mean - HALF_WIDTH * spread,
        mean + HALF_WIDTH * spread,
        t0=fit.t0.value,
        tau=fit.tau.value,
        sigma=fit.sigma.value,
    )
    known = mean[np.isfinite(mean)]
    fine: Floats = np.linspace(known.min(), known.max(), POINTS)
    at_bins = fit.offset.value + fit.amplitude.value * shape
    text = ", ".join(f"{name} = {fit.parameters[name]}" for name in SHOWN)
    return Line(fine, fit.curve(fine), at_bins, f"fit: {text}")

"""The picture of a delay scan: laser on and off, their relative difference, fit and residuals."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.binning import KineticsFit, step_decay_in_bins
from workbench.binning.points import Points, points_of_dataset
from workbench.core.arrays import Floats
from workbench.core.rounding import with_error
from workbench.plots.curves import Curve, Level, Line, on_off_curves
from workbench.plots.style import Picture

if TYPE_CHECKING:
    import xarray as xr

POINTS = 800  # of the drawn fit
SHOWN = ("t0", "tau", "amplitude")  # in the legend


def delay_scan(binned: "xr.Dataset", fit: KineticsFit | None = None) -> Picture:
    """Draw a dataset of `binning.on_off` over "delay", with the fit to its `relative` change.

    Points lie at the mean delay of each bin's events. The difference is drawn as a fit takes it:
    bins with too few shots for an error are left out.
    """
    x = binned["delay_mean"].values
    points = points_of_dataset(binned, "relative")
    why = str(binned["delay"].attrs.get("why", ""))
    return on_off_curves(
        Curve(x, binned["on"].values, binned["on_error"].values),
        _off(binned, x),
        Curve(points.centre, points.value, points.error),
        text=f"{binned.attrs['field']} over I0",
        unit=str(binned["on"].attrs["units"]),
        change=("on / off - 1", str(binned["relative"].attrs["units"])),
        fit=None if fit is None else _line(points, fit),
        footer=". ".join(text for text in (why.rstrip("."), points.note) if text),
    )


def _off(binned: "xr.Dataset", x: Floats) -> Curve | Level:
    """Return laser off: one level for all delays, or a point for each where shots were paired."""
    off, error = binned["off"].values, binned["off_error"].values
    return Curve(x, off, error) if off.ndim else Level(float(off), float(error))


def _line(points: Points, fit: KineticsFit) -> Line:
    shape = step_decay_in_bins(
        points.low, points.high, t0=fit.t0.value, tau=fit.tau.value, sigma=fit.sigma.value
    )
    fine: Floats = np.linspace(points.low.min(), points.high.max(), POINTS)
    at_bins = fit.offset.value + fit.amplitude.value * shape
    found = [(name, fit.parameters[name]) for name in SHOWN]
    texts = (f"{name} = {with_error(one.value, one.error, one.unit)}" for name, one in found)
    return Line(fine, fit.curve(fine), at_bins, f"fit: {', '.join(texts)}")

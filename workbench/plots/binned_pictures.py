"""Pictures of `wb.bin`: curves over one axis with errors, maps over two (delay and q)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.errors import InputError, UnknownNameError
from workbench.plots.curves import Curve, binned_curve
from workbench.plots.style import (
    DELAY_LABEL,
    IMAGE_COLOURS,
    Picture,
    house_style,
    label,
    panels,
    robust_range,
    say_empty,
    tidy,
)

if TYPE_CHECKING:
    import xarray as xr

SIGNED_COLOURS = "RdBu_r"  # red above, blue below zero: told apart by all eyes
FAR_BELOW = 0.05  # of the range; values this far below zero make the colours two-sided
TAIL = 1.0  # percent of the cells beyond the colours at either end


def curve(binned: "xr.Dataset", field: str) -> Picture:
    """Draw a field of a result of `wb.bin` over its one axis, with errors and events per bin.

    Raises
    ------
    InputError
        For a field with other than one axis.
    """
    values = _of(binned, field)
    if values.ndim != 1:
        raise InputError(
            f"{field} has the axes {', '.join(map(str, values.dims))}: a curve has one; use "
            "plots.heat_map for two"
        )
    axis = str(values.dims[0])
    x = binned[f"{axis}_mean"] if f"{axis}_mean" in binned else binned[axis]
    error = binned.get(f"{field}_error")
    counts = binned.get(f"{field}_count")
    errors = np.full(values.size, np.nan) if error is None else error.values
    return binned_curve(
        Curve(
            np.where(np.isfinite(x.values), x.values, binned[axis].values), values.values, errors
        ),
        str(values.attrs.get("long_name", field)),
        str(values.attrs.get("units", "")),
        x_label=_axis_label(binned, axis),
        counts=None if counts is None else counts.values,
    )


def heat_map(
    binned: "xr.Dataset", field: str, *, change_from: float | None = None, tail: float = TAIL
) -> Picture:
    """Draw a field over two axes as a map, such as delay (across) and q (up).

    Parameters
    ----------
    binned
        From `wb.bin` or `wb.on_off`, or any Dataset with coordinates along both axes.
    field
        Its name.
    change_from
        Subtract the mean of all bins that lie below this on the first axis: with delay, the
        difference to the signal before the laser [unit of the first axis].
    tail
        Percent of the cells that may lie beyond the colours at either end.

    Raises
    ------
    InputError
        For a field with other than two axes.
    """
    values = _of(binned, field)
    if values.ndim != 2:
        further = "".join(f", {dim}=0" for dim in values.dims[1:-1])
        take = f"; take one of the others, as in binned.isel({further[2:]})" if further else ""
        raise InputError(
            f"{field} has the axes {', '.join(map(str, values.dims))}: a map needs two{take}"
        )
    across, up = (str(dim) for dim in values.dims)
    text = str(values.attrs.get("long_name", field))
    shown = np.asarray(values.values, dtype=np.float64)
    if change_from is not None:
        shown, text = _change(shown, binned[across].values, change_from), f"{text}, change"
    with house_style():
        picture, (axes,) = panels(height=4.8)
        axes.set_xlabel(_axis_label(binned, across))
        axes.set_ylabel(_axis_label(binned, up))
        picture.alt = f"{text} over {across} and {up}"
        if not np.isfinite(shown).any():
            say_empty(axes, "no cell holds a value")
            return picture
        edges = (_edges(binned, across), _edges(binned, up))
        mesh = axes.pcolormesh(*edges, np.ma.masked_invalid(shown.T), **_colours(shown, tail))
        bar = picture.colorbar(mesh, ax=axes, extend="both")
        bar.set_label(label(text, str(values.attrs.get("units", ""))))
        axes.grid(visible=False)
        axes.set_facecolor("#DDDDDD")  # cells without a value
        tidy(axes, bar.ax)
    return picture


def _of(binned: "xr.Dataset", field: str) -> "xr.DataArray":
    if field not in binned:
        raise UnknownNameError("field", field, map(str, binned.data_vars), "the binned dataset")
    return binned[field]


def _axis_label(binned: "xr.Dataset", axis: str) -> str:
    if axis not in binned.coords:
        return label(axis, "number")
    about = binned[axis].attrs
    if axis == "delay" and about.get("units") == "ps":
        return DELAY_LABEL
    return label(str(about.get("long_name", axis)), str(about.get("units", "")))


def _edges(binned: "xr.Dataset", axis: str) -> Floats:
    if f"{axis}_edges" in binned.coords:
        return np.asarray(binned[f"{axis}_edges"].values, dtype=np.float64)
    centres = np.asarray(binned[axis].values, dtype=np.float64)
    if len(centres) == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _change(values: Floats, positions: Array, below: float) -> Floats:
    before = values[positions < below]
    before = before[np.isfinite(before).any(axis=1)]
    if not len(before):
        raise InputError(f"no bin below {below:g} holds a value: nothing to take the change from")
    return np.asarray(values - np.nanmean(before, axis=0))


def _colours(values: Floats, tail: float) -> dict[str, Any]:  # Any: matplotlib's options
    low, high = robust_range(values, tail=tail)
    if low < -FAR_BELOW * (high - low) and high > FAR_BELOW * (high - low):
        reach = max(-low, high)
        return {"cmap": SIGNED_COLOURS, "vmin": -reach, "vmax": reach}
    return {"cmap": IMAGE_COLOURS, "vmin": low, "vmax": high}

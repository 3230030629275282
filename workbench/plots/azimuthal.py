"""Azimuthal averages over scattering vector or angle, with the rings that are expected."""

from collections.abc import Mapping

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.plots.style import (
    GREY,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    say_empty,
    tidy,
)


def averages(
    x: Array,
    curves: Mapping[str, Array],
    *,
    axis: tuple[str, str],
    unit: str,
    rings: Floats | None = None,
) -> Picture:
    """Draw azimuthal averages of one picture or event.

    Parameters
    ----------
    x
        Middles of the bins, shape (bin,).
    curves
        Name, such as that of a sector, -> values, shape (bin,); NaN where a bin has no pixels.
    axis
        What `x` is, and its unit.
    unit
        Of the values.
    rings
        Where rings are expected, in the unit of `x`; thin lines mark them. None: not known.
    """
    with house_style():
        picture, (axes,) = panels(height=3.0)
        axes.set_xlabel(label(*axis))
        axes.set_ylabel(label("mean of a pixel", unit))
        if not any(np.isfinite(values).any() for values in curves.values()):
            say_empty(axes, "no bin holds a pixel")
            return picture
        for name, values in curves.items():
            axes.plot(x, values, label=name)
        seen = np.zeros(0) if rings is None else np.asarray(rings, np.float64)
        for number, ring in enumerate(seen[(seen >= x[0]) & (seen <= x[-1])]):
            name = "expected rings" if number == 0 else "_"  # one line of the legend
            axes.axvline(ring, color=GREY, linewidth=0.8, alpha=0.6, zorder=0, label=name)
        axes.set_xlim(x[0], x[-1])
        legend_above(axes)
        tidy(axes)
    picture.alt = f"azimuthal average over {axis[0]}: {', '.join(curves)}"
    return picture

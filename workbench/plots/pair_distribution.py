"""Picture of pair distributions: G over distance, one curve for each delay."""

from collections.abc import Sequence

import numpy as np

from workbench.plots.style import CYCLE, GREY, Picture, house_style, label, legend_above, panels
from workbench.recipes import PairDistribution


def pair_distribution(
    found: PairDistribution, names: Sequence[str] = (), unit: str = "1/Å²"
) -> Picture:
    """Draw G(r) with one standard error as a band, several curves above each other.

    Parameters
    ----------
    found
        One curve or several.
    names
        Of the curves, for the legend.
    unit
        Of G, where i(q) was in another unit than 1.
    """
    curves = found.value.reshape(-1, len(found.r))
    errors = found.error.reshape(curves.shape)
    step = 1.2 * float(np.ptp(curves)) if len(curves) > 1 else 0.0
    with house_style():
        picture, (axes,) = panels(height=3.0 + 0.7 * len(curves))
        for number, (curve, error) in enumerate(zip(curves, errors, strict=True)):
            shift, colour = number * step, CYCLE[number % len(CYCLE)]
            axes.axhline(shift, color=GREY, linewidth=0.7)
            low, high = curve - error + shift, curve + error + shift
            axes.fill_between(found.r, low, high, color=colour, alpha=0.25, linewidth=0)
            text = names[number] if number < len(names) else ""
            axes.plot(found.r, curve + shift, color=colour, label=text or "_")
        axes.set_xlabel(f"r [Å], {found.resolution:.2g} Å resolved")
        axes.set_ylabel(label("G(r), each shifted up" if step else "G(r)", unit))
        if names:
            legend_above(axes)
    picture.alt = "pair distribution over distance"
    return picture

"""Photon statistics of speckle: P(k) over mean photons, contrast, mean photons in time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, StrMethodFormatter

from workbench.core.arrays import Floats
from workbench.plots.style import CYCLE, GREY, Picture, house_style, label, legend_above, panels
from workbench.recipes import RegionSpeckle, SpeckleStatistics
from workbench.reductions.speckle import photon_probability

SHOWN = (1, 2, 3)  # photons
BINS = 12  # of kbar
BLOCKS = 60  # of frames, in the picture over the run
FEWEST = 5  # frames in a point


def photon_statistics_of(result: SpeckleStatistics, region: str = "") -> Picture:
    """Draw what `recipes.speckle_statistics` found.

    Left: P(k) of groups of frames over their mean photons, with the negative binomial curve of the
    contrast found, and those of no contrast and of full contrast. Right: contrast of each region,
    over all frames and by mean photons. Below: mean photons in time.

    Parameters
    ----------
    result
        From `speckle_statistics`.
    region
        Whose P(k) is drawn; the first if empty.
    """
    chosen = next((one for one in result.regions if one.region.name == region), result.regions[0])
    with house_style():
        picture, axes = panels(2, 2, height=8.0, height_ratios=(3, 2))
        left, right, low, deviation = axes
        _probabilities(left, chosen)
        _contrasts(right, result)
        _means(low, result)
        _deviations(deviation, result)
    picture.alt = f"photon statistics of {result.photons}: P(k), contrast, mean photons"
    return picture


def _probabilities(axes: Axes, one: RegionSpeckle) -> None:
    kbar, each = one.statistics.kbar, one.statistics.probability
    edges = np.quantile(kbar, np.linspace(0, 1, BINS + 1))
    place = np.clip(np.searchsorted(edges, kbar, "right") - 1, 0, BINS - 1)
    groups = [place == number for number in range(BINS) if (place == number).sum() >= FEWEST]
    fine = np.geomspace(max(edges[0], edges[-1] / 300), edges[-1] * 1.1, 200)
    beta = one.contrast.beta
    curves = {"contrast 0": np.inf, "contrast 1": 1.0}
    if beta > 0:
        curves[f"contrast {beta:.3f}, as found"] = 1 / beta
    for color, k in zip(CYCLE, SHOWN, strict=False):
        for line, (text, modes) in zip((":", "--", "-"), curves.items(), strict=False):
            found = photon_probability(k, fine, modes)[:, k]
            shown = text if k == SHOWN[0] else "_"
            axes.plot(fine, found, line, color=color, linewidth=1.3, label=shown)
        x = np.array([kbar[group].mean() for group in groups])
        y = np.array([each[group, k].mean() for group in groups])
        error = np.array([each[group, k].std(ddof=1) / np.sqrt(group.sum()) for group in groups])
        seen = y > 0
        axes.errorbar(x[seen], y[seen], error[seen], fmt="o", color=color, label=f"P({k})")
    axes.set(xscale="log", yscale="log", ylim=(_lowest(one), None))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel(label("mean photons per pixel, kbar", "1"))
    axes.set_ylabel(label(f"P(k), region {one.region.name}", "1"))
    legend_above(axes, columns=3)


def _lowest(one: RegionSpeckle) -> float:
    """Return the least probability worth showing: that of one pixel in all frames."""
    return 0.3 / float(one.statistics.measured.sum() / BINS)


def _contrasts(axes: Axes, result: SpeckleStatistics) -> None:
    for color, one in zip(CYCLE, _cycled(result), strict=False):
        axes.axhspan(
            one.beta.value - one.beta.error,
            one.beta.value + one.beta.error,
            color=color,
            alpha=0.2,
            linewidth=0,
        )
        text = f"{one.region.name}: {one.beta}"
        axes.errorbar(*one.by_kbar(), fmt="o", color=color, label=text)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlabel(label("mean photons per pixel of groups of frames", "1"))
    axes.set_ylabel(label("contrast", "1"))
    legend_above(axes, columns=2)


def _means(axes: Axes, result: SpeckleStatistics) -> None:
    for color, one in zip(CYCLE, _cycled(result), strict=False):
        parts = np.array_split(one.statistics.kbar, min(BLOCKS, len(one.events) // FEWEST) or 1)
        events = np.array_split(np.arange(len(one.events)), len(parts))
        x = [float(part.mean()) for part in events]
        error = [_standard(part) for part in parts]
        mean = [float(part.mean()) for part in parts]
        axes.errorbar(x, mean, error, fmt="o-", color=color, linewidth=0.8, label=one.region.name)
    axes.set(ylim=(0, None))
    axes.set_xlabel("frame, in the order of time")
    axes.set_ylabel(label("kbar", "1"))


def _deviations(axes: Axes, result: SpeckleStatistics) -> None:
    count = len(_cycled(result))
    for number, (color, one) in enumerate(zip(CYCLE, _cycled(result), strict=False)):
        off = one.deviation
        k = np.arange(len(off))
        axes.bar(k + (number - (count - 1) / 2) * 0.8 / count, off, 0.8 / count, color=color)
    for end in (-3, 3):
        axes.axhline(end, color=GREY, linestyle="--", linewidth=0.8)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlabel("photons k")
    axes.set_ylabel(label("P(k) measured - expected", "errors"))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -4), max(high, 4))


def _standard(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def _cycled(result: SpeckleStatistics) -> tuple[RegionSpeckle, ...]:
    """Return as many regions as there are colours."""
    return result.regions[: len(CYCLE)]

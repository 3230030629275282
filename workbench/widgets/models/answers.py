"""What a region would give: numbers of the picture and of every event, by the producer's own code.

The reductions are those of a production, fed with the same pixels in the same types: the numbers
are the producer's to the last bit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames, Ints
from workbench.core.bounds import Bounds
from workbench.core.frames import FrameSpec, Output
from workbench.reductions import Projection, Reduction, Roi, Spectrum
from workbench.reductions.roi import squeezed
from workbench.regions import ConfigRegion, Layout
from workbench.widgets.models.picture import Picture
from workbench.widgets.models.state import Drawn

BINS = 64  # of the histogram of a region's pixels


class FrameSource(Protocol):
    """Where frames come from: `RawFrames` or `StoredAreas`."""

    @property
    def label(self) -> str:
        """Where the values come from, in words."""
        ...

    @property
    def spec(self) -> FrameSpec:
        """Shape, unit and usable pixels of whole frames."""
        ...

    def stacks(
        self, region: Bounds | None = None, *, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[Ints, Frames]]:
        """Yield event numbers and the pixels of a region."""
        ...


@dataclass(frozen=True, eq=False)
class Answer:
    """What a region gives on one picture.

    Parameters
    ----------
    config
        The region as a config writes it.
    sum, mean, max
        As the producer's: bad pixels count as 0, and in the denominator of the mean [unit].
    com
        Centre of mass (row, col) within the bounds [pixel]; NaN over several tiles.
    centroid
        The same in the assembled picture, over all tiles [pixel].
    projections
        Axis of the bounds (without axes of length 1) that is summed away -> sums [unit]; none
        over several tiles.
    histogram
        Numbers of usable pixels per bin of their value.
    edges
        Of the bins [unit].
    used, pixels
        Pixels that count, and all pixels of the bounds.
    unit
        Of the values.
    """

    config: ConfigRegion
    sum: float
    mean: float
    max: float
    com: tuple[float, float]
    centroid: tuple[float, float]
    projections: Mapping[int, Floats]
    histogram: Ints
    edges: Floats
    used: int
    pixels: int
    unit: str


@dataclass(frozen=True, eq=False)
class Signal:
    """What a region gives event by event.

    Parameters
    ----------
    events
        Numbers of the events that have a frame, shape (event,).
    values
        Name as in the produced file ("sum", "pj_ax_0_data") -> values, first axis event.
    outputs
        Unit, type and meaning of each.
    origin
        Where the frames come from, in words.
    """

    events: Ints
    values: Mapping[str, Array]
    outputs: tuple[Output, ...]
    origin: str

    def __getitem__(self, name: str) -> Array:
        return self.values[name]


def roi_of(
    layout: Layout,
    region: Drawn,
    *,
    good: Bools | None = None,
    low: float = -np.inf,
    high: float = np.inf,
) -> Roi:
    """Return the producer's reduction of a region and, within one tile, its two projections.

    Parameters
    ----------
    layout
        Of the detector.
    region
        On its picture, or in its own coordinates.
    good
        The user's mask besides the region, shape of the frames, True = use; None: no other.
    low, high
        Pixels outside count as 0 [unit of the frames].
    """
    config = masked(layout.to_config(region), good)
    axes = len(squeezed(config.bounds.shape))
    projections = (Projection(0), Projection(1)) if axes == 2 else ()
    return Roi(config.bounds, low=low, high=high, good=config.good, projections=projections)


def masked(config: ConfigRegion, good: Bools | None) -> ConfigRegion:
    """Return a region as a config writes it without the pixels that a mask takes out."""
    if good is None or good[config.bounds.slices].all():
        return config
    return ConfigRegion(config.bounds, good if config.good is None else config.good & good)


def answer(picture: Picture, roi: Roi) -> Answer:
    """Return what a region gives on a picture; see `roi_of`."""
    spec = picture.spec
    bounds = roi.region(spec)
    used = spec.good[bounds.slices].copy()
    if roi.good is not None:
        used &= roi.good[bounds.slices]
    pixels = picture.frame[bounds.slices]
    values = {name: found[0] for name, found in roi.reduce(picture.frame[np.newaxis], spec).items()}
    edges, counts = _histogram(pixels, used, picture.unit)
    return Answer(
        ConfigRegion(bounds, roi.good),
        float(values["sum"]),
        float(values["mean"]),
        float(values["max"]),
        (float(values["com"][0]), float(values["com"][1])),
        _centroid(picture, bounds, np.where(used, pixels, 0.0)),
        {one.axis: values[f"pj_ax_{one.axis}_data"] for one in roi.projections},
        counts,
        edges,
        int(used.sum()),
        used.size,
        picture.unit,
    )


def signal(
    source: FrameSource, reduction: Reduction, *, start: int = 0, stop: int | None = None
) -> Signal:
    """Return what a reduction, such as `roi_of` a region, gives for the events of a run.

    Parameters
    ----------
    source
        Raw frames, or areas kept in a small-data file.
    reduction
        The producer's.
    start, stop
        Range of events; None: to the last.
    """
    spec = source.spec
    region, outputs = reduction.region(spec), reduction.outputs(spec)
    numbers, parts = [np.zeros(0, np.int64)], []
    for events, pixels in source.stacks(region, start=start, stop=stop):
        numbers.append(events)
        parts.append(reduction.reduce_region(pixels, spec))
    values = {
        one.name: np.concatenate(
            [np.empty((0, *one.shape), one.dtype), *(part[one.name] for part in parts)]
        ).astype(one.dtype)
        for one in outputs
    }
    return Signal(np.concatenate(numbers), values, outputs, source.label)


def _histogram(pixels: Floats, used: Bools, unit: str) -> tuple[Floats, Ints]:
    known = pixels[used & np.isfinite(pixels)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    high = high if high > low else low + max(abs(low), 1.0) * 1e-6
    spectrum = Spectrum.of([low, high, BINS])
    spec = FrameSpec(pixels.shape, unit, used, "float64")
    counts: Ints = spectrum.reduce_region(pixels[np.newaxis], spec)["histogram"][0]
    return np.asarray(spectrum.edges), counts


def _centroid(picture: Picture, bounds: Bounds, weights: Floats) -> tuple[float, float]:
    weights = np.where(np.isfinite(weights), weights, 0.0)
    total = weights.sum()
    if not total:
        return np.nan, np.nan
    rows, cols = (at[bounds.slices] + 0.5 for at in (picture.layout.rows, picture.layout.cols))
    return float((rows * weights).sum() / total), float((cols * weights).sum() / total)

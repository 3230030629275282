"""What the screen gets of a picture: 8 bits a pixel, no more pixels than the screen has."""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.reductions.compiled import compiled
from workbench.widgets.models.picture import Picture

Levels = NDArray[np.uint8]
Scale = Literal["linear", "log", "gamma"]
SCALES = ("linear", "log", "gamma")
TOP = 255  # brightest level; 0 stands for "no pixel", values have 1 to 255
MOST_LEVELS = 1 << 20  # bytes sent at a time, picture and overlay together: 1 MB
DECADES = 4  # that a logarithmic scale spans where its lower end is not above 0


@dataclass(frozen=True)
class DisplayRange:
    """Which values are dark and bright, and what lies between.

    Parameters
    ----------
    low, high
        Values shown darkest and brightest [unit of the picture]; None: by the percentiles.
    percent_low, percent_high
        Percentiles of the usable pixels, 0 to 100.
    scale
        "linear", "log" or "gamma"; values that are all 0 or less have no logarithm and are shown
        linearly.
    gamma
        Exponent of the scale "gamma"; below 1 shows more of the dark.

    Raises
    ------
    InputError
        For a scale that there is not, percentiles or colours out of order, and a gamma that is
        not above 0.
    """

    low: float | None = None
    high: float | None = None
    percent_low: float = 1.0
    percent_high: float = 99.5
    scale: Scale = "linear"
    gamma: float = 0.5

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise InputError(f"scale {self.scale!r} is none of {', '.join(SCALES)}")
        if not 0 <= self.percent_low < self.percent_high <= 100:
            raise InputError(
                f"percentiles {self.percent_low} and {self.percent_high}: give two of 0 to 100, "
                "the lower first"
            )
        if not 0 < self.gamma < np.inf:
            raise InputError(f"gamma {self.gamma}: give a number above 0")
        given = [end for end in (self.low, self.high) if end is not None]
        if not np.isfinite(given).all() or (len(given) == 2 and not given[0] < given[1]):
            raise InputError(f"colours from {self.low} to {self.high}: the first must be lower")

    def limits(self, sample: Floats) -> tuple[float, float]:
        """Return the values of the ends of the scale, low < high; `sample` is sorted."""
        percents = np.array([self.percent_low, self.percent_high]) / 100 * (len(sample) - 1)
        found = sample[np.rint(percents).astype(np.int64)]
        high = float(found[1]) if self.high is None else self.high
        low = float(found[0]) if self.low is None else self.low
        if self.scale == "log" and low <= 0:
            low = high / 10**DECADES if high > 0 else low
        if not low < high:  # a flat picture, or one end given beyond the other percentile
            step = max(abs(low), 1.0) * 1e-6
            low, high = (low, low + step) if self.high is None else (high - step, high)
        return low, high


@dataclass(frozen=True)
class Viewport:
    """The part of a picture that is looked at, and the pixels that the screen has for it.

    Parameters
    ----------
    top, bottom, left, right
        Rows and columns of the picture, ``top <= row < bottom``; may reach beyond it [pixel].
    height, width
        Of the place on the screen [screen pixel].

    Raises
    ------
    InputError
        For ends out of order, and a screen without pixels.
    """

    top: float
    bottom: float
    left: float
    right: float
    height: int
    width: int

    def __post_init__(self) -> None:
        ends = (self.top, self.bottom, self.left, self.right)
        if not np.isfinite(ends).all() or self.top >= self.bottom or self.left >= self.right:
            raise InputError(f"{self} shows nothing: give top < bottom and left < right")
        if self.height < 1 or self.width < 1:
            raise InputError(f"{self}: a screen has at least one pixel")

    @classmethod
    def whole(cls, shape: tuple[int, int], *, height: int, width: int) -> "Viewport":
        """Return the view of a whole picture of this shape."""
        return cls(0, shape[0], 0, shape[1], height, width)


@dataclass(frozen=True, eq=False)
class Rendered:
    """Levels to be coloured on the screen.

    Parameters
    ----------
    levels
        (row, col), first row on top: 0 where there is no pixel, 1 to 255 from `low` to `high`.
    low, high
        Values of levels 1 and 255 [unit of the picture].
    extent
        top, bottom, left, right of what the levels cover: whole pixels of the picture.
    """

    levels: Levels
    low: float
    high: float
    extent: tuple[int, int, int, int]


def render(
    picture: Picture, viewport: Viewport, display: DisplayRange, *, most: int = MOST_LEVELS
) -> Rendered:
    """Return what the screen gets of a picture.

    Where the screen has fewer pixels than the picture, each shows the mean of a block of measured
    pixels; else each pixel of the picture is sent once, and the screen enlarges it.

    Parameters
    ----------
    picture, viewport, display
        What is shown, which part of it, in which colours.
    most
        Levels at most [byte]; half of 1 MB where an overlay goes with it.
    """
    extent = _shown(viewport, picture.shape)
    means = _blocks(picture.image, extent, viewport, most)
    low, high = display.limits(picture.sample)
    return Rendered(_levels(means, low, high, display), low, high, extent)


def render_marks(marks: Bools, viewport: Viewport, *, most: int = MOST_LEVELS // 2) -> Rendered:
    """Return marked pixels of a picture, such as masked ones, for an overlay.

    Parameters
    ----------
    marks
        Shape of the picture, True = marked; from `Layout.on_picture`.
    viewport
        As for `render`: both cover the same pixels.
    most
        Levels at most [byte].
    """
    extent = _shown(viewport, marks.shape)
    shares = _blocks(marks, extent, viewport, most)
    levels = np.ceil(shares * TOP).astype(np.uint8)  # one marked pixel of a block is still seen
    return Rendered(levels, 0.0, 1.0, extent)


def _shown(viewport: Viewport, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the pixels of the picture that are looked at; a single one where there are none."""
    top, bottom = _span(viewport.top, viewport.bottom, shape[0])
    left, right = _span(viewport.left, viewport.right, shape[1])
    return top, bottom, left, right


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    first = min(max(floor(low), 0), length - 1)
    return first, max(min(ceil(high), length), first + 1)


def _blocks(
    image: Array, extent: tuple[int, int, int, int], viewport: Viewport, most: int
) -> Floats:
    top, bottom, left, right = extent
    rows, cols = bottom - top, right - left
    height, width = min(rows, viewport.height), min(cols, viewport.width)
    if height * width > most:
        smaller = sqrt(most / (height * width))
        height, width = max(1, int(height * smaller)), max(1, int(width * smaller))
        height, width = min(height, most // width), min(width, most // height)
    part = image[top:bottom, left:right]
    if (height, width) == (rows, cols):
        return part.astype(np.float64)
    return _means(part, _edges(rows, height), _edges(cols, width))


def _edges(length: int, parts: int) -> Ints:
    return np.arange(parts + 1, dtype=np.int64) * length // parts


@compiled
def _means(image: Array, rows: Ints, cols: Ints) -> Floats:
    """Return the mean of the measured pixels of each block, NaN where there is none."""
    height, width, across = len(rows) - 1, len(cols) - 1, image.shape[1]
    out = np.empty((height, width))
    sums, counts = np.empty(across), np.empty(across)
    for row in range(height):
        sums[:], counts[:] = 0.0, 0.0
        for line in range(rows[row], rows[row + 1]):
            for place in range(across):  # in vectors: whole lines first, then blocks of them
                value = np.float64(image[line, place])
                known = value == value
                sums[place] += value if known else 0.0
                counts[place] += 1.0 if known else 0.0
        for col in range(width):
            total, count = 0.0, 0.0
            for place in range(cols[col], cols[col + 1]):
                total += sums[place]
                count += counts[place]
            out[row, col] = total / count
    return out


def _levels(values: Floats, low: float, high: float, display: DisplayRange) -> Levels:
    gamma = display.gamma if display.scale == "gamma" else 1.0
    return _coloured(values, low, high, gamma, display.scale == "log" and low > 0)


@compiled
def _coloured(values: Floats, low: float, high: float, gamma: float, logarithmic: bool) -> Levels:
    out = np.zeros(values.shape, np.uint8)
    for row in range(values.shape[0]):
        for col in range(values.shape[1]):
            value = values[row, col]
            if not np.isfinite(value):
                continue
            value = min(max(value, low), high)
            if logarithmic:
                share = np.log(value / low) / np.log(high / low)
            else:
                share = (value - low) / (high - low)
            if gamma != 1.0:
                share = share**gamma
            out[row, col] = 1 + int(min(max(share, 0.0), 1.0) * (TOP - 1) + 0.5)
    return out

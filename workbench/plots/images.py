"""Detector frames as pictures, tiles below each other, with the regions of interest drawn in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbench.core.arrays import Array, Floats
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.plots.style import (
    Picture,
    house_style,
    label,
    panels,
    robust_range,
    say_empty,
)

GAP = 12  # pixels between tiles
_REGION_COLOURS = ("#FFFFFF", "#FF6F61", "#FFD23F", "#7CE8FF", "#FF8AE2")


@dataclass(frozen=True)
class Frame:
    """One image of a picture.

    Parameters
    ----------
    values
        (row, col) or (segment, row, col); NaN where not measured.
    title
        Above the image.
    unit
        Unit of the values.
    regions
        Regions of interest by name, on the axes of `values`.
    """

    values: Array
    title: str
    unit: str
    regions: Mapping[str, Bounds] = field(default_factory=dict)


def image(frame: Frame) -> Picture:
    """Draw one frame over the whole width."""
    return images([frame])


def images(frames: Sequence[Frame], *, tail: float = 1.0) -> Picture:
    """Draw frames side by side, two in a row; colours span all but `tail` percent at each end."""
    columns = max(1, min(2, len(frames)))
    rows = max(1, -(-len(frames) // columns))
    with house_style():
        picture, axes = panels(rows, columns, height=5.0 * rows)
        for frame, axis in zip(frames, axes, strict=False):
            _draw(picture, axis, frame, tail)
        for spare in axes[len(frames) :]:
            spare.set_visible(False)
    picture.alt = "Images: " + ", ".join(frame.title for frame in frames)
    return picture


def tiled(values: Array) -> Floats:
    """Return (segment, row, col) as one image with the segments below each other, NaN between."""
    frame = np.asarray(values, np.float64)
    if frame.ndim == 2:
        return frame
    if frame.ndim != 3:
        raise InputError(f"an image has axes (row, col) or (segment, row, col), not {frame.shape}")
    n_segments, n_rows, n_columns = frame.shape
    page = np.full((n_segments * (n_rows + GAP) - GAP, n_columns), np.nan)
    for segment, tile in enumerate(frame):
        first = segment * (n_rows + GAP)
        page[first : first + n_rows] = tile
    return page


def _draw(picture: Picture, axes: Axes, frame: Frame, tail: float) -> None:
    axes.set_title(frame.title)
    axes.set_xlabel("column [pixel]")
    axes.set_ylabel(
        "row [pixel]" if frame.values.ndim == 2 else "row, tiles one below another [pixel]"
    )
    page = tiled(frame.values)
    if not np.isfinite(page).any():
        say_empty(axes, "no pixel was measured")
        return
    low, high = robust_range(page, tail=tail)
    axes.grid(visible=False)
    axes.set_facecolor("#C8C8C8")
    drawn = axes.imshow(page, vmin=low, vmax=high, aspect="equal")
    extend = "both" if np.nanmax(page) > high and np.nanmin(page) < low else "neither"
    scale = axes.inset_axes((1.03, 0.0, 0.05, 1.0))  # as high as the image, whatever its shape
    picture.colorbar(drawn, cax=scale, label=label("value", frame.unit), extend=extend)
    for (name, bounds), colour in zip(frame.regions.items(), _REGION_COLOURS * 9, strict=False):
        _outline(axes, frame.values.shape, name, bounds, colour)


def _outline(axes: Axes, shape: tuple[int, ...], name: str, bounds: Bounds, colour: str) -> None:
    fitted = bounds.fit(shape)
    (top, left), (bottom, right) = fitted.low[-2:], fitted.high[-2:]
    segments = range(fitted.low[0], fitted.high[0]) if len(shape) == 3 else (0,)
    for segment in segments:
        shift = segment * (shape[-2] + GAP) if len(shape) == 3 else 0
        # Pixel centres lie on whole numbers: a half-open range ends half a pixel before.
        corner = (left - 0.5, top + shift - 0.5)
        axes.add_patch(
            Rectangle(
                corner, right - left, bottom - top, fill=False, edgecolor=colour, linewidth=1.8
            )
        )
        axes.annotate(
            name,
            corner,
            xytext=(0, 3),
            textcoords="offset points",
            color=colour,
            fontsize=10,
            fontweight="bold",
            bbox={"facecolor": "black", "alpha": 0.45, "pad": 1.2, "linewidth": 0},
        )

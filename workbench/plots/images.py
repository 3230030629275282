"""Detector frames as pictures, tiles below each other, with the regions of interest drawn in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy

from workbench.core.arrays import Array, Floats, Ints
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.plots.style import (
    Picture,
    house_style,
    label,
    panels,
    robust_range,
    say_empty,
    tidy,
)

GAP = 12  # pixels between tiles
LEGEND_BELOW = -42  # points below the picture: under the ticks and the label of its axis
_REGION_COLOURS = ("#FFFFFF", "#FF6F61", "#FFD23F", "#7CE8FF", "#FF8AE2")
_REGION_LINES = ("solid", "dashed", "dotted")


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
    places
        Row and column of every pixel in the picture, from `regions.pixel_places`; None: tiles
        are drawn below each other.
    """

    values: Array
    title: str
    unit: str
    regions: Mapping[str, Bounds] = field(default_factory=dict)
    places: tuple[Ints, Ints] | None = None

    @property
    def page(self) -> Floats:
        """The two-dimensional picture, NaN where there is no pixel."""
        if self.places is None:
            return tiled(self.values)
        rows, columns = self.places
        page = np.full((int(rows.max()) + 1, int(columns.max()) + 1), np.nan)
        page[rows, columns] = self.values
        return page


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
    """Return (segment, row, col) as one image with the segments below each other, NaN between.

    Raises
    ------
    InputError
        For a frame with other than two or three axes.
    """
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
    tiles = "row, tiles below each other" if frame.values.ndim == 3 else "row"
    axes.set_ylabel(label(tiles if frame.places is None else "row, y upwards", "pixel"))
    axes.set_xlabel(label("column" if frame.places is None else "column, against x", "pixel"))
    page = frame.page
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
    if frame.values.dtype.kind in "biu":
        scale.yaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(scale)
    _draw_regions(axes, frame)


def _draw_regions(axes: Axes, frame: Frame) -> None:
    """Outline every region; names stand below the picture, where they cover neither each other."""
    handles: list[Patch] = []
    for number, (name, bounds) in enumerate(frame.regions.items()):
        turn, place = divmod(number, len(_REGION_COLOURS))
        outlines: list[Patch] = [Patch(facecolor="none", label=name)]
        for box in _boxes(frame, bounds):
            # Pixel centres lie on whole numbers: a half-open range ends half a pixel before.
            corner = (box.low[1] - 0.5, box.low[0] - 0.5)
            outlines.append(axes.add_patch(Rectangle(corner, *box.shape[::-1], fill=False)))
        for outline in outlines:
            line = _REGION_LINES[turn % len(_REGION_LINES)]
            outline.set(edgecolor=_REGION_COLOURS[place], linestyle=line, linewidth=1.8)
        handles.append(outlines[0])
    if handles:
        below = offset_copy(
            axes.transAxes, axes.get_figure(root=True), y=LEGEND_BELOW, units="points"
        )
        legend = axes.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0.0, 0.0), bbox_transform=below,
            ncols=3, fontsize=9, borderaxespad=0.0, frameon=True, facecolor="#404040",
            framealpha=1.0,
        )  # fmt: skip
        for text, handle in zip(legend.get_texts(), handles, strict=True):
            text.set_color(handle.get_edgecolor())


def _boxes(frame: Frame, bounds: Bounds) -> Iterator[Bounds]:
    """Yield where a region lies on the page, one box for each of its tiles."""
    shape = frame.values.shape
    fitted = bounds.fit(shape)
    has_tiles = len(shape) == 3
    for segment in range(fitted.low[0], fitted.high[0]) if has_tiles else (0,):
        if frame.places is None:
            shift = segment * (shape[-2] + GAP)
            (top, left), (bottom, right) = fitted.low[-2:], fitted.high[-2:]
            yield Bounds((top + shift, left), (bottom + shift, right))
        else:
            parts = [
                (axis[segment] if has_tiles else axis)[fitted.slices[-2:]] for axis in frame.places
            ]
            yield Bounds.from_pairs([(int(part.min()), int(part.max()) + 1) for part in parts])

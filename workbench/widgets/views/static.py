"""A picture that does not move, with its regions: for batch runs, and where all else fails."""

import io
from typing import Any

import numpy as np

from workbench.core.extras import load
from workbench.regions import Box
from workbench.widgets.models import RegionModel, Viewport, render, render_marks
from workbench.widgets.models.state import Drawn

HEIGHT, WIDTH = 900, 1200  # of the picture, screen pixels
COLOURS = ("#ff2d78", "#00c8ff", "#ffd400", "#7cff6b", "#ff8c1a", "#c58bff")
Figure = Any  # matplotlib's, loaded only when a picture is drawn


def static_picture(model: RegionModel) -> Figure:
    """Return a matplotlib figure of a model's picture, its regions and their names drawn in."""
    figures = load("matplotlib.figure", "the picture of regions", "widgets")
    load("matplotlib.backends.backend_agg", "the picture of regions", "widgets")
    figure = figures.Figure(figsize=(8.0, 6.2), layout="constrained")
    axes = figure.add_subplot()
    draw_picture(axes, model)
    draw_mask(axes, model)
    draw_regions(axes, model)
    return figure


def still_png(model: RegionModel) -> bytes:
    """Return the picture of `static_picture` as a PNG file."""
    buffer = io.BytesIO()
    static_picture(model).savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()


def draw_picture(axes: Any, model: RegionModel) -> Any:
    """Draw the picture of a model into axes of matplotlib, in its colours; return the image."""
    picture, display = model.picture, model.state.display
    shown = render(picture, Viewport.whole(picture.shape, height=HEIGHT, width=WIDTH), display)
    top, bottom, left, right = shown.extent
    levels = np.ma.masked_equal(shown.levels, 0)
    image = axes.imshow(
        levels, extent=(left, right, bottom, top), vmin=1, vmax=255, cmap="viridis",
        interpolation="nearest",
    )  # fmt: skip
    axes.set_facecolor("#e9e7e1")
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02, label=f"[{picture.unit}], {display.scale}")
    bar.set_ticks([1, 255], labels=[f"{shown.low:.4g}", f"{shown.high:.4g}"])
    axes.set(xlabel="column [pixel]", ylabel="row [pixel]")
    axes.set_title(f"{picture.detector}: {picture.origin}", fontsize=11)
    return image


def draw_mask(axes: Any, model: RegionModel) -> None:
    """Tint what the model's mask takes out, where it takes out anything."""
    if model.good.all():
        return
    view = Viewport.whole(model.picture.shape, height=HEIGHT, width=WIDTH)
    marks = render_marks(model.picture.layout.on_picture(~model.good), view)
    top, bottom, left, right = marks.extent
    axes.imshow(
        np.ma.masked_equal(marks.levels > 0, False), extent=(left, right, bottom, top), vmin=1,
        vmax=2, cmap="autumn", alpha=0.45, interpolation="nearest",  # its lowest colour is red
    )  # fmt: skip


def draw_regions(axes: Any, model: RegionModel) -> list[Any]:
    """Draw outlines and names of a model's regions into axes; return the artists."""
    effects = load("matplotlib.patheffects", "the picture of regions", "widgets")
    dark = [effects.withStroke(linewidth=3, foreground="black")]
    artists = []
    for number, (name, region) in enumerate(model.regions.items()):
        colour = COLOURS[number % len(COLOURS)]
        lines = outlines(model, region)
        for line in lines:
            artists += axes.plot(line[:, 1], line[:, 0], color=colour, linewidth=1.8)
        row, col = lines[0][lines[0][:, 0].argmin()]
        artists.append(
            axes.annotate(
                name,
                (col, row),
                xytext=(0, 4),
                textcoords="offset points",
                color=colour,
                fontsize=11,
                fontweight="bold",
                path_effects=dark,
            )
        )
    if (centre := model.state.centre) is not None:
        artists += axes.plot(centre[1], centre[0], "+", color=COLOURS[0], markersize=14)
    return artists


def outlines(model: RegionModel, region: Drawn) -> tuple[Any, ...]:
    """Return the closed lines around a region in the picture, each of shape (point, 2)."""
    if isinstance(region, Box):
        tiles = model.picture.layout.to_rectangles(region)
        return tuple(line for one in tiles for line in one.outline())
    return region.outline()

"""Tiles against the assembled picture: exactly the same pixels both ways."""

from pathlib import Path

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.regions import (
    Box,
    Circle,
    ConfigRegion,
    Layout,
    LayoutError,
    Polygon,
    Rectangle,
    Region,
    RegionError,
    Ring,
    pixel_places,
)
from workbench.sources.geometry import read_geometry

TABLES = (
    "cspad2x2",
    "epix100a",
    "epix10kaquad",
    "epixhr2x2",
    "epixm320",
    "jungfrau05M",
    "jungfrau1M",
    "jungfrau4M",
)


@pytest.fixture(params=TABLES)
def layout(request: pytest.FixtureRequest, data_folder: Path) -> Layout:
    table = read_geometry(data_folder / "geometry_lcls2" / f"geometry-def-{request.param}.data")
    return Layout(table.image_rows, table.image_cols)


def straight(layout: Layout) -> bool:
    """Tell whether rows or columns of the first tile are rows of the picture."""
    rows, cols = (index if index.ndim == 2 else index[0] for index in (layout.rows, layout.cols))
    pairs = ((rows, cols), (cols, rows))
    return any((a == a[:, :1]).all() and (b == b[:1]).all() for a, b in pairs)


def some_regions(layout: Layout) -> list[Region]:
    height, width = layout.shape
    random = np.random.default_rng(4)
    made: list[Region] = []
    for _ in range(3):
        r0, r1 = sorted(random.integers(0, height, 2))
        c0, c1 = sorted(random.integers(0, width, 2))
        made.append(Rectangle(int(r0), int(r1) + 3, int(c0), int(c1) + 3))
        corners = random.uniform(0, 1, (5, 2)) * (height, width)
        made.append(Polygon(tuple((float(row), float(col)) for row, col in corners)))
    return [*made, Circle(height / 2, width / 2, 60), Ring(height / 2, width / 2, 80, 100)]


def test_a_region_has_the_same_pixels_in_picture_and_config(layout: Layout) -> None:
    rows, cols = np.indices(layout.shape)
    for region in some_regions(layout):
        pixels = layout.pixels(region)
        # Brute force: look up, pixel by pixel, whether its place in the picture is covered.
        covered = region.covers(rows, cols)
        np.testing.assert_array_equal(pixels, covered[layout.rows, layout.cols])
        if not pixels.any():
            continue
        config = layout.to_config(region)
        np.testing.assert_array_equal(config.pixels(layout.frame_shape), pixels)
        np.testing.assert_array_equal(
            layout.on_picture(pixels), covered & layout.on_picture(np.ones_like(pixels))
        )


def test_a_rectangle_of_one_tile_needs_no_mask(layout: Layout) -> None:
    tile = (slice(0, 1),) if len(layout.frame_shape) == 3 else ()
    at = (*tile, slice(5, 40), slice(7, 60))
    rows, cols = layout.rows[at], layout.cols[at]
    region = Rectangle(int(rows.min()), int(rows.max()) + 1, int(cols.min()), int(cols.max()) + 1)
    config = layout.to_config(region)
    np.testing.assert_array_equal(config.pixels(layout.frame_shape), layout.pixels(region))
    if straight(layout):  # pixels of a tilted tile fill no rectangle of the picture
        expected = np.zeros(layout.frame_shape, np.bool_)
        expected[at] = True
        assert config.good is None
        np.testing.assert_array_equal(config.pixels(layout.frame_shape), expected)


def test_a_box_is_drawn_around_each_tile_it_touches(layout: Layout) -> None:
    shape = layout.frame_shape
    low = (0,) * (len(shape) - 2) + (2, 3)
    high = (*shape[: len(shape) - 2], 20, 30)
    box = Box(Bounds(low, high))
    drawn = layout.to_rectangles(box)
    assert len(drawn) == (shape[0] if len(shape) == 3 else 1)
    inside = np.zeros(shape, np.bool_)
    for rectangle in drawn:
        inside |= layout.pixels(rectangle)
    assert (inside & layout.pixels(box) == layout.pixels(box)).all()


def test_the_picture_averages_pixels_that_share_a_place_and_leaves_gaps_empty() -> None:
    layout = Layout(np.array([[0, 0, 2]]), np.array([[1, 1, 0]]))
    picture = layout.picture(np.array([[2.0, 4.0, 5.0]]))
    np.testing.assert_array_equal(picture, [[np.nan, 3.0], [np.nan, np.nan], [5.0, np.nan]])
    assert layout.overlapping == 1


def test_without_geometry_tiles_lie_one_below_the_other() -> None:
    layout = Layout.flat((2, 3, 4))
    frame = np.arange(24.0).reshape(2, 3, 4)
    picture = layout.picture(frame)
    np.testing.assert_array_equal(picture[:3], frame[0])
    np.testing.assert_array_equal(picture[-3:], frame[1])
    assert np.isnan(picture[3:-3]).all()
    assert Layout.flat((3, 4)).shape == (3, 4)


@pytest.mark.parametrize("name", TABLES)
def test_positions_give_the_picture_that_the_geometry_table_gives(
    name: str, data_folder: Path
) -> None:
    table = read_geometry(data_folder / "geometry_lcls2" / f"geometry-def-{name}.data")
    x, y, _ = table.laboratory
    places = pixel_places(x, y)
    assert places is not None
    np.testing.assert_array_equal(places[0], table.image_rows)
    np.testing.assert_array_equal(places[1], table.image_cols)


def test_a_region_beside_the_detector_is_refused() -> None:
    with pytest.raises(RegionError, match="no pixel"):
        Layout.flat((3, 4)).to_config(Circle(90, 90, 2))


def test_positions_that_make_no_picture_are_refused() -> None:
    with pytest.raises(LayoutError, match="same shape"):
        Layout(np.zeros((2, 2), int), np.zeros((2, 3), int))
    with pytest.raises(LayoutError, match="counted from 0"):
        Layout(np.full((2, 2), -1), np.zeros((2, 2), int))
    with pytest.raises(LayoutError, match="a frame of shape"):
        Layout.flat((3, 4)).picture(np.zeros((4, 3)))


def test_a_box_over_several_tiles_stays_a_box() -> None:
    layout = Layout.flat((2, 30, 40))
    config = layout.to_config(Box(Bounds((0, 3, 4), (2, 9, 9))))
    assert config == ConfigRegion(Bounds((0, 3, 4), (2, 9, 9)))


def turned(quarters: int) -> Layout:
    """Return two tiles beside each other, the second turned."""
    down, right = np.indices((20, 20))
    second = np.rot90(down, quarters), np.rot90(right, quarters)
    return Layout(np.stack([down, second[0]]), np.stack([right, 30 + second[1]]))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_box_of_one_tile_moves_over_the_picture_as_its_pixels_do(quarters: int) -> None:
    layout = turned(quarters)
    box = Box(Bounds((1, 4, 7), (2, 9, 10)))
    (before,) = layout.to_rectangles(box)
    moved = layout.moved(box, 3, -2)
    np.testing.assert_array_equal(layout.pixels(moved), layout.pixels(before.moved(3, -2)))


def test_a_box_over_tiles_moves_only_where_all_of_them_stay_one_box() -> None:
    box = Box(Bounds((0, 4, 7), (2, 9, 10)))
    layout = turned(0)
    moved = layout.moved(box, 3, -2)
    assert moved == Box(Bounds((0, 7, 5), (2, 12, 8)))
    with pytest.raises(RegionError, match="leave its tile, -1 to 2 of 20"):
        layout.moved(box, 0, -8)
    with pytest.raises(RegionError, match="turned against each other"):
        turned(1).moved(box, 3, -2)

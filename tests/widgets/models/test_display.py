"""What reaches the screen: few bytes, the right values, the right places."""

import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.regions import Layout
from workbench.widgets.models import (
    DisplayRange,
    Picture,
    Viewport,
    picture_of_array,
    render,
    render_marks,
)
from workbench.widgets.models.display import MOST_LEVELS

FIXED = DisplayRange(0, 254)  # a value is its level, less one


def numbered(height: int = 6, width: int = 8) -> Picture:
    return picture_of_array(np.arange(height * width, dtype=float).reshape(height, width))


def whole(picture: Picture, height: int, width: int) -> Viewport:
    return Viewport.whole(picture.shape, height=height, width=width)


def test_zoomed_in_every_pixel_is_sent_once() -> None:
    shown = render(numbered(), Viewport(1.5, 3.5, 2, 5, 400, 400), FIXED)
    assert shown.extent == (1, 4, 2, 5)
    np.testing.assert_array_equal(shown.levels, 1 + numbered().frame[1:4, 2:5])


def test_zoomed_out_each_screen_pixel_is_the_mean_of_its_block() -> None:
    frame = np.random.default_rng(1).uniform(0, 254, (41, 67))
    frame[3, 5] = np.nan
    frame[10:14, 20:40] = np.nan
    shown = render(picture_of_array(frame), Viewport(0, 41, 0, 67, 10, 20), FIXED)
    assert shown.levels.shape == (10, 20)
    rows, cols = np.arange(11) * 41 // 10, np.arange(21) * 67 // 20
    for row in range(10):
        for col in range(20):
            block = frame[rows[row] : rows[row + 1], cols[col] : cols[col + 1]]
            known = block[np.isfinite(block)]
            expected = 1 + np.floor(known.mean() + 0.5) if known.size else 0
            assert shown.levels[row, col] == expected


def test_a_refresh_is_never_more_than_a_megabyte() -> None:
    picture = picture_of_array(np.zeros((2100, 2200), np.float32))
    for height, width in ((9000, 9000), (1, 9000), (2100, 600)):
        shown = render(picture, whole(picture, height, width), FIXED)
        assert shown.levels.nbytes <= MOST_LEVELS
        assert shown.levels.dtype == np.uint8
        assert shown.extent == (0, 2100, 0, 2200)


def test_places_without_pixel_have_level_nought_and_values_never_have() -> None:
    layout = Layout(np.array([[0, 0], [2, 2]]), np.array([[0, 1], [0, 1]]))
    picture = picture_of_array(np.array([[-1e9, 5.0], [np.inf, 1e9]]), layout=layout)
    shown = render(picture, whole(picture, 3, 2), FIXED)
    np.testing.assert_array_equal(shown.levels, [[1, 6], [0, 0], [0, 255]])


def test_a_view_beside_the_picture_shows_its_nearest_pixel() -> None:
    shown = render(numbered(), Viewport(-50, -40, 90, 100, 30, 30), FIXED)
    assert shown.extent == (0, 1, 7, 8)
    np.testing.assert_array_equal(shown.levels, [[8]])


@pytest.mark.parametrize(
    ("display", "levels"),
    [
        (DisplayRange(1, 100), [1, 24, 255]),
        (DisplayRange(1, 100, scale="log"), [1, 128, 255]),
        (DisplayRange(1, 100, scale="gamma", gamma=0.5), [1, 78, 255]),
    ],
)
def test_the_scale_decides_what_lies_between(display: DisplayRange, levels: list[int]) -> None:
    # linear: 9/99; log: half of two decades; gamma: sqrt(9/99) of 254 steps above level 1
    picture = picture_of_array(np.array([[1.0, 10.0, 100.0]]))
    np.testing.assert_array_equal(render(picture, whole(picture, 1, 3), display).levels[0], levels)


def test_percentiles_count_usable_pixels_only() -> None:
    frame = np.arange(101.0).reshape(1, 101)
    frame[0, 100] = 1e6  # a hot pixel
    good = np.ones((1, 101), bool)
    good[0, 100] = False
    picture = picture_of_array(frame, good=good)
    shown = render(picture, whole(picture, 1, 101), DisplayRange(percent_low=0, percent_high=100))
    assert (shown.low, shown.high) == (0, 99)


def test_a_flat_picture_has_a_scale_too() -> None:
    for value in (0.0, 7.0, -3.0):
        picture = picture_of_array(np.full((3, 4), value))
        for scale in ("linear", "log", "gamma"):
            shown = render(picture, whole(picture, 3, 4), DisplayRange(scale=scale))  # type: ignore[arg-type]
            assert shown.low < shown.high
            assert (shown.levels > 0).all()


def test_one_masked_pixel_of_a_large_block_is_still_seen() -> None:
    marks = np.zeros((100, 100), bool)
    marks[42, 17] = True
    shown = render_marks(marks, Viewport(0, 100, 0, 100, 10, 10))
    assert shown.levels[4, 1] > 0
    assert np.count_nonzero(shown.levels) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": "cubic"},
        {"percent_low": 60.0, "percent_high": 40.0},
        {"gamma": 0.0},
        {"low": 3.0, "high": 2.0},
        {"low": np.nan},
    ],
)
def test_colours_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        DisplayRange(**wrong)  # type: ignore[arg-type]


def test_a_view_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="shows nothing"):
        Viewport(3, 3, 0, 5, 10, 10)
    with pytest.raises(InputError, match="at least one pixel"):
        Viewport(0, 3, 0, 5, 0, 10)

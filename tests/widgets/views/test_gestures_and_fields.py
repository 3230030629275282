from typing import Any

import pytest

from workbench.core.bounds import Bounds
from workbench.regions import Box, Circle, Polygon, Rectangle, RegionError, Ring
from workbench.widgets.models import Viewport
from workbench.widgets.views.fields import fields_of, typed_region, with_values
from workbench.widgets.views.gestures import (
    dragged,
    drawn,
    frame_of,
    inner_dragged,
    inner_frame,
)


def test_a_drag_in_any_direction_draws_the_pixels_between_its_ends() -> None:
    expected = Rectangle(10, 20, 30, 50)
    assert drawn("rectangle", [10.2, 19.8], [30.1, 49.7]) == expected
    assert drawn("rectangle", [19.8, 10.2], [49.7, 30.1]) == expected


def test_a_drag_that_holds_no_pixel_is_refused_in_words() -> None:
    with pytest.raises(RegionError, match="draw it larger"):
        drawn("rectangle", [10.1, 10.3], [30, 50])


def test_a_circle_is_drawn_from_its_centre() -> None:
    assert drawn("circle", [40, 60], [90, 110]) == Circle(50, 100, 10)
    assert drawn("ring", [40, 60], [90, 110]) == Ring(50, 100, 5, 10)


def test_the_repeats_of_a_double_click_are_no_corners() -> None:
    rows, cols = [0, 0, 10, 10, 10], [0, 20, 20, 20, 20]
    assert drawn("polygon", rows, cols) == Polygon(((0, 0), (0, 20), (10, 20)))


@pytest.mark.parametrize(
    "region",
    [
        Rectangle(3, 9, 4, 20),
        Circle(30, 40, 7),
        Ring(30, 40, 3, 9),
        Polygon(((0, 0), (0, 10), (8, 3))),
    ],
)
def test_a_box_that_is_dragged_as_a_whole_moves_its_region(region: Any) -> None:
    frame = frame_of(region)
    moved = dragged(region, [one + 5 for one in frame.rows], [one - 2 for one in frame.cols])
    assert moved == region.moved(5, -2)


def test_a_ring_that_is_resized_keeps_its_centre_and_its_hole() -> None:
    ring = Ring(30, 40, 3, 9)
    assert dragged(ring, [18, 42], [31, 49]) == Ring(30, 40, 3, 12)
    hole = inner_frame(ring)
    assert hole is not None
    assert hole.rows == (27, 33)
    assert inner_dragged(ring, [25, 35], [37, 43]) == Ring(30, 40, 5, 9)


@pytest.mark.parametrize(
    "region",
    [
        Rectangle(3, 9, 4, 20),
        Circle(30.5, 40, 7),
        Ring(30, 40, 3, 9),
        Polygon(((0, 0), (0, 10.5), (8, 3))),
        Box(Bounds((0, 157, 294), (1, 487, 598))),
    ],
)
def test_what_the_fields_show_typed_again_is_the_same_region(region: Any) -> None:
    values = {field.name: field.value for field in fields_of(region)}
    assert with_values(region, values) == region


def test_fields_show_a_region_to_a_thousandth_of_a_pixel() -> None:
    shown = {field.name: field.value for field in fields_of(Circle(0.1 + 0.2, 1 / 3, 7))}
    assert shown == {"row": 0.3, "col": 0.333, "radius": 7}


def test_a_region_typed_as_in_a_config_is_a_box_of_a_tiled_detector() -> None:
    view = Viewport(0, 100, 0, 100, 10, 10)
    text = "[[0, 1], [157, 487], [294, 598]]"
    assert typed_region(text, (2, 512, 1024), view) == Box(Bounds((0, 157, 294), (1, 487, 598)))
    assert typed_region("[[157, 487], [294, 598]]", (704, 768), view) == Rectangle(
        157, 487, 294, 598
    )
    assert typed_region("", (704, 768), view) == Rectangle(40, 60, 40, 60)


@pytest.mark.parametrize("text", ["[[1, 2", "rows 1 to 2", "[[1, 2, 3]]", "[1, 2]"])
def test_text_that_is_no_region_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RegionError, match="type pairs of numbers, as"):
        typed_region(text, (704, 768), None)

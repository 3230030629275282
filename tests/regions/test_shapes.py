"""Shapes cover the pixels that a person would colour."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from workbench.core.bounds import Bounds
from workbench.regions import (
    Box,
    Circle,
    Polygon,
    Rectangle,
    Region,
    RegionError,
    Ring,
    region_from_dict,
)

ROWS, COLS = np.indices((40, 50))
SHAPES = (
    Rectangle(3, 9, 5, 21),
    Polygon(((2.2, 3.1), (30.7, 8.4), (17.0, 44.3))),
    Circle(20.0, 25.0, 7.3),
    Ring(20.5, 24.5, 5.0, 9.0),
)


def test_a_rectangle_is_a_numpy_slice() -> None:
    expected = np.zeros((40, 50), np.bool_)
    expected[3:9, 5:21] = True
    np.testing.assert_array_equal(Rectangle(3, 9, 5, 21).covers(ROWS, COLS), expected)


def test_a_drawn_rectangle_does_not_depend_on_the_corner_where_it_began() -> None:
    corners = ((2.6, 4.4), (2.6, 20.6), (9.4, 4.4), (9.4, 20.6))
    drawn = {Rectangle.around(corners[a], corners[b]) for a, b in ((0, 3), (3, 0), (1, 2), (2, 1))}
    assert drawn == {Rectangle(3, 9, 4, 21)}


@given(
    st.lists(
        st.tuples(st.integers(-10, 160), st.integers(-10, 210)), min_size=3, max_size=7, unique=True
    )
)
def test_a_polygon_covers_what_an_independent_even_odd_rule_covers(
    quarters: list[tuple[int, int]],
) -> None:
    # Quarter pixels plus an eighth: no corner lies in a row of centres. Pixels whose centre an edge
    # runs through are not compared: rounding decides on which side they are.
    points = [(row / 4 + 0.125, col / 4 + 0.125) for row, col in quarters]
    covered = Polygon(tuple(points)).covers(ROWS, COLS)
    winding, touched = np.zeros(covered.shape, int), np.zeros(covered.shape, bool)
    for (r0, c0), (r1, c1) in zip(points, points[1:] + points[:1], strict=True):
        for row in range(40):
            at = row + 0.5
            if (r0 <= at) != (r1 <= at):
                crossing = c0 + (at - r0) / (r1 - r0) * (c1 - c0)
                winding[row] += np.arange(50) + 0.5 < crossing
                touched[row] |= np.abs(np.arange(50) + 0.5 - crossing) < 1e-9
    np.testing.assert_array_equal(covered[~touched], (winding % 2 == 1)[~touched])


def test_a_convex_polygon_covers_what_matplotlib_covers() -> None:
    points = ((2.2, 3.1), (30.7, 8.4), (17.0, 44.3))
    centres = np.stack([ROWS.ravel() + 0.5, COLS.ravel() + 0.5], axis=1)
    expected = Outline(points).contains_points(centres).reshape(ROWS.shape)
    np.testing.assert_array_equal(Polygon(points).covers(ROWS, COLS), expected)


def test_neighbouring_polygons_share_no_pixel_and_leave_no_gap() -> None:
    left = Polygon(((0, 0), (0, 13.5), (40, 22.5), (40, 0)))
    right = Polygon(((0, 13.5), (0, 50), (40, 50), (40, 22.5)))
    np.testing.assert_array_equal(left.covers(ROWS, COLS) ^ right.covers(ROWS, COLS), True)


def test_circles_and_rings_measure_from_pixel_centres() -> None:
    distance = np.hypot(ROWS + 0.5 - 20.5, COLS + 0.5 - 24.5)
    ring = Ring(20.5, 24.5, 5.0, 9.0).covers(ROWS, COLS)
    np.testing.assert_array_equal(ring, (distance >= 5) & (distance < 9))
    np.testing.assert_array_equal(Circle(20.5, 24.5, 9.0).covers(ROWS, COLS), distance < 9)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_survive_json_and_move(shape: Region) -> None:
    again = region_from_dict(json.loads(json.dumps(shape.as_dict())))
    assert again == shape
    moved = shape.moved(2, -3)
    np.testing.assert_array_equal(moved.covers(ROWS + 2, COLS - 3), shape.covers(ROWS, COLS))
    for line in shape.outline():
        np.testing.assert_allclose(line[0], line[-1], atol=1e-9)


def test_a_box_survives_json() -> None:
    box = Box(Bounds((0, 157, 294), (1, 487, 598)))
    assert region_from_dict(json.loads(json.dumps(box.as_dict()))) == box


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Rectangle(3, 3, 1, 2), "empty"),
        (lambda: Rectangle(3, 4.5, 1, 2), "whole pixel"),  # type: ignore[arg-type]
        (lambda: Polygon(((0, 0), (1, 1), (0, 0))), "three different"),
        (lambda: Polygon(((0, 0), (1, 1), (0, float("nan")))), "three different"),
        (lambda: Circle(1, 1, 0), "above 0"),
        (lambda: Ring(1, 1, 3, 2), "inner < outer"),
        (lambda: region_from_dict({"shape": "star"}), "cannot read"),
        (lambda: region_from_dict({"shape": "circle", "row": 1}), "cannot read"),
    ],
)
def test_shapes_that_cannot_be_are_refused(make: object, says: str) -> None:
    with pytest.raises(RegionError, match=says):
        make()  # type: ignore[operator]

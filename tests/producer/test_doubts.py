"""Distances in the unit of the other function are named."""

import pytest

from workbench.producer.doubts import odd_distance


@pytest.mark.parametrize(
    ("distance", "unit", "to_mm", "odd"),
    [
        (80.0, "mm", 1.0, False),
        (0.08, "mm", 1.0, True),  # meant in m
        (80_000.0, "mm", 1.0, True),  # meant in um
        (0.08, "m", 1e3, False),
        (80.0, "m", 1e3, True),  # meant in mm
    ],
)
def test_a_distance_in_the_unit_of_another_function_is_named(
    distance: float, unit: str, to_mm: float, odd: bool
) -> None:
    found = list(odd_distance(distance, "dis_to_sam", unit, to_mm))
    assert [code for code, _ in found] == (["distance-unit"] if odd else [])

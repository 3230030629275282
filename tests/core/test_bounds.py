import pytest

from workbench.core.bounds import Bounds, BoundsError


def test_open_end_is_cut_at_the_detector() -> None:
    assert Bounds.from_pairs([[0, 1e6], [10, 20]]).fit((704, 768)) == Bounds((0, 10), (704, 20))


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([[5, 5]], "empty or reversed"),
        ([[7, 3]], "empty or reversed"),
        ([[-1, 3]], "empty or reversed"),
        ([[1, 2, 3]], "a range is"),
        ([], "one low and one high"),
    ],
)
def test_impossible_bounds_say_what_is_wrong(pairs: list[list[float]], problem: str) -> None:
    with pytest.raises(BoundsError, match=problem):
        Bounds.from_pairs(pairs)


def test_region_outside_the_detector_names_axis_and_end() -> None:
    with pytest.raises(
        BoundsError, match="starts at 800 on axis 1, where the detector ends at 768"
    ):
        Bounds((0, 800), (10, 900)).fit((704, 768))


def test_region_with_other_number_of_axes_is_refused() -> None:
    with pytest.raises(BoundsError, match="2 axes"):
        Bounds((0, 0), (10, 10)).fit((2, 512, 1024))

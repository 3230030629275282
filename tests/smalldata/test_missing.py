import numpy as np
import pytest

from workbench.smalldata import missing_rows


def test_nan_and_the_sentinel_are_missing_in_floats() -> None:
    values = np.array([1.0, np.nan, -99999.0, 0.0])
    assert missing_rows(values).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("dtype", "wrapped"),
    # -99999 modulo 2**16, 2**32, 2**64
    [("uint16", 31073), ("uint32", 4294867297), ("uint64", 18446744073709451617)],
)
def test_a_sentinel_that_wrapped_around_is_still_missing(dtype: str, wrapped: int) -> None:
    values = np.array([wrapped, 0, 7], dtype=dtype)
    assert missing_rows(values).tolist() == [True, False, False]


def test_eight_bits_cannot_tell_the_sentinel_from_an_ordinary_97() -> None:
    assert not missing_rows(np.array([97, 0], dtype=np.uint8)).any()


def test_a_frame_with_some_dead_pixels_was_measured() -> None:
    frames = np.zeros((3, 2, 2))
    frames[0] = np.nan
    frames[1, 0, 0] = np.nan
    assert missing_rows(frames).tolist() == [True, False, False]


def test_empty_text_and_none_are_missing() -> None:
    values = np.array(["a", "", None], dtype=object)
    assert missing_rows(values).tolist() == [False, True, True]


def test_rows_without_elements_are_not_missing() -> None:
    assert missing_rows(np.empty((2, 0))).tolist() == [False, False]
    assert missing_rows(np.empty((0, 4))).shape == (0,)


def test_a_single_value_gives_a_single_answer() -> None:
    assert not missing_rows(np.array(5)).any()
    assert missing_rows(np.array(-99999)).all()

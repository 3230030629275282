"""Spectrum, rebinning and lines against NumPy and against loops over single pixels."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import LineOut, Rebin, Spectrum

SHAPE = (13, 17)


def spec(shape: tuple[int, ...] = SHAPE) -> FrameSpec:
    return FrameSpec(shape, "keV", np.random.default_rng(1).random(shape) > 0.15)


def frames(shape: tuple[int, ...] = SHAPE) -> Any:
    return np.random.default_rng(2).normal(3, 4, (5, *shape)).astype("f4")


@pytest.mark.parametrize("edges", [np.linspace(-2, 9, 12), np.array([-3.0, -2.5, 0, 0.1, 7, 30])])
def test_the_spectrum_is_numpys_histogram_of_the_usable_pixels(edges: Any) -> None:
    stack, told = frames(), spec()
    stack[0, 3, 4] = np.nan
    stack[:, 5] = np.resize(edges, 17).astype("f4")  # values that lie on edges
    counts = Spectrum(tuple(edges)).reduce(stack, told)["histogram"]
    for frame, found in zip(stack, counts, strict=True):
        used = frame[told.good].astype(float)
        np.testing.assert_array_equal(found, np.histogram(used[~np.isnan(used)], edges)[0])


@settings(deadline=None, max_examples=50)
@given(low=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3), n=st.integers(1, 200))
def test_values_on_edges_fall_into_the_bin_that_begins_there(
    low: float, width: float, n: int
) -> None:
    edges = low + width * np.arange(n + 1)
    told = FrameSpec((n + 1,), "1", np.ones(n + 1, bool), "float64")
    counts = Spectrum(tuple(edges)).reduce(edges[None], told)["histogram"][0]
    np.testing.assert_array_equal(counts, np.histogram(edges, edges)[0])


@pytest.mark.parametrize(
    ("bins", "edges"),
    [
        ([0, 10], [0, 10]),
        ([0, 10, 4], [0, 2.5, 5, 7.5, 10]),
        ([0, 1.0, 0.25], [0, 0.25, 0.5, 0.75]),
        ([1, 2, 4, 8], [1, 2, 4, 8]),
    ],
)
def test_bins_are_read_as_configs_write_them(bins: list[float], edges: list[float]) -> None:
    assert list(Spectrum.of(bins).edges) == edges


@pytest.mark.parametrize("bins", [[1], [3, 2, 1, 0], [0, 1, 0], [0, 1, -0.5], [0, np.nan]])
def test_bins_that_do_not_rise_are_refused(bins: list[float]) -> None:
    with pytest.raises(InputError, match="bin"):
        Spectrum.of(bins)


def test_a_shape_that_divides_gives_block_means_of_usable_pixels() -> None:
    told = spec((12, 20))
    stack = frames((12, 20))
    found = Rebin((3, 5)).reduce(stack, told)["data"]
    blocks = np.where(told.good, stack.astype(float), np.nan).reshape(5, 3, 4, 5, 4)
    np.testing.assert_allclose(found, np.nanmean(blocks, axis=(2, 4)), rtol=1e-12)


def test_a_shape_that_does_not_divide_weighs_pixels_by_their_overlap() -> None:
    told, stack, new = spec(), frames(), (5, 7)
    found = Rebin(new).reduce(stack, told)["data"]
    fine = np.repeat(np.repeat(stack.astype(float), 5, axis=1), 7, axis=2)  # divides by both
    good = np.repeat(np.repeat(told.good, 5, axis=0), 7, axis=1)
    blocks = np.where(good, fine, np.nan).reshape(5, 5, 13, 7, 17)
    np.testing.assert_allclose(found, np.nanmean(blocks, axis=(2, 4)), rtol=1e-9)


def test_a_block_without_usable_pixels_is_nan() -> None:
    told = FrameSpec((4, 4), "keV", np.ones((4, 4), bool))
    told.good[:2, :2] = False
    found = Rebin((2, 2)).reduce(np.ones((1, 4, 4), "f4"), told)["data"][0]
    np.testing.assert_array_equal(found, [[np.nan, 1], [1, 1]])


@pytest.mark.parametrize("shape", [(13,), (14, 17), (0, 2), (1, 13, 17)])
def test_more_pixels_or_other_axes_than_the_frame_has_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="rebin"):
        Rebin(shape).outputs(spec())


def test_a_line_holds_its_pixels_and_nan_for_bad_ones() -> None:
    stack, told = frames(), spec()
    expected = np.where(told.good, stack, np.nan)
    np.testing.assert_array_equal(LineOut(0, 7).reduce(stack, told)["data"], expected[:, 7])
    np.testing.assert_array_equal(LineOut(1, 2).reduce(stack, told)["data"], expected[:, :, 2])


def test_without_an_index_the_line_goes_through_the_brightest_usable_pixel() -> None:
    stack, told = frames(), spec()
    told.good[5, 6], told.good[2, 9] = True, False
    stack[:, 5, 6], stack[:, 2, 9] = 100, 1000
    expected = np.where(told.good, stack, np.nan)
    np.testing.assert_array_equal(LineOut(0).reduce(stack, told)["data"], expected[:, 5])
    np.testing.assert_array_equal(LineOut(1).reduce(stack, told)["data"], expected[:, :, 6])


@pytest.mark.parametrize(("axis", "index"), [(2, 0), (-1, 0), (0, 13), (1, -1)])
def test_a_line_that_is_not_on_the_detector_is_refused(axis: int, index: int) -> None:
    with pytest.raises(InputError, match="exist"):
        LineOut(axis, index).outputs(spec())

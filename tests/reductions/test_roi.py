"""Regions against a literal masked-array evaluation of the definitions."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.bounds import Bounds, BoundsError
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import Projection, Roi

SHAPE = (2, 12, 17)


def spec(shape: tuple[int, ...] = SHAPE, bad: int = 5) -> FrameSpec:
    good = np.ones(shape, bool)
    good.flat[np.random.default_rng(2).integers(0, good.size, bad)] = False
    return FrameSpec(shape, "keV", good)


def frames(n: int = 6, shape: tuple[int, ...] = SHAPE) -> Any:
    return np.random.default_rng(3).normal(2, 3, (n, *shape)).astype(np.float32)


def by_definition(frame: Any, good: Any, low: float, high: float) -> dict[str, Any]:
    data = np.where((frame < low) | (frame > high), 0, frame).squeeze().astype(float)
    masked = np.ma.array(data, mask=~good.squeeze())
    zeroed = masked.filled(0)
    rows, cols = np.indices(zeroed.shape)
    return {
        "area": data,
        "sum": zeroed.sum(),
        "mean": zeroed.mean(),
        "max": zeroed.max(),
        "com": [(zeroed * rows).sum() / zeroed.sum(), (zeroed * cols).sum() / zeroed.sum()],
        "pj_ax_0_data": masked.sum(axis=0).filled(0),
        "band_data": masked.mean(axis=1).filled(np.nan),
        "pj_ax_1_data": masked.sum(),
    }


@pytest.mark.parametrize(("low", "high"), [(-np.inf, np.inf), (1.5, np.inf), (1.5, 4.0)])
def test_region_values_follow_their_definitions(low: float, high: float) -> None:
    region = Bounds((1, 2, 3), (2, 9, 1_000_000))
    projections = (Projection(0), Projection(1, "band", mean=True), Projection(-1))
    roi = Roi(region, area=True, low=low, high=high, projections=projections)
    stack, told = frames(), spec()
    values = roi.reduce(stack, told)
    for event, frame in enumerate(stack):
        cut = (slice(1, 2), slice(2, 9), slice(3, 17))
        truth = by_definition(frame[cut], told.good[cut], low, high)
        assert set(truth) == set(values)
        for name, expected in truth.items():
            np.testing.assert_allclose(values[name][event], expected, rtol=1e-6, atol=1e-9)


def test_outputs_declare_exactly_what_is_returned() -> None:
    roi = Roi(Bounds((0, 2, 3), (1, 9, 11)), area=True, projections=(Projection(1),))
    values = roi.reduce(frames(), spec())
    declared = {output.name: (output.shape, output.dtype) for output in roi.outputs(spec())}
    assert declared == {name: (v.shape[1:], v.dtype.name) for name, v in values.items()}


@settings(deadline=None, max_examples=25)
@given(cuts=st.sets(st.integers(1, 8), max_size=5))
def test_any_split_of_the_events_gives_the_same_bits(cuts: set[int]) -> None:
    stack, told = frames(9), spec()
    roi = Roi(Bounds((0, 1, 1), (2, 11, 14)), True, True, 0.3, projections=(Projection(2),))
    whole = roi.reduce(stack, told)
    edges = [0, *sorted(cuts), 9]
    parts = [roi.reduce(stack[a:b], told) for a, b in itertools.pairwise(edges)]
    for name, values in whole.items():
        np.testing.assert_array_equal(values, np.concatenate([part[name] for part in parts]))


def test_the_users_mask_joins_the_detectors() -> None:
    told = FrameSpec((3, 4), "keV", np.ones((3, 4), bool))
    told.good[0, 0] = False
    user = np.ones((3, 4), bool)
    user[1, 1] = False
    values = Roi(good=user).reduce(np.ones((1, 3, 4), np.float32), told)
    assert values["sum"].tolist() == [10.0]
    assert values["mean"].tolist() == [10 / 12]  # today's denominator: every pixel


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="userMask has shape"):
        Roi(good=np.ones((2, 2), bool)).reduce(frames(), spec())


def test_a_region_off_the_detector_is_refused() -> None:
    with pytest.raises(BoundsError, match="outside the detector"):
        Roi(Bounds((0, 50, 0), (1, 60, 4))).outputs(spec())


def test_the_frames_are_not_changed() -> None:
    stack = frames()
    before = stack.copy()
    Roi(area=True, low=1.0, projections=(Projection(0, threshold=2.0),)).reduce(stack, spec())
    np.testing.assert_array_equal(stack, before)


def test_a_pixel_that_is_nan_makes_the_sum_nan_and_no_other_event() -> None:
    stack = frames()
    told = spec(bad=0)
    stack[2, 0, 4, 4] = np.nan
    values = Roi().reduce(stack, told)
    assert np.flatnonzero(np.isnan(values["sum"])).tolist() == [2]
    assert np.flatnonzero(np.isnan(values["max"])).tolist() == [2]


def test_a_dark_region_has_no_centre_of_mass() -> None:
    told = spec((4, 4), 0)
    values = Roi().reduce(np.zeros((1, 4, 4), np.float32), told)
    assert np.isnan(values["com"]).all()


def test_single_photon_projection_counts_lit_pixels() -> None:
    stack, told = frames(), spec()
    values = Roi(
        projections=(Projection(-1, threshold=2.0, single_photon=True),), statistics=False
    ).reduce(stack, told)
    lit = ((stack >= 2.0) & told.good).sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(values["pj_ax_1_data"], lit)


def test_a_projection_along_an_axis_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="axis 2 of a projection"):
        Roi(Bounds((0, 0, 0), (1, 4, 4)), projections=(Projection(2),)).outputs(spec())

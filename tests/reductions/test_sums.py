import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.constants import Constants
from workbench.core.frames import FrameSpec
from workbench.reductions import Calibration, PixelSum, calibrate
from workbench.reductions.sum_kernels import BLOCK
from workbench.reductions.sums import UnknownSumError, add_together

SHAPE = (2, 40, 60)  # more pixels than one block of the kernel
RAW = np.random.default_rng(5).integers(950, 1100, (9, *SHAPE)).astype(np.uint16)
CALIBRATION = Calibration.of(
    Constants("cam", np.full(SHAPE, 1000.0), np.full(SHAPE, 20.0)), shape=SHAPE, dtype="uint16"
)


def total(algorithm: str, raw: np.ndarray = RAW) -> np.ndarray:
    made = PixelSum.parse(algorithm)
    state = made.add(made.start(CALIBRATION.spec), raw, CALIBRATION)
    return made.finish(state, CALIBRATION.spec)


@pytest.mark.parametrize(
    ("algorithm", "truth"),
    [
        ("calib", lambda f: f.sum(0)),
        ("calib_max", lambda f: f.max(0)),
        ("calib_square", lambda f: (f**2).sum(0)),
        ("calib_thresADU1.5", lambda f: np.where(f < 1.5, 0, f).sum(0)),
        ("calib_thresADU1.5_nhits", lambda f: (f >= 1.5).sum(0)),
        ("calib_thresADU2_square", lambda f: (np.where(f < 2, 0, f) ** 2).sum(0)),
        ("calib_square_max", lambda f: (f**2).max(0)),
    ],
)
def test_run_sums_follow_their_definitions(algorithm: str, truth: object) -> None:
    frames = calibrate(RAW, CALIBRATION).astype(float)
    np.testing.assert_allclose(total(algorithm), truth(frames), rtol=1e-12)  # type: ignore[operator]


def test_one_sum_leaves_the_next_alone() -> None:
    before = RAW.copy()
    first = total("calib")
    total("calib_thresADU4")
    np.testing.assert_array_equal(RAW, before)
    np.testing.assert_array_equal(total("calib"), first)


@settings(deadline=None, max_examples=20)
@given(
    cuts=st.sets(st.integers(1, 8), max_size=5), algorithm=st.sampled_from(["calib", "calib_max"])
)
def test_any_split_into_stacks_gives_the_same_bits(cuts: set[int], algorithm: str) -> None:
    made = PixelSum.parse(algorithm)
    state = made.start(CALIBRATION.spec)
    edges = [0, *sorted(cuts), 9]
    for low, high in itertools.pairwise(edges):
        state = made.add(state, RAW[low:high], CALIBRATION)
    np.testing.assert_array_equal(state, total(algorithm))


@pytest.mark.parametrize("algorithm", ["calib", "calib_max", "calib_square"])
def test_merged_parts_equal_the_whole(algorithm: str) -> None:
    made = PixelSum.parse(algorithm)
    parts = [
        made.add(made.start(CALIBRATION.spec), RAW[a:b], CALIBRATION) for a, b in ((0, 4), (4, 9))
    ]
    np.testing.assert_allclose(made.merge(*parts), total(algorithm), rtol=1e-12, atol=1e-12)


def test_frames_that_lie_apart_in_memory_give_the_same_bits() -> None:
    apart = np.zeros((9, 3, *SHAPE), np.uint16)
    apart[:, 1] = RAW
    np.testing.assert_array_equal(total("calib", apart[:, 1]), total("calib"))


def test_frames_may_come_as_a_list() -> None:
    made = PixelSum.parse("calib")
    rows = np.array([1, 4, 8])
    state = made.add(made.start(CALIBRATION.spec), [RAW[row] for row in rows], CALIBRATION)
    np.testing.assert_array_equal(state, total("calib", RAW[rows]))


def test_the_maximum_of_no_event_is_nan() -> None:
    assert np.isnan(total("calib_max", RAW[:0])).all()


@pytest.mark.parametrize("copies", [1, 2])  # four frames pass together
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_finite_numbers_add_nothing(odd: float, copies: int) -> None:
    spec = FrameSpec((3,), "keV", np.ones(3, bool))
    made = PixelSum.parse("calib")
    frames = np.array(copies * [[1.0, odd, 2.0], [1.0, 5.0, 2.0]], np.float32)
    total = made.finish(made.add(made.start(spec), frames), spec)
    np.testing.assert_array_equal(total, copies * np.array([2.0, 5.0, 4.0]))


def test_dropped_marks_events_without_xrays() -> None:
    assert PixelSum.parse("calib_dropped").dropped
    assert not PixelSum.parse("calib").dropped


@pytest.mark.parametrize(
    ("text", "message"),
    [("calib_mix", "unknown token 'mix'"), ("calib_sqare", "unknown token 'sqare'")],
)
def test_an_algorithm_that_does_not_exist_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnknownSumError, match=message):
        PixelSum.parse(text)


@pytest.mark.parametrize("text", ["calib_skipFirst", "calib_skip_max"])
def test_the_first_frame_is_left_out_on_request(text: str) -> None:
    made = PixelSum.parse(text)
    assert made.skip_first
    assert "but the first" in made.output(CALIBRATION.spec).long_name


def test_units_follow_what_is_summed() -> None:
    units = {
        text: PixelSum.parse(text).output(CALIBRATION.spec).unit
        for text in ("calib", "calib_square", "calib_thresADU1_nhits")
    }
    assert units == {"calib": "keV", "calib_square": "keV^2", "calib_thresADU1_nhits": "1"}


@pytest.mark.parametrize("limit", [np.inf, 40.0])
@pytest.mark.parametrize("first", [np.nan, np.inf, 50.0, 1.0])
def test_readings_of_other_amplifiers_and_odd_floats_add_nothing_wherever_they_stand(
    limit: float, first: float
) -> None:
    draw = np.random.default_rng(9)
    frames = draw.uniform(0, 30, (37, BLOCK + 52)).astype(
        np.float32
    )  # a whole and a part of a group
    places = draw.integers(0, frames.size, 200)
    odd = np.resize([np.nan, np.inf, -np.inf, 40.0, 39.9, 1e9], 200)
    frames[5:30].flat[places % frames[5:30].size] = odd
    frames[3, 0] = frames[4, BLOCK] = first  # where a block of the loop begins
    plain = Calibration.of(None, shape=frames.shape[1:], dtype="float32")
    state = np.zeros((1, frames.shape[1]))
    good = draw.random(frames.shape[1]) < 0.5
    made = replace(plain, limit=limit, good=good)
    missing = add_together([PixelSum.parse("calib")], state, frames, made)
    used = np.isfinite(frames) & (frames < limit)
    expected = np.where(used, frames, 0).sum(axis=0, dtype=np.float64)
    np.testing.assert_allclose(state[0], expected, rtol=1e-12)
    lacking = (~used & good).any(axis=1)
    assert 0 < lacking.sum() < len(frames)
    np.testing.assert_array_equal(missing, lacking)

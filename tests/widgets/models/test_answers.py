"""The widget's numbers are the producer's, to the last bit, and agree with plain NumPy."""

from pathlib import Path

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.errors import UnknownNameError
from workbench.regions import Box, Circle, Layout, Polygon, Rectangle
from workbench.runs import Run
from workbench.widgets.models import (
    NotStoredError,
    RawFrames,
    StoredAreas,
    answer,
    picture_of_array,
    picture_of_raw,
    roi_of,
    signal,
)

from .conftest import EVENTS, GAIN, PEDESTAL, Made

SPOT = Rectangle(2, 12, 5, 25)  # as in the config
NAMES = ("sum", "mean", "max", "com", "pj_ax_0_data")


def test_the_signal_over_events_is_what_the_producer_stores(made: Made, produced: Run) -> None:
    frames = raw_frames(made)
    found = signal(frames, roi_of(Layout.flat(frames.spec.shape), SPOT))
    np.testing.assert_array_equal(found.events, np.arange(EVENTS))
    for name in NAMES:
        np.testing.assert_array_equal(found[name], produced[f"cam/spot_{name}"].read())
    assert found.origin == "raw frames of cam, xpplx1234 run 7"


def test_stored_pixels_give_the_signal_of_any_region_within(made: Made, produced: Run) -> None:
    inner = roi_of(Layout.flat((70, 80)), Polygon(((3, 6), (11.5, 8), (9, 22))))
    raw = signal(raw_frames(made), inner)
    stored = StoredAreas.of(produced, "cam", inner.region(raw_frames(made).spec))
    found = signal(stored, inner)
    assert found.origin == "cam/spot_area of xpplx1234 run 7"
    np.testing.assert_array_equal(found.events, raw.events)
    for name, values in raw.values.items():
        np.testing.assert_array_equal(found[name], values)


def raw_frames(made: Made) -> RawFrames:
    return RawFrames.of(made.raw, "cam", constants=made.constants)


def test_pixels_that_were_not_kept_are_named(produced: Run) -> None:
    with pytest.raises(NotStoredError, match=r"only of spot \[\[2, 12\], \[5, 25\]\].*writeArea"):
        StoredAreas.of(produced, "cam", Bounds((0, 0), (12, 20)))
    with pytest.raises(NotStoredError, match="keeps no pixels of tiles"):
        StoredAreas.of(produced, "tiles", Bounds((0, 0, 0), (1, 2, 2)))
    with pytest.raises(UnknownNameError, match="did you mean cam"):
        StoredAreas.of(produced, "cams", Bounds((0, 0), (12, 20)))
    spot = StoredAreas.of(produced, "cam", Bounds((2, 5), (3, 6)))
    with pytest.raises(NotStoredError, match="not all of"):
        next(spot.stacks(Bounds((0, 0), (3, 6))))


def test_pixels_kept_under_a_threshold_are_not_taken_for_the_frames(
    made: Made, tmp_path: Path
) -> None:
    config = tmp_path / "config.py"
    config.write_text(made.config.read_text().replace("'writeArea'", "'thresADU': 2, 'writeArea'"))
    run = made.produced(tmp_path, config=config)
    with pytest.raises(NotStoredError, match="values outside 2 to inf kept as 0"):
        StoredAreas.of(run, "cam", Bounds((2, 5), (3, 6)))


def test_events_without_the_detector_are_left_out(made: Made) -> None:
    frames = RawFrames.of(made.raw, "tiles", constants=made.constants)
    picture = picture_of_raw(made.raw, "tiles", constants=made.constants)
    roi = roi_of(picture.layout, Circle(100, 300, 60))
    found = signal(frames, roi)
    seen = [event for event in range(EVENTS) if event % 3 != 1]
    np.testing.assert_array_equal(found.events, seen)
    pixels = picture.layout.pixels(Circle(100, 300, 60)) & made.good
    brute = [((made.tiles[e].astype(float) - PEDESTAL) / GAIN)[pixels].sum() for e in seen]
    np.testing.assert_allclose(found["sum"], brute, rtol=1e-6)
    part = signal(frames, roi, start=4, stop=9)
    np.testing.assert_array_equal(part.events, [5, 6, 8])
    none = signal(frames, roi, start=4, stop=5)
    assert none["sum"].shape == (0,)
    assert none["com"].shape == (0, 2)


def test_a_picture_of_one_event_gives_that_events_numbers(made: Made, produced: Run) -> None:
    picture = picture_of_raw(made.raw, "cam", events=1, constants=made.constants)
    found = answer(picture, roi_of(picture.layout, SPOT))
    for name in ("sum", "mean", "max", "com"):
        np.testing.assert_array_equal(getattr(found, name), produced[f"cam/spot_{name}"].read()[0])
    np.testing.assert_array_equal(found.projections[0], produced["cam/spot_pj_ax_0_data"].read()[0])
    assert found.unit == "keV"


def test_an_answer_agrees_with_plain_arithmetic() -> None:
    frame = np.random.default_rng(3).normal(10, 3, (40, 50))
    good = np.random.default_rng(4).random((40, 50)) > 0.1
    user = np.random.default_rng(5).random((40, 50)) > 0.1
    picture = picture_of_array(frame, good=good, unit="keV")
    found = answer(picture, roi_of(picture.layout, Rectangle(5, 25, 10, 40), good=user))
    box = (slice(5, 25), slice(10, 40))
    used = (good & user)[box]
    kept = np.where(used, frame[box], 0)
    rows, cols = np.indices(kept.shape)
    assert found.sum == pytest.approx(kept.sum())
    assert found.mean == pytest.approx(kept.mean())
    assert found.max == kept.max()
    assert found.com == pytest.approx(
        ((rows * kept).sum() / kept.sum(), (cols * kept).sum() / kept.sum())
    )
    assert found.centroid == pytest.approx((found.com[0] + 5.5, found.com[1] + 10.5))
    np.testing.assert_allclose(found.projections[0], kept.sum(axis=0))
    np.testing.assert_allclose(found.projections[1], kept.sum(axis=1))
    counts, edges = np.histogram(frame[box][used], bins=64)
    np.testing.assert_allclose(found.edges, edges)
    np.testing.assert_array_equal(found.histogram, counts)
    assert (found.used, found.pixels) == (used.sum(), 600)
    clipped = answer(picture, roi_of(picture.layout, Rectangle(5, 25, 10, 40), low=9, high=12))
    inside = np.where(good[box] & (frame[box] >= 9) & (frame[box] <= 12), frame[box], 0)
    assert clipped.sum == pytest.approx(inside.sum())


def test_regions_of_a_single_value_or_without_one_have_answers_too() -> None:
    frame = np.full((6, 7), 3.0)
    frame[4:] = np.nan
    picture = picture_of_array(frame, good=frame > 0)
    flat = answer(picture, roi_of(picture.layout, Rectangle(1, 3, 1, 3)))
    assert flat.sum == 12
    assert flat.histogram.sum() == 4
    empty = answer(picture, roi_of(picture.layout, Rectangle(4, 6, 1, 3)))
    assert empty.used == 0
    assert empty.histogram.sum() == 0
    assert np.isnan(empty.centroid).all()
    one = answer(picture, roi_of(picture.layout, Rectangle(1, 2, 1, 2)))
    assert (one.sum, one.projections) == (3, {})


def test_over_several_tiles_the_centroid_is_that_of_the_picture() -> None:
    shape = (2, 20, 30)
    frame = np.random.default_rng(6).random(shape)
    picture = picture_of_array(frame)
    box = Box(Bounds((0, 3, 4), (2, 9, 9)))
    found = answer(picture, roi_of(picture.layout, box))
    assert np.isnan(found.com).all()
    image, rows, cols = picture.image, *np.indices(picture.shape)
    chosen = picture.layout.on_picture(picture.layout.pixels(box))
    weights = image[chosen] / image[chosen].sum()
    expected = ((rows[chosen] + 0.5) * weights).sum(), ((cols[chosen] + 0.5) * weights).sum()
    assert found.centroid == pytest.approx(expected)
    assert found.projections == {}

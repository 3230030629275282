"""Sparse frames: put together again they are the frames."""

from typing import Any

import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import Sparse, Sparsify


def case(shape: tuple[int, ...]) -> tuple[Any, FrameSpec, Any]:
    draw = np.random.default_rng(4)
    frames = np.where(draw.random((6, *shape)) < 0.3, draw.normal(5, 1, (6, *shape)), 0)
    frames = frames.astype("f4")
    frames[0].flat[3] = np.nan
    frames[4] = 0  # an event without any
    good = draw.random(shape) > 0.2
    return frames, FrameSpec(shape, "keV", good), np.where(good, np.nan_to_num(frames), 0)


@pytest.mark.parametrize("shape", [(7, 9), (3, 7, 9), (20,)])
def test_lists_put_together_again_are_the_frames(shape: tuple[int, ...]) -> None:
    frames, spec, expected = case(shape)
    values = Sparsify().reduce(frames, spec)
    full = np.zeros((6, *(1,) * (3 - len(shape)), *shape))
    for event in range(6):
        where = tuple(values[axis][event] for axis in ("tile", "row", "col"))
        full[(event, *where)] = values["data"][event]
    np.testing.assert_array_equal(full.reshape(6, *shape), expected)
    assert len(values["data"][4]) == 0


def test_rectangles_hold_the_first_entries_and_tell_how_many_there_were() -> None:
    frames, spec, expected = case((7, 9))
    ragged = Sparsify().reduce(frames, spec)
    fixed = Sparsify(Sparse(8)).reduce(frames, spec)
    for event in range(6):
        kept = min(8, len(ragged["data"][event]))
        for name in ("data", "row", "col", "tile"):
            np.testing.assert_array_equal(fixed[name][event, :kept], ragged[name][event][:kept])
            assert not fixed[name][event, kept:].any()
    np.testing.assert_array_equal(fixed["found"], np.count_nonzero(expected, axis=(1, 2)))


def test_pixels_below_the_threshold_are_left_out() -> None:
    frames, spec, expected = case((7, 9))
    values = Sparsify(low=5.0).reduce(frames, spec)
    for listed, frame in zip(values["data"], expected, strict=True):
        np.testing.assert_array_equal(listed, frame[frame >= 5])


def test_room_for_no_entry_is_refused() -> None:
    with pytest.raises(InputError, match="1 or more"):
        Sparse(0)

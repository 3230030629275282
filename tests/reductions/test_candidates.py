"""Pixels that reach a threshold against NumPy's."""

import numpy as np
import pytest

from workbench.reductions.candidates import TOGETHER, candidates


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("part", [0.0, 0.02, 1.0])
def test_every_pixel_that_reaches_its_threshold_is_listed_once_in_order(
    kind: str, part: float
) -> None:
    draw = np.random.default_rng(4)
    for size in (0, 1, TOGETHER - 1, TOGETHER, 5 * TOGETHER + 7):
        least = draw.uniform(1, 2, size).astype(kind)
        frame = np.where(draw.random(size) < part, least, least / 2).astype(kind)
        frame[:: TOGETHER - 1] = np.nan
        chosen = np.empty(size, np.int32)
        count = candidates(frame, least, chosen)
        np.testing.assert_array_equal(chosen[:count], np.flatnonzero(frame >= least))

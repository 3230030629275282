from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.pulls import SEEDS, assert_as_stated
from workbench.binning import NothingLeftError, linearity
from workbench.runs import cut, open_run

Write = Callable[..., Path]


def shots(write: Write, seed: int, a: float, c: float) -> Path:
    rng = np.random.default_rng(seed)
    i0 = rng.gamma(9, 1 / 9, 2000)
    signal = a + 4 * i0 + c * i0**2 + 0.2 * np.sqrt(i0) * rng.standard_normal(2000)
    status = {"lightStatus/xray": np.ones(2000, int), "lightStatus/laser": np.zeros(2000, int)}
    return write({**status, "i": i0, "s": signal}, run=seed)


def test_a_proportional_signal_has_neither_offset_nor_curvature(write: Write) -> None:
    found = linearity(open_run(shots(write, 1, 0.0, 0.0)), "s", "i")
    assert found.linear
    assert abs(found.slope - 1) < 4 * found.slope_error
    assert "linear within" in str(found)
    assert "<table>" in found._repr_html_()


def test_a_pedestal_and_saturation_are_found_with_the_right_size(write: Write) -> None:
    run = open_run(shots(write, 2, 1.0, -0.5))
    found, mean_s, mean_i = linearity(run, "s", "i"), run["s"].read().mean(), run["i"].read().mean()
    assert abs(found.offset - 1.0 / mean_s) < 4 * found.offset_error
    assert abs(found.curvature + 0.5 * mean_i**2 / mean_s) < 4 * found.curvature_error
    assert not found.linear


@SEEDS
def test_stated_errors_are_the_scatter_over_many_runs(write: Write, seeds: int) -> None:
    pulls = []
    for seed in range(seeds):
        found = linearity(open_run(shots(write, seed, 0.0, 0.0)), "s", "i")
        pulls.append([found.offset / found.offset_error, found.curvature / found.curvature_error])
    assert_as_stated(pulls, ("offset", "curvature"))


def test_too_few_shots_are_refused_by_name(write: Write) -> None:
    with pytest.raises(NothingLeftError, match="both s and i"):
        linearity(open_run(shots(write, 3, 0, 0)), "s", "i", cut("i", 1e3))

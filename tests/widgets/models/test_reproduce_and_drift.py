"""The way on after a config was changed, and whether a region still fits in later runs."""

import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.core.errors import InputError
from workbench.regions import Layout, Rectangle
from workbench.widgets.models import (
    Picture,
    affected,
    follow,
    picture_of_array,
    produce_commands,
    runs_in,
)

from .conftest import EXPERIMENT, RUN, Made

SHAPE = (60, 80)
SPOT = Rectangle(20, 40, 30, 50)


def test_only_runs_of_the_range_are_affected(made: Made) -> None:
    assert affected([3, 12, 14, 13, 20], from_run=12, to_run=14) == (12, 13, 14)
    assert affected([3, 12, 20], from_run=12) == (12, 20)
    assert runs_in(made.folder) == (RUN,)


def test_the_command_that_is_offered_produces_the_run(made: Made, tmp_path: Path) -> None:
    (command,) = produce_commands(
        EXPERIMENT, runs_in(made.folder), xtc=made.folder, config=made.config,
        constants=made.constants, output=tmp_path / "my output",
    )  # fmt: skip
    words = shlex.split(command)
    assert words[:2] == ["workbench", "produce"]
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "my output" / f"{EXPERIMENT}_Run{RUN:04d}.h5").exists()
    with pytest.raises(InputError, match="no name"):
        produce_commands("", [1], xtc=made.folder, config=made.config)


def spot(row: float, col: float, *, seed: int = 0, height: float = 100.0) -> Picture:
    rows, cols = np.indices(SHAPE) + 0.5
    light = height * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * 4.0**2))
    noise = np.random.default_rng(seed).normal(7, 1, SHAPE)
    return picture_of_array(light + noise, detector="epix_1")


def test_a_spot_that_stays_gives_no_finding() -> None:
    drift = follow({run: spot(30, 40, seed=run) for run in range(12, 20)}, "spot", SPOT)
    assert drift.findings == ()
    assert len(drift.table.rows) == 8


def test_a_spot_that_wanders_off_is_told_with_numbers() -> None:
    steps = {12: 0, 13: 0.4, 14: 3, 15: 12}
    drift = follow({run: spot(30, 40 + step) for run, step in steps.items()}, "spot", SPOT)
    assert {one.code: one.count for one in drift.findings} == {
        "region-moved": 2, "region-cuts-light": 1,
    }  # fmt: skip
    told = {one.code: one.message for one in drift.findings}
    assert "in run 15 (runs 14, 15)" in told["region-moved"]
    assert "of the light in run 15" in told["region-cuts-light"]


def test_the_errors_cover_the_truth() -> None:
    pulls = []
    for seed in range(200):
        (fit,) = follow({1: spot(30, 40, seed=seed, height=20)}, "spot", SPOT).fits
        pulls += [(fit.row - 30) / fit.row_error, (fit.col - 40) / fit.col_error]
    assert np.std(pulls) == pytest.approx(1, abs=0.25)
    assert np.mean(pulls) == pytest.approx(0, abs=0.2)


def test_runs_without_light_are_told_and_not_judged() -> None:
    drift = follow({1: spot(30, 40, height=0), 2: spot(30, 40)}, "spot", SPOT)
    assert [one.code for one in drift.findings] == ["region-dark"]
    assert not follow({1: spot(30, 40, height=0)}, "spot", SPOT).fits[0].clear


def test_masked_and_missing_pixels_are_left_out() -> None:
    whole = spot(30, 40)
    frame, good = whole.frame.copy(), np.ones(SHAPE, bool)
    frame[25, 35], good[25, 35] = 1e6, False
    frame[26, 35] = np.nan
    holed = picture_of_array(frame, good=good, detector="epix_1")
    (one,), (other,) = (follow({1: each}, "s", SPOT).fits for each in (whole, holed))
    assert one.row == pytest.approx(other.row, abs=0.05)
    empty = picture_of_array(whole.frame, good=np.zeros(SHAPE, bool))
    (nothing,) = follow({1: empty}, "s", SPOT).fits
    assert np.isnan(nothing.row)
    assert not nothing.clear


def test_what_cannot_be_followed_is_refused() -> None:
    with pytest.raises(InputError, match="no run"):
        follow({}, "s", SPOT)
    with pytest.raises(InputError, match="no background"):
        follow({1: spot(30, 40)}, "s", SPOT, margin=3)
    other = picture_of_array(np.ones((2, 50, 60)), layout=Layout.flat((2, 50, 60)))
    with pytest.raises(InputError, match="different shapes"):
        follow({1: spot(30, 40), 2: other}, "s", SPOT)

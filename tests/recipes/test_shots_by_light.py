"""Shots parted by their light: counted as a loop over the events counts them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import workbench as wb
from tests.recipes.test_run_summary import monitored
from workbench import plots
from workbench.recipes import shots_by_light


def test_shots_are_counted_on_both_sides_of_the_level(write: Callable[..., Path]) -> None:
    draw = np.random.default_rng(8)
    xray = (np.arange(400) % 4 > 0).astype(int)
    i0 = np.where(xray == 1, draw.normal(1.0, 0.2, 400), draw.normal(0.0, 0.2, 400))
    i0[5] = np.nan  # with X-rays: on neither side
    light = shots_by_light(wb.open_run(write(monitored(i0, xray))))
    assert (light.name, light.unit) == ("XppSb2BmMon/totalIntensityJoules", "J")
    assert (light.kept, light.on_the_wrong_side) == (299, None)
    assert 0.0 < light.levels[1] < light.levels[-2] < 1.0
    for level in light.levels:
        pairs = list(zip(i0, xray, strict=True))
        at = light.at(level)
        assert at.kept == sum(one >= level for one, lit in pairs if lit)
        assert at.on_the_wrong_side == sum(
            one < level if lit else one >= level for one, lit in pairs
        )
    assert "XppSb2BmMon" in plots.shots_by_light(light.at(0.5)).alt


def test_without_i0_there_is_a_reason_and_no_number(write: Callable[..., Path]) -> None:
    light = shots_by_light(wb.open_run(write({"det/x": np.arange(4.0)}))).at(0.5)
    assert (light.kept, light.on_the_wrong_side, light.levels.size) == (None, None, 0)
    assert "i0" in light.message
    assert light.message in plots.shots_by_light(light).alt

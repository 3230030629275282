from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.core.arrays import Floats
from workbench.core.findings import Finding
from workbench.runs import open_run
from workbench.runs.alignment import dark_level, gain_fractions, over_limit, piled_up
from workbench.runs.alignment.darks import DarkLevel

Write = Callable[..., Path]
N = 4600
DARK = np.arange(N) % 23 == 22


def region(level: Floats | float = 0.0, *, noise: float = 2.0, seed: int = 1) -> Floats:
    rng = np.random.default_rng(seed)
    return np.where(DARK, 0.0, 1000.0) + level + noise * rng.standard_normal(N)


def judge(values: Floats) -> DarkLevel:
    found = dark_level("region", values, DARK, ~DARK)
    assert found is not None
    return found


def test_a_sound_region_reads_zero_and_does_not_drift() -> None:
    found = judge(region())
    assert found.events == 200
    assert not found.offset
    assert not found.drifts
    assert found.signal == pytest.approx(1000, abs=0.5)


def test_a_constant_level_is_an_offset_with_its_error() -> None:
    pulls = []
    for seed in range(40):
        found = judge(region(30.0, seed=seed))
        pulls.append((found.level - 30) / found.error)
    assert found.offset
    assert not found.drifts
    assert found.matters(found.level)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)


def test_a_slope_and_a_step_are_drifts_with_the_planted_size() -> None:
    sloped = judge(region(np.arange(N) * 0.004))
    assert sloped.drifts
    assert sloped.slope == pytest.approx(4.0, abs=5 * sloped.slope_error)
    stepped = judge(region(np.where(np.arange(N) > 3000, 15.0, 0.0)))
    assert stepped.drifts
    assert stepped.step == pytest.approx(15, abs=2)
    assert stepped.step_at == pytest.approx(3000, abs=300)


def test_a_step_does_not_inflate_the_noise_it_is_measured_by() -> None:
    found = judge(region(np.where(np.arange(N) > 2300, 500.0, 0.0)))
    assert found.errors[0] == pytest.approx(1.2533 * 2 / np.sqrt(10), rel=0.4)


def test_a_level_below_one_percent_of_the_signal_does_not_matter() -> None:
    found = judge(region(5.0, noise=0.5))
    assert found.offset
    assert not found.matters(found.level)


def test_few_dark_shots_tell_nothing() -> None:
    values = region()
    values[200:] = np.nan
    assert dark_level("region", values, DARK, ~DARK) is None


def test_noise_is_no_drift() -> None:
    found = [judge(region(seed=seed)) for seed in range(40)]
    assert not [each for each in found if each.drifts or each.offset]


def test_clipped_readings_are_counted() -> None:
    values = np.random.default_rng(1).gamma(9, 1 / 9, 5000)
    clipped = np.minimum(values, 1.5)
    found = piled_up("monitor", clipped)
    assert found.saturated == int((values >= 1.5).sum())
    assert found.limit == 1.5
    assert piled_up("monitor", values).saturated == 0


def test_digital_readings_with_a_smooth_end_are_not_saturated() -> None:
    counts = np.random.default_rng(1).poisson(300, 5000).astype(float)
    assert piled_up("camera", counts).saturated == 0
    assert piled_up("camera", np.minimum(counts, 310)).saturated == int((counts >= 310).sum())
    assert piled_up("flag", (counts > 300).astype(float)).saturated == 0


def test_pixels_over_the_limit_of_the_detector_are_counted() -> None:
    found = over_limit("camera", np.array([1.0, 5.0, 7.0, np.nan]), 5.0)
    assert (found.saturated, found.events) == (2, 3)


def test_gain_ranges_are_fractions_of_all_pixels() -> None:
    raw = np.array([[100, 0x4000 + 5], [0xC000 + 1, 200]], dtype=np.uint16)
    assert gain_fractions((raw >> 14).astype(float).ravel()) == {0: 0.5, 1: 0.25, 3: 0.25}


PIXELS = np.random.default_rng(3).gamma(9, 10, 600)
RUN = {
    "lightStatus/xray": np.ones(600, dtype=np.int64),
    "lightStatus/laser": np.ones(600, dtype=np.int64),
    "epix_1/ROI_0_sum": 30 * PIXELS,
    "epix_1/ROI_0_max": PIXELS,
}


def saturation(path: Path, text: str = "") -> dict[str, Finding]:
    (path.parent / "experiment.toml").write_text(f"version = 1\n{text}")
    found = open_run(path).alignment().findings
    about = ("saturated", "limit-unused")
    return {one.code: one for one in found if one.code in about or one.field == "saturation"}


def test_without_a_limit_saturation_of_a_detector_is_named_as_not_told(write: Write) -> None:
    (code, finding), *others = saturation(write(RUN)).items()
    assert (code, finding.severity, finding.count, others) == ("unverified", "info", 1, [])
    assert finding.message.startswith("cannot be told for epix_1:")
    assert "[saturation] in experiment.toml" in finding.message
    counted = write({**RUN, "epix_1/ROI_0_nsat": (PIXELS > 120).astype(int)})
    assert list(saturation(counted)) == ["saturated"]


@pytest.mark.parametrize("key", ["epix_1", '"epix_1/ROI_0_max"'])
def test_the_limit_that_the_experiment_gives_is_compared_with(write: Write, key: str) -> None:
    finding = saturation(write(RUN), f"[saturation]\n{key} = 120.0")
    assert list(finding) == ["saturated"]
    assert finding["saturated"].count == int((PIXELS >= 120).sum())
    assert finding["saturated"].field == "epix_1/ROI_0_max"


def test_a_limit_for_what_is_not_there_is_named(write: Write) -> None:
    finding = saturation(write(RUN), "[saturation]\nepix1 = 120.0")["limit-unused"]
    assert (finding.field, finding.severity) == ("epix1", "warning")
    assert finding.message.endswith("did you mean epix_1?")
    other = saturation(write(RUN), "[saturation]\njungfrau1M = 120.0")["limit-unused"]
    assert other.severity == "info"


def test_a_dark_drift_is_told_tile_by_tile_though_a_pixel_is_dead(write: Write) -> None:
    rng = np.random.default_rng(8)
    event = np.arange(600)
    xray = (event % 3 > 0).astype(np.int64)
    frames = (
        rng.normal(0, 1, (600, 2, 4, 4))
        + 20 * (xray * rng.gamma(9, 1 / 9, 600))[:, None, None, None]
    )
    frames[:, 1] += event[:, None, None] / 60  # 10 keV a pixel from begin to end
    frames[:, :, 2, 1] = np.nan
    beams = {"lightStatus/xray": xray, "lightStatus/laser": xray}
    found = open_run(write({**beams, "epix_1/ROI_0_area": (frames, "keV")})).alignment()
    steady, drifting = (one for one in found.darks if one.name.startswith("epix_1/ROI_0_area"))
    assert (steady.name, drifting.name) == ("epix_1/ROI_0_area[0]", "epix_1/ROI_0_area[1]")
    assert not steady.drifts
    assert (steady.unit, drifting.unit) == ("keV", "keV")
    assert drifting.slope == pytest.approx(15 / 60 * 1000, abs=4 * drifting.slope_error)
    (told,) = (one for one in found.findings if one.code == "dark-drift")
    assert told.field == drifting.name
    assert f"moves by {drifting.change:.3g} keV within the run" in told.message

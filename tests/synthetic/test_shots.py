from dataclasses import replace

import numpy as np
import pytest

from workbench.core import clock
from workbench.synthetic import MONITORS, PumpProbe
from workbench.synthetic.shots import BLOCK, Shots, blocks

LONG = PumpProbe(n_events=20 * BLOCK, seed=11)


@pytest.fixture(scope="module")
def shots() -> list[Shots]:
    return list(blocks(LONG))


def joined(shots: list[Shots], det: str, name: str) -> np.ndarray:
    return np.concatenate([block.records[det][name] for block in shots])


def flags(shots: list[Shots], name: str) -> np.ndarray:
    return np.concatenate([getattr(block, name) for block in shots])


def test_time_stamps_run_at_120_hz_from_the_second_after_the_begin(shots: list[Shots]) -> None:
    stamps = flags(shots, "timestamps")
    steps = np.diff(clock.nanoseconds(stamps))
    assert set(steps.tolist()) == {8_333_333, 8_333_334}
    assert int(stamps[0]) == (LONG.begin + 1) << 32
    assert str(clock.datetimes(stamps[:1])[0]).startswith("2026-01-15T21:00:01")


def test_the_first_events_do_not_depend_on_the_length_of_the_run() -> None:
    fast = replace(LONG, scan="fast")
    first = next(blocks(replace(fast, n_events=100)))
    longer = next(blocks(fast))
    for det, record in first.records.items():
        for name, values in record.items():
            np.testing.assert_array_equal(values, longer.records[det][name][:100])
    np.testing.assert_array_equal(first.epix[1], longer.epix[1][:100])


def test_another_seed_or_run_gives_other_shots() -> None:
    base = next(blocks(LONG)).i0
    assert not np.array_equal(base, next(blocks(replace(LONG, seed=12))).i0)
    assert not np.array_equal(base, next(blocks(replace(LONG, run=2))).i0)


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor.name)
def test_monitors_follow_their_law(shots: list[Shots], monitor: object) -> None:
    i0, xray = flags(shots, "i0"), flags(shots, "xray")
    reading = joined(shots, monitor.name, "totalIntensityJoules")
    slope, offset = np.polyfit(i0, reading, 1)
    residual = reading - monitor.gain * i0 - monitor.offset
    error = monitor.noise / np.sqrt(len(i0))
    assert slope == pytest.approx(monitor.gain, abs=4 * error / i0.std())
    assert offset == pytest.approx(monitor.offset, abs=12 * error)
    assert residual.std() == pytest.approx(monitor.noise, rel=0.03)
    dark = reading[~xray]
    assert dark.mean() == pytest.approx(monitor.offset, abs=4 * monitor.noise / len(dark) ** 0.5)


def test_i0_has_its_mean_and_spread_and_is_zero_in_dropped_shots(shots: list[Shots]) -> None:
    i0, xray = flags(shots, "i0"), flags(shots, "xray")
    assert (i0[~xray] == 0).all()
    assert i0[xray].mean() == pytest.approx(LONG.pulse_energy, rel=0.01)
    assert i0[xray].std() / i0[xray].mean() == pytest.approx(LONG.pulse_spread, rel=0.03)


def test_the_time_tool_measures_the_jitter_with_its_resolution(shots: list[Shots]) -> None:
    found = joined(shots, "tt", "fltpos") != 0
    correction = joined(shots, "tt", "fltpos_ps")[found]
    jitter = (flags(shots, "delay") - flags(shots, "nominal") - flags(shots, "stage"))[found]
    assert jitter.std() == pytest.approx(LONG.jitter, rel=0.03)
    assert (correction - jitter).std() == pytest.approx(LONG.tt_resolution, rel=0.03)
    assert np.polyfit(jitter, correction, 1)[0] == pytest.approx(1.0, abs=0.01)


def test_the_time_tool_finds_no_edge_without_both_beams_and_sometimes_with_them(
    shots: list[Shots],
) -> None:
    both = flags(shots, "xray") & flags(shots, "laser")
    failed = joined(shots, "tt", "fltpos") == 0
    assert failed[~both].all()
    assert 0.005 < failed[both].mean() < 0.05
    weak = both & (joined(shots, "tt", "ampl") < 0.015)
    assert failed[weak].all()
    amplitude, i0 = joined(shots, "tt", "ampl")[both], flags(shots, "i0")[both]
    assert np.corrcoef(amplitude, i0)[0, 1] > 0.7


def test_the_signal_changes_with_the_laser_only(shots: list[Shots]) -> None:
    change, laser, delay = (flags(shots, name) for name in ("change", "laser", "delay"))
    assert (change[~laser] == 1).all()
    assert change[laser & (delay < LONG.t0 - 0.5)].max() == pytest.approx(1, abs=1e-9)
    peak = change[laser & (abs(delay - LONG.t0 - 0.1) < 0.02)]
    assert peak.mean() > 1 + 0.7 * LONG.amplitude

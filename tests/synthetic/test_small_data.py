import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.findings import has_errors
from workbench.runs import open_run
from workbench.smalldata import check_file, open_file
from workbench.synthetic import MONITORS, PumpProbe, write_small_data
from workbench.synthetic.cameras import SIGNAL, epix_1
from workbench.synthetic.frames import Exposures
from workbench.synthetic.shots import blocks

SPEC = PumpProbe(run=3, n_events=2600, seed=4, camera_every=1, missing=0.02, camera_missing=0.05)


@pytest.fixture(scope="module")
def path(module_folder: ModuleFolder) -> Path:
    return write_small_data(SPEC, module_folder("small"))


def read(path: Path, *names: str) -> list[np.ndarray]:
    with open_file(path) as file:
        return [file.read(name) for name in names]


def test_the_file_has_the_facilitys_name_and_says_whose_it_is(path: Path) -> None:
    assert path.name == "xppsyn0126_Run0003.h5"
    with open_file(path) as file:
        assert (file.experiment, file.run, file.generation) == ("xppsyn0126", 3, "lcls2")
        assert file.n_events == 2600


def test_the_checker_finds_no_error(path: Path) -> None:
    findings = check_file(path)
    assert not has_errors(findings), [str(finding) for finding in findings]


def test_a_run_finds_its_roles_delay_and_truth(path: Path) -> None:
    run = open_run(path)
    assert run.role("i0").name == "XppSb2BmMon/totalIntensityJoules"
    assert run.truth is not None
    assert run.truth["t0"].value == SPEC.t0
    assert run.truth["sigma"].value == pytest.approx(np.hypot(SPEC.sigma, SPEC.tt_resolution))
    delay = run.delay(time_tool=True)
    true = np.concatenate([block.delay for block in blocks(SPEC)])
    edge = read(path, "tt/fltpos")[0] > 0
    error = (delay.read() - true)[edge]
    assert np.nanstd(error) == pytest.approx(SPEC.tt_resolution, rel=0.1)
    assert np.nanmean(error) == pytest.approx(0.0, abs=0.001)


def test_counts_in_the_truth_are_those_in_the_file(path: Path) -> None:
    truth = json.loads(path.with_name("xppsyn0126_Run0003.truth.json").read_text())
    counts = truth["counts"]
    xray, laser, fltpos = read(path, "lightStatus/xray", "lightStatus/laser", "tt/fltpos")
    on = (xray == 1) & (laser == 1)
    assert counts["on"] == on.sum()
    assert counts["off"] == ((xray == 1) & (laser == 0)).sum()
    assert counts["dark"] == (xray == 0).sum()
    assert counts["time_tool_failed"] == (on & (fltpos == 0)).sum()
    for det, field in {
        "gasdet": "gasdet/f11ENRC",
        "ebeamh": "ebeamh/ebeamCharge",
        "tt": "tt/ampl",
        "XppUsbEncoder02": "enc/lasDelay",
        "XppSb2BmMon": "XppSb2BmMon/totalIntensityJoules",
        "epix_1": "epix_1/signal_sum",
        "jungfrau1M": "jungfrau1M/ring_sum",
    }.items():
        values, there = read(path, field, f"damage/{det}")
        np.testing.assert_array_equal(np.isfinite(values), there == 1)
        assert counts["present"][det] == there.sum()
        lost = counts["expected"][det] - there.sum()
        assert counts["missing"][det] + counts["partial"][det] == lost
        assert lost > 0


def test_the_signal_per_i0_is_the_truth(path: Path) -> None:
    run = open_run(path)
    signal, xray, laser = read(path, "epix_1/signal_sum", "lightStatus/xray", "lightStatus/laser")
    i0 = np.concatenate([block.i0 for block in blocks(SPEC)])
    off = (xray == 1) & (laser == 0) & np.isfinite(signal)
    assert run.truth is not None
    expected = run.truth["signal_per_i0"].value
    assert signal[off].sum() / i0[off].sum() == pytest.approx(expected, rel=5e-3)


def test_event_codes_say_what_the_flags_say(path: Path) -> None:
    codes, xray, laser = read(path, "timing/eventcodes", "lightStatus/xray", "lightStatus/laser")
    np.testing.assert_array_equal(codes[:, 137], xray)
    np.testing.assert_array_equal(codes[:, 162], 1 - xray)
    np.testing.assert_array_equal(codes[:, 89], 1 - laser)
    assert codes[:, 40].all()


def test_region_sums_have_the_mean_and_spread_of_those_of_frames(path: Path) -> None:
    """Both relative to what the shot's I0 and delay lead to expect."""
    camera, exposures = epix_1(), Exposures(SPEC)
    shots = next(blocks(SPEC))
    rate = SPEC.signal_photons * shots.change * shots.i0 / SPEC.pulse_energy
    frames = []
    for event in np.flatnonzero(shots.xray)[:150].tolist():
        relative, change = shots.i0[event] / SPEC.pulse_energy, shots.change[event]
        frame = exposures.epix(event, relative=relative, change=change).astype(float)
        photons = (frame - camera.pedestal) / np.where(camera.good, camera.adu, 1) * camera.good
        frames.append((photons[SIGNAL.slices].sum() - rate[event]) / rate[event] ** 0.5)
    signal = read(path, "epix_1/signal_sum")[0][: len(shots)] / SPEC.photon_energy
    use = np.isfinite(signal) & shots.xray
    direct = (signal[use] - rate[use]) / rate[use] ** 0.5
    for pulls in (np.array(frames), direct):
        assert pulls.mean() == pytest.approx(0.0, abs=4 / len(pulls) ** 0.5)
        assert pulls.std() == pytest.approx(1.0, abs=4 / (2 * len(pulls)) ** 0.5)


def test_a_fast_scan_has_its_delay_in_the_encoder_and_none_in_the_scan(tmp_path: Path) -> None:
    spec = replace(SPEC, scan="fast", n_events=1300)
    path = write_small_data(spec, tmp_path / "fast.h5")
    with open_file(path) as file:
        assert "scan/lxt_ttc" not in file.names
        encoder = file.read("enc/lasDelay")
    swept = spec.sweep(np.arange(1300))
    assert np.nanmax(abs(encoder - swept)) < 0.006


def test_slow_values_follow_the_steps(path: Path) -> None:
    step, slow = read(path, "scan/lxt_ttc", "epics/lxt_ttc")
    np.testing.assert_array_equal(step, slow)
    assert len(np.unique(step)) == SPEC.n_steps


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    spec = replace(SPEC, n_events=300)
    digests = {
        hashlib.sha256(write_small_data(spec, tmp_path / name).read_bytes()).hexdigest()
        for name in ("one.h5", "two.h5")
    }
    assert len(digests) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "one.h5",
        "one.truth.json",
        "two.h5",
        "two.truth.json",
    ]


def test_monitors_of_the_truth_are_those_of_the_shots(path: Path) -> None:
    truth = json.loads(path.with_name("xppsyn0126_Run0003.truth.json").read_text())
    for monitor in MONITORS:
        assert truth["monitors"][monitor.name]["gain"] == monitor.gain
        assert truth["monitors"][monitor.name]["offset"] == monitor.offset

import ast
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.producer import ProducerConfig
from workbench.sources import RawRun, open_raw
from workbench.sources.constants import read_constants
from workbench.sources.timing import EventCodeRule, event_codes
from workbench.synthetic import PumpProbe, RawFiles, Scan, write_experiment, write_raw_run
from workbench.synthetic.cameras import BACKGROUND, RING, SIGNAL
from workbench.synthetic.shots import Shots, blocks


@pytest.fixture(scope="session")
def run(raw: RawFiles) -> RawRun:
    return open_raw(raw.folder)


@pytest.fixture(scope="session")
def truth(raw: RawFiles) -> dict[str, dict]:
    return json.loads(raw.truth.read_text())


@pytest.fixture(scope="session")
def shots(spec: PumpProbe) -> Shots:
    return next(blocks(spec))


def values(run: RawRun, name: str) -> np.ndarray:
    return np.concatenate([stack[name] for stack in run.stacks([name])])


def test_the_reader_finds_the_run_and_nothing_to_complain_about(
    run: RawRun, spec: PumpProbe, shots: Shots
) -> None:
    assert (run.experiment, run.number, run.n_events) == (spec.experiment, 1, spec.n_events)
    np.testing.assert_array_equal(run.timestamps, shots.timestamps)
    assert run.findings == ()
    assert run.detector_types["jungfrau1M"] == "jungfrau"
    assert run.segments["jungfrau1M"] == (0, 1)
    assert run.detectors["epix_1"]["raw"]["raw"].shape == (704, 768)


def test_counts_in_the_truth_are_those_in_the_files(run: RawRun, truth: dict[str, dict]) -> None:
    counts = truth["counts"]
    for det, present in counts["present"].items():
        assert int(run.present(det).sum()) == present, det
        assert int(run.partial(det).sum()) == counts["partial"][det], det
        lost = counts["expected"][det] - present - counts["partial"][det]
        assert counts["missing"][det] == lost
    assert counts["partial"]["jungfrau1M"] > 0
    assert counts["missing"]["epix_1"] > 0


def test_event_codes_give_the_status_of_the_truth(
    run: RawRun, truth: dict[str, dict], shots: Shots
) -> None:
    codes = event_codes(values(run, "timing.raw.sequenceValues"))
    status = EventCodeRule(xray=(-137,), laser=(89,)).status(codes)
    np.testing.assert_array_equal(status.xray, shots.xray)
    np.testing.assert_array_equal(status.laser, shots.laser)
    assert truth["counts"]["dark"] == (status.xray == 0).sum()
    assert truth["counts"]["off"] == ((status.xray == 1) & (status.laser == 0)).sum()


def test_every_scalar_comes_back_as_drawn(run: RawRun, shots: Shots) -> None:
    algorithms = {"tt": "ttfex"}
    for det, record in shots.records.items():
        there = shots.present[det]
        for field, expected in record.items():
            found = values(run, f"{det}.{algorithms.get(det, 'raw')}.{field}")
            np.testing.assert_array_equal(found[there], expected[there])


def test_steps_and_slow_values_follow_the_scan(run: RawRun, spec: PumpProbe, shots: Shots) -> None:
    assert len(run.steps.first) == spec.n_steps
    np.testing.assert_array_equal(run.steps.number_of(np.arange(spec.n_events)), shots.step)
    for store in (run.scan, run.epics):
        delay, known = store.read("lxt_ttc", run.timestamps)
        assert known.all()
        np.testing.assert_allclose(delay * 1e12, shots.nominal, atol=1e-9)


def test_the_written_constants_and_regions_recover_the_signal(
    raw: RawFiles, run: RawRun, spec: PumpProbe, shots: Shots
) -> None:
    constants = read_constants(raw.constants, "epix_1", run.number)
    assert constants is not None
    assert constants.unit == "keV"
    there = run.present("epix_1")
    rows, cols = SIGNAL.slices
    raw_sum = values(run, "epix_1.raw.raw")[there, rows, cols].astype(float)
    good = constants.good[rows, cols]
    energy = (raw_sum - constants.pedestal[rows, cols]) / constants.gain[rows, cols] * good
    photons = energy.sum(axis=(1, 2)) / spec.photon_energy
    rate = (spec.signal_photons * shots.change * shots.i0 / spec.pulse_energy)[there]
    pulls = (photons - rate)[rate > 0] / rate[rate > 0] ** 0.5
    assert pulls.mean() == pytest.approx(0.0, abs=4 / len(pulls) ** 0.5)
    assert pulls.std() == pytest.approx(1.0, abs=4 / (2 * len(pulls)) ** 0.5)


def test_the_config_asks_for_the_regions_of_the_truth(
    raw: RawFiles, truth: dict[str, dict], run: RawRun
) -> None:
    names: dict = {}
    exec(compile(ast.parse(raw.config.read_text()), "config", "exec"), names)
    regions = names["getROIs"](1)
    asked = {roi["name"]: roi["ROI"] for rois in regions.values() for roi in rois}
    for name, bounds in {"signal": SIGNAL, "background": BACKGROUND, "ring": RING}.items():
        pairs = [list(pair) for pair in zip(bounds.low, bounds.high, strict=True)]
        assert asked[name] == truth["regions"][name]["roi"] == pairs
    shapes = {"epix_1": (704, 768), "jungfrau1M": (2, 512, 1024)}
    config = ProducerConfig.load(raw.config, 1, shapes=shapes)
    assert config.findings == ()
    assert config.skipped == ()
    assert {pv.pv for pv in config.epics} <= set(run.epics.names)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_same_run_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    spec = PumpProbe(n_events=90, camera_every=30, jungfrau_every=40, n_steps=3)
    for name in ("one", "two"):
        write_raw_run(spec, tmp_path / name)
    write_raw_run(replace(spec, seed=1), tmp_path / "other")
    one, two, other = (digests(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert len(one) == 6 + 6 + 3  # data, index, and constants, config, truth
    changed = {name for name in one if one[name] != other[name]}
    drawn = {f"xppsyn0126-r0001-s{stream:03d}-c000.xtc2" for stream in range(1, 6)}
    assert drawn <= changed
    assert not changed & {"constants.h5", "prod_config_xpp.py"}  # facts of the hutch, not the run


def test_an_experiment_has_a_step_and_a_fast_scan(tmp_path: Path) -> None:
    spec = PumpProbe(n_events=130, camera_every=100, jungfrau_every=100, run=7)
    files = write_experiment(tmp_path, spec)
    assert sorted(files.runs) == [7, 8]
    fast = open_raw(tmp_path / "xtc", run=8)
    assert fast.number == 8
    assert "lxt_ttc" not in fast.scan.names
    assert len(fast.steps.first) == 1
    encoder = values(fast, "XppUsbEncoder02.raw.encoder_values")[:, 0]
    there = fast.present("XppUsbEncoder02")
    swept = replace(spec, scan=Scan.FAST).sweep(np.arange(130))
    np.testing.assert_allclose(encoder[there], swept[there], atol=0.006)


MEASURE = """
import sys
from pathlib import Path
from workbench.synthetic import PumpProbe, write_raw_run
write_raw_run(PumpProbe(n_events=int(sys.argv[1]), camera_every=25, jungfrau_every=80), sys.argv[2])
status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent before exec
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    peaks = []
    for events in (400, 3000):
        folder = tmp_path / str(events)
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(events), str(folder)],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 20  # MB; the longer run writes 180 MB more
    assert peaks[1] < 400

"""The native reader and psana say the same of real runs, and make the same small data."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from written_run import EVENTS, EXPERIMENT, RUN, WrittenRun

from workbench.core.errors import NotThereError, UnknownNameError
from workbench.core.extras import MissingToolError
from workbench.producer import ProduceRequest, produce
from workbench.sources import RawRun, open_raw
from workbench.sources.psana.library import PsanaError
from workbench.sources.xtc2_writer import Names, Xtc2Writer

STREAM = "test_data/{}/xpptut15-r0014-s{:03}-c000.xtc2"
REAL = {  # folder or file -> number of events
    "test_data/chunking": 15,
    "test_data/fakesteps": 10,
    "test_data/intg_det": 17,
    "test_data/mixed_rate": 100,
    "test_data/multi-seg-epics": 15,
    STREAM.format("mixed_rate", 1): 10,
    "test_data/detector/test_epix_calib.xtc2": 2,
    "test_data/detector/test_jungfrau05M_calib.xtc2": 2,
    "test_hsd.xtc2": 84,
}
CONFIG = """
detectors = ['tiles', 'slow']

def getROIs(run):
    spot = {'name': 'spot', 'ROI': [[0, 1], [2, 12], [5, 25]], 'writeArea': True}
    return {'tiles': [spot], 'slow': [{'name': 'all', 'ROI': [[1, 5], [2, 8]]}]}
"""


def same(ours: Any, theirs: Any) -> bool:
    """Tell whether two values have the same type, shape and bits."""
    if isinstance(ours, tuple):
        pairs = zip(ours, theirs, strict=True)
        return isinstance(theirs, tuple) and all(same(*pair) for pair in pairs)
    if ours is None or theirs is None:
        return ours is theirs
    one, other = np.asarray(ours), np.asarray(theirs)
    if one.dtype == object:
        return one.shape == other.shape and all(map(same, one.ravel(), other.ravel()))
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def facts(run: RawRun) -> dict[str, Any]:
    """All that a source says of a run, by name."""
    found: dict[str, Any] = {
        name: getattr(run, name)
        for name in (
            "experiment", "number", "file_number", "begin_time", "detectors", "detector_types",
            "segments", "serials",
        )
    }  # fmt: skip
    found |= {"files": sorted(run.files), "epics": run.epics.names, "scan": run.scan.names}
    for store in (run.epics, run.scan):
        found |= {name: store.field(name) for name in store.names}
    return found


def values(run: RawRun) -> dict[str, Any]:
    """All values of a run, by name."""
    whole = run.read(list(run.detectors))
    steps, last = run.steps, run.n_events - 1
    found: dict[str, Any] = {"timestamps": run.timestamps, **whole.arrays}
    found |= {"steps": steps.times, "first": steps.first, "last": steps.last}
    for kind in ("present", "partial", "damaged"):
        found |= {f"{kind} {name}": flags for name, flags in getattr(whole, kind).items()}
    for det in run.detectors:
        found[f"{det} integrated"] = run.integrated_by(det)
        for event in (0, last):
            settings = run.config(det, event)
            found |= {f"{det} {name} at {event}": value for name, value in settings.items()}
    for kind, store in (("epics", run.epics), ("scan", run.scan)):
        for name in store.names:
            found[f"{kind} {name}"], found[f"{kind} {name} known"] = store.read(
                name, run.timestamps
            )
    for event in {0, last // 2, last}:
        found |= {f"{name} of {event}": value for name, value in run.event(event).items()}
    return found


@pytest.mark.oracle
@pytest.mark.usefixtures("psana_here")
@pytest.mark.parametrize("name", REAL)
def test_psana_and_the_native_reader_say_the_same_of_real_files(
    data_folder: Path, name: str
) -> None:
    native, psana = (open_raw(data_folder / "xtc2" / name, source=one) for one in ("xtc2", "psana"))
    assert native.n_events == REAL[name]
    assert facts(psana) == facts(native)
    ours, theirs = values(native), values(psana)
    assert theirs.keys() == ours.keys()
    assert [key for key in ours if not same(ours[key], theirs[key])] == []


@pytest.mark.oracle
@pytest.mark.usefixtures("psana_here")
def test_what_psana_does_not_tell_is_a_finding(truth: WrittenRun) -> None:
    found = {one.code: one for one in open_raw(truth.folder, source="psana").findings}
    assert "count as absent, not as damaged" in found["psana-no-corruption"].message
    assert "psana-no-corruption" not in {one.code for one in open_raw(truth.folder).findings}


@pytest.mark.oracle
@pytest.mark.usefixtures("psana_here")
def test_what_psana_cannot_read_is_refused_with_the_other_reader(
    data_folder: Path, truth: WrittenRun, tmp_path: Path
) -> None:
    for name in ("test_timetool.xtc2", "hsd_061918_n3.xtc"):
        with pytest.raises(PsanaError, match=r"native reader \(source xtc2\)"):
            open_raw(data_folder / "xtc2" / name, source="psana")
    for file in truth.folder.glob("*.xtc2"):
        (tmp_path / file.name).symlink_to(file)
    with pytest.raises(NotThereError, match="no index files of run 7"):
        open_raw(tmp_path, source="psana")


def content(path: Path) -> dict[str, Any]:
    """All datasets of a file that tell of the run."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            found[name] = item[()]

    with h5py.File(path) as h5:
        h5.visititems(note)
    return found


@pytest.mark.oracle
@pytest.mark.usefixtures("psana_here")
def test_a_production_through_psana_is_that_of_the_native_reader(
    truth: WrittenRun, tmp_path: Path
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(CONFIG)
    native = produce(
        ProduceRequest(EXPERIMENT, RUN, truth.folder, tmp_path / "native", config=config)
    )
    asked = ["--experiment", EXPERIMENT, "--run", str(RUN), "--xtc", str(truth.folder)]
    asked += ["--config", str(config), "--output", str(tmp_path / "psana"), "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "produce", *asked, "--source", "psana", "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    result = json.loads(done.stdout)
    assert result["n_events"] == EVENTS
    assert result["failures"] == {name: dict(of) for name, of in native.failures.items()}
    ours, theirs = content(native.output), content(Path(result["output"]))
    assert theirs.keys() == ours.keys()
    assert [name for name in ours if not same(ours[name], theirs[name])] == []
    assert {"tiles/spot_area", "slow/all_sum", "lightStatus/xray", "epics/att_T"} <= ours.keys()
    with h5py.File(result["output"]) as h5:
        assert h5["provenance/source"][()] == b"psana"


def dark_run(folder: Path) -> Path:
    """Write 20 dark frames of a camera."""
    path = folder / "dark" / f"{EXPERIMENT}-r{RUN:04d}-s000-c000.xtc2"
    index = path.parent / "smalldata" / f"{path.stem}.smd.xtc2"
    draw, begin = np.random.default_rng(4), 1_100_000_000 << 32
    names = Names("cam", "opal", "raw", (2, 0, 0), fields={"image": ("uint16", 2)})
    with Xtc2Writer(path, [names], smd=index) as stream:
        stream.configure(begin - 5000)
        stream.begin_run(begin - 4000, experiment=EXPERIMENT, run=RUN)
        stream.begin_step(begin - 3000)
        stream.enable(begin - 2000)
        for event in range(20):
            frame = draw.normal(400, 3, (16, 20)).round().astype(np.uint16)
            stream.event(begin + event * 8_000_000, {0: {"image": frame}})
        stream.end_run(begin + (9 << 32))
    return path.parent


@pytest.mark.oracle
@pytest.mark.usefixtures("psana_here")
def test_dark_constants_and_config_checks_through_psana_are_those_of_the_native_reader(
    truth: WrittenRun, tmp_path: Path
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(CONFIG.replace("[2, 8]", "[2, 80]").replace("'slow']", "'slo']"))
    run, camera = ["--run", str(RUN)], ["--detector", "cam"]
    for words in (
        ["config", "check", str(config), *run, "--against", str(truth.folder)],
        ["config", "show", str(config), *run, "--against", str(truth.folder)],
        ["constants", "dark", *run, "--xtc", str(dark_run(tmp_path)), *camera, "--output"],
    ):
        told = {}
        for source in ("xtc2", "psana"):
            made = [str(tmp_path / f"{source}.h5")] if words[-1] == "--output" else []
            line = [sys.executable, "-m", "workbench", *words, *made, "--source", source, "--json"]
            done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
            assert done.returncode == (0 if words[1] != "check" else 1), done.stderr
            told[source] = done.stdout.replace(f"{source}.h5", "")
        assert told["psana"] == told["xtc2"]
    ours, theirs = (content(tmp_path / f"{source}.h5") for source in ("xtc2", "psana"))
    assert any(name.endswith("pedestal") for name in ours)
    assert theirs.keys() == ours.keys()
    assert [name for name in ours if not same(ours[name], theirs[name])] == []


def test_another_source_is_refused_with_the_known_ones(truth: WrittenRun) -> None:
    with pytest.raises(UnknownNameError, match="did you mean psana"):
        open_raw(truth.folder, source="psana2")


@pytest.mark.skipif(find_spec("psana") is not None, reason="psana is installed here")
def test_without_psana_the_error_names_the_extra(truth: WrittenRun) -> None:
    with pytest.raises(MissingToolError, match=r"pip install lcls-workbench\[psana\]"):
        open_raw(truth.folder, source="psana")

"""Slow variables of a control system's archiver, which answers here as the appliance does."""

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.app import app
from workbench.cli.produce import _archiver
from workbench.core.clock import EPICS_EPOCH
from workbench.facility import archiver_address
from workbench.facility.sites import NoAccessError
from workbench.producer import ConfigRefusedError, ProduceRequest, produce
from workbench.runs import find_archiver
from workbench.runs.experiment.finding import find_setup
from workbench.runs.experiment.reading import ExperimentFileError, read_experiment_file
from workbench.smalldata import open_file
from workbench.sources.archiver import ask_archiver

START = 1_100_000_000 + EPICS_EPOCH  # s, Unix time of the run's first event; it lasts 2.5 s
CONFIG = """
detectors = []
epicsPV = ['XPP:VARS:A', ('XPP:LOST:B', 'chamber:p'), 'XPP:LATE:C', 'XPP:TEXT:D', 'XPP:NONE:E',
           'XPP:WAVE:F', ('XPP:ATT:G', 'att_T'), 'XPP:BAD:H']
epicsOncePV = ['XPP:VARS:A', ('XPP:NONE:E', 'none')]
"""


def sample(seconds: float, value: Any, **fields: str) -> dict[str, Any]:
    whole = int(seconds // 1)
    more = {"fields": fields} if fields else {}
    nanos = round((seconds - whole) * 1e9)
    return {"secs": START + whole, "nanos": nanos, "val": value, "severity": 0, "status": 0, **more}


LOST_AT = {"cnxlostepsecs": str(START + 1), "cnxregainedepsecs": str(START + 2)}
HISTORY = {
    "XPP:VARS:A": [sample(-3600, 1.5), sample(0.5, 2.5), sample(1.25, 3.5), sample(90, 9)],
    "XPP:LOST:B": [sample(-5, 4), sample(1.5, 5, **LOST_AT)],
    "XPP:LATE:C": [sample(0.75, 7)],
    "XPP:TEXT:D": [sample(-5, "open")],
    "XPP:WAVE:F": [sample(-5, [1, 2, 3])],
    "XPP:ATT:G": [sample(-5, 0.25)],
}


class Appliance(BaseHTTPRequestHandler):
    """Answers for its PVs, 404 for others, one of them with words that are no JSON."""

    asked: ClassVar[list[dict[str, list[str]]]] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.asked.append(query)
        name = query["pv"][0]
        known = parts.path == "/archive/retrieval/data/getData.json" and name in HISTORY
        meta = {"name": name, "EGU": "mm", "PREC": "3"}
        body = json.dumps([{"meta": meta, "data": HISTORY.get(name)}])
        text = "<html>busy</html>" if name == "XPP:BAD:H" else body
        self.send_response(200 if known or name == "XPP:BAD:H" else 404)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Appliance) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/archive"
        server.shutdown()


@pytest.fixture
def nobody() -> Iterator[str]:
    """Yield an address where connections are refused: its port is held, and not listened at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/archive"


@pytest.fixture(scope="module")
def result(made: Any, address: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("archived")
    (folder / "config.py").write_text(CONFIG)
    return produce(made.request(folder, config=folder / "config.py", archiver=address))


def findings(result: Any, code: str) -> list[Any]:
    return [finding for finding in result.findings if finding.code == code]


def test_a_variable_is_kept_with_its_own_times_from_the_last_value_before_the_run_on(
    result: Any,
) -> None:
    with open_file(result.output) as file:
        pairs = file.read("epics_archiver/XPP_VARS_A")
        assert file.info("epics_archiver/XPP_VARS_A").unit == "mm"
    truth = [[START - 3600, 1.5], [START + 0.5, 2.5], [START + 1.25, 3.5]]  # 90 s is after the run
    np.testing.assert_array_equal(pairs, truth)
    run = wb.open_run(result.output)
    seconds = np.arange(300) * 8_333_333e-9
    expected = np.where(seconds < 0.5, 1.5, np.where(seconds < 1.25, 2.5, 3.5))
    np.testing.assert_array_equal(run.archived("XPP:VARS:A").at(run.timestamps), expected)


def test_the_archiver_is_asked_for_the_time_of_the_run_once_for_each_variable(result: Any) -> None:
    asked = [query for query in Appliance.asked if query["pv"] == ["XPP:VARS:A"]]
    assert len(asked) == 1  # two lists of the config want it
    assert asked[0]["from"] == ["2024-11-09T11:33:20.000Z"]
    assert asked[0]["to"] == ["2024-11-09T11:33:22.492Z"]
    assert result.failures["cam"]["present"] == 100  # all else is produced as ever


def test_a_lost_connection_and_a_late_beginning_are_nan_and_counted(result: Any) -> None:
    run = wb.open_run(result.output)
    seconds = np.arange(300) * 8_333_333e-9
    lost = run.archived("chamber:p").at(run.timestamps)
    np.testing.assert_array_equal(
        lost, np.where(seconds < 1, 4, np.where(seconds < 1.5, np.nan, 5))
    )
    late = run.archived("XPP_LATE_C").at(run.timestamps)
    np.testing.assert_array_equal(late, np.where(seconds < 0.75, np.nan, 7))
    told = {found.field: found.count for found in findings(result, "archiver-gaps")}
    assert told == {
        "epicsPV['XPP:LOST:B']": np.isnan(lost).sum(),
        "epicsPV['XPP:LATE:C']": np.isnan(late).sum(),
    }


def test_what_the_archiver_does_not_know_is_nan_in_the_file_named_and_counted(result: Any) -> None:
    (unknown,) = findings(result, "archiver-unknown")
    assert (unknown.count, "XPP:NONE:E" in unknown.message) == (2, True)
    (text, wave) = findings(result, "archiver-not-a-number")
    assert "'open'" in text.message
    assert "[1, 2, 3]" in wave.message
    assert "no JSON" in findings(result, "archiver-unreadable")[0].message
    assert {entry.entry: entry.line for entry in result.skipped} == {
        "epicsPV['XPP:TEXT:D']": 3,
        "epicsPV['XPP:NONE:E']": 3,
        "epicsPV['XPP:WAVE:F']": 4,
        "epicsPV['XPP:BAD:H']": 4,
        "epicsOncePV['XPP:NONE:E']": 5,
    }
    with open_file(result.output) as file:
        np.testing.assert_array_equal(file.read("epics_archiver/XPP_NONE_E"), [[START, np.nan]])
        assert "does not know it" in file.info("epics_archiver/XPP_NONE_E").long_name


def test_once_a_run_the_last_value_before_it_is_kept(result: Any) -> None:
    with open_file(result.output) as file:
        assert file.read("epicsOnce/XPP:VARS:A") == 1.5
        assert np.isnan(file.read("epicsOnce/none"))


def test_what_the_run_holds_has_a_value_per_event_and_is_not_asked_for(result: Any) -> None:
    with open_file(result.output) as file:
        np.testing.assert_array_equal(file.read("epicsUser/att_T"), file.read("epics/att_T"))
        assert "epics_archiver/att_T" not in file.names
    assert "XPP:VARS:A" in {query["pv"][0] for query in Appliance.asked}
    assert not [query for query in Appliance.asked if query["pv"] in (["XPP:ATT:G"], ["att_T"])]


def test_an_archiver_that_does_not_answer_costs_its_variables_and_nothing_else(
    made: Any, nobody: str, tmp_path: Path
) -> None:
    (tmp_path / "config.py").write_text(CONFIG)
    request = made.request(tmp_path, config=tmp_path / "config.py", archiver=nobody)
    result = produce(request)
    (found,) = findings(result, "archiver-unreachable")
    assert (found.count, "refused" in found.message, nobody in found.message) == (9, True, True)
    assert len(result.skipped) == 9  # att_T is in the run's own files
    with open_file(result.output) as file:
        np.testing.assert_array_equal(file.read("epics_archiver/XPP_VARS_A"), [[START, np.nan]])
        assert "archiver-unreachable" in str(file.provenance)
    with pytest.raises(ConfigRefusedError, match="no answer"):
        produce(
            made.request(tmp_path / "other", config=request.config, archiver=nobody, strict=True)
        )


def test_an_archiver_that_does_not_finish_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kept = ask_archiver(f"http://127.0.0.1:{silent.getsockname()[1]}", "A", 0, 1, timeout=0.2)
    assert (kept.state, "timed out" in kept.reason) == ("unreachable", True)


def test_without_an_address_the_user_is_told_how_to_give_one(made: Any, tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("detectors = []\nepicsPV = ['XPP:VARS:A', 'att_T']\n")
    result = produce(made.request(tmp_path, config=tmp_path / "config.py"))
    (found,) = findings(result, "pv-not-in-run")
    assert "--archiver, WORKBENCH_ARCHIVER or archiver in experiment.toml" in found.message


def test_the_address_is_the_facilitys_in_its_folders_unless_the_user_names_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = Path("/sdf/data/lcls/ds/xpp/xpplx1234/xtc")
    assert archiver_address(raw) == "https://pswww.slac.stanford.edu/archiveviewer"
    assert archiver_address(Path("/home/me/xtc")) == ""
    monkeypatch.setenv("WORKBENCH_ARCHIVER", "http://elsewhere")
    assert archiver_address(raw) == "http://elsewhere"


def told_to_ask(made: Any, home: Path, notes: str, *more: object) -> Any:
    """Produce into an experiment's folder which has these notes; return how that ended."""
    (home / "config.py").write_text("detectors = []\nepicsPV = ['XPP:VARS:A']\n")
    (home / "experiment.toml").write_text(notes)
    words = ["produce", "--experiment", "xpplx1234", "--run", 7, "--xtc", made.folder, "--config"]
    words += [home / "config.py", "--output", home / "hdf5" / "smalldata", "--replace", *more]
    return CliRunner().invoke(app, [str(word) for word in words])


def archiver_in(home: Path) -> object:
    with open_file(home / "hdf5" / "smalldata" / "xpplx1234_Run0007.h5") as file:
        return file.provenance["archiver"]


def test_the_address_in_experiment_toml_is_asked_unless_option_or_environment_say_another(
    made: Any, address: str, nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "xpp" / "xpplx1234"
    home.mkdir(parents=True)
    monkeypatch.delenv("WORKBENCH_ARCHIVER", raising=False)
    notes = (
        f'version = 1\narchiver = "{address}"\n[roles]\nno_role = "mistakes elsewhere stop nothing"'
    )
    asked = len(Appliance.asked)
    assert told_to_ask(made, home, notes).exit_code == 0
    assert (archiver_in(home), len(Appliance.asked) - asked) == (address, 1)
    with open_file(home / "hdf5" / "smalldata" / "xpplx1234_Run0007.h5") as file:
        assert file.read("epics_archiver/XPP_VARS_A")[0, 1] == 1.5
    folder = home / "hdf5" / "script"
    by_script = made.request(folder, config=home / "config.py")
    by_script = replace(by_script, archiver=find_archiver(by_script.target, "xpplx1234"))
    with open_file(produce(by_script).output) as file:
        assert file.read("epics_archiver/XPP_VARS_A")[0, 1] == 1.5
    asked += 1
    assert told_to_ask(made, home, notes, "--archiver", "none").exit_code == 3  # with a gap, told
    assert archiver_in(home) == ""
    monkeypatch.setenv("WORKBENCH_ARCHIVER", nobody)
    assert told_to_ask(made, home, notes).exit_code == 3
    assert archiver_in(home) == nobody
    assert find_archiver(by_script.target, "xpplx1234") == nobody
    monkeypatch.delenv("WORKBENCH_ARCHIVER")
    assert told_to_ask(made, home, 'archiver = "none"').exit_code == 3
    assert len(Appliance.asked) - asked == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_notes_that_may_not_be_looked_for_are_told_and_stop_no_production(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WORKBENCH_ARCHIVER", raising=False)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        home = Path(folder) / "xpplx1234"
        (home / "results").mkdir(parents=True, mode=0o700)
        Path(folder).chmod(0o755)
        request = ProduceRequest("xpplx1234", 7, home / "xtc", home / "hdf5" / "smalldata")
        os.seteuid(65534)
        try:
            assert _archiver(None, request) is None
            with pytest.raises(NoAccessError, match="experiment_file=False"):
                find_setup(request.target, "xpplx1234", 7)
            os.seteuid(0)
            (home / "results").chmod(0o755)
            notes = home / "results" / "experiment.toml"
            notes.touch(0o600)
            os.seteuid(65534)
            assert _archiver(None, request) is None
        finally:
            os.seteuid(0)
    told = capsys.readouterr().err
    assert f"you may not look into {notes.parent} for experiment.toml" in told
    assert f"you may not read {notes}" in told


@pytest.mark.parametrize(
    "value", ['"pswww.slac.stanford.edu"', '"ftp://a/b"', '"http://"', '""', "17668", '"http://[1"']
)
def test_an_address_that_is_none_is_refused_with_file_line_and_way_out(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.delenv("WORKBENCH_ARCHIVER", raising=False)
    home = tmp_path / "xpplx1234"
    home.mkdir()
    done = told_to_ask(made, home, f"version = 1\narchiver = {value}")
    assert isinstance(done.exception, ExperimentFileError)
    told = str(done.exception)
    assert f"{home / 'experiment.toml'}:2: archiver: " in told
    assert not (home / "hdf5").exists()
    with pytest.raises(ExperimentFileError, match=r"experiment\.toml:2: archiver: "):
        read_experiment_file(home / "experiment.toml")


def test_detectors_that_are_left_out_are_in_no_dataset_and_named(made: Any, tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text(
        "detectors = ['cam', 'tiles']\nxdetectors = ['tiles', 'XppSb2BmMon', 'cam_0', 'nil']\n"
        "def getROIs(run):\n    return {'cam': [{'name': 'all', 'ROI': None}]}\n"
    )
    result = produce(made.request(tmp_path, config=tmp_path / "config.py"))
    with open_file(result.output) as file:
        groups = {name.split("/")[0] for name in file.names}
        sums = [name for name in file.names if name.startswith("Sums/")]
        assert file.n_events == 300
        whole = file.read("cam/all_sum")
    assert not groups & {"tiles", "XppSb2BmMon"}
    assert "tiles" not in result.failures
    assert sums
    assert all(name.startswith("Sums/cam_") for name in sums)
    assert np.isfinite(whole).sum() == 100
    (told,) = [found for found in findings(result, "left-out") if found.severity == "info"]
    assert "tiles, XppSb2BmMon" in told.message
    assert "write 'cam'" in findings(result, "segment-kept")[0].message
    assert "'nil'" in findings(result, "detector-not-in-run")[0].message
    assert any(entry.entry == "detectors['tiles']" for entry in result.skipped)

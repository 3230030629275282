"""`workbench watch` where no notebook is needed; those that run one are in tests/automation."""

import json
import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from workbench.cli.app import app
from workbench.core.errors import InputError, UnknownNameError

EXPERIMENT = "sdf/data/lcls/ds/xpp/xpplx1234"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_SITE_ROOT", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_DATA_ROOT", raising=False)
    (tmp_path / EXPERIMENT / "hdf5" / "smalldata").mkdir(parents=True)
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["watch", *words])


def test_an_aborted_run_is_named_and_has_a_page_that_says_so(root: Path) -> None:
    file = root / EXPERIMENT / "hdf5" / "smalldata" / "xpplx1234_Run0014.h5"
    file.touch()
    os.utime(file, (1e9, 1e9))
    handler = signal.getsignal(signal.SIGTERM)
    done = call("xpplx1234", "--once", "--settle", "0.1")
    assert done.exit_code == 3
    assert "run 14: broken: " in done.output
    assert "done; without a report: run 14" in done.output
    assert signal.getsignal(signal.SIGTERM) is handler
    page = root / EXPERIMENT / "stats/summary/RunSummary/RunSummary_Run0014/report.html"
    assert "the file is empty" in page.read_text()
    again = call("xpplx1234", "--once", "--json")
    assert (again.exit_code, again.output) == (3, "")
    later = call("xpplx1234", "--once", "--from-run", "15", "--title", "Later", "--json")
    assert (later.exit_code, later.output) == (0, "")


def test_what_is_waited_for_is_told_as_json_lines(root: Path) -> None:
    file = root / EXPERIMENT / "hdf5" / "smalldata" / "xpplx1234_Run0014.h5"
    file.write_bytes(b"not yet")
    done = call("xpplx1234", "--once", "--settle", "0.1", "--json", "--output", str(root / "mine"))
    told = [json.loads(line) for line in done.output.splitlines()]
    assert [(one["run"], one["state"]) for one in told] == [
        (14, "watched for changes"), (14, "cannot be read yet"),
    ]  # fmt: skip
    assert "not an HDF5 file" in told[1]["text"]
    assert done.exit_code == 3
    assert list((root / "mine" / "RunSummary").iterdir()) == []


def test_slips_are_refused_before_anything_is_watched(root: Path) -> None:
    for words, error in (
        (("xpplx1243",), UnknownNameError),
        (("xpplx1234", "--template", "run_sumary"), UnknownNameError),
        (("xpplx1234", "--title", "my pages"), InputError),
        (("xpplx1234", "-p", "scael=1"), InputError),
    ):
        assert isinstance(call(*words).exception, error), words
    assert not (root / EXPERIMENT / "stats").exists()

"""What a slip of the pen gets: a sentence with the way out, no traceback, and nothing written."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.cli import main
from workbench.core.constants import Constants
from workbench.sources.constants import write_constants
from workbench.sources.xtc2_writer import Names, Xtc2Writer
from workbench.synthetic import PumpProbe, write_small_data

SET_ROI = "config set-roi good.py epix_1 spot"
RAW = "--run 14 --xtc raw"
SCAN = "batch delay_scan --input hdf5 --output reports"
PRODUCE = "produce --experiment xpplx1234 --output out"
NAMES = [Names("epix_1", "epix100", "raw", fields={"raw": ("uint16", 2)})]
BEGIN = 1_100_000_000 << 32  # time stamp, seconds in the high half
CONFIG = """\
detectors = ['epix_1']

def getROIs(run):
    return {'epix_1': [{'name': 'spot', 'ROI': [[2, 9], [5, 25]]}]}
"""


@pytest.fixture(scope="module")
def made(module_folder: ModuleFolder) -> Path:
    folder = module_folder("wrong")
    write_small_data(PumpProbe(n_events=30, camera_every=1), folder / "hdf5")
    (folder / "empty").mkdir()
    (folder / "text.h5").write_text("no HDF5 file\n")
    (folder / "zero.h5").write_bytes(b"")
    (folder / "good.py").write_text(CONFIG)
    (folder / "syntax.py").write_text("detectors = ['epix_1'\n\ndef getROIs(run):\n    return {}\n")
    (folder / "typo.py").write_text(CONFIG.replace("'ROI':", "'RIO':"))
    (folder / "late.py").write_text(CONFIG.replace("epix_1", "epix_9"))
    (folder / "raw").mkdir()
    with Xtc2Writer(folder / "raw/xpplx1234-r0014-s000-c000.xtc2", NAMES) as stream:
        stream.configure(BEGIN)
        stream.begin_run(BEGIN + 1, experiment="xpplx1234", run=14)
        for event in range(3):
            stream.event(BEGIN + 100 + event, {0: {"raw": np.zeros((80, 70), np.uint16)}})
        stream.end_run(BEGIN + 1000)
    (folder / "broken.ipynb").write_text("{not json")
    dark = Constants("epix_1", pedestal=np.zeros((4, 5)), origin="run 3")
    write_constants(folder / "constants.h5", [dark], first_run=3, last_run=9)
    return folder


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        ("info nothing.h5", 1, "no file nothing.h5; check the name"),
        ("info empty", 1, "empty is a folder; name one small-data file"),
        ("check text.h5", 1, "text.h5: not an HDF5 file; name"),
        ("check zero.h5", 1, "zero.h5: the file is empty; copy it"),
        ("batch delay_scn --runs 1 --input hdf5", 1, "did you mean delay_scan"),
        (f"{SCAN} --runs 1 -p bin_widht=1", 1, "did you mean bin_width?"),
        (f"{SCAN} --runs 1 -p bin_width=wide", 1, "a number in ps, range"),
        (f"{SCAN} --runs 1 -p bin_width", 1, "not of the form name=value"),
        (f"{SCAN} --runs -3", 1, "'-3' is no run; write 14, 1-3"),
        ("batch delay_scan --runs 1 --input hdf5 --output text.h5", 1, "choose another folder"),
        ("batch broken.ipynb --runs 1 --input hdf5", 1, "broken.ipynb is no notebook"),
        (SCAN, 2, "--runs"),
        ("batch delay_scan --input hdf5 --output new/reports --runs 7", 1, "no small-data file of"),
        ("batch delay_scan --input hdf5 --output new/reports --runs 7,8", 1, "run 8: failed"),
        (f"{PRODUCE}/new {RAW} --config typo.py --strict", 1, "typo.py:4"),
        (f"{PRODUCE}/new {RAW} --config late.py --strict", 1, "did you mean 'epix_1'"),
        (f"{PRODUCE}/new {RAW} --config good.py --constants text.h5", 1, "text.h5 is not a"),
        (f"{PRODUCE}/new {RAW} --executor slurm:pratition=x", 1, "did you mean 'partition'"),
        (f"{PRODUCE} --run 1 --xtc empty", 1, "no .xtc2 files in"),
        (f"{PRODUCE} --run abc --xtc empty", 1, "'abc' is no run"),
        (f"{PRODUCE} --run 1 --xtc nowhere", 1, "nowhere does not exist; give a folder"),
        ("watch xpplx9999 --once", 1, "no experiment 'xpplx9999'"),
        ("new abclx1234", 1, "names of experiments begin with their hutch"),
        ("new xpplx1234 --site s4df", 1, "did you mean s3df?"),
        ("new xpplx --site local", 1, "'xpplx' is no name of an experiment"),
        ("new xpp --site local", 1, "'xpp' is no name of an experiment"),
        ("new xpp-lx1234 --site local", 1, "begin with their hutch"),
        ("new xppsyn0126 --site local --made-up --from xpplx9999", 1, "no experiment 'xpplx9999'"),
        ("new xppsyn0126 --site local --made-up --template delay_scn", 1, "mean delay_scan"),
        ("link xpplx9999", 1, "no experiment 'xpplx9999'"),
        ("config check syntax.py --run 1", 1, "syntax.py:1: the config is not valid Python"),
        ("config show syntax.py --run 1", 3, "skipped: the whole config"),
        ("config status nowhere/at/all", 1, "no folder nowhere/at/all; name one"),
        (f"{SET_ROI.replace('_1', '_l')} [[1,2],[1,3]] --from-run 1", 1, "did you mean epix_1?"),
        (f"{SET_ROI} nonsense --from-run 1", 2, "cannot read 'nonsense' as numbers"),
        (f"{SET_ROI} [[5,2],[1,3]] --from-run 1", 1, "holds no pixel"),
        (f"{SET_ROI} [[1,2],[1,3]] --from-run -4", 1, "give a first run of 0 or more"),
        ("constants show text.h5", 1, "text.h5 is not a readable HDF5 file"),
        ("constants show constants.h5 --run 10", 1, "for run 10: it holds epix_1 in runs 3-9"),
        ("constants import empty --source X --detector d --output c.h5", 1, "empty holds no calib"),
        ("templates copy delay_scan --experiment nonsense", 1, "begin with their hutch"),
        ("notebooks copy 9_nothing", 1, "it has 1_open_a_run"),
        ("tiffs write text.h5", 1, "text.h5: not an HDF5 file"),
        ("app regions nowhere", 1, "there is no nowhere; name"),
        ("update broken.ipynb", 3, "broken.ipynb is no notebook"),
        ("demo --events 10", 2, "--events"),
        ("produc", 2, "produce"),
    ],
)  # fmt: skip
def test_a_wrong_input_ends_with_what_to_do_and_leaves_nothing(
    typed: str,
    code: int,
    says: str,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(made)
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(made / "empty"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["workbench", *typed.split()])
    before = sorted(made.rglob("*"))
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    assert end.value.code == code, told
    assert says in " ".join((told.out + told.err).split())
    assert "Traceback" not in told.out + told.err
    assert sorted(made.rglob("*")) == before

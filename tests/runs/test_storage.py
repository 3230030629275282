"""Files behind runs: opened once in an operation, and noticed when they are written anew."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.binning import bin_run
from workbench.runs import open_run, storage
from workbench.runs.storage import FileChangedError, opened_once

EVENTS = 40


def write(path: Path, signal: float = 1.0) -> Path:
    """Write a file beside and put it in the place of the one that was there."""
    beside = path.with_suffix(".new")
    with h5py.File(beside, "w") as h5:
        h5["event_time"] = np.arange(EVENTS, dtype=np.int64) << 32
        for name in ("ipm2/sum", "epix/ROI_0_sum", "scan/motor"):
            h5[name] = signal * np.arange(1.0, EVENTS + 1)
    beside.replace(path)
    return path


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths of files, one for each time that one is opened for a run."""
    found: list[Path] = []
    truly = storage.open_file

    def counted(path: Path, **given: object) -> object:
        found.append(path)
        return truly(path, **given)

    monkeypatch.setattr(storage, "open_file", counted)
    return found


def test_binning_opens_the_file_once_and_leaves_it_closed(
    tmp_path: Path, openings: list[Path]
) -> None:
    run = open_run(write(tmp_path / "xpplx1234_Run0001.h5"))
    openings.clear()
    edges = {"scan/motor": np.linspace(0, 50, 6)}
    binned = bin_run(run, edges, ["epix/ROI_0_sum", "ipm2/sum"], by="ipm2/sum")
    assert len(openings) == 1
    np.testing.assert_allclose(binned["epix/ROI_0_sum"].values[:4], 1)
    with h5py.File(run.path, "a") as h5:  # refused while anybody has it open
        h5["ipm3/sum"] = np.ones(EVENTS)


def test_a_file_that_is_written_anew_in_an_operation_is_noticed_in_it(tmp_path: Path) -> None:
    path = write(tmp_path / "xpplx1234_Run0001.h5")
    run = open_run(path)
    with opened_once():
        np.testing.assert_array_equal(run["ipm2/sum"].read(), np.arange(1.0, EVENTS + 1))
        write(path, signal=2.0)
        with pytest.raises(FileChangedError, match=r"run\.refresh\(\)"):
            run["epix/ROI_0_sum"].read()
        again = run.refresh()
        np.testing.assert_array_equal(again["epix/ROI_0_sum"].read()[:2], [2, 4])


def test_what_a_file_is_is_found_out_again_where_it_was_changed_in_place(tmp_path: Path) -> None:
    run = open_run(write(tmp_path / "xpplx1234_Run0001.h5"))
    with h5py.File(run.path, "a") as h5:
        del h5["event_time"]
        h5["event_time"] = np.arange(EVENTS // 2, dtype=np.int64) << 32
    with pytest.raises(FileChangedError, match=r"run\.refresh\(\)"):
        run["ipm2/sum"].read()


def test_an_operation_keeps_few_files_open(
    tmp_path: Path, openings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MOST_OPEN", 2)
    runs = [open_run(write(tmp_path / f"xpplx1234_Run000{number}.h5")) for number in (1, 2, 3)]
    openings.clear()
    with opened_once():
        for name in ("ipm2/sum", "epix/ROI_0_sum"):
            for run in runs:
                assert run[name].read()[1] == 2
    assert [openings.count(run.path) for run in runs] == [1, 1, 2]

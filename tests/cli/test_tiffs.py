"""TIFF files of finished small-data files: what is listed, written, refused and packed."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.core.errors import InputError

EVENTS = 4


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return a file as the facility's LCLS-I producer writes it, in its experiment's folder."""
    draw = np.random.default_rng(4)
    folder = tmp_path / "mec" / "meclx1234" / "hdf5" / "smalldata"
    folder.mkdir(parents=True)
    with h5py.File(folder / "meclx1234_Run0014.h5", "w") as h5:
        h5["event_time"] = (1_600_000_000 << 32) + np.arange(EVENTS) * 8_333_333
        h5["fiducials"] = np.arange(EVENTS) * 3
        frames = draw.normal(size=(EVENTS, 5, 7)).astype(np.float32)
        frames[2] = np.nan
        h5["quad/full_area"] = frames
        h5["alvium_tt/img"] = draw.integers(0, 4000, (EVENTS, 4, 6)).astype(np.uint16)
        h5["ipm2/sum"] = draw.normal(size=EVENTS)
        h5["epics/lens_z"] = np.full(EVENTS, 12.5)
        h5["Sums/quad_calib"] = draw.normal(size=(5, 7))
        h5["UserDataCfg/quad/ped"] = np.zeros((5, 7))
    return folder / "meclx1234_Run0014.h5"


def run(*words: object) -> object:
    return CliRunner().invoke(app, ["tiffs", *map(str, words)])


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def test_frames_images_and_sums_go_to_scratch_with_tables_beside_them(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(tmp_path))
    done = run("write", finished, "quad", "alvium_tt:img", "Sums/quad_calib", "--json")
    assert done.exit_code == 0, done.output
    assert "up to 9 TIFF files" in done.stderr
    assert "8 TIFF files; events without a picture: quad/full_area: 1" in done.stderr
    told = json.loads(done.stdout)
    scratch = tmp_path / "mec" / "meclx1234" / "scratch" / "run14"
    written = sorted(scratch.glob("*.tiff"))
    assert sorted(told["files"]) == [str(path) for path in written]
    with h5py.File(finished) as h5:
        frames, images = h5["quad/full_area"][[0, 1, 3]], h5["alvium_tt/img"][()]
        total = h5["Sums/quad_calib"][()]
    for name, truth in (("_quad_full_area", frames), ("_alvium_tt_img", images)):
        found = [read(path) for path in written if name in path.name]
        np.testing.assert_array_equal(found, truth)
    (summed,) = [path for path in told["files"] if "Sums_quad" in path]
    np.testing.assert_array_equal(tifffile.imread(summed), total.astype(np.float32))
    assert "Sums/quad_calib: 64 bits rounded" in done.stderr
    assert {"Run_0014_shots.txt", "Run_0014_epics.txt"} == {
        path.name for path in scratch.glob("*.txt")
    }


def test_without_a_field_the_pictures_of_the_file_are_listed(finished: Path) -> None:
    done = run("write", finished)
    assert done.stdout.split() == ["Sums/quad_calib", "alvium_tt/img", "quad/full_area"]
    assert isinstance(done.exception, InputError)
    assert "such as those above" in str(done.exception)


def test_many_files_are_packed_into_one(finished: Path, tmp_path: Path) -> None:
    assert run("write", finished, "alvium_tt:img", "--folder", tmp_path / "t").exit_code == 0
    files = sorted((tmp_path / "t").glob("*.tiff"))
    done = run("pack", tmp_path / "all.tiff", *files)
    assert f"{EVENTS} files" in done.stdout
    with Image.open(tmp_path / "all.tiff") as image:
        assert image.n_frames == EVENTS
    done = run("pack", tmp_path / "all.h5", *files)
    assert f"{EVENTS} pictures" in done.stdout
    with h5py.File(tmp_path / "all.h5") as h5, h5py.File(finished) as source:
        np.testing.assert_array_equal(h5["pictures"], source["alvium_tt/img"])

"""Frames that were really taken become raw runs, pixel for pixel."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.core.errors import InputError, NotThereError
from workbench.sources import open_raw
from workbench.synthetic import read_arm_scan, write_frames

TABLE = "    #,       tth,  Seconds,\n    7,     11.25,   1.0,\n    8,        12,   1.0,\n"


def scan(folder: Path, *numbers: int, table: str = TABLE) -> Path:
    for number in numbers:
        Image.fromarray(np.full((3, 4), number, np.float32)).save(folder / f"scan_{number:04d}.tif")
    (folder / "scan.csv").write_text(table)
    return folder


def test_frames_are_read_with_their_arm_angles_in_the_order_of_their_numbers(
    tmp_path: Path,
) -> None:
    found = read_arm_scan(scan(tmp_path, 8, 7))
    assert [(one.number, one.arm, one.picture[0, 0]) for one in found] == [
        (7, 11.25, 7),
        (8, 12, 8),
    ]


def test_real_frames_are_whole(data_folder: Path) -> None:
    found = read_arm_scan(data_folder / "diffraction_LaB6_ssrl")
    assert [one.number for one in found] == [8, 25, 29, 48, 57]
    assert [one.arm for one in found] == [11, 23.75, 26.75, 41, 47.75]
    assert {one.picture.shape for one in found} == {(195, 1475)}
    assert found[0].picture.max() == 92839


def test_what_is_no_scan_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match=r"holds 0 frames .* and 0 tables"):
        read_arm_scan(tmp_path)
    with pytest.raises(InputError, match=r"scan.csv: no tth of frame 9; add its line, or take"):
        read_arm_scan(scan(tmp_path, 9))
    with pytest.raises(InputError, match=r"scan.csv has no column 'tth'"):
        read_arm_scan(scan(tmp_path, 7, table="#, angle\n7, 11\n"))
    with pytest.raises(InputError, match=r"scan.csv: line 2: # and tth must be numbers"):
        read_arm_scan(scan(tmp_path, 7, table="#, tth\n7, wide\n"))


def test_frames_come_back_from_the_raw_run_that_they_were_written_to(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    frames = {7: draw.random((122, 5, 6), np.float32), 8: draw.integers(0, 9, (2, 5, 6), np.uint32)}
    folder = write_frames(frames, tmp_path / "raw", experiment="xpplx1234", detector="pilatus")
    for run, written in frames.items():
        raw = open_raw(folder, run=run)
        assert (raw.experiment, raw.number, raw.n_events) == ("xpplx1234", run, len(written))
        read = np.concatenate([stack["pilatus.raw.raw"] for stack in raw.stacks(["pilatus"])])
        np.testing.assert_array_equal(read.reshape(written.shape), written)
        seconds = raw.timestamps >> np.uint64(32)
        assert seconds[-1] - seconds[0] == (len(written) - 1) // 120

"""A master over part files: found where they are, refused where not, gaps named."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.runs import open_run
from workbench.smalldata import (
    DamagedFileError,
    MissingPartsError,
    TruncatedFileError,
    check_file,
    open_file,
)

ROWS = (4, 3, 2)  # events of each part
FRAMES = (2, 0, 1)  # of the integrating detector; the second part never saw it
TEXT = h5py.string_dtype()


def write_part(path: Path, number: int) -> None:
    events, frames = ROWS[number], FRAMES[number]
    with h5py.File(path, "w") as h5:
        h5["timestamp"] = np.arange(events) * 3 + number
        h5["gasdet/f11"] = np.arange(events) + 10.0 * number
        if number == 1:  # a camera that only the second part saw
            h5["cam/sum"] = np.arange(events) + 0.5
            h5["cam/count"] = np.arange(events, dtype="u2")
            h5["cam/area"] = np.ones((events, 2, 2), dtype="f4")
            h5.create_dataset("cam/label", data=["a", "b", "c"], dtype=TEXT)
        if frames:
            h5["intg/timestamp"] = np.arange(frames) + 100 * number
            h5["intg/andor/sum"] = np.arange(frames) + 100.0 * number


def master(folder: Path, *, relative: bool = False) -> Path:
    """Write parts and a master that counts a dataset's missing part as long as its time stamps."""
    folder.mkdir(exist_ok=True)
    parts = [folder / f"xppx1_Run0003_part{number}.h5" for number in range(3)]
    for number, part in enumerate(parts):
        write_part(part, number)
    datasets = {
        "timestamp": ("i8", (), ROWS), "gasdet/f11": ("f8", (), ROWS),
        "cam/sum": ("f8", (), ROWS), "cam/count": ("u2", (), ROWS),
        "cam/area": ("f4", (2, 2), ROWS), "cam/label": (TEXT, (), ROWS),
        "intg/timestamp": ("i8", (), (2, 3, 1)), "intg/andor/sum": ("f8", (), (2, 3, 1)),
    }  # fmt: skip
    with h5py.File(folder / "xppx1_Run0003.h5", "w") as h5:
        for name, (kind, shape, lengths) in datasets.items():
            layout = h5py.VirtualLayout((sum(lengths), *shape), kind)
            start = 0
            for part, length in zip(parts, lengths, strict=True):
                source = part.name if relative else str(part)
                layout[start : start + length] = h5py.VirtualSource(source, name, (length, *shape))
                start += length
            h5.create_virtual_dataset(name, layout, fillvalue=None if kind is TEXT else 0)
    return folder / "xppx1_Run0003.h5"


def test_parts_without_a_dataset_give_missing_values_not_fill_values(tmp_path: Path) -> None:
    with open_file(master(tmp_path / "a")) as file:
        gap = [np.nan] * 4, [np.nan] * 2
        np.testing.assert_array_equal(file.read("cam/sum"), [*gap[0], 0.5, 1.5, 2.5, *gap[1]])
        wrapped = 31073  # -99999 in 16 bits
        assert file.read("cam/count").tolist() == [*[wrapped] * 4, 0, 1, 2, *[wrapped] * 2]
        assert np.isnan(file.read("cam/area")[:4]).all()
        assert (file.read("cam/area", slice(4, 7)) == 1).all()
        assert file.read("cam/label").tolist() == ["", "", "", "", "a", "b", "c", "", ""]
    run = open_run(tmp_path / "a" / "xppx1_Run0003.h5")
    assert run["cam/sum"].missing.tolist() == [True] * 4 + [False] * 3 + [True] * 2
    assert run["cam/count"].missing.tolist() == run["cam/sum"].missing.tolist()


@pytest.mark.parametrize("rows", [slice(0, 0), slice(2, 6), slice(1, 9, 3), slice(8, 99)])
def test_any_range_of_rows_reads_across_parts(tmp_path: Path, rows: slice) -> None:
    whole = [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 20.0, 21.0]
    with open_file(master(tmp_path / "a")) as file:
        assert file.read("gasdet/f11", rows).tolist() == whole[rows]


def test_frames_of_an_integrating_detector_have_their_own_number(tmp_path: Path) -> None:
    with open_file(master(tmp_path / "a")) as file:
        assert file.info("intg/andor/sum").shape == (3,)
        assert file.read("intg/timestamp").tolist() == [0, 1, 200]
        assert file.frame_starts == (0, 2)
        assert file.read("intg/andor/sum").tolist() == [0.0, 1.0, 200.0]
        assert file.read("intg/andor/sum", slice(1, 3)).tolist() == [1.0, 200.0]
        assert {info.kind for name, info in file.fields.items() if "intg" in name} == {"intg"}


@pytest.mark.parametrize("relative", [False, True])
def test_a_moved_folder_is_read_from_its_own_parts_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    top = master(tmp_path / "a", relative=relative)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with h5py.File(tmp_path / "a" / "xppx1_Run0003_part0.h5", "r+") as h5:
        h5["gasdet/f11"][:] = -1  # the original is produced again, the copy is a snapshot
    monkeypatch.chdir(tmp_path / "a")
    with open_file(tmp_path / "b" / top.name) as file:
        assert file.read("gasdet/f11", slice(0, 4)).tolist() == [0, 1, 2, 3]
    (tmp_path / "b" / "xppx1_Run0003_part0.h5").unlink()
    if relative:  # a file of that name in the current folder is not a part of this run
        with pytest.raises(MissingPartsError, match="part0"), open_file(tmp_path / "b" / top.name):
            pass


def drop_from_time(folder: Path) -> str:
    (folder / "xppx1_Run0003_part2.h5").unlink()
    return "part2"


def drop_from_another(folder: Path) -> str:
    """Take the source of one dataset only from a part that holds nothing else."""
    with h5py.File(folder / "extra.h5", "w") as h5:
        h5["cam/late"] = np.zeros(9)
    layout = h5py.VirtualLayout((9,), "f8")
    layout[:] = h5py.VirtualSource("extra.h5", "cam/late", (9,))
    with h5py.File(folder / "xppx1_Run0003.h5", "r+") as h5:
        h5.create_virtual_dataset("cam/late", layout, fillvalue=0)
    (folder / "extra.h5").unlink()
    return "extra"


@pytest.mark.parametrize("drop", [drop_from_time, drop_from_another])
def test_a_missing_part_of_any_dataset_is_an_error_that_names_it(
    tmp_path: Path, drop: Callable[[Path], str]
) -> None:
    top = master(tmp_path / "a")
    name = drop(tmp_path / "a")
    with pytest.raises(MissingPartsError, match=rf"{name}\.h5.*same folder"):
        open_run(top)
    assert [finding.code for finding in check_file(top)] == ["parts-missing"]


def test_a_missing_part_is_noticed_when_a_single_dataset_is_read(tmp_path: Path) -> None:
    top = master(tmp_path / "a")
    drop_from_another(tmp_path / "a")
    with open_file(top) as file, pytest.raises(MissingPartsError, match="extra"):
        file.read("cam/late")


def test_a_part_that_was_cut_off_is_named(tmp_path: Path) -> None:
    top = master(tmp_path / "a")
    os.truncate(tmp_path / "a" / "xppx1_Run0003_part1.h5", 900)
    with open_file(top) as file, pytest.raises(TruncatedFileError, match="part1"):
        file.read("gasdet/f11")


def test_a_part_that_was_written_anew_with_fewer_events_is_named(tmp_path: Path) -> None:
    top = master(tmp_path / "a")
    with h5py.File(tmp_path / "a" / "xppx1_Run0003_part1.h5", "w") as h5:
        h5["gasdet/f11"] = np.zeros(2)
    with open_file(top) as file, pytest.raises(DamagedFileError, match=r"part1.*3 rows"):
        file.read("gasdet/f11")


def test_a_part_opened_as_if_it_were_the_run_is_named(tmp_path: Path) -> None:
    path = master(tmp_path)
    part = tmp_path / "xppx1_Run0003_part1.h5"
    found = {finding.code: finding for finding in check_file(part)}["part-of-run"]
    assert found.count == ROWS[1]
    assert "open xppx1_Run0003.h5 instead" in found.message
    assert "beside it" not in found.message
    assert "one part of xppx1_Run0003.h5" in repr(open_run(part))
    assert "part-of-run" not in {finding.code for finding in check_file(path)}
    path.unlink()
    found = {finding.code: finding for finding in check_file(part)}["part-of-run"]
    assert "which is not beside it" in found.message

"""Calibration trees: which file serves which run, what files hold, and constants made from them."""

from pathlib import Path

import numpy as np
import pytest

from workbench.core.arrays import Array
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.sources.calib_import import ImportRequest, import_constants
from workbench.sources.calib_tree import CalibFileError, calib_files, read_array, serving

EPIX = "XppGon.0:Epix100a.1"
JUNGFRAU = "XppEndstation.0:Jungfrau.0"
FRAME = (2, 3, 4)


def put(root: Path, source: str, name: str, values: Array, *, header: bool = True) -> Path:
    path = root / "Group::CalibV1" / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# DTYPE float32\n# NDIM {values.ndim}\n"]
    lines += [f"# DIM:{axis} {length}\n" for axis, length in enumerate(values.shape)]
    rows = values.reshape(-1, values.shape[-1])
    text = "".join(" ".join(f"{value:g}" for value in row) + "\n" for row in rows)
    path.write_text(("".join(lines) if header else "") + text)
    return path


def test_of_overlapping_ranges_the_file_that_starts_last_and_then_ends_first_serves(
    tmp_path: Path,
) -> None:
    for name in ("0-end", "10-end", "10-20", "15-15", "30-31"):
        put(tmp_path, EPIX, f"pedestals/{name}.data", np.ones((3, 4)))
    put(tmp_path, EPIX, "pedestals/notes.data", np.ones((3, 4)))  # not a range of runs
    files = calib_files(tmp_path, EPIX)
    chosen = {run: serving(files, "pedestals", run) for run in (0, 9, 10, 15, 16, 21, 30, 32)}
    names = {run: file.path.stem for run, file in chosen.items() if file}
    assert names == {
        0: "0-end", 9: "0-end", 10: "10-20", 15: "15-15", 16: "10-20", 21: "10-end", 30: "30-31",
        32: "10-end",
    }  # fmt: skip
    assert serving(files, "pixel_gain", 10) is None


@pytest.mark.parametrize("header", [True, False])
def test_numbers_come_in_the_shape_of_the_header_or_as_their_lines_stand(
    tmp_path: Path, *, header: bool
) -> None:
    values = np.arange(24.0).reshape(FRAME)
    read = read_array(put(tmp_path, EPIX, "pedestals/0-end.data", values, header=header))
    np.testing.assert_array_equal(read, values if header else values.reshape(6, 4))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# SHAPE (2,3)\n1 2 3\n", "holds 3"),
        ("1 2\n3\n", "not a table of numbers"),
        ("1 two\n", "not a table of numbers"),
        ("# SHAPE (2,3)\n", "holds no numbers"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "0-end.data"
    path.write_text(text)
    with pytest.raises(CalibFileError, match=told) as caught:
        read_array(path)
    assert str(path) in str(caught.value)


def test_wrong_names_are_answered_with_the_way_out(tmp_path: Path) -> None:
    put(tmp_path, EPIX, "pedestals/0-end.data", np.ones((3, 4)))
    with pytest.raises(UnknownNameError, match=r"did you mean XppGon\.0:Epix100a\.1"):
        calib_files(tmp_path, "XppGon.0:Epix100a.0")
    with pytest.raises(NotThereError, match="no calibration folder"):
        calib_files(tmp_path / "elsewhere", EPIX)


def test_each_stretch_of_runs_gets_the_files_that_serve_it(tmp_path: Path) -> None:
    for name, level in (("0-end", 100.0), ("10-19", 200.0)):
        put(tmp_path, EPIX, f"pedestals/{name}.data", np.full((3, 4), level))
    put(tmp_path, EPIX, "pixel_gain/5-end.data", np.full((3, 4), 0.05))
    status = np.zeros((3, 4))
    status[1, 2] = 8
    put(tmp_path, EPIX, "pixel_status/0-end.data", status)
    request = ImportRequest(tmp_path, EPIX, "epix_1", gain_unit="keV/ADU")
    entries = import_constants(request)
    assert [entry.runs for entry in entries] == ["0-4", "5-9", "10-19", "20-end"]
    levels = [entry.constants.pedestal[0, 0] for entry in entries]  # type: ignore[index]
    assert levels == [100.0, 100.0, 200.0, 100.0]
    assert entries[0].constants.gain is None
    assert entries[0].constants.unit == "ADU"
    np.testing.assert_allclose(entries[1].constants.gain, np.full((3, 4), 20.0))  # type: ignore[arg-type]
    np.testing.assert_array_equal(entries[3].constants.good, status == 0)  # type: ignore[arg-type]
    assert "pedestals/10-19.data" in entries[2].constants.origin


def test_a_gain_of_unknown_unit_is_not_guessed(tmp_path: Path) -> None:
    put(tmp_path, EPIX, "pedestals/0-end.data", np.ones((3, 4)))
    put(tmp_path, EPIX, "pixel_gain/0-end.data", np.full((3, 4), 0.05))
    with pytest.raises(InputError, match=r"hold ADU/keV or keV/ADU.*median 0\.05"):
        import_constants(ImportRequest(tmp_path, EPIX, "epix_1"))


def test_gain_ranges_stay_apart_and_a_pixel_bad_in_one_is_bad(tmp_path: Path) -> None:
    pedestals = np.arange(3 * 24.0).reshape(3, *FRAME)
    gains = np.broadcast_to([[[[41.5]]], [[[-1.4]]], [[[-0.1]]]], (3, *FRAME)).copy()
    gains[2, 0, 0, 0] = 0.0  # cannot divide
    status = np.zeros((3, *FRAME))
    status[1, 1, 2, 3] = 1
    put(tmp_path, JUNGFRAU, "pedestals/0-end.data", pedestals)
    put(tmp_path, JUNGFRAU, "pixel_gain/0-end.data", gains)
    put(tmp_path, JUNGFRAU, "pixel_status/0-end.data", status)
    put(tmp_path, JUNGFRAU, "pixel_offset/0-end.data", np.full((3, *FRAME), 2.0))
    ((entry),) = import_constants(ImportRequest(tmp_path, JUNGFRAU, "jungfrau"))
    made = entry.constants
    assert made.ranges == ("G0", "G1", "G2")
    np.testing.assert_array_equal(made.pedestal, pedestals + 2)  # type: ignore[arg-type]
    bad = np.zeros(FRAME, bool)
    bad[0, 0, 0] = bad[1, 2, 3] = True
    np.testing.assert_array_equal(made.good, ~bad)  # type: ignore[arg-type]
    ((only),) = import_constants(ImportRequest(tmp_path, JUNGFRAU, "j", only_range="G1"))
    np.testing.assert_array_equal(only.constants.pedestal, pedestals[1] + 2)  # type: ignore[arg-type]
    assert only.constants.ranges == ()


def test_files_that_do_not_belong_together_are_refused_by_name(tmp_path: Path) -> None:
    put(tmp_path, EPIX, "pedestals/0-end.data", np.ones((3, 4)))
    wrong = put(tmp_path, EPIX, "pixel_status/0-end.data", np.zeros((3, 5)))
    with pytest.raises(CalibFileError, match=r"its shape is \(3, 5\)") as caught:
        import_constants(ImportRequest(tmp_path, EPIX, "epix_1"))
    assert str(wrong) in str(caught.value)

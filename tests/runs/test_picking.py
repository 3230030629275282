"""Selected rows of large datasets, whatever way they lie in the file."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.runs import Channel, open_run, picking
from workbench.smalldata import DamagedFileError
from workbench.smalldata.direct import direct_filler

ROWS = 200
FRAMES = np.arange(ROWS * 12, dtype="f4").reshape(ROWS, 3, 4)
LAYOUTS = {
    "chunked": {"chunks": (7, 3, 4)},
    "contiguous": {},
    "packed": {"chunks": (7, 3, 4), "compression": "gzip"},
    "cut across rows": {"chunks": (7, 3, 2)},
    "other byte order": {"chunks": (7, 3, 4), "dtype": ">f4"},
    "one chunk": {"chunks": (ROWS, 3, 4)},
}


def write(folder: Path, layout: str, frames: np.ndarray = FRAMES) -> Path:
    path = folder / "xppl1234_Run0001.h5"
    with h5py.File(path, "w") as h5:
        h5["event_time"] = np.arange(ROWS)
        h5.create_dataset("cam/area", data=frames, **LAYOUTS[layout])
    return path


@pytest.mark.parametrize("span", [0, 1 << 14], ids=["one by one", "in pieces"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [None, slice(5, 150), slice(11, 190, 3)])
def test_picked_rows_are_the_rows_of_the_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, rows: slice | None, span: int
) -> None:
    monkeypatch.setattr(picking, "PIECE_BYTES", 1000)  # twenty rows: many pieces
    monkeypatch.setattr(picking, "SPAN_BYTES", span)
    channel = open_run(write(tmp_path, layout))["cam/area"]
    for chance in (0.5, 0.05, 1.0, 0.0):
        good = np.random.default_rng(3).random(ROWS) < chance
        kept = np.zeros(ROWS, dtype=bool)
        kept[rows or slice(None)] = True
        found = channel.read_stored(good, rows)
        np.testing.assert_array_equal(found, FRAMES[good & kept])
        assert found.dtype == channel.dtype


@pytest.mark.parametrize("layout", LAYOUTS)
def test_plain_rows_are_read_straight_from_the_file_and_others_by_hdf5(
    tmp_path: Path, layout: str
) -> None:
    with h5py.File(write(tmp_path, layout)) as h5:
        straight = direct_filler(h5["cam/area"])
        assert (straight is not None) == (layout in {"chunked", "contiguous", "one chunk"})
        if straight is not None:
            buffer = np.zeros((30, 3, 4), dtype="f4")
            straight(buffer, [(10, 12), (17, 40)])
            expected = np.concatenate([FRAMES[10:12], FRAMES[17:40]])
            np.testing.assert_array_equal(buffer[:25], expected)
            assert not buffer[25:].any()


def test_rows_that_were_never_written_are_left_to_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as h5:
        frames = h5.create_dataset("a", (ROWS, 3), chunks=(10, 3), dtype="f8", fillvalue=np.nan)
        frames[50:] = 1.0
        assert direct_filler(frames) is None


def test_the_result_can_go_into_an_array_of_the_caller(tmp_path: Path) -> None:
    channel = open_run(write(tmp_path, "chunked"))["cam/area"]
    good = np.arange(ROWS) % 3 == 0
    out = np.zeros((67, 3, 4), dtype="f4")
    assert channel.read_stored(good, out=out) is out
    np.testing.assert_array_equal(out, FRAMES[good])
    whole = np.zeros_like(FRAMES)
    np.testing.assert_array_equal(channel.read_stored(out=whole), FRAMES)
    computed = Channel.from_values("mine", FRAMES, unit="1")
    np.testing.assert_array_equal(computed.read_stored(good, out=out), FRAMES[good])


@pytest.mark.parametrize(
    "out", [np.zeros((66, 3, 4), "f4"), np.zeros((67, 3, 4)), np.zeros((67, 12), "f4")]
)
def test_an_array_that_does_not_fit_is_refused(tmp_path: Path, out: np.ndarray) -> None:
    channel = open_run(write(tmp_path, "chunked"))["cam/area"]
    with pytest.raises(InputError, match=r"out has shape .* \(67, 3, 4\) and type float32"):
        channel.read_stored(np.arange(ROWS) % 3 == 0, out=out)


def test_rows_that_lie_behind_the_end_of_the_file_are_damage(tmp_path: Path) -> None:
    path = write(tmp_path, "one chunk")
    run = open_run(path)
    with h5py.File(path) as h5:
        place = h5["cam/area"].id.get_chunk_info(0).byte_offset
    whole = path.read_bytes()
    with h5py.File(path, "r+") as h5:
        straight = direct_filler(h5["cam/area"])
        assert straight is not None
        path.write_bytes(whole[: place + 100])
        with pytest.raises(OSError, match="ends before row"):
            straight(np.zeros_like(FRAMES), [(0, ROWS)])
        path.write_bytes(whole)
    assert run["cam/area"].read_stored(np.ones(ROWS, bool)).sum() == FRAMES.sum()
    assert issubclass(DamagedFileError, OSError)

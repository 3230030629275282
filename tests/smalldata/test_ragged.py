"""Three ways to store entries per event, read back through one view."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.smalldata import open_file
from workbench.smalldata.ragged import open_ragged, ragged_groups

SHAPE = (5, 8)  # rows, columns: not square, so that exchanged axes are seen
Hits = list[list[tuple[int, int, float]]]


@pytest.fixture(scope="module")
def hits() -> Hits:
    """Hits (row, col, value) of 40 events, none in some; one at the first pixel."""
    draw = np.random.default_rng(7)
    events = [
        [
            (int(draw.integers(SHAPE[0])), int(draw.integers(SHAPE[1])), float(draw.integers(1, 9)))
            for _ in range(draw.integers(0, 6))
        ]
        for _ in range(40)
    ]
    events[0] = []
    events[3] = [(0, 0, 2.0)]
    events[4] = [(2, 7, 1.0), (0, 0, 3.0)]  # the last entry lies at the first pixel
    return events


def columns(event: list[tuple[int, int, float]]) -> dict[str, np.ndarray]:
    rows, cols, values = zip(*event, strict=True) if event else ((), (), ())
    return {
        "row": np.array(rows, dtype=np.uint16),
        "col": np.array(cols, dtype=np.uint16),
        "data": np.array(values, dtype=np.float64),
    }


def store(path: Path, hits: Hits, scheme: str, generation: str = "lcls2") -> Path:
    with h5py.File(path, "w") as h5:
        h5["timestamp" if generation == "lcls2" else "event_time"] = np.arange(len(hits)) << 32
        events = [columns(event) for event in hits]
        if scheme == "var":
            for field in ("row", "col", "data"):
                h5[f"epix/var_hits/{field}"] = np.concatenate([event[field] for event in events])
            h5["epix/var_hits_len"] = np.array([len(event) for event in hits])
        elif scheme == "vlen":
            for field in ("row", "col", "data"):
                kind = h5py.vlen_dtype(events[0][field].dtype)
                dataset = h5.create_dataset(f"epix/ragged_hits_{field}", (len(hits),), dtype=kind)
                for number, event in enumerate(events):
                    dataset[number] = event[field]
        else:
            for field in ("row", "col", "data"):
                rectangle = np.zeros((len(hits), 6), dtype=events[0][field].dtype)
                for number, event in enumerate(events):
                    rectangle[number, : len(event[field])] = event[field]
                h5[f"epix/hits_{field}"] = rectangle
    return path


SCHEMES = pytest.mark.parametrize("scheme", ["var", "vlen", "fixed"])


@SCHEMES
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_every_entry_of_every_event_comes_back(
    tmp_path: Path, hits: Hits, scheme: str, generation: str, size: int
) -> None:
    path = store(tmp_path / "xpplx1234_Run0014.h5", hits, scheme, generation)
    ragged = open_ragged(path, "epix/hits")
    assert len(ragged) == len(hits)
    found = [event for stack in ragged.stacks(size=size) for event in stack.split()]
    for event, given in zip(found, hits, strict=True):
        for field, values in columns(given).items():
            np.testing.assert_array_equal(event[field], values)
            assert event[field].dtype == values.dtype
    np.testing.assert_array_equal(ragged.lengths(), [len(event) for event in hits])


@SCHEMES
def test_flat_entries_carry_the_number_of_their_event(
    tmp_path: Path, hits: Hits, scheme: str
) -> None:
    path = store(tmp_path / "xpplx1234_Run0014.h5", hits, scheme)
    events, values = open_ragged(path, "epix/hits").flatten(slice(3, 30))
    expected = [(number, *hit) for number, event in enumerate(hits[3:30], 3) for hit in event]
    found = list(zip(events, values["row"], values["col"], values["data"], strict=True))
    assert found == expected


@SCHEMES
def test_images_hold_rows_first(tmp_path: Path, hits: Hits, scheme: str) -> None:
    path = store(tmp_path / "xpplx1234_Run0014.h5", hits, scheme)
    images = open_ragged(path, "epix/hits").to_images(SHAPE)
    expected = np.zeros((len(hits), *SHAPE))
    for number, event in enumerate(hits):
        for row, col, value in event:
            expected[number, row, col] += value
    np.testing.assert_array_equal(images, expected)
    assert images[4, 2, 7] == 1.0  # impossible with the axes exchanged


@SCHEMES
def test_one_event_and_one_field_can_be_asked_for(tmp_path: Path, hits: Hits, scheme: str) -> None:
    path = store(tmp_path / "xpplx1234_Run0014.h5", hits, scheme)
    ragged = open_ragged(path, "epix/hits")
    np.testing.assert_array_equal(ragged[4]["col"], [7, 0])
    np.testing.assert_array_equal(ragged[-1]["row"], columns(hits[-1])["row"])
    alone = open_ragged(path, ragged.datasets["col"])
    assert alone.fields == ("col",)
    np.testing.assert_array_equal(alone.lengths(), ragged.lengths())


def test_exchanged_axes_are_refused_where_they_leave_the_image(tmp_path: Path, hits: Hits) -> None:
    ragged = open_ragged(store(tmp_path / "xpplx1234_Run0014.h5", hits, "var"), "epix/hits")
    with pytest.raises(
        InputError, match=r"col reaches from 0 to 7, the image has 5 there.*exchang"
    ):
        ragged.to_images(SHAPE, row="col", col="row")


def test_fields_called_i_and_j_must_be_named(tmp_path: Path, hits: Hits) -> None:
    path = tmp_path / "xpplx1234_Run0014.h5"
    with h5py.File(path, "w") as h5:
        h5["event_time"] = np.arange(len(hits)) << 32
        for name, field in (("i", "col"), ("j", "row")):
            kind = h5py.vlen_dtype(np.float32)
            dataset = h5.create_dataset(
                f"epix_alc1/ragged_droplet_photon_{name}", (len(hits),), dtype=kind
            )
            for number, event in enumerate(hits):
                dataset[number] = columns(event)[field]
    ragged = open_ragged(path, "epix_alc1/ragged_droplet_photon")
    assert ragged.fields == ("i", "j")
    with pytest.raises(InputError, match="say which is which"):
        ragged.to_images(SHAPE)
    images = ragged.to_images(SHAPE, row="j", col="i")  # as this experiment's own scripts do
    assert images.sum() == sum(len(event) for event in hits)
    assert images[4, 2, 7] == 1


def test_tiles_make_a_third_axis(write_foreign: Callable[..., Path]) -> None:
    datasets = {
        "timestamp": np.arange(2) << 32,
        "jf/var_hits/row": [1.2, 2.6],
        "jf/var_hits/col": [0.0, 4.4],
        "jf/var_hits/tile": [0.0, 1.0],
        "jf/var_hits/data": [5.0, 7.0],
        "jf/var_hits_len": [2, 0],
    }
    ragged = open_ragged(write_foreign("xpplx1234_Run0014.h5", datasets), "jf/hits")
    images = ragged.to_images((2, 4, 6))
    assert images[0, 0, 1, 0] == 5.0
    assert images[0, 1, 3, 4] == 7.0
    assert images.sum() == 12.0
    with pytest.raises(InputError, match="several tiles"):
        ragged.to_images((4, 6))


def test_a_full_rectangle_may_have_lost_entries_and_is_counted(tmp_path: Path, hits: Hits) -> None:
    crowded = [*hits, [(1, 1, 1.0)] * 6]
    path = store(tmp_path / "xpplx1234_Run0014.h5", crowded, "fixed")
    ragged = open_ragged(path, "epix/hits")
    assert ragged.full() == 1
    assert ragged.ambiguous() == 0  # a hit has a value, the filling has none
    assert "rectangles" in repr(ragged)


def test_hits_without_value_cannot_be_told_from_the_filling(tmp_path: Path, hits: Hits) -> None:
    path = store(tmp_path / "xpplx1234_Run0014.h5", hits, "fixed")
    with h5py.File(path, "r+") as h5:
        del h5["epix/hits_data"]
    ragged = open_ragged(path, "epix/hits")
    assert ragged.lengths()[3] == 0  # its only hit lies at the first pixel
    assert ragged.ambiguous() == sum(len(event) < 6 for event in hits)


def test_a_dataset_that_is_itself_variable_is_read(write_foreign: Callable[..., Path]) -> None:
    datasets = {
        "timestamp": np.arange(3) << 32,
        "feespec/var_peakPos": [1.0, 2.0, 3.0],
        "feespec/var_peakPos_len": [2, 0, 1],
    }
    path = write_foreign("mfxlx1234_Run0014.h5", datasets)
    with open_file(path) as file:
        assert file.info("feespec/var_peakPos").kind == "ragged"
        assert file.info("feespec/var_peakPos_len").kind == "event"
        assert list(ragged_groups(file)) == ["feespec/var_peakPos"]
    found = [event["peakPos"].tolist() for event in open_ragged(path, "feespec/var_peakPos")]
    assert found == [[1.0, 2.0], [], [3.0]]


def test_events_of_a_part_without_the_detector_are_absent(tmp_path: Path) -> None:
    path = tmp_path / "xpplx1234_Run0014.h5"
    given: dict[int, dict[str, Any]] = {
        0: {"timestamp": [1, 2, 3]},
        1: {"timestamp": [4, 5], "det/var_a/x": [8.0, 9.0], "det/var_a_len": [2, 0]},
    }
    for part, datasets in given.items():
        with h5py.File(tmp_path / f"part{part}.h5", "w") as h5:
            for name, values in datasets.items():
                h5[name] = np.array(values)
    layouts = {
        "timestamp": (5, "i8", 0),
        "det/var_a/x": (5, "f8", 3),
        "det/var_a_len": (5, "i8", 3),
    }
    with h5py.File(path, "w") as h5:
        for name, (rows, dtype, start) in layouts.items():
            layout = h5py.VirtualLayout((rows,), dtype)
            for part, datasets in given.items():
                if name in datasets:
                    count = len(datasets[name])
                    place = start if part else 0
                    place = 3 if name == "timestamp" and part else place
                    layout[place : place + count] = h5py.VirtualSource(
                        str(tmp_path / f"part{part}.h5"), name, (count,)
                    )
            fill = np.nan if dtype == "f8" else -99999
            h5.create_virtual_dataset(name, layout, fillvalue=fill)
    copy = tmp_path / "copy" / path.name  # in one file, as h5repack makes it: filler and all
    copy.parent.mkdir()
    with h5py.File(path) as virtual, h5py.File(copy, "w") as whole:
        for name in layouts:
            whole[name] = virtual[name][:]
    for one in (path, copy):
        ragged = open_ragged(one, "det/a")
        assert [event["x"].tolist() for event in ragged] == [[], [], [], [8.0, 9.0], []]
        np.testing.assert_array_equal(ragged.absent(), [True, True, True, False, False])


def test_an_unknown_group_names_those_there_are(tmp_path: Path, hits: Hits) -> None:
    path = store(tmp_path / "xpplx1234_Run0014.h5", hits, "var")
    with pytest.raises(UnknownNameError, match="did you mean epix/var_hits"):
        open_ragged(path, "epix/var_hit")
    with pytest.raises(InputError, match="one by one"):
        list(open_ragged(path, "epix/hits").stacks(slice(0, 9, 2)))
    with pytest.raises(UnknownNameError, match="field 'adu'"):
        open_ragged(path, "epix/hits").to_images(SHAPE, value="adu")


def test_no_events_give_no_entries(tmp_path: Path) -> None:
    path = store(tmp_path / "xpplx1234_Run0014.h5", [[(0, 0, 1.0)]], "var")
    events, values = open_ragged(path, "epix/hits").flatten(slice(0, 0))
    assert len(events) == 0
    assert {field: len(entries) for field, entries in values.items()} == {
        "row": 0,
        "col": 0,
        "data": 0,
    }

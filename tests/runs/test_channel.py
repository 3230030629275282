from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.runs import Channel, cut, open_run, open_runs
from workbench.runs import channel as channels

Write = Callable[..., Path]


@pytest.fixture
def images() -> np.ndarray:
    return np.arange(50 * 3 * 4, dtype=np.float32).reshape(50, 3, 4)


def test_reading_by_mask_and_rows_equals_numpy_indexing(
    write: Write, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "BLOCK_BYTES", 7 * 48)  # seven images a block
    run = open_run(write({"det/area": images, "x": np.arange(50.0)}))
    good = np.random.default_rng(1).random(50) < 0.3
    good[20:35] = False  # whole blocks without an event
    area = run["det/area"]
    np.testing.assert_array_equal(area.read(), images)
    np.testing.assert_array_equal(area.read(where=good), images[good])
    np.testing.assert_array_equal(area.read(rows=slice(5, 40, 3)), images[5:40:3])
    np.testing.assert_array_equal(
        area.read(where=good, rows=slice(10, 45)), images[10:45][good[10:45]]
    )
    np.testing.assert_array_equal(area.read(where=cut("x", 30, 33)), images[30:33])
    assert area.read(where=np.zeros(50, bool)).shape == (0, 3, 4)
    assert area.read(rows=slice(60, 70)).shape == (0, 3, 4)


def test_no_list_of_rows_ever_reaches_hdf5(
    write: Write, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(write({"det/area": images}))
    plain = h5py.Dataset.__getitem__

    def contiguous(self: h5py.Dataset, key: object, **more: object) -> object:
        assert not isinstance(key, (np.ndarray, list))
        return plain(self, key, **more)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", contiguous)
    good = np.arange(50) % 2 == 0
    np.testing.assert_array_equal(run["det/area"].read(where=good), images[::2])


def test_stacks_give_the_selected_events_with_their_numbers(
    write: Write, images: np.ndarray
) -> None:
    run = open_run(write({"det/area": images, "x": np.arange(50.0)}))
    parts = list(run["det/area"].iter_stacks(8, where=cut("x", 10, 37)))
    numbers = np.concatenate([numbers for numbers, _ in parts])
    np.testing.assert_array_equal(numbers, np.arange(10, 37))
    np.testing.assert_array_equal(np.concatenate([v for _, v in parts]), images[10:37])


def test_integers_with_gaps_become_float_with_nan_and_stay_whole_as_stored(write: Write) -> None:
    run = open_run(write({"n": np.array([3, -99999, 5], dtype=np.int64), "m": np.arange(3)}))
    np.testing.assert_array_equal(run["n"].read(), [3.0, np.nan, 5.0])
    np.testing.assert_array_equal(run["n"].read_stored(), [3, -99999, 5])
    assert run["m"].read().dtype == np.int64
    assert run["n"].missing.tolist() == [False, True, False]
    [(_, values)] = run["n"].iter_stacks()
    assert np.isnan(values[1])


def test_a_frame_counts_as_missing_only_when_all_its_pixels_are(write: Write) -> None:
    frames = np.zeros((3, 2, 2))
    frames[0, 0, 0] = np.nan
    frames[1] = np.nan
    assert open_run(write({"det/area": frames}))["det/area"].missing.tolist() == [
        False,
        True,
        False,
    ]


def test_xarray_carries_axes_unit_and_event_numbers(write: Write, images: np.ndarray) -> None:
    run = open_run(write({"det/area": (images, "keV")}))
    array = run["det/area"].to_xarray(rows=slice(4, 6))
    assert array.dims == ("event", "row", "col")
    assert array.attrs["units"] == "keV"
    assert array.event.values.tolist() == [4, 5]


def test_a_single_number_kept_once_a_run_is_read(write: Write) -> None:
    path = write(
        {"x": np.zeros(4), "UserDataCfg/det/count": np.int64(7), "Sums/gap": np.int64(-99999)}
    )
    run = open_run(path)
    assert run["UserDataCfg/det/count"].read() == 7
    assert np.isnan(run["Sums/gap"].read())


def test_values_kept_once_a_run_are_read_whole(write: Write) -> None:
    run = open_run(write({"x": np.zeros(4), "Sums/det_calib": np.ones((2, 3))}))
    sums = run["Sums/det_calib"]
    np.testing.assert_array_equal(sums.read(), np.ones((2, 3)))
    assert sums.to_xarray().shape == (2, 3)
    with pytest.raises(InputError, match="no row per event"):
        sums.read(rows=slice(0, 1))


def test_a_wrong_mask_or_range_is_refused_with_the_channels_name(write: Write) -> None:
    x = open_run(write({"ipm2/sum": np.zeros(4)}))["ipm2/sum"]
    for where in (np.zeros(3, bool), np.zeros(4)):
        with pytest.raises(InputError, match="ipm2/sum"):
            x.read(where=where)
    with pytest.raises(InputError, match="forwards"):
        x.read(rows=slice(None, None, -1))
    with pytest.raises(InputError, match="rows must be a slice"):
        x.read(rows=3)  # type: ignore[arg-type]


def test_an_unknown_channel_is_named_with_a_suggestion(write: Write) -> None:
    run = open_run(write({"ipm2/sum": np.zeros(4)}))
    with pytest.raises(UnknownNameError, match="did you mean ipm2/sum"):
        run["ipm2/sun"]


@pytest.mark.parametrize("several", [False, True])
def test_a_role_or_a_detector_in_place_of_a_field_is_told(write: Write, several: bool) -> None:
    columns = {"ipm2/sum": np.zeros(4), "ipm2/xpos": np.zeros(4)}
    paths = [write(columns, run=number) for number in (14, 15)]
    run = open_runs(paths) if several else open_run(paths[0])
    with pytest.raises(UnknownNameError, match=r"i0 is a role: use run.role\('i0'\)"):
        run["i0"]
    with pytest.raises(UnknownNameError, match="delay is a role"):
        run["delay"]
    with pytest.raises(UnknownNameError, match="ipm2 holds ipm2/sum, ipm2/xpos"):
        run["ipm2"]


def test_computed_values_cannot_be_changed_from_outside() -> None:
    values = np.zeros(3)
    made = Channel.from_values("x", values, unit="ps")
    values[0] = 7
    assert made.read().tolist() == [0, 0, 0]
    made.read()[0] = 5
    assert made.read().tolist() == [0, 0, 0]

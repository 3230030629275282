from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from workbench.core.errors import InputError
from workbench.runs import Channel, cut, open_run
from workbench.smalldata.xarray_backend import SmallDataBackend

Write = Callable[..., Path]


@pytest.fixture
def path(write: Write) -> Path:
    return write(
        {
            "x": (np.arange(6.0), "mm"),
            "n": np.array([1, -99999, 3, 4, 5, 6]),
            "word": np.array([f"w{i}".encode() for i in range(6)]),
            "det/azav_azav": np.arange(6 * 2 * 3.0).reshape(6, 2, 3),
            "det/ROI_0_area": (np.arange(6 * 4 * 5.0).reshape(6, 4, 5), "keV"),
            "UserDataCfg/det/azav__azav_q": np.array([1.0, 2.0, 3.0]),
            "UserDataCfg/det/azav__azav_phiVec": np.array([0.0, 1.0]),
            "Sums/det_calib": np.ones((7, 8)),
        }
    )


def test_a_dataset_of_a_selection_equals_what_the_engine_selects(path: Path) -> None:
    run = open_run(path)
    good = np.array([True, False, True, False, False, True])
    fields = ["x", "n", "det/azav_azav", "det/ROI_0_area", "Sums/det_calib"]
    ours = run.to_xarray(fields, where=good)
    lazy = xr.open_dataset(path, engine=SmallDataBackend)[fields].isel(event=good)
    for name in fields:
        assert ours[name].dims == lazy[name].dims
        np.testing.assert_array_equal(ours[name], lazy[name])
        assert ours[name].attrs["units"] == lazy[name].attrs["units"]
    for name in ("event", "time", "det_azav_q", "det_azav_phi"):
        np.testing.assert_array_equal(ours[name], lazy[name])


def test_a_channel_by_itself_has_plain_axes_with_their_values(path: Path) -> None:
    array = open_run(path)["det/azav_azav"].to_xarray(where=cut("x", 2, 4))
    assert array.dims == ("event", "phi", "q")
    assert array.q.values.tolist() == [1, 2, 3]
    assert array.event.values.tolist() == [2, 3]
    assert array.time.dtype == np.dtype("datetime64[ns]")


def test_a_table_holds_scalars_by_event_with_time_and_units(path: Path) -> None:
    run = open_run(path)
    table = run.to_pandas(["x", "n"], where=cut("x", 1, 4))
    assert table.index.tolist() == [1, 2, 3]
    assert list(table.columns) == ["time", "x", "n"]
    assert np.isnan(table["n"][1])
    assert table.attrs["units"] == {"x": "mm", "n": ""}
    np.testing.assert_array_equal(table["time"], run.times[1:4])
    assert set(run.to_pandas().columns) == {"time", "timestamp", "x", "n", "word"}


def test_computed_channels_come_along(path: Path) -> None:
    run = open_run(path)
    twice = Channel.from_values("twice", 2 * run["x"].read(), unit="mm", select=run.mask)
    data = run.to_xarray([twice, "x"])
    np.testing.assert_array_equal(data["twice"], 2 * data["x"])


def test_what_fits_no_table_or_dataset_is_refused_by_name(write: Write) -> None:
    run = open_run(
        write(
            {
                "x": np.zeros(2),
                "d/area": np.zeros((2, 3, 4)),
                "d/var_hits/adu": np.zeros(3),
                "d/var_hits_len": np.array([1, 2]),
            }
        )
    )
    with pytest.raises(InputError, match="d/area"):
        run.to_pandas(["x", "d/area"])
    with pytest.raises(InputError, match=r"d/var_hits/adu.*run\.ragged"):
        run.to_xarray(["d/var_hits/adu"])
    with pytest.raises(InputError, match="at least one"):
        run.to_xarray([])

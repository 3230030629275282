import pickle
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from xarray.backends.plugins import build_engines

from workbench.core.errors import UnknownNameError
from workbench.runs import open_run
from workbench.smalldata import DamagedFileError, xarray_backend
from workbench.smalldata.xarray_backend import SmallDataBackend

Make = Callable[..., Path]


def opened(path: Path, **more: object) -> xr.Dataset:
    return xr.open_dataset(path, engine=SmallDataBackend, **more)


def test_every_number_of_a_file_is_there_with_unit_and_axes(make_file: Make) -> None:
    with opened(make_file()) as data:
        area = data["epix_1/roi_area"]
        assert area.dims == ("event", "epix_1_roi_row", "epix_1_roi_col")
        assert area.attrs["units"] == "keV"
        np.testing.assert_array_equal(area.isel(event=[7, 2, 250]).values[:, 1, 2], [7, 2, 250])
        np.testing.assert_allclose(data["enc/lasDelay"], np.arange(300) * 0.01)
        assert data.attrs["experiment"] == "xpplx1234"
        assert data.attrs["run"] == 14
        assert data.event.values.tolist() == list(range(300))


def test_nothing_is_read_before_it_is_used_and_no_file_stays_open(
    make_file: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_file()
    read: list[str] = []
    plain = h5py.Dataset.__getitem__

    def noted(self: h5py.Dataset, key: object, **more: object) -> object:
        read.append(self.name)
        return plain(self, key, **more)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", noted)
    data = opened(path)
    part = data["epix_1/roi_area"].isel(event=slice(10, 20))["epix_1_roi_row"]
    assert part.size == 3
    assert not [name for name in read if "roi" in name or "Delay" in name]
    with h5py.File(path, "r+"):  # would be refused were it open
        pass
    assert float(data["enc/lasDelay"].isel(event=100)) == 1.0
    assert "/epix_1/roi_area" not in read


def test_text_and_ragged_fields_are_left_out_by_name(make_file: Make) -> None:
    data = opened(make_file())
    assert "scan/step_docstring (text)" in data.attrs["left_out"]
    assert "epix_1/var_hits/adu (ragged)" in data.attrs["left_out"]
    assert "epix_1/var_hits/adu" not in data


def test_times_of_lcls1_count_from_1970_and_of_lcls2_from_1990(
    make_file: Make, write_foreign: Callable[..., Path]
) -> None:
    first = opened(make_file()).time.values[0]
    # `date -u -d @$((1000000000 + 631152000))`
    assert first == np.datetime64("2021-09-09T01:46:40")
    old = write_foreign(
        "xppc00121_Run0775.h5",
        {"event_time": np.array([(1_500_000_000 << 32) | 5]), "fiducials": np.array([3])},
    )
    assert opened(old).time.values[0] == np.datetime64("2017-07-14T02:40:00.000000005")


@pytest.fixture
def gaps(write_foreign: Callable[..., Path]) -> Path:
    wrapped = np.array([1, 2, 3, 4], np.uint16)
    wrapped[1] = np.array(-99999).astype(np.uint16)
    return write_foreign(
        "xpplx1234_Run0002.h5",
        {
            "timestamp": np.arange(4) + (1 << 60),
            "det/count": np.array([1, -99999, 3, 4]),
            "det/narrow": wrapped,
            "det/pixels": np.array([[1, 2], [-99999, -99999], [3, 4], [5, -99999]]),
            "timing/pulseId": np.arange(4) + (1 << 55) + 1,
        },
    )


def test_integers_with_gaps_are_nan_or_as_stored_on_request(gaps: Path) -> None:
    data = opened(gaps)
    np.testing.assert_array_equal(data["det/count"], [1, np.nan, 3, 4])
    np.testing.assert_array_equal(data["det/narrow"], [1, np.nan, 3, 4])
    np.testing.assert_array_equal(data["det/pixels"][3], [5, np.nan])
    stored = opened(gaps, mask_and_scale=False)
    np.testing.assert_array_equal(stored["det/count"], [1, -99999, 3, 4])
    assert stored["det/count"].attrs["_FillValue"] == -99999
    assert stored["det/count"].dtype == np.int64


def test_identifiers_keep_every_bit(gaps: Path) -> None:
    data = opened(gaps)
    assert data["timing/pulseId"].values.tolist() == [(1 << 55) + 1 + n for n in range(4)]
    assert data["timestamp"].dtype.kind in "iu"


@pytest.mark.parametrize(
    "key",
    [
        (slice(3, 40, 7),),
        (slice(None, None, -3),),
        (np.array([5, 5, 299, 0]),),
        (17, slice(None), 2),
        (-1, 1, 1),
        (slice(2, 9), np.array([2, 0]), np.array([3, 1, 1])),
        (np.array([], int),),
        (slice(0, 0), 0),
    ],
)
def test_any_indexing_equals_numpys(
    make_file: Make, monkeypatch: pytest.MonkeyPatch, key: tuple[object, ...]
) -> None:
    values = np.random.default_rng(4).normal(size=(300, 3, 4)).astype(np.float32)
    monkeypatch.setattr(xarray_backend, "BLOCK_BYTES", 11 * 48)  # eleven rows a block
    path = make_file(change=lambda columns: columns.update({"epix_1/roi_area": values}))
    axes = ("event", "epix_1_roi_row", "epix_1_roi_col")
    chosen = dict(zip(axes, key, strict=False))
    expected = xr.DataArray(values, dims=axes).isel(chosen)
    np.testing.assert_array_equal(opened(path)["epix_1/roi_area"].isel(chosen), expected)


def test_dask_computes_the_same_and_its_chunks_are_whole_chunks_of_the_file(
    make_file: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xarray_backend, "BLOCK_BYTES", 100 * 48)
    data = opened(make_file(), chunks={})
    area = data["epix_1/roi_area"]
    assert area.chunks is not None
    assert max(area.chunks[0]) <= 300
    assert float(area.mean().compute(scheduler="threads")) == pytest.approx(149.5)
    assert float(area.sum().compute(scheduler="processes", num_workers=1)) == 12 * 300 * 299 / 2


def test_dask_chunks_are_multiples_of_hdf5_chunks(tmp_path: Path) -> None:
    path = tmp_path / "xpplx1234_Run0003.h5"
    with h5py.File(path, "w") as h5:
        h5["timestamp"] = np.arange(1000)
        h5.create_dataset("det/area", data=np.zeros((1000, 8, 8)), chunks=(30, 8, 8))
    old = xarray_backend.BLOCK_BYTES
    try:
        xarray_backend.BLOCK_BYTES = 100 * 8 * 64
        area = opened(path, chunks={})["det/area"]
    finally:
        xarray_backend.BLOCK_BYTES = old
    assert area.chunks == ((90,) * 11 + (10,), (8,), (8,))


def test_a_pickled_dataset_reads_the_same_values(make_file: Make) -> None:
    data = opened(make_file())
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again["epix_1/roi_area"], data["epix_1/roi_area"])


def test_a_group_and_dropped_variables_are_honoured(make_file: Make) -> None:
    path = make_file()
    data = opened(path, group="epix_1", drop_variables=["epix_1/roi_count"])
    assert set(data.data_vars) == {"roi_area", "var_hits_len"}
    assert "time" in data.coords
    with pytest.raises(UnknownNameError, match="epix_1"):
        opened(path, group="epix_2")


def test_only_small_data_is_guessed(make_file: Make, tmp_path: Path) -> None:
    guess = SmallDataBackend().guess_can_open
    assert guess(make_file())
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as h5:
        h5["x"] = np.zeros(3)
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    for wrong in (other, text, tmp_path, tmp_path / "none.h5", b"\x89HDF", 3, "https://a.b/c.h5"):
        assert not guess(wrong)


def test_a_file_written_anew_meanwhile_is_an_error_not_other_values(make_file: Make) -> None:
    data = opened(make_file())
    make_file(range(40))
    with pytest.raises(DamagedFileError, match="written anew"):
        data["epix_1/roi_count"].values  # noqa: B018


def test_fields_of_one_function_share_axes_unless_their_lengths_differ(
    write_foreign: Callable[..., Path],
) -> None:
    path = write_foreign(
        "xpplx1234_Run0004.h5",
        {
            "timestamp": np.arange(2),
            "det/ROI_0_area": np.zeros((2, 3, 4)),
            "det/ROI_0_noise": np.zeros((2, 3, 4)),
            "det/ROI_0_wide": np.zeros((2, 3, 5)),
            "Sums/det_calib": np.zeros((6, 7)),
        },
    )
    data = opened(path)
    assert data["det/ROI_0_noise"].dims == data["det/ROI_0_area"].dims
    assert data["det/ROI_0_wide"].dims == ("event", "det_ROI_0_wide_row", "det_ROI_0_wide_col")
    assert data["Sums/det_calib"].shape == (6, 7)


def test_what_is_written_back_to_netcdf_has_the_types_of_the_file(
    gaps: Path, tmp_path: Path
) -> None:
    data = opened(gaps)
    plain = data.rename({name: str(name).replace("/", "__") for name in data.data_vars})
    plain.to_netcdf(tmp_path / "back.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "back.nc", engine="h5netcdf", decode_cf=False) as raw:
        np.testing.assert_array_equal(raw["det__count"], [1, -99999, 3, 4])
    with xr.open_dataset(tmp_path / "back.nc", engine="h5netcdf") as back:
        np.testing.assert_array_equal(back["det__count"], [1, np.nan, 3, 4])
        np.testing.assert_array_equal(back.time, data.time)


@pytest.fixture
def azimuthal(write_foreign: Callable[..., Path]) -> Path:
    """Averages over q and phi of two detectors with other q, as the facility writes them."""
    settings = {}
    for det, width in (("a", 0.1), ("b", 0.2)):
        settings[f"UserDataCfg/{det}/azav__azav_q"] = np.arange(5) * width
        settings[f"UserDataCfg/{det}/azav__azav_phiVec"] = np.array([0.5, 1.5])
    return write_foreign(
        "xpplx1234_Run0005.h5",
        {
            "timestamp": np.arange(3),
            "a/azav_azav": np.zeros((3, 2, 5)),
            "b/azav_azav": np.zeros((3, 2, 5)),
            **settings,
        },
    )


def test_axes_of_azimuthal_averages_hold_q_and_phi_of_their_own_detector(azimuthal: Path) -> None:
    data = opened(azimuthal)
    assert data["b/azav_azav"].dims == ("event", "b_azav_phi", "b_azav_q")
    np.testing.assert_allclose(data["a_azav_q"], [0, 0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(data["b_azav_q"], [0, 0.2, 0.4, 0.6, 0.8])
    assert data["a_azav_q"].attrs["units"] == "1/angstrom"
    near = data["b/azav_azav"].sel(b_azav_q=0.4)
    assert near.shape == (3, 2)


def test_zeros_that_stand_for_an_absent_detector_are_nan_as_in_a_run(
    write_foreign: Callable[..., Path],
) -> None:
    values = np.arange(40.0) + 1
    values[:12] = 0
    path = write_foreign(
        "xpplx1234_Run0006.h5",
        {
            "timestamp": np.arange(40),
            "det/sum": values,
            "det/count": values.astype(np.int64),
            "damage/det": np.arange(40) >= 12,
        },
    )
    data, run = opened(path), open_run(path)
    for name in ("det/sum", "det/count"):
        assert np.isnan(data[name][:12]).all()
        np.testing.assert_array_equal(data[name], run[name].read())
    np.testing.assert_array_equal(opened(path, mask_and_scale=False)["det/sum"], values)


def test_the_engine_is_registered_under_its_name(make_file: Make) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    places = project["project"]["entry-points"]["xarray.backends"]
    entry = EntryPoint("smalldata", places["smalldata"], "xarray.backends")
    engine = build_engines(EntryPoints([entry]))["smalldata"]
    assert isinstance(engine, SmallDataBackend)
    assert "LCLS small data" in engine.description
    if "smalldata" in xr.backends.list_engines():  # where the package is installed as it is now
        with xr.open_dataset(make_file(), engine="smalldata") as data:
            assert data.sizes["event"] == 300

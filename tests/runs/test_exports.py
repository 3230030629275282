import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError
from workbench.runs import Channel, Run, cut, open_run, open_runs
from workbench.runs import channel as channels

Write = Callable[..., Path]
Q = np.array([0.5, 1.0, 1.5])
ALLOWED = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.]*[a-zA-Z0-9_])?")  # the manual's rule for names


@pytest.fixture
def run(write: Write) -> Run:
    return open_run(
        write(
            {
                "x": (np.arange(6.0), "mm"),
                "n": np.array([1, -99999, 3, 4, 5, 6]),
                "u": np.array([1, -99999, 3, 4, 5, 6]).astype(np.uint16),
                "yes": np.arange(6) > 2,
                "word": np.array([f"w{i}".encode() for i in range(6)]),
                "pips-diode-air/ch:1": np.arange(6.0),
                "scan/lxt": (np.arange(6.0), "s"),
                "det/azav_azav": (np.arange(6 * 3.0).reshape(6, 3), "ADU"),
                "det/ROI_0_area": (np.arange(6 * 4 * 5.0).reshape(6, 4, 5), "keV"),
                "UserDataCfg/det/azav__azav_q": Q,
                "UserDataCfg/det/name": np.bytes_(b"epix"),
                "Sums/det_calib": np.ones((7, 8)),
                "det/var_hits/adu": np.zeros(3),
                "det/var_hits_len": np.array([1, 2, 0, 0, 0, 0]),
            }
        )
    )


def test_netcdf_holds_every_value_with_units_axes_and_times(run: Run, tmp_path: Path) -> None:
    path = run.to_netcdf(tmp_path / "out.nc")
    with xr.open_dataset(path, engine="h5netcdf") as data:
        np.testing.assert_array_equal(data["x"], np.arange(6.0))
        np.testing.assert_array_equal(data["n"], [1, np.nan, 3, 4, 5, 6])
        np.testing.assert_array_equal(data["u"], [1, np.nan, 3, 4, 5, 6])
        np.testing.assert_array_equal(data["det__ROI_0_area"], run["det/ROI_0_area"].read())
        np.testing.assert_array_equal(data["Sums__det_calib"], np.ones((7, 8)))
        assert data["word"].values.tolist() == [f"w{i}" for i in range(6)]
        assert data["x"].attrs["units"] == "mm"
        assert data["det__azav_azav"].dims == ("event", "det_azav_q")
        np.testing.assert_array_equal(data["det_azav_q"], Q)
        np.testing.assert_array_equal(data["time"], run.times)
        assert data.attrs["left_out"] == "det/var_hits/adu (ragged)"
        assert data.attrs["experiment"] == "xpplx1234"
    with h5py.File(path) as h5:
        assert h5["n"].dtype == np.int64
        assert h5["n"].attrs["_FillValue"] == -99999


def test_a_selection_is_written_and_nothing_else(run: Run, tmp_path: Path) -> None:
    twice = Channel.from_values("twice", 2 * run["x"].read(), unit="mm")
    path = run.to_netcdf(tmp_path / "out.nc", ["x", twice], where=cut("x", 2, 5))
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert set(data.data_vars) == {"x", "twice"}
        assert data["event"].values.tolist() == [2, 3, 4]
        assert data["twice"].values.tolist() == [4, 6, 8]


def groups(parent: h5py.Group) -> Iterator[h5py.Group]:
    for item in parent.values():
        if isinstance(item, h5py.Group):
            yield item
            yield from groups(item)


def test_nexus_follows_the_rules_of_the_manual(run: Run, tmp_path: Path) -> None:
    with h5py.File(run.to_nexus(tmp_path / "out.nxs")) as root:
        assert not [name for name in root["entry"] if name.startswith("plot_UserDataCfg")]
        assert not root["entry"].attrs["default"].startswith("plot_Sums")
        assert root.attrs["NX_class"] == "NXroot"
        entry = root[root.attrs["default"]]
        assert entry.attrs["NX_class"] == "NXentry"
        plot = entry[entry.attrs["default"]]
        assert plot.attrs["NX_class"] == "NXdata"
        for group in groups(root):
            assert group.attrs["NX_class"].startswith("NX"), group.name
            for name in group:
                assert ALLOWED.fullmatch(name), name
        plots = [group for group in groups(root) if group.attrs["NX_class"] == "NXdata"]
        assert len(plots) == 11  # all but text, ragged, settings, and what is one value
        for group in plots:
            signal, axes = group[group.attrs["signal"]], list(group.attrs["axes"])
            assert root[signal.attrs["target"]] == signal
            assert len(axes) == signal.ndim
            for place, axis in enumerate(axes):
                if axis != ".":
                    assert group[axis].shape == (signal.shape[place],)
                    assert group.attrs[f"{axis}_indices"].tolist() == [place]
        assert entry["start_time"].asstr()[()] == f"{run.times[0].astype('datetime64[us]')}Z"
        assert entry["entry_identifier"].asstr()[()] == "14"


def test_nexus_holds_the_values_with_units_and_missing_as_nan(run: Run, tmp_path: Path) -> None:
    with h5py.File(run.to_nexus(tmp_path / "out.nxs")) as root:
        detector = root["entry/instrument/det"]
        assert detector.attrs["NX_class"] == "NXdetector"
        np.testing.assert_array_equal(detector["ROI_0_area"], run["det/ROI_0_area"].read())
        assert detector["ROI_0_area"].attrs["units"] == "keV"
        np.testing.assert_array_equal(root["entry/fields/n"], [1, np.nan, 3, 4, 5, 6])
        diode = root["entry/instrument/pips_diode_air/ch_1"]
        assert diode.attrs["field"] == "pips-diode-air/ch:1"
        assert root["entry/scan"].attrs["NX_class"] == "NXcollection"
        azav = root["entry/plot_det_azav_azav"]
        assert list(azav.attrs["axes"]) == ["time", "det_azav_q"]
        np.testing.assert_array_equal(azav["det_azav_q"], Q)
        assert azav["time"].attrs["units"] == "s"
        seconds = (run.times - run.times[0]) / np.timedelta64(1, "s")
        np.testing.assert_allclose(azav["time"], seconds, atol=1e-9)
        assert "det/var_hits/adu (ragged)" in root["entry/left_out/data"].asstr()[()]


@pytest.mark.parametrize("write_to", [Run.to_netcdf, Run.to_nexus])
def test_a_failed_export_leaves_the_older_file_as_it_was(
    run: Run, tmp_path: Path, write_to: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.h5"
    target.write_text("older")

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Channel, "read", broken)
    with pytest.raises(CannotWriteError, match="No space left"):
        write_to(run, target, ["x"])
    assert target.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []


@pytest.mark.parametrize("write_to", [Run.to_netcdf, Run.to_nexus])
def test_memory_does_not_grow_with_the_run(
    write: Write, tmp_path: Path, write_to: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "BLOCK_BYTES", 1 << 20)
    run = open_run(write({"det/area": np.zeros((400, 128, 128), np.float32)}))  # 26 MB
    write_to(run, tmp_path / "warm.h5", ["det/area"], where=np.arange(400) < 4)
    tracemalloc.start()
    write_to(run, tmp_path / "out.h5", ["det/area"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6


def test_nothing_selected_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no event is selected"):
        run.to_netcdf(tmp_path / "out.nc", ["x"], where=cut("x", 100))


def test_several_runs_are_exported_with_the_run_of_each_event(write: Write, tmp_path: Path) -> None:
    paths = [write({"x": np.arange(2.0)}, run=number) for number in (14, 15)]
    path = open_runs(paths).to_netcdf(tmp_path / "out.nc", ["x"])
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert data["run"].values.tolist() == [14, 14, 15, 15]

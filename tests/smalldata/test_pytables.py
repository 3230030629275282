"""Files written by PyTables, laid out as LCLS-I's producer does: every value comes back equal."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tables

from tests.conftest import ModuleFolder
from workbench.core.arrays import Array
from workbench.runs import Run, open_run

N = 200
GATHER = 25  # events appended together, as the producer gathers them
Event = dict[str, Any]


@dataclass
class Given:
    """What was given to PyTables: columns, entries per event, values kept once."""

    columns: dict[str, Array] = field(default_factory=dict)
    ragged: dict[str, list[Array]] = field(default_factory=dict)
    vlen: dict[str, list[Array]] = field(default_factory=dict)
    once: dict[str, Any] = field(default_factory=dict)


def make() -> Given:
    draw = np.random.default_rng(11)
    given = Given()
    seconds = 1_600_000_000 + np.arange(N, dtype=np.int64) // 120
    given.columns = {
        "event_time": (seconds << 32) | (np.arange(N, dtype=np.int64) % 120 * 8_333_333),
        "fiducials": np.arange(N, dtype=np.int64) * 3 % 131071,
        "ebeam/L3_energy": draw.normal(4e3, 1, N),
        "evr/code_90": draw.integers(0, 2, N),
        "lightStatus/xray": draw.integers(0, 2, N),
        "lightStatus/laser": draw.integers(0, 2, N),
        "damage/pips_diode_air": np.ones(N, dtype=np.int64),
        "pips-diode-air/sum": draw.normal(size=N),
        "pips-diode-air/channels": draw.normal(size=(N, 4)),
        "ipm2/sum": draw.normal(1e3, 10, N),
        "xt2_ipm2/peaks": draw.normal(size=(N, 16)),
        "scan/varStep": np.arange(N) // 50,
        "epix_1/ROI_0_area": draw.normal(size=(N, 5, 7)).astype(np.float32),
        "epix_1/ROI_0_com": draw.normal(size=(N, 2)),
        "epix_1/raw_area": draw.integers(0, 1 << 14, (N, 3, 4)).astype(np.uint16),
        "epix_1/azav_azav": draw.normal(size=(N, 1, 6)),
        "epix_1/flag8": draw.integers(0, 90, N).astype(np.uint8),
        "epix_1/count32": draw.integers(-5, 90, N).astype(np.int32),
        "epix_1_env/temperature": draw.normal(size=(N, 1)),
        "bld/pulse": draw.integers(1 << 60, 1 << 62, N),
    }
    given.columns["ipm2/sum"][draw.random(N) < 0.1] = np.nan
    given.columns["epix_1/ROI_0_area"][7] = np.nan
    given.columns["epix_1/count32"][[3, 9]] = -99999
    given.columns["epix_1/raw_area"][5] = np.array(-99999).astype(np.uint16)  # as numpy 1 wraps it
    lengths = draw.integers(0, 6, N)
    for leaf, dtype in (("data", "f8"), ("row", "i8"), ("col", "i8"), ("tile", "u2")):
        name = f"epix_1/var_droplet_sparse/{leaf}"
        given.ragged[name] = [draw.integers(0, 700, n).astype(dtype) for n in lengths]
    given.columns["epix_1/var_droplet_sparse_len"] = lengths
    photons = draw.integers(0, 4, N)
    for leaf in "ij":
        name = f"epix_1/ragged_droplet_photon_{leaf}"
        given.vlen[name] = [draw.integers(0, 700, n).astype(np.float32) for n in photons]
    given.once = {
        "UserDataCfg/epix_1/mask": draw.integers(0, 2, (8, 9)).astype(np.uint8),
        "UserDataCfg/epix_1/common_mode": np.array([84]),
        "UserDataCfg/epix_1/detname": np.array([b"epix_1"]),
        "UserDataCfg/epix_1/azav__azav_q": np.linspace(0.5, 3, 6),
        "UserDataCfg/epix_1/azav__azav_dis_to_sam": np.array([190.0]),
        "UserDataCfg/epix_1/azav__azav_eBeam": np.array([9.6]),
        "UserDataCfg/epix_1/azav__azav_xcen": np.array([87.5]),
        "UserDataCfg/epix_1/azav__azav_ycen": np.array([-12.25]),
        "UserDataCfg/epix_1/ROI_0__ROI_0_bound": np.array([[1, 6], [2, 9]]),
        "UserDataCfg/epix_1/ROI_0__ROI_0_mask": draw.integers(0, 2, (5, 7)).astype(bool),
        "UserDataCfg/epix_1/ROI_0__ROI_0_thresADU": np.array([20.0]),
        "UserDataCfg/damage/detNames": np.array([b"epix_1", b"XppSb2_Ipm"]),
        "UserDataCfg/pips-diode-air/detname": np.array([b"MEC-TCTR-DI-01"]),
        "Sums/epix_1_calib": draw.normal(size=(8, 9)),
        "Sums/epix_1_calib_dropped": draw.normal(size=(8, 9)),
        "epicsOnce/gon_v": np.array([1.25]),
    }
    return given


def write(path: Path, given: Given) -> None:
    """Append gather by gather to EArrays and VLArrays; keep once-values in CArrays."""
    with warnings.catch_warnings(), tables.open_file(str(path), "w", title="smalldata") as h5:
        # PyTables warns of groups like pips-diode-air that Python cannot use as attributes.
        warnings.simplefilter("ignore", tables.NaturalNameWarning)
        arrays = {
            name: h5.create_earray(
                *_place(name),
                tables.Atom.from_dtype(values.dtype),
                (0, *values.shape[1:]),
                title=name,
                expectedrows=N,
                createparents=True,
            )
            for name, values in given.columns.items()
        }
        flat = {
            name: h5.create_earray(
                *_place(name), tables.Atom.from_dtype(events[0].dtype), (0,), createparents=True
            )
            for name, events in given.ragged.items()
        }
        variable = {
            name: h5.create_vlarray(
                *_place(name), tables.Atom.from_dtype(events[0].dtype), createparents=True
            )
            for name, events in given.vlen.items()
        }
        for low in range(0, N, GATHER):
            for name, array in arrays.items():
                array.append(given.columns[name][low : low + GATHER])
            for name, array in flat.items():
                array.append(np.concatenate(given.ragged[name][low : low + GATHER]))
            for name, array in variable.items():
                for entries in given.vlen[name][low : low + GATHER]:
                    array.append(entries)
        for name, value in given.once.items():
            h5.create_carray(*_place(name), obj=value, createparents=True)
        h5.set_node_attr("/ipm2/sum", "note", "as written")


def _place(name: str) -> tuple[str, str]:
    folder, _, leaf = name.rpartition("/")
    return f"/{folder}", leaf


@pytest.fixture(scope="module")
def given() -> Given:
    return make()


@pytest.fixture(scope="module")
def run(given: Given, module_folder: ModuleFolder) -> Run:
    path = module_folder("pytables") / "meclx1234_Run0014.h5"
    write(path, given)
    return open_run(path)


def test_every_dataset_is_found(run: Run, given: Given) -> None:
    expected = {*given.columns, *given.ragged, *given.vlen, *given.once}
    assert set(run.infos) == expected
    assert run.generation == "lcls1"
    assert (run.experiment, run.run, run.n_events) == ("meclx1234", 14, N)


def test_every_value_comes_back_equal(run: Run, given: Given) -> None:
    compared = 0
    for name, values in given.columns.items():
        found = run[name].read_stored()
        assert found.dtype == values.dtype, name
        np.testing.assert_array_equal(found, values, err_msg=name)
        compared += values.size
    for name, value in given.once.items():
        found = run[name].read()
        texts = value.astype(str).astype(object) if value.dtype.kind == "S" else value
        np.testing.assert_array_equal(found, texts, err_msg=name)
        compared += value.size
    for name, events in (given.ragged | given.vlen).items():
        for number, (found, entries) in enumerate(zip(run[name].read(), events, strict=True)):
            np.testing.assert_array_equal(found, entries, err_msg=f"{name} event {number}")
            compared += entries.size
    assert compared > 20_000


def test_ragged_data_of_both_kinds_iterate_by_event(run: Run, given: Given) -> None:
    droplets, photons = run.ragged("epix_1/droplet_sparse"), run.ragged("epix_1/droplet_photon")
    assert set(droplets.fields) == {"data", "row", "col", "tile"}
    for number, (drops, ones) in enumerate(zip(droplets, photons, strict=True)):
        for leaf, entries in drops.items():
            expected = given.ragged[f"epix_1/var_droplet_sparse/{leaf}"][number]
            np.testing.assert_array_equal(entries, expected)
        for leaf, entries in ones.items():
            expected = given.vlen[f"epix_1/ragged_droplet_photon_{leaf}"][number]
            np.testing.assert_array_equal(entries, expected)


def test_values_of_shape_one_become_settings_with_units(run: Run, given: Given) -> None:
    epix = run.settings["epix_1"]
    azav, roi = epix.functions["azav"], epix.functions["ROI_0"]
    assert epix.common_mode == 84
    assert epix["detname"] == "epix_1"
    assert run.settings["pips-diode-air"]["detname"] == "MEC-TCTR-DI-01"
    assert azav.center == (87_500.0, -12_250.0)  # um; stored in mm
    assert (azav.distance, azav.unit("dis_to_sam")) == (190.0, "mm")
    assert azav.photon_energy == 9.6
    assert roi.limits == (20.0, np.inf)
    good = given.once["UserDataCfg/epix_1/ROI_0__ROI_0_mask"] == 0
    np.testing.assert_array_equal(roi.good, good)
    assert roi.mask_one_means_good is False
    np.testing.assert_array_equal(epix.good, given.once["UserDataCfg/epix_1/mask"] == 1)


def test_axes_are_found_in_such_files(run: Run, given: Given) -> None:
    row, col = run.coordinates("epix_1/ROI_0_area")
    np.testing.assert_array_equal(row.values, range(1, 6))
    np.testing.assert_array_equal(col.values, range(2, 9))
    q = run.coordinates("epix_1/azav_azav")[-1]
    np.testing.assert_array_equal(q.values, given.once["UserDataCfg/epix_1/azav__azav_q"])
    assert q.unit == "1/angstrom"


def test_what_is_missing_is_counted_by_its_kind(run: Run, given: Given) -> None:
    table = {row["field"]: row for row in run.presence("ipm2", "epix_1").as_dicts()}
    lost = int(np.isnan(given.columns["ipm2/sum"]).sum())
    assert table["ipm2/sum"]["NaN"] == lost
    assert table["epix_1/ROI_0_area"]["NaN"] == 1
    assert table["epix_1/count32"]["-99999"] == 2
    assert table["epix_1/raw_area"]["wrapped -99999"] == 1

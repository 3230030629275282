"""Axes and their values, from dimension scales and from UserDataCfg of both generations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.smalldata import DatasetSpec, OnceValue, create_part, merge_parts, open_file
from workbench.smalldata.coordinates import axis_names, coordinates

EVENTS = 7
Foreign = Callable[..., Path]
TIMES = {"lcls1": "event_time", "lcls2": "timestamp"}


@pytest.fixture
def with_axes(write_foreign: Foreign) -> Callable[..., dict[str, Any]]:
    """Give a function that writes a file and returns dims and coordinates of one field."""

    def ask(field: str, shape: tuple[int, ...], generation: str = "lcls1", **more: Any) -> Any:
        datasets = {TIMES[generation]: np.arange(EVENTS) << 32, field: np.ones((EVENTS, *shape))}
        datasets |= {f"UserDataCfg/{key}": value for key, value in more.pop("config", {}).items()}
        datasets |= more.pop("beside", {})
        assert not more
        with open_file(write_foreign("xpplx1234_Run0014.h5", datasets)) as file:
            found = {each.dim: each for each in coordinates(file, field)}
            return axis_names(file, field), found

    return ask


Q_EDGES = np.linspace(0.1, 1.1, 6)
Q = Q_EDGES[:-1] + 0.1
PHI = np.linspace(0, 2 * np.pi, 4)
AZAV = {
    "jf/azav__azav_q": Q,
    "jf/azav__azav_qbins": Q_EDGES,
    "jf/azav__azav_phiVec": PHI,
    "jf/azav__azav_dis_to_sam": np.array([190.0]),
}


@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_azimuthal_averages_have_q_and_phi(with_axes: Any, generation: str) -> None:
    names, found = with_axes("jf/azav_azav", (3, 5), generation, config=AZAV)
    assert names == ("event", "phi", "q")
    np.testing.assert_array_equal(found["q"].values, Q)
    np.testing.assert_array_equal(found["phi"].values, PHI[:3])  # bin k is centred on edge k
    assert (found["q"].unit, found["phi"].unit) == ("1/angstrom", "rad")


def test_without_stored_q_the_middles_of_its_edges_serve(with_axes: Any) -> None:
    config = {key: value for key, value in AZAV.items() if not key.endswith("_q")}
    _, found = with_axes("jf/azav_azav", (3, 5), config=config)
    np.testing.assert_allclose(found["q"].values, Q)


def test_a_q_axis_of_another_length_is_not_used(with_axes: Any) -> None:
    names, found = with_axes("jf/azav_azav", (3, 9), config=AZAV)
    assert names == ("event", "phi", "q")
    assert "q" not in found


def test_an_azimuthal_average_of_old_files_has_one_phi(with_axes: Any) -> None:
    old = {"cspad/azav_q": Q, "cspad/azav_phiVec": PHI[:2]}
    names, found = with_axes("cspad/azav_azav", (1, 5), config=old)
    assert names == ("event", "phi", "q")
    np.testing.assert_array_equal(found["q"].values, Q)


def test_pyfai_axes_come_from_the_first_event_that_has_them(with_axes: Any) -> None:
    repeated = np.tile(Q, (EVENTS, 1))
    repeated[0], repeated[1] = 0, np.nan  # filled before the detector appeared, then missing
    azimuths = np.tile([-120.0, 0.0, 120.0], (EVENTS, 1))
    config = {"jf/pyfai__pyfai_npts": [5], "jf/pyfai__pyfai_int_units": [b"q_A^-1"]}
    names, found = with_axes(
        "jf/pyfai_azav",
        (3, 5),
        config=config,
        beside={"jf/pyfai_q": repeated, "jf/pyfai_az": azimuths},
    )
    assert names == ("event", "phi", "q")
    np.testing.assert_array_equal(found["q"].values, Q)
    np.testing.assert_array_equal(found["phi"].values, azimuths[0])
    assert (found["q"].unit, found["phi"].unit) == ("1/angstrom", "degree")


def test_pyfai_in_angles_is_called_so(with_axes: Any) -> None:
    config = {"jf/pyfai__pyfai_npts": [5], "jf/pyfai__pyfai_int_units": [b"2th_deg"]}
    beside = {"jf/pyfai_q": np.tile(Q, (EVENTS, 1))}
    names, found = with_axes("jf/pyfai_azav", (5,), config=config, beside=beside)
    assert names == ("event", "two_theta")
    assert found["two_theta"].unit == "degree"


def test_pyfai_without_settings_keeps_its_values_but_not_a_guessed_unit(with_axes: Any) -> None:
    beside = {"jf/pyfai_q": np.tile(Q, (EVENTS, 1))}
    names, found = with_axes("jf/pyfai_azav", (5,), beside=beside)
    assert names == ("event", "q")
    assert found["q"].unit == ""
    np.testing.assert_array_equal(found["q"].values, Q)


@pytest.mark.parametrize(
    ("bound", "shape", "expected"),
    [
        ([[10, 14], [20, 26]], (4, 6), {"row": (10, 14), "col": (20, 26)}),
        (
            [[1, 3], [10, 14], [20, 26]],
            (2, 4, 6),
            {"segment": (1, 3), "row": (10, 14), "col": (20, 26)},
        ),
        ([[1, 2], [10, 14], [20, 26]], (4, 6), {"row": (10, 14), "col": (20, 26)}),
        ([[1, 2], [10, 11], [20, 26]], (6,), {"col": (20, 26)}),
        ([[10, 11], [20, 26]], (6,), {"col": (20, 26)}),
        ([30, 36], (6,), {"index": (30, 36)}),
        ([0, 1_000_000], (4, 6), {"row": (0, 4), "col": (0, 6)}),
        ([[10, 1_000_000], [20, 26]], (4, 6), {"row": (10, 14), "col": (20, 26)}),
    ],
)
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_pixels_of_a_region_have_their_place_on_the_detector(
    with_axes: Any,
    generation: str,
    bound: list[Any],
    shape: tuple[int, ...],
    expected: dict[str, tuple[int, int]],
) -> None:
    config = {"epix_1/ROI_0__ROI_0_bound": bound, "epix_1/ROI_0__ROI_0_writeArea": [True]}
    names, found = with_axes("epix_1/ROI_0_area", shape, generation, config=config)
    assert names == ("event", *expected)
    for dim, (low, high) in expected.items():
        np.testing.assert_array_equal(found[dim].values, np.arange(low, high))
        assert found[dim].unit == "pixel"


def test_a_region_of_another_shape_than_its_bounds_gets_no_wrong_rows(with_axes: Any) -> None:
    config = {"epix_1/ROI_0__ROI_0_bound": [[10, 14], [20, 26]]}
    names, found = with_axes("epix_1/ROI_0_area", (5, 6), config=config)
    assert names == ("event", "row", "col")
    assert set(found) == {"col"}


def test_the_spelling_of_2016_is_understood(with_axes: Any) -> None:
    config = {"cs140_rob/ROI0_bound": [[0, 1], [1, 5], [2, 8]]}
    names, found = with_axes("cs140_rob/ROI0", (4, 6), config=config)
    assert names == ("event", "row", "col")
    np.testing.assert_array_equal(found["row"].values, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("axis", "sub", "length", "dim", "first"),
    [(0, "pj_ax_0", 6, "col", 20), (1, "pj_ax_1", 4, "row", 10), (1, "spectra", 4, "row", 10)],
)
def test_a_projection_keeps_the_other_axis(
    with_axes: Any, axis: int, sub: str, length: int, dim: str, first: int
) -> None:
    config = {
        "epix_1/ROI_0__ROI_0_bound": [[10, 14], [20, 26]],
        f"epix_1/ROI_0__{sub}_axis": [axis],
        f"epix_1/ROI_0__{sub}_singlePhoton": [False],
    }
    names, found = with_axes(f"epix_1/ROI_0_{sub}_data", (length,), config=config)
    assert names == ("event", dim)
    np.testing.assert_array_equal(found[dim].values, first + np.arange(length))


def test_spectra_have_the_middles_of_their_bins(with_axes: Any) -> None:
    config = {
        "epix_1/ROI_0__ROI_0_bound": [[10, 14], [20, 26]],
        "epix_1/ROI_0__spectrum_bins": [0.0, 1.0, 3.0, 4.0],
    }
    names, found = with_axes("epix_1/ROI_0_spectrum_histogram", (3,), config=config)
    assert names == ("event", "value")
    np.testing.assert_array_equal(found["value"].values, [0.5, 2.0, 3.5])


def test_regions_whose_names_begin_alike_are_told_apart(with_axes: Any) -> None:
    config = {
        "epix_1/ROI__ROI_bound": [[0, 4], [0, 6]],
        "epix_1/ROI_1__ROI_1_bound": [[50, 54], [70, 76]],
    }
    _, found = with_axes("epix_1/ROI_1_area", (4, 6), config=config)
    assert found["row"].values[0] == 50


def test_a_region_of_an_integrating_detector_has_events_of_its_own(write_foreign: Foreign) -> None:
    datasets = {
        "timestamp": np.arange(6) << 32,
        "intg/timestamp": np.arange(2) << 32,
        "intg/andor/ROI_0_area": np.ones((2, 4, 6)),
        "UserDataCfg/andor/ROI_0__ROI_0_bound": [[10, 14], [20, 26]],
    }
    with open_file(write_foreign("rixlx1234_Run0014.h5", datasets)) as file:
        assert axis_names(file, "intg/andor/ROI_0_area") == ("intg_event", "row", "col")
        assert coordinates(file, "intg/andor/ROI_0_area")[1].values[0] == 20


def test_fields_without_settings_have_plain_axes(write_foreign: Foreign) -> None:
    datasets = {
        "timestamp": np.arange(3),
        "ipm2/peaks": np.ones((3, 16)),
        "det/stack": np.ones((3, 2, 4, 6)),
        "Sums/det_calib": np.ones((4, 6)),
        "Sums/det_calib_img": np.ones((5, 7)),
        "timing/eventcodes": np.ones((3, 288)),
    }
    with open_file(write_foreign("xpplx1234_Run0014.h5", datasets)) as file:
        assert axis_names(file, "timestamp") == ("event",)
        assert axis_names(file, "ipm2/peaks") == ("event", "index")
        assert axis_names(file, "det/stack") == ("event", "segment", "row", "col")
        assert axis_names(file, "Sums/det_calib") == ("row", "col")
        assert axis_names(file, "Sums/det_calib_img") == ("image_row", "image_col")
        assert axis_names(file, "timing/eventcodes") == ("event", "code")
        assert coordinates(file, "det/stack") == ()


def test_scales_that_a_writer_attached_come_first(tmp_path: Path) -> None:
    spec = DatasetSpec("jf/azav_azav", "float64", (5,), dims=("UserDataCfg/jf/azav__azav_q",))
    specs = (DatasetSpec("timestamp", "int64"), spec)
    with create_part(tmp_path / "part.h5", specs) as part:
        part.append({"timestamp": np.arange(3), "jf/azav_azav": np.ones((3, 5))})
    once = {"UserDataCfg/jf/azav__azav_q": OnceValue(Q, "1/nm", "scattering vector")}
    path = tmp_path / "xpplx1234_Run0014.h5"
    merge_parts(
        [tmp_path / "part.h5"],
        path,
        specs=specs,
        attributes={"generation": "lcls2"},
        once=once,
        provenance={},
    )
    with open_file(path) as file:
        (q,) = coordinates(file, "jf/azav_azav")
        assert axis_names(file, "jf/azav_azav") == ("event", q.dim)
    assert q.unit == "1/nm"
    np.testing.assert_array_equal(q.values, Q)


def test_scales_of_other_writers_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "xpplx1234_Run0014.h5"
    with h5py.File(path, "w") as h5:
        h5["timestamp"] = np.arange(3)
        h5["energy"] = np.array([7.0, 7.1, 7.2, 7.3])
        h5["energy"].attrs["units"] = "keV"
        h5["energy"].make_scale("energy")
        h5["det/spectrum"] = np.ones((3, 4))
        h5["det/spectrum"].dims[1].attach_scale(h5["energy"])
    with open_file(path) as file:
        (energy,) = coordinates(file, "det/spectrum")
        assert axis_names(file, "det/spectrum") == ("event", "energy")
    assert energy.unit == "keV"
    np.testing.assert_array_equal(energy.values, [7.0, 7.1, 7.2, 7.3])


def test_axes_that_a_writer_only_named_get_their_values_from_the_settings(tmp_path: Path) -> None:
    dims = ("phi", "q")
    specs = [
        DatasetSpec("timestamp", "int64"),
        DatasetSpec("jf/azav_azav", "f8", (3, 5), dims=dims),
    ]
    with create_part(tmp_path / "part.h5", specs) as part:
        part.append({"timestamp": np.arange(EVENTS), "jf/azav_azav": np.ones((EVENTS, 3, 5))})
    once = {f"UserDataCfg/{name}": OnceValue(np.asarray(value)) for name, value in AZAV.items()}
    path = tmp_path / "xpplx1234_Run0014.h5"
    merge_parts([tmp_path / "part.h5"], path, specs=specs, once=once, attributes={})
    with open_file(path) as file:
        found = {each.dim: each for each in coordinates(file, "jf/azav_azav")}
        assert axis_names(file, "jf/azav_azav") == ("event", "phi", "q")
    np.testing.assert_array_equal(found["q"].values, Q)
    np.testing.assert_array_equal(found["phi"].values, PHI[:3])

"""UserDataCfg: detectors, functions and functions inside them, with types, units and polarity."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.errors import UnknownNameError
from workbench.runs import open_run
from workbench.smalldata import open_file, read_settings
from workbench.smalldata.pixel_maps import pixel_maps
from workbench.smalldata.settings_keys import kind_of, split_key

Foreign = Callable[..., Path]
MASK = np.arange(5 * 7).reshape(5, 7) % 3 == 0


@pytest.mark.parametrize(
    ("key", "function", "parameter"),
    [
        ("azav__azav_q", "azav", "q"),
        ("ROI_0__ROI_0_bound", "ROI_0", "bound"),
        ("ragged_droplet__ragged_droplet_photpts", "ragged_droplet", "photpts"),
        ("droplet__droplet2phot_aduspphot", "droplet", "droplet2phot_aduspphot"),
        ("full__image_mask_img", "full", "image_mask_img"),
        ("hsd_0__ROI__hsd_0__ROI_bound", "hsd_0__ROI", "bound"),
        ("common_mode_pars", "", "common_mode_pars"),
    ],
)
def test_keys_tell_their_function(key: str, function: str, parameter: str) -> None:
    assert split_key(key) == (function, parameter)


def settings_of(write_foreign: Foreign, config: dict[str, Any]) -> Any:
    datasets = {"timestamp": np.arange(3) << 32, "det/x": np.arange(3.0)}
    datasets |= {f"UserDataCfg/det/{key}": value for key, value in config.items()}
    return open_run(write_foreign("xpplx1234_Run0014.h5", datasets)).settings["det"]


@pytest.mark.parametrize(
    ("prefix", "parameters", "mask", "one_is_good"),
    [
        ("ROI_0", {"bound": [[0, 5], [0, 7]]}, "mask", False),
        ("pyfai", {"npts": [256]}, "mask", False),
        ("photon", {"ADU_per_photon": [154.0]}, "mask", True),
        ("droplet", {"threshold": [5.0], "useRms": [1]}, "mask", True),
        ("image", {"npix": [[1]]}, "mask_img", False),
    ],
)
def test_masks_come_as_good_pixels_whatever_their_polarity(
    write_foreign: Foreign,
    prefix: str,
    parameters: dict[str, Any],
    mask: str,
    one_is_good: bool,
) -> None:
    config = {f"{prefix}__{prefix}_{key}": value for key, value in parameters.items()}
    config[f"{prefix}__{prefix}_{mask}"] = MASK.astype(np.uint8)
    function = settings_of(write_foreign, config).functions[prefix]
    np.testing.assert_array_equal(function.good, MASK if one_is_good else ~MASK)
    assert function.mask_one_means_good is one_is_good
    np.testing.assert_array_equal(function[mask], MASK)  # the plain value stays as stored


def test_a_mask_of_an_unknown_function_is_not_interpreted(write_foreign: Foreign) -> None:
    function = settings_of(write_foreign, {"mine__mine_mask": MASK}).functions["mine"]
    assert function.kind == "other"
    assert function.good is None
    assert function.mask_one_means_good is None
    np.testing.assert_array_equal(function["mask"], MASK)


def test_masks_of_the_detector_are_one_for_good(write_foreign: Foreign) -> None:
    detector = settings_of(write_foreign, {"mask": MASK.astype("u1"), "cmask": ~MASK})
    np.testing.assert_array_equal(detector.good, MASK)
    np.testing.assert_array_equal(detector.good_calibrated, ~MASK)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ([[1, 2], [157, 487], [294, 598]], Bounds((1, 157, 294), (2, 487, 598))),
        ([[10, 20], [5, 9]], Bounds((10, 5), (20, 9))),
        ([10, 20], Bounds((10,), (20,))),
        ([[10.0, 20.0], [5.0, 9.0]], Bounds((10, 5), (20, 9))),
    ],
)
def test_bounds_of_every_shape_become_half_open_boxes(
    write_foreign: Foreign, bound: list[Any], expected: Bounds
) -> None:
    config = {"ROI_1__ROI_1_bound": bound}
    assert settings_of(write_foreign, config).functions["ROI_1"].bounds == expected


def test_limits_have_three_spellings(write_foreign: Foreign) -> None:
    config = {
        "a__a_bound": [0, 4],
        "a__a_thresADU": [12.0],
        "b__b_bound": [0, 4],
        "b__b_thresADU": [12.0, 90.0],
        "c__c_dis_to_sam": [90.0],
        "c__c_thresADUhigh": [70.0],
        "d__d_bound": [0, 4],
    }
    functions = settings_of(write_foreign, config).functions
    limits = {name: function.limits for name, function in functions.items()}
    assert limits == {"a": (12, np.inf), "b": (12, 90), "c": (-np.inf, 70), "d": None}


def test_droplet_thresholds_say_their_unit(write_foreign: Foreign) -> None:
    config = {
        "droplet__droplet_threshold": [10.0],
        "droplet__droplet_thresholdLow": [3.0],
        "droplet__droplet_useRms": [True],
        "droplet__droplet_thresADU": [50.0],
        "droplet__droplet2phot_aduspphot": [162.0],
        "droplet__droplet2phot_photpts": np.arange(5) * 162.0,
        "adu__adu_threshold": [10.0],
        "adu__adu_useRms": [False],
    }
    functions = settings_of(write_foreign, config).functions
    found = functions["droplet"].droplets
    assert (found.seed, found.low, found.unit, found.total) == (10, 3, "sigma", 50)
    assert functions["adu"].droplets.unit == "ADU"
    assert functions["adu"].droplets.low == 10
    inner = functions["droplet"].subs["droplet2phot"]
    assert (inner.kind, inner["aduspphot"]) == ("droplet2photon", 162.0)


def test_unknown_keys_stay_reachable_and_unknown_names_are_refused(write_foreign: Foreign) -> None:
    detector = settings_of(write_foreign, {"carrierId0": [7], "azav__azav_Icake": np.ones((1, 4))})
    assert detector["carrierId0"] == 7
    assert detector.functions["azav"]["Icake"].shape == (1, 4)
    with pytest.raises(UnknownNameError, match="did you mean carrierId0"):
        detector["carrierId1x"]


def test_nothing_is_read_before_it_is_asked_for(write_foreign: Foreign) -> None:
    datasets = {"timestamp": np.arange(3)}
    datasets |= {f"UserDataCfg/det{n}/mask": MASK for n in range(5)}
    asked: list[str] = []
    with open_file(write_foreign("xpplx1234_Run0014.h5", datasets)) as file:

        def load(name: str) -> np.ndarray:
            asked.append(name)
            return file.read(name)

        settings = read_settings(file, load)
        assert len(settings) == 5
        assert "mask" in settings["det3"]
        assert asked == []
        assert settings["det3"].good is not None
    assert asked == ["UserDataCfg/det3/mask"]


def test_detectors_of_a_real_file_sort_into_functions(
    data_folder: Path, write_foreign: Foreign
) -> None:
    listing = data_folder / "smalldata_listings" / "xppl1001021_Run0070.tsv"
    names = [line.split("\t")[0].strip("/") for line in listing.read_text().splitlines()]
    wanted = [name for name in names if name.startswith("UserDataCfg/") and name.count("/") == 2]
    datasets = {"event_time": np.arange(3), **{name: np.ones(1) for name in wanted}}
    settings = open_run(write_foreign("xppl1001021_Run0070.h5", datasets)).settings
    kinds = {
        (detector, name): function.kind
        for detector, found in settings.items()
        for name, function in found.functions.items()
    }
    droplets = {(f"epix_alc{n}", "ragged_droplet"): "droplet2photon" for n in (1, 2, 3, 4)}
    assert kinds == {**droplets, ("jungfrau1M_alcove", "pyfai"): "pyfai"}
    held = sum(
        len(found) + sum(len(function) for function in found.functions.values())
        for found in settings.values()
    )
    assert held == len(wanted)  # no key is lost


def test_kinds_follow_from_parameters_not_from_names() -> None:
    assert kind_of(["qbins", "mask"]) == "azav"
    assert kind_of(["writeArea"]) == "roi"
    assert kind_of(["axis"]) == "projection"
    assert kind_of(["anything"]) == "other"


@pytest.mark.parametrize("squeezed", [True, False])
def test_regions_get_their_part_of_the_pixel_maps(write_foreign: Foreign, squeezed: bool) -> None:
    whole = np.arange(2 * 8 * 9, dtype=np.float32).reshape(2, 8, 9)
    own = np.zeros((1, 3, 4), dtype=bool)
    own[0, 1, 2] = True  # bad
    shape = (3, 3, 4) if squeezed else (3, 1, 3, 4)
    datasets = {
        "timestamp": np.arange(3),
        "jf/ROI_0_area": np.ones(shape),
        "jf/ROI_0_sum": np.ones(3),
        "Sums/jf_calib": np.ones((2, 8, 9)),
        "UserDataCfg/jf/x": whole,
        "UserDataCfg/jf/iy": whole.astype(int) + 1,
        "UserDataCfg/jf/mask": (whole % 2).astype(np.uint8),
        "UserDataCfg/jf/ROI_0__ROI_0_bound": [[1, 2], [2, 5], [3, 7]],
        "UserDataCfg/jf/ROI_0__ROI_0_mask": own,
    }
    with open_file(write_foreign("xpplx1234_Run0014.h5", datasets)) as file:
        maps = {one.name: one for one in pixel_maps(file, "jf/ROI_0_area")}
        sums = {one.name: one for one in pixel_maps(file, "Sums/jf_calib")}
        assert pixel_maps(file, "jf/ROI_0_sum") == ()
    assert set(maps) == {"x", "iy", "good"}
    assert maps["x"].dims[-2:] == ("row", "col")
    assert (maps["x"].unit, maps["iy"].unit) == ("um", "pixel")
    np.testing.assert_array_equal(maps["x"].values, whole[1:2, 2:5, 3:7].reshape(shape[1:]))
    np.testing.assert_array_equal(maps["good"].values, ~own.reshape(shape[1:]))
    np.testing.assert_array_equal(sums["x"].values, whole)
    np.testing.assert_array_equal(sums["good"].values, whole % 2 == 1)

"""The spatial-encoding time tool against edges planted at known places."""

from dataclasses import replace
from math import pi, sqrt
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.ndimage import rotate
from scipy.special import ndtr

from workbench.core.bounds import Bounds
from workbench.core.frames import FrameSpec
from workbench.producer.edge_entries import read_mectt
from workbench.producer.entries import EntryError
from workbench.reductions.edge import EdgeRegions, TimeToolEdge

SHAPE = (160, 70)
PLACES, WIDTH, DEPTH = (60.0, 75.25, 90.5), 6.0, 0.2
ROWS, COLS = np.indices(SHAPE)
BACKGROUND = 40 * (1000.0 + 3 * ROWS + 20 * np.sin(COLS / 5))  # a sum of 40 frames
SIGNAL, LEVEL = Bounds((20, 20), (140, 50)), Bounds((0, 0), (12, 70))
TOOL = TimeToolEdge(BACKGROUND, EdgeRegions(LEVEL, SIGNAL), sigma=10.0)
SPEC = FrameSpec(SHAPE, "ADU", np.ones(SHAPE, bool), "float64")


def frame(place: float, strength: float = 1.0) -> np.ndarray:
    return strength * BACKGROUND / 40 * (1 - DEPTH * ndtr((ROWS - place) / WIDTH))


def test_edges_are_found_where_they_were_planted_whatever_the_light() -> None:
    frames = np.stack([frame(place, 0.5 + place / 100) for place in PLACES])
    found = TOOL.reduce_region(frames, SPEC)
    np.testing.assert_allclose(found["time_px"], np.array(PLACES) - 20, atol=0.02)
    np.testing.assert_allclose(found["width_px"], WIDTH, rtol=0.02)
    height = DEPTH * 30 / (WIDTH * sqrt(2 * pi))  # 30 columns
    np.testing.assert_allclose(found["ampl_px"], height, rtol=0.02)
    assert set(found["err"].tolist()) <= {1, 2, 3, 4}
    expected = 30 * (1 - DEPTH * ndtr((np.arange(20, 140) - PLACES[0]) / WIDTH))
    np.testing.assert_allclose(found["sig_pj"][0], expected, rtol=1e-9)


def test_without_an_edge_or_without_light_there_is_no_time() -> None:
    dark = np.zeros(SHAPE)
    broken = frame(60.0)
    broken[3, 3] = np.nan
    found = TOOL.reduce_region(np.stack([BACKGROUND / 7, dark, broken]), SPEC)
    np.testing.assert_array_equal(found["err"], [-1, -1, -1])
    assert np.isnan(found["time_px"]).all()


def test_bad_pixels_count_as_unchanged() -> None:
    good = np.ones(SHAPE, bool)
    good[70:80, 30:33] = False
    spoilt = np.where(good, frame(60.0), np.nan)
    found = TOOL.reduce_region(spoilt[np.newaxis], replace(SPEC, good=good))
    assert abs(found["time_px"][0] - 40) < 1.0


def test_a_tilted_edge_is_turned_upright() -> None:
    ratio = 1 - DEPTH * ndtr((ROWS - 80.0) / WIDTH)
    tilted = BACKGROUND / 40 * rotate(ratio, -8.0, reshape=False, mode="nearest")
    upright = replace(TOOL, tilt=8.0, picture=True).reduce_region(tilted[np.newaxis], SPEC)
    flat = TOOL.reduce_region(tilted[np.newaxis], SPEC)
    assert abs(upright["time_px"][0] - 60) < 0.1
    assert abs(upright["width_px"][0] - WIDTH) < 0.1
    assert flat["width_px"][0] > WIDTH + 0.2
    assert upright["ttRaw"].shape == (1, 120, 30)


def entry(tmp_path: Path, **more: Any) -> dict[str, Any]:
    path = tmp_path / "mecsyn0126_Run0012.h5"
    with h5py.File(path, "w") as h5:
        h5["timestamp"] = np.arange(3)
        h5["Sums/alvium_tt_calib"] = BACKGROUND
    regions = {"roi_n": [[0, 12], [0, 70]], "roi_s": [[20, 140], [20, 50]]}
    return {"bkgfile": str(path), **regions, "sigma_TT": 10.0, **more}


def test_the_entry_of_a_config_gives_the_same(tmp_path: Path) -> None:
    name, made = read_mectt(entry(tmp_path, debug=True))
    assert name == "mectt"
    frames = frame(75.25)[np.newaxis]
    found, expected = made.reduce_region(frames, SPEC), TOOL.reduce_region(frames, SPEC)
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values)


@pytest.mark.parametrize(("change", "code", "says"), [
    ({"sigmaTT": 9}, "unknown-key", "did you mean 'sigma_TT'?"),
    ({"bkgdet": "other"}, "no-background", "Sums/other"),
    ({"roi_s": None}, "missing-key", "roi_s is needed"),
    ({"sigma_TT": 0}, "wrong-type", "above 0"),
])  # fmt: skip
def test_a_wrong_entry_names_its_key(
    tmp_path: Path, change: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(EntryError) as refused:
        read_mectt(entry(tmp_path, **change))
    assert refused.value.code == code
    assert says in str(refused.value)

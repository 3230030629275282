"""Assembled sums of a run against a picture painted pixel by pixel."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.frames import FrameSpec
from workbench.producer import produce
from workbench.producer.entries import DetectorFacts
from workbench.producer.pictures import layout_of
from workbench.smalldata import open_file
from workbench.sources.constants import read_constants, write_constants

IMAGES = """
def get_image(run):
    small = {'name': 'small', 'writeArea': False, 'rebin': {'shape': [10, 10]}}
    return {'tiles': {'thresADU': 2}, 'cam': small}
"""
SUMS = "'calib_thresADU2_img', 'calib_max_img'"


def test_pictures_and_their_sums_are_painted_where_the_pixels_lie(
    made: Any, tmp_path: Path
) -> None:
    constants, config = tmp_path / "constants.h5", tmp_path / "prod_config_xpp.py"
    shutil.copy(made.constants, constants)
    known = read_constants(constants, "tiles", 7, fields=("pedestal", "gain", "good"))
    tile, row, col = np.indices((2, 32, 80))
    x, y = -col * 100.0, -(row + 40 * tile) * 100.0  # [um]; the second tile 8 pixels below
    x[1, 0, 0], y[1, 0, 0] = x[0, 5, 5], y[0, 5, 5]  # two pixels in one place
    with_places = replace(known, x=x, y=y, z=np.zeros_like(x))
    write_constants(constants, [with_places], first_run=7)
    config.write_text(
        f"detectors = ['cam', 'tiles']\ndef get_sum_algos(run):\n    return {{'all': [{SUMS}]}}\n"
        f"{IMAGES}"
    )
    result = produce(made.request(tmp_path, config=config, constants=constants))
    assert result.skipped == ()
    frames = ((made.tiles[made.has_tiles].astype("f4") - np.float32(1000)) / np.float32(25)).astype(
        float
    )
    truth = {
        "calib_thresADU2_img": np.where(frames < 2, 0, frames).sum(0),
        "calib_max_img": frames.max(0),
    }
    with open_file(result.output) as file:
        for name, total in truth.items():
            painted = np.full((72, 80), np.nan)
            painted[:32], painted[40:] = total
            painted[40, 0] = np.nan
            painted[5, 5] = (total[0, 5, 5] + total[1, 0, 0]) / 2
            np.testing.assert_allclose(file.read(f"Sums/tiles_{name}"), painted, rtol=1e-12)
        pictures = file.read("tiles/full_image_img")[made.has_tiles]
        good = np.ones((2, 32, 80), bool)
        good.flat[[3, 70, 133]] = False  # bad pixels of `made`
        for event in (0, 7):
            painted = np.full((72, 80), np.nan)
            used = np.where(good, np.where(frames[event] < 2, 0, frames[event]), np.nan)
            painted[:32], painted[40:] = used
            painted[40, 0] = np.nan
            painted[5, 5] = (used[0, 5, 5] + used[1, 0, 0]) / 2
            np.testing.assert_allclose(pictures[event], painted, rtol=1e-6)
        assert np.isnan(file.read("tiles/full_image_img")[~made.has_tiles]).all()
        small = file.read("cam/small_rebin_data")[made.has_cam]
        cam = (made.cam[made.has_cam].astype(float) - 1000) / 25
        np.testing.assert_allclose(small[:, 3, 3], cam[:, 21:28, 24:32].mean((1, 2)), rtol=1e-5)
        assert "cam/small_img" not in file.names
        assert file.read("Sums/cam_calib_max_img").shape == (70, 80)  # one tile: a picture already
        assert "assembled" in file.info("Sums/tiles_calib_max_img").long_name


def test_without_geometry_sums_of_pictures_of_tiles_are_named_and_others_kept(
    made: Any, tmp_path: Path
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(made.config.read_text().replace("'calib'", "'calib', 'calib_img'"))
    result = produce(made.request(tmp_path, config=config))
    assert [entry.entry for entry in result.skipped] == ["get_sum_algos['tiles'] (calib_img)"]
    assert result.skipped[0].line == 11
    assert "import its geometry" in result.skipped[0].reason
    with open_file(result.output) as file:
        assert "Sums/tiles_calib" in file.names
        assert "Sums/tiles_calib_img" not in file.names


def test_a_camera_of_one_tile_needs_no_geometry() -> None:
    spec = FrameSpec((4, 5), "keV", np.ones((4, 5), bool))
    assert layout_of(DetectorFacts("cam", 7, spec)) is None

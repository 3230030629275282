"""What functions of a config make of a run, compared with literal evaluations of its frames."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import workbench as wb
from workbench.producer import produce
from workbench.producer.functions import read_functions
from workbench.producer.places import Places
from workbench.producer.report import Report
from workbench.smalldata import open_file

CONFIG = """
import numpy as np
detectors = ['cam', 'tiles']

def get_sum_algos(run):
    return {}

def get_droplet(run):
    return {'cam': {'name': 'drops', 'threshold': 5, 'useRms': False, 'thresADU': 7, 'nData': None}}

def get_droplet2photon(run):
    droplet = {'threshold': 4.5, 'thresholdLow': 3, 'useRms': False}
    return {'cam': [{'droplet': droplet, 'd2p': {'aduspphot': 4.0}, 'nData': None}],
            'tiles': {'droplet': {'threshold': 5.5, 'useRms': False}, 'd2p': {'aduspphot': 5},
                      'nData': 40}}
"""


@pytest.fixture(scope="module")
def result(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("functions")
    config = folder / "prod_config_xpp.py"
    config.write_text(CONFIG)
    return produce(made.request(folder, config=config))


@pytest.fixture(scope="module")
def file(result: Any) -> Any:
    with open_file(result.output) as opened:
        yield opened


@pytest.fixture(scope="module")
def run(result: Any) -> Any:
    return wb.open_run(result.output)


def kev(frames: np.ndarray) -> np.ndarray:
    """Return frames as calibrated, bad pixels as 0."""
    pixels = (frames.astype("f4") - np.float32(1000)) / np.float32(25)
    flat = pixels.reshape(len(pixels), -1)
    flat[:, [3, 70, 133]] = 0
    return pixels


def labelled(frame: np.ndarray, low: float) -> list[float]:
    """Return the sums of groups of touching pixels of at least `low`."""
    kept = np.where(frame >= low, frame, 0).astype(float)
    labels, count = ndimage.label(kept > 0)
    return [float(kept[labels == number].sum()) for number in range(1, count + 1)]


def test_nothing_of_the_config_is_left_out(result: Any) -> None:
    assert result.skipped == ()


def test_droplets_are_the_groups_of_touching_pixels(made: Any, run: Any, file: Any) -> None:
    listed = run.ragged("cam/drops_sparse")
    for event in np.flatnonzero(made.has_cam)[:4].tolist():
        every = labelled(kev(made.cam[event][None])[0], 5)
        kept = sorted(total for total in every if total >= 7)
        assert file.read("cam/drops_nDroplets_all")[event] == len(every)
        assert file.read("cam/drops_nDroplets")[event] == len(kept) > 50
        np.testing.assert_allclose(np.sort(listed[event]["data"]), kept, rtol=1e-9)
    assert len(listed[1]["data"]) == 0  # an event without the camera
    assert file.read("cam/drops_nDroplets")[1] == -99999


def test_photons_of_droplets_are_their_signal_over_that_of_one(
    made: Any, run: Any, file: Any
) -> None:
    listed = run.ragged("cam/droplet_droplet2phot_sparse")
    prob = file.read("cam/droplet_droplet2phot_prob")
    for event in np.flatnonzero(made.has_cam)[:3].tolist():
        frame = kev(made.cam[event][None])[0]
        seeds, _ = ndimage.label(frame >= 4.5)
        cross = ndimage.generate_binary_structure(2, 1)
        grown = ndimage.maximum_filter(seeds, footprint=cross, mode="constant") > 0
        totals = labelled(np.where(grown, frame, 0), 3)
        photons = sum(int(np.floor(total / 4 + 0.5)) for total in totals)
        assert len(listed[event]["row"]) == photons > 1000
        assert prob[event, :11].sum() == pytest.approx(1)
        assert prob[event, 11] * (5600 - 3) == pytest.approx(photons, rel=0.01)  # bad pixels
    assert np.isnan(prob[1]).all()


def test_a_number_of_entries_makes_rectangles_with_the_true_number(made: Any, file: Any) -> None:
    event = int(np.flatnonzero(made.has_tiles)[0])
    pixels = kev(made.tiles[event][None])[0]
    totals = [total for tile in pixels for total in labelled(tile, 5.5)]
    photons = sum(int(np.floor(total / 5 + 0.5)) for total in totals)
    assert file.read("tiles/droplet_droplet2phot_sparse_found")[event] == photons > 40
    assert file.read("tiles/droplet_droplet2phot_sparse_row").shape == (300, 40)
    assert (file.read("tiles/droplet_droplet2phot_sparse_data")[event] == 1).all()


def test_how_functions_were_set_up_is_kept(file: Any) -> None:
    cam = "UserDataCfg/cam"
    assert file.read(f"{cam}/drops__drops_threshold") == 5
    assert file.read(f"{cam}/droplet__droplet_thresholdLow") == 3
    assert file.read(f"{cam}/droplet__droplet2phot_aduspphot") == 4
    assert file.info(f"{cam}/droplet__droplet2phot_aduspphot").unit == "keV"
    assert file.read(f"{cam}/droplet__droplet_mask").sum() == 5600 - 3


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("{'cam': {'treshold': 5}}", "['cam']['treshold']", "did you mean 'threshold'"),
        ("{'cam': [{}, {'name': 'droplet'}]}", "['cam'][1]['name']", "already named"),
        ("{'camm': {}}", "['camm']", "did you mean 'cam'"),
        ("[3]", "", "must return a dict"),
        ("{'cam': {'mask': np.ones((3, 4))}}", "['cam']", "mask has shape (3, 4)"),
    ],
)
def test_a_bad_entry_is_named_with_its_line(text: str, place: str, reason: str) -> None:
    source = f"detectors = ['cam']\ndef get_droplet(run):\n    return {text}\n"
    report = Report("prod_config_xpp.py", Places(ast.parse(source)))
    values = {"get_droplet": eval(text, {"np": np})}
    entries = read_functions(values, ("cam",), {"cam": (70, 80)}, report)
    (skipped,) = report.skipped
    assert skipped.entry == f"get_droplet{place}"
    assert reason in skipped.reason
    assert skipped.line in {2, 3}
    assert len(entries) == text.count("[{}")


def test_what_only_the_detector_tells_is_found_before_the_run_is_read(
    made: Any, tmp_path: Path
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text("detectors = ['cam']\ndef get_droplet(run):\n    return {'cam': {}}\n")
    result = produce(made.request(tmp_path, config=config))
    (skipped,) = result.skipped
    assert (skipped.entry, skipped.line) == ("get_droplet['cam'] (droplet)", 3)
    assert "noise, which is not known" in skipped.reason
    with open_file(result.output) as file:
        assert "Sums/cam_calib" in file.names

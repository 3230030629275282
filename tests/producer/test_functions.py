"""What functions of a config make of a run, compared with literal evaluations of its frames."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import ndimage

import workbench as wb
from tests.conftest import ModuleFolder
from workbench.core.frames import FrameSpec
from workbench.producer import produce
from workbench.producer.common_mode import CommonModeEntry, read_common_mode
from workbench.producer.entries import EntryError
from workbench.producer.frames import FrameField
from workbench.producer.functions import read_functions
from workbench.producer.places import Places
from workbench.producer.report import Report
from workbench.reductions import Calibration, Hits
from workbench.reductions.common_mode import CommonMode
from workbench.smalldata import open_file

CONFIG = """
import numpy as np
detectors = ['cam', 'tiles']

def get_sum_algos(run):
    return {}

def get_droplet(run):
    return {'cam': {'name': 'drops', 'threshold': 5, 'useRms': False, 'thresADU': 7, 'nData': None}}

def getROIs(run):
    return {'cam': [{'name': 'box', 'ROI': [[10, 30], [20, 60]], 'thresADU': 2, 'calcPars': False,
                     'proj_ax': 0, 'rebin': {'shape': [5, 8]}, 'lineout': {'axis': 1, 'idx': 3},
                     'spectrum': {'name': 'histo', 'bins': [2.0, 6.0, 8]},
                     'sparsify': {'nData': None, 'thresADU': 5}}]}

def get_photon(run):
    regions = [{'name': 'left', 'ROI': [[0, 70], [0, 40]], 'prob': True, 'calcPars': False}]
    return {'cam': {'ADU_per_photon': 4.0, 'thr_fraction': 0.905, 'thresADU': 1.0, 'nData': None,
                    'prob': True, 'roi': regions}}

def get_wf_integrate(run):
    return {'cam': {'sig_roi': slice(30, 50), 'bkg_roi': (0, 20), 'negative_signal': True}}

def get_wf_hitfinder(run):
    return {'cam': {'threshold': 1.2, 'threshold_max': 5.9, 'use_rms': True, 'bkg_roi': (0, 20)}}

def get_wf_cfd(run):
    return {'cam': {'channel': 7, 'convFilterLength': 3, 'CFDOffset': 2, 'threshold': 1.0,
                    'nmax_hits': 9}}

def get_wf_svd(run):
    return {'cam': [{'basis_file': BASIS, 'n_components': 2, 'mode': 'both'}]}

def get_polynomial_correction(run):
    curve = {'polynomial_coefficients': [0.002, -0.1, 3], 'axis': 1}
    inner = {'polynomial_coefficients': [0.01, 0], 'name': 'xes', 'projection': {'axis': 0}}
    return {'cam': [curve | {'projection': {'axis': 1, 'name': 'rows'}},
                    inner | {'droplet': {'name': 'd', 'threshold': 5.5, 'useRms': False}}]}

def get_autocorrelation(run):
    mask = np.zeros((2, 70, 80), bool)
    mask[0, :, :30] = mask[1, 20:, 50:] = True
    return {'cam': [{'mask': mask, 'save_range': (6, 8), 'thresADU': [0, 5.5]},
                    {'name': 'line', 'roi': [[10, 40], [0, 50]], 'save_range': [5, 4],
                     'save_lineout': True, 'illumination_correction': {'kernel': 9}}]}

def get_droplet2photon(run):
    droplet = {'threshold': 4.5, 'thresholdLow': 3, 'useRms': False}
    return {'cam': [{'droplet': droplet, 'd2p': {'aduspphot': 4.0}, 'nData': None}],
            'tiles': {'droplet': {'threshold': 5.5, 'useRms': False}, 'd2p': {'aduspphot': 5},
                      'nData': 40}}
"""


SHAPES = np.linalg.qr(np.random.default_rng(3).normal(size=(20, 4)))[0].T


def write_basis(path: Path) -> None:
    with h5py.File(path, "w") as h5:
        h5["components"], h5["roi"], h5["background_index"], h5["channel"] = SHAPES, (30, 50), 20, 4


@pytest.fixture(scope="module")
def result(made: Any, module_folder: ModuleFolder) -> Any:
    folder = module_folder("functions")
    config = folder / "prod_config_xpp.py"
    write_basis(folder / "basis.h5")
    config.write_text(f"BASIS = {str(folder / 'basis.h5')!r}\n{CONFIG}")
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


def test_what_is_inside_a_region_works_on_its_pixels(made: Any, run: Any, file: Any) -> None:
    frames = kev(made.cam)[made.has_cam][:, 10:30, 20:60]
    frames = np.where(frames < 2, 0, frames).astype(float)
    truth = {
        "rebin_data": frames.reshape(-1, 5, 4, 8, 5).mean(axis=(2, 4)),
        "lo_ax_1_data": frames[:, :, 3],
        "histo_histogram": [np.histogram(one, np.linspace(2, 6, 9))[0] for one in frames],
        "pj_ax_0_data": frames.sum(axis=1),
    }
    for name, expected in truth.items():
        stored = file.read(f"cam/box_{name}")[made.has_cam]
        np.testing.assert_allclose(stored, expected, rtol=1e-6)
    listed = run.ragged("cam/box_sparse")[0]
    assert sorted(listed["data"]) == sorted(frames[0][frames[0] >= 5])
    assert frames[0][listed["row"], listed["col"]].min() >= 5


def test_photons_are_counted_listed_and_told_by_region(made: Any, run: Any, file: Any) -> None:
    count, prob = file.read("cam/photon_nPhot"), file.read("cam/photon_prob")
    left = file.read("cam/photon_left_prob")
    for event in np.flatnonzero(made.has_cam)[:3].tolist():
        picture = literal_photons(kev(made.cam[event][None])[0], 4.0, 1.0)
        listed = run.ragged("cam/photon_sparse")[event]
        placed = np.zeros((70, 80))
        placed[listed["row"], listed["col"]] = listed["data"]
        np.testing.assert_array_equal(placed, picture)
        assert count[event] == picture.sum() > 500
        good = np.ones((70, 80), bool)
        good.flat[[3, 70, 133]] = False
        for stored, inside in ((prob, good), (left, good & (np.arange(80) < 40))):
            share = [np.mean(picture[inside] == k) for k in range(10)]
            np.testing.assert_allclose(stored[event, :10], share, atol=1e-12)
            assert stored[event, 11] == pytest.approx(picture[inside].mean())


def literal_photons(frame: np.ndarray, adu: float, low: float) -> np.ndarray:
    """Return photons per pixel by the rule as it is written down, pixel by pixel."""
    kept = np.where((frame >= low) & (frame > 0), frame * np.float32(1 / adu), 0)
    whole = np.floor(kept).astype(int)
    rest, used = kept - whole, np.zeros(frame.shape, bool)
    rows, cols = frame.shape
    for r, c in np.argwhere(rest >= 0.5):
        near = [(r - 1, c), (r, c - 1), (r, c + 1), (r + 1, c)]
        near = [(y, x) for y, x in near if 0 <= y < rows and 0 <= x < cols]
        if used[r, c] or any(rest[p] > rest[r, c] for p in near):
            continue
        if any(rest[p] == rest[r, c] for p in near[:2] if p < (r, c)):
            continue
        free = [p for p in near if not used[p] and rest[p] > 0]
        best = max(free, key=lambda p: rest[p], default=None)
        if rest[r, c] + (rest[best] if best else 0) >= 0.905:
            whole[r, c] += 1
            used[r, c] = True
            if best:
                used[best] = True
    return whole


def test_waveforms_are_integrated_marked_and_fitted(made: Any, file: Any) -> None:
    waves = (made.cam[made.has_cam].astype(float) - 1000) / 25
    waves.reshape(len(waves), -1)[:, [3, 70, 133]] = np.nan
    level = np.median(waves[..., :20], axis=2, keepdims=True)
    integral = -(waves[..., 30:50] - level).sum(axis=2)
    stored = file.read("cam/wfintegrate")[made.has_cam]
    np.testing.assert_allclose(stored[:, 1:], integral[:, 1:], rtol=1e-5, atol=1e-4)
    assert np.isnan(stored[:, 0]).all()  # a bad sample in the range of the baseline
    quiet = waves[:, 2:, :20]
    level = quiet.mean(axis=2, keepdims=True) + 1.2 * quiet.std(axis=2, keepdims=True)
    marked = (waves[:, 2:] > level) & (waves[:, 2:] <= 5.9)
    found = file.read("cam/hitfinder")[made.has_cam][:, 2:]
    assert (found != marked).mean() < 1e-4  # readings on the threshold, to the last bit
    wave = waves[:, 4, 30:50] - waves[:, 4, :20].mean(axis=1, keepdims=True)
    solved = [np.linalg.lstsq(SHAPES[:2].T, one, rcond=None)[0] for one in wave]
    stored = file.read("cam/svdFit_ch4_coefficients")[made.has_cam]
    np.testing.assert_allclose(stored, solved, rtol=1e-5, atol=1e-6)
    norms = file.read("cam/svdFit_ch4_intensities")[made.has_cam][:, 0]
    np.testing.assert_allclose(norms, np.linalg.norm(solved, axis=1), rtol=1e-5)
    assert file.read("UserDataCfg/cam/svdFit_ch4__svdFit_ch4_components").shape == (2, 20)


def test_pulses_are_found_in_the_named_channel(made: Any, file: Any) -> None:
    hits = Hits(3, 2, threshold=1.0, most=9)
    waves = (made.cam[made.has_cam][:, 7].astype("f4") - 1000) / 25
    expected = hits.reduce(waves, FrameSpec((80,), "keV", np.ones(80, bool)))
    for name, values in expected.items():
        stored = file.read(f"cam/hitFinderCFD_ch7_{name}")[made.has_cam]
        np.testing.assert_array_equal(stored, values)
    assert expected["nHits"].sum() > 10


def test_curved_lines_are_moved_one_by_one(made: Any, file: Any) -> None:
    frames = kev(made.cam)[made.has_cam]
    steps = np.polyval([0.002, -0.1, 3], np.arange(80))
    steps = np.rint(steps - steps.min()).astype(int)
    moved = np.stack([np.roll(frames[:, :, c], -steps[c], axis=1) for c in range(80)], axis=2)
    stored = file.read("cam/curve_corr_corrected_image")[made.has_cam]
    np.testing.assert_array_equal(np.nan_to_num(stored), moved)
    sums = file.read("cam/curve_corr_rows_data")[made.has_cam]
    np.testing.assert_allclose(sums, moved.astype(float).sum(axis=2), rtol=1e-6)
    line = file.read("cam/d_dense_xes_pj_ax_0_data")[0]
    every = labelled(frames[0], 5.5)
    assert line.sum() == pytest.approx(sum(every))
    assert file.read("UserDataCfg/cam/d__dense_xes_polynomial_coefficients").tolist() == [0.01, 0]


def test_autocorrelations_are_mean_products_of_pairs(made: Any, file: Any) -> None:
    frame = kev(made.cam[:1])[0].astype(float)
    signal = np.where((frame >= 0) & (frame <= 5.5), frame, 0)
    masks = np.zeros((2, 70, 80), bool)
    masks[0, :, :30] = masks[1, 20:, 50:] = True
    masks.reshape(2, -1)[:, [3, 70, 133]] = False
    stored, mean = file.read("cam/autocorr_autocorr")[0], file.read("cam/autocorr_cr")[0]
    assert stored.shape == (2, 12, 16)
    for number, mask in enumerate(masks):
        assert mean[number] == pytest.approx(signal[mask].mean())
        for row, col in ((0, 0), (2, 3), (5, 7)):
            pairs = mask[: 70 - row, : 80 - col] & mask[row:, col:]
            product = signal[: 70 - row, : 80 - col] * signal[row:, col:]
            assert stored[number, 6 + row, 8 + col] == pytest.approx(product[pairs].mean())
    inside = frame[10:40, :50]
    assert file.read("cam/line_lineout_h").shape == (300, 8)
    good = np.ones((70, 80), bool)
    good.flat[[3, 70, 133]] = False
    pairs = good[10:40, :48] & good[10:40, 2:50]
    along = (inside[:, :48] * inside[:, 2:])[pairs].mean()
    assert file.read("cam/line_lineout_h")[0, 6] == pytest.approx(along)


def test_a_correction_that_todays_tool_does_not_use_is_named_and_costs_nothing(result: Any) -> None:
    (told,) = [found for found in result.findings if found.code == "no-correction"]
    assert "illumination_correction" in told.message
    assert told.field == "get_autocorrelation['cam'] (line)"


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


COMMON = """
detectors = ['cam', 'tiles']

def getROIs(run):
    return {'cam': [{'name': 'box', 'ROI': [[10, 30], [20, 65]], 'writeArea': True}]}

def get_sum_algos(run):
    return {'cam': ['calib']}

def get_common_mode(run):
    return {'cam': {'mode': 5, 'cormax': 90, 'npix_min': 4}, 'tiles': (0, 7, 100), 'Cam': 7}
"""


def test_common_mode_is_taken_off_regions_and_sums_bank_by_bank(made: Any, tmp_path: Path) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(COMMON)
    result = produce(made.request(tmp_path, config=config))
    assert [entry.entry for entry in result.skipped] == ["get_common_mode['Cam']"]
    good = np.ones((70, 80), bool)
    good.flat[[3, 70, 133]] = False
    frames = np.where(good, made.cam[made.has_cam].astype("f4") - 1000, np.nan)
    for tall, patches in ((35, 2), (1, 70)):  # banks, then rows of banks
        banks = frames.reshape(-1, patches, tall, 8, 10)
        banks -= np.nanmedian(banks, axis=(2, 4), keepdims=True)
    frames = frames / 25
    undamaged = np.flatnonzero(made.has_cam) != 30
    with open_file(result.output) as file:
        area = file.read("cam/box_area")[made.has_cam]
        np.testing.assert_allclose(area, frames[:, 10:30, 20:65], atol=1e-5)
        total = file.read("Sums/cam_calib")[good]
        np.testing.assert_allclose(total, frames[undamaged].sum(axis=0)[good], atol=1e-3)
        assert file.read("UserDataCfg/cam/common_mode") == 5
        assert file.read("UserDataCfg/cam/common_mode_cormax") == 90
        assert "UserDataCfg/tiles/common_mode" not in file.names  # nothing is made of its frames


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (7, ""),
        ([1, 2], ""),
        ({"mode": 8}, "mode"),
        ({"mode": 1.5}, "mode"),
        ({"cormax": 0}, "cormax"),
        ({"npix": 3}, "npix"),
    ],
)
def test_a_wrong_common_mode_names_its_key(value: Any, key: str) -> None:
    with pytest.raises(EntryError) as caught:
        read_common_mode(value)
    assert caught.value.key == key


def test_common_mode_needs_a_pedestal_and_banks_that_divide_the_frame() -> None:
    entry = CommonModeEntry("cam", CommonMode())
    frames = FrameField("cam", "cam.raw.raw", "uint16", (70, 85), "epix100")
    raw = Calibration.of(None, shape=frames.shape, dtype="uint16")
    with pytest.raises(EntryError, match="give constants"):
        entry.applied(raw, frames)
    with pytest.raises(EntryError, match="banks divide"):
        entry.applied(replace(raw, calibrated=True), frames)
    other = replace(frames, detector="other")
    assert entry.applied(raw, other) is raw
    assert [read_common_mode(none) for none in (None, {"mode": 0})] == [None, None]

"""Dictionaries of functions that make pictures, and of what is made of pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.frames import FrameSpec
from workbench.producer.correlation_entries import read_autocorrelation
from workbench.producer.curve_entries import read_polynomial_correction
from workbench.producer.droplet_entries import read_droplet, read_droplet2photon
from workbench.producer.entries import DetectorFacts, EntryError, ReductionEntry
from workbench.producer.photon_entries import read_photon
from workbench.producer.regions import read_roi
from workbench.reductions import Rebin

SPEC = FrameSpec((40, 50), "keV", np.ones((40, 50), bool))
FACTS = DetectorFacts("cam", 7, SPEC)
CURVE = {"polynomial_coefficients": [0.1, 0]}


@pytest.mark.parametrize(
    ("read", "entry", "key"),
    [
        (read_photon, {"ADU_per_photon": 0}, "ADU_per_photon"),
        (read_photon, {"ADU_per_photn": 5}, "ADU_per_photn"),
        (read_photon, {"thr_fraction": 1.5}, "thr_fraction"),
        (read_photon, {"nData": "all"}, "nData"),
        (read_photon, {"roi": {"ROI": 3}}, "ROI"),
        (read_photon, {"roi": [{"ROI": [[0, 4], [0, 4]]}] * 2}, "roi"),
        (read_photon, {"prob": "yes"}, "prob"),
        (read_photon, {"sparsify": {}}, "sparsify"),
        (read_roi, {"ROI": None, "rebin": {}}, "shape"),
        (read_roi, {"ROI": None, "rebin": [{"shape": [2.5, 3]}]}, "shape"),
        (read_roi, {"ROI": None, "rebin": [3]}, "rebin"),
        (read_roi, {"ROI": None, "lineout": {"axes": 1}}, "axes"),
        (read_roi, {"ROI": None, "spectrum": {"bins": [3, 2, 1, 0]}}, "spectrum"),
        (read_roi, {"ROI": None, "spectrum": [{"bins": [0, 9, 5]}] * 2}, "name"),
        (read_roi, {"ROI": None, "sparsify": {"thresADU": "3"}}, "thresADU"),
        (read_polynomial_correction, {}, "polynomial_coefficients"),
        (read_polynomial_correction, CURVE | {"axis": 2}, "polynomial_coefficients"),
        (read_polynomial_correction, CURVE | {"method": "bend"}, "polynomial_coefficients"),
        (read_polynomial_correction, CURVE | {"projection": 1}, "projection"),
        (read_polynomial_correction, CURVE | {"projection": {"axs": 1}}, "axs"),
        (read_polynomial_correction, CURVE | {"droplet": {"treshold": 1}}, "treshold"),
        (read_autocorrelation, {"mask": "/nowhere/mask.npy"}, "mask"),
        (read_autocorrelation, {"mask": "mask.npy"}, "mask"),
        (read_autocorrelation, {"mask": np.ones(4)}, "mask"),
        (read_autocorrelation, {"save_range": [5]}, "save_range"),
        (read_autocorrelation, {"roi": [[5, 5], [0, 4]]}, "ROI"),
    ],
)
def test_a_wrong_entry_names_its_key(read: Any, entry: Any, key: str) -> None:
    with pytest.raises(EntryError) as caught:
        read(entry)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("read", "entry", "text"),
    [
        (read_autocorrelation, {"mask": np.ones((4, 5))}, "masks of shape"),
        (read_autocorrelation, {"roi": [[0, 20], [0, 20]]}, "do not lie within frames"),
        (read_roi, {"ROI": [[0, 9], [0, 9]], "rebin": {"shape": [3, 20]}}, "cannot rebin"),
        (read_roi, {"ROI": [[0, 9], [0, 9]], "lineout": {"idx": 9}}, "line 9 of axis 0"),
        (read_polynomial_correction, {"polynomial_coefficients": [9, 0]}, "the whole picture"),
        (read_polynomial_correction, CURVE | {"projection": {"axis": 2}}, "does not exist"),
    ],
)
def test_what_does_not_fit_the_detector_is_refused_before_any_event(
    read: Any, entry: Any, text: str
) -> None:
    name, made = read(entry)
    with pytest.raises(EntryError, match=text) as caught:
        ReductionEntry("cam", name, made).build(FACTS)
    assert caught.value.code == "does-not-fit"


def test_masks_may_be_files_and_may_have_the_shape_of_the_region(tmp_path: Path) -> None:
    whole = np.zeros((40, 50), bool)
    whole[12:18, 3:9] = True
    np.save(tmp_path / "mask.npy", whole)
    entry = {"mask": str(tmp_path / "mask.npy"), "roi": [[10, 30], [0, 20]], "save_range": [3, 3]}
    frames = np.random.default_rng(4).normal(size=(2, 40, 50)).astype("f4")
    values = [
        read_autocorrelation(entry | change)[1].build(FACTS).reduce(frames, SPEC)["autocorr"]
        for change in ({}, {"mask": whole[10:30, :20].astype(int)}, {"mask": whole[None]})
    ]
    assert values[0].shape == (2, 6, 6)
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[0], values[2])


def test_photons_of_todays_defaults() -> None:
    name, made = read_photon({})
    assert (name, made.per_photon, made.fraction, made.children) == ("photon", 154.0, 0.9, ())


def test_names_inside_are_those_of_today() -> None:
    entry = {"ROI": None, "calcPars": False, "rebin": {"shape": [4, 5]},
             "lineout": [{}, {"axis": 1}], "spectrum": {"bins": [0, 5, 10]},
             "sparsify": {}}  # fmt: skip
    name, made = read_roi(entry)
    assert [output.under(name).path for output in made.outputs(SPEC)] == [
        "full_rebin_data",
        "full_lo_ax_0_data",
        "full_lo_ax_1_data",
        "full_spectrum_histogram",
        "var_full_sparse/data",
        "var_full_sparse/row",
        "var_full_sparse/col",
        "var_full_sparse/tile",
    ]
    assert isinstance(made.children[0].reduction, Rebin)


@pytest.mark.parametrize(
    ("read", "entry", "unit", "codes"),
    [
        (read_photon, {}, "keV", ["photon-signal"]),
        (read_photon, {}, "ADU", []),
        (read_photon, {"ADU_per_photon": 9.5}, "keV", []),
        (read_droplet2photon, {"droplet": {}, "d2p": {"aduspphot": 200}}, "keV", ["photon-signal"]),
        (read_droplet2photon, {"droplet": {}, "d2p": {"aduspphot": 200}}, "ADU", []),
        (read_droplet, {}, "keV", []),
    ],
)
def test_signals_of_photons_that_look_like_adu_in_frames_of_kev_are_named(
    read: Any, entry: Any, unit: str, codes: list[str]
) -> None:
    name, made = read(entry)
    facts = DetectorFacts("cam", 7, replace(SPEC, unit=unit))
    assert [code for code, _ in ReductionEntry("cam", name, made).doubts(facts)] == codes

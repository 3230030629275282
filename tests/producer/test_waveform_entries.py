"""Dictionaries of get_wf_integrate and get_wf_hitfinder, as shipped configs write them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.core.frames import FrameSpec
from workbench.producer.entries import EntryError
from workbench.producer.evaluation import evaluate_config
from workbench.producer.waveform_entries import (
    read_wf_cfd,
    read_wf_hitfinder,
    read_wf_integrate,
    read_wf_svd,
)
from workbench.reductions import AboveThreshold, WaveformIntegral

SPEC = FrameSpec((8, 300), "ADU", np.ones((8, 300), bool))


@pytest.mark.parametrize("roi", [slice(104, 113), (104, 113), [104, 113], np.array([104, 113])])
def test_ranges_of_samples_may_be_slices_or_pairs(roi: Any) -> None:
    entry = {"sig_roi": roi, "bkg_roi": slice(0, 80), "negative_signal": True}
    name, made = read_wf_integrate(entry)
    assert made == WaveformIntegral((104, 113), (0, 80), True)
    assert [output.under(name).path for output in made.outputs(SPEC)] == ["wfintegrate"]


def test_a_hit_finder_in_standard_deviations_looks_at_its_background() -> None:
    entry = {"threshold": 4, "threshold_max": 3500, "use_rms": True, "bkg_roi": (200, 280)}
    name, made = read_wf_hitfinder(entry)
    assert (name, made) == ("hitfinder", AboveThreshold(4, 3500, (200, 280)))
    assert read_wf_hitfinder(entry | {"use_rms": False})[1].background is None


@pytest.mark.parametrize(
    ("read", "entry", "key"),
    [
        (read_wf_integrate, {"sig_roi": (5, 5)}, "sig_roi"),
        (read_wf_integrate, {"sig_roi": (1.5, 5)}, "sig_roi"),
        (read_wf_integrate, {"bkg_roi": slice(0, 10, 2)}, "bkg_roi"),
        (read_wf_integrate, {"sig_roi": 5}, "sig_roi"),
        (read_wf_integrate, {"signal": (0, 5)}, "signal"),
        (read_wf_hitfinder, {"treshold_max": 5}, "treshold_max"),
        (read_wf_hitfinder, {"use_rms": True}, "bkg_roi"),
        (read_wf_hitfinder, {"threshold": "4"}, "threshold"),
        (read_wf_cfd, {"channel": -1}, "channel"),
        (read_wf_cfd, {"convFilterLength": 0}, "convFilterLength"),
        (read_wf_cfd, {"CFDOffset": 2.5}, "CFDOffset"),
        (read_wf_svd, {}, "basis_file"),
        (read_wf_svd, {"basis_file": "/nowhere/basis.h5"}, "basis_file"),
        (read_wf_svd, {"basis_file": 3}, "basis_file"),
        (read_wf_svd, {"basis_file": "basis.h5"}, "basis_file"),
    ],
)
def test_a_wrong_entry_names_its_key(read: Any, entry: Any, key: str) -> None:
    with pytest.raises(EntryError) as caught:
        read(entry)
    assert caught.value.key == key


def test_slices_reach_the_readers_as_the_config_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "prod_config_xpp.py"
    text = "def get_wf_integrate(run):\n    return {'fim': {'sig_roi': slice(104, 113)}}\n"
    path.write_text(text)
    values = evaluate_config(path, text, ("get_wf_integrate",), run=3).values
    assert values["get_wf_integrate"] == {"fim": {"sig_roi": slice(104, 113, None)}}


def write_basis(path: Path, **values: Any) -> str:
    whole = {"components": np.eye(3, 10), "roi": (5, 15), "background_index": 4, "channel": 2}
    with h5py.File(path, "w") as h5:
        for name, value in (whole | values).items():
            if value is not None:
                h5[name] = value
    return str(path)


def test_a_basis_file_tells_where_its_shapes_lie(tmp_path: Path) -> None:
    entry = {
        "basis_file": write_basis(tmp_path / "b.h5"),
        "n_pulse": 2,
        "delay": 5,
        "sampling": 2.5,
    }
    name, made = read_wf_svd(entry)
    basis = made.basis
    assert (name, basis.samples, basis.background, basis.channel) == ("svdFit_ch2", (5, 15), 4, 2)
    assert made.delays == (0, 2)
    older = write_basis(
        tmp_path / "o.h5", background_index=None, background_roi=(0, 6), channel=None
    )
    name, made = read_wf_svd({"basis_file": older})
    assert (name, made.basis.background, made.basis.channel) == ("svdFit", 6, None)


@pytest.mark.parametrize(
    ("values", "change", "key"),
    [
        ({"components": None}, {}, "basis_file"),
        ({"components": np.zeros(4)}, {}, "basis_file"),
        ({"roi": (1, 2, 3)}, {}, "basis_file"),
        ({"background_index": (3, 6)}, {}, "basis_file"),
        ({}, {"n_components": 4}, "mode"),
        ({}, {"mode": "mean"}, "mode"),
        ({}, {"n_pulse": 3, "delay": [1]}, "delay"),
        ({}, {"delay": ["1"]}, "delay"),
        ({}, {"sampling": 0}, "sampling"),
    ],
)
def test_a_basis_that_does_not_fit_is_named(
    tmp_path: Path, values: dict[str, Any], change: dict[str, Any], key: str
) -> None:
    entry = {"basis_file": write_basis(tmp_path / "b.h5", **values)}
    with pytest.raises(EntryError) as caught:
        read_wf_svd(entry | change)
    assert caught.value.key == key

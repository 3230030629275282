"""Dictionaries of get_wf_integrate and get_wf_hitfinder, as shipped configs write them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.frames import FrameSpec
from workbench.producer.entries import EntryError
from workbench.producer.evaluation import evaluate_config
from workbench.producer.waveform_entries import read_wf_hitfinder, read_wf_integrate
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

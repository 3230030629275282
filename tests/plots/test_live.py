"""The live picture shows a snapshot: on/off, I0, time tool, presence, now and so far."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench import plots
from workbench.binning import Live, Snapshot
from workbench.runs import open_run
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data


@pytest.fixture(scope="module")
def snapshot(module_folder: ModuleFolder) -> Snapshot:
    folder: Path = module_folder("live")
    run = open_run(write_small_data(PumpProbe(n_events=3000, n_steps=21), folder))
    return Live(run, {"delay": np.arange(-1, 3.05, 0.25)}, "epix_1/signal_sum", last=600).refresh()


def test_the_picture_shows_the_numbers_of_the_snapshot(snapshot: Snapshot) -> None:
    picture = plots.live(snapshot)
    on_last, on_all, change_last, change_all, i0, position, there = picture.axes
    assert "[10⁹ keV/J]" in on_last.get_ylabel()
    assert change_all.get_xlabel() == plots.DELAY_LABEL
    for axes, side in ((change_last, snapshot.sides[0]), (change_all, snapshot.sides[1])):
        drawn = next(line for line in axes.lines if line.get_linestyle() == "None")
        known = side.change.value[np.isfinite(side.change.value)]
        np.testing.assert_array_equal(drawn.get_ydata(), known)
    assert on_last.get_ylim() == on_all.get_ylim()
    assert "600 shots" in on_last.get_title(loc="left")
    assert "3,000 shots" in on_all.get_title(loc="left")
    assert "J]" in i0.get_ylabel()
    assert position.get_ylabel() == "edge [pixel]"
    heights = [bar.get_height() for bar in there.patches]
    share = snapshot.sides[0].present["jungfrau1M"] * 100
    assert any(height == pytest.approx(share) for height in heights)
    texts = [text.get_text() for text in picture.texts]
    named = ("Signal: epix_1/signal_sum", "edge: tt/fltpos", "Edge found in", "scan/lxt_ttc")
    assert any(all(words in " ".join(text.split()) for words in named) for text in texts)
    assert "has ended: 3,000 shots" in picture.get_suptitle()


def test_what_is_not_there_yet_is_said(snapshot: Snapshot) -> None:
    early = plots.live(replace(snapshot, sides=None, why="12 shots so far"))
    assert "12 shots so far" in early.alt
    late = plots.live(replace(snapshot, ended=False, waiting=500))
    assert "is being taken: 3,000 shots, 500 of them not yet in" in late.get_suptitle()


def test_a_run_without_time_tool_and_normalisation_says_so(snapshot: Snapshot) -> None:
    some = ("axis", "signal", "signal_unit")
    bare = replace(snapshot, texts={name: snapshot.texts[name] for name in some})
    picture = plots.live(bare)
    texts = [text.get_text() for axes in picture.axes for text in axes.texts]
    assert texts == ["no normalisation", "no time tool in this run"]
    assert "keV]" in picture.axes[0].get_ylabel()

"""Split and delay: branches by analog inputs, planted ratios, checks of the inputs."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import assert_honest
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.binning import verdict
from workbench.plots import split_branches
from workbench.recipes import BranchError, SplitDelay, split_delay, two_level_inputs
from workbench.runs import Run
from workbench.smalldata.editing import edit_file
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import SplitAndDelay

SPEC = PumpProbe(experiment="xcssyn0126", n_events=1500, n_steps=5)
SIGNAL, FIRST, SECOND = "epix_2/signal_sum", "ai/ch02", "ai/ch03"


def branches(run: Run, first: str = FIRST, second: str = SECOND, **more: str) -> SplitDelay:
    return split_delay(
        run, SIGNAL, first, second, motor="scan/sd_delay", slope=0.9376, offset=3.1, **more
    )


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    return write_small_data(SPEC, module_folder("split"), scene=SplitAndDelay())


@pytest.fixture(scope="module")
def found(file: Path) -> SplitDelay:
    return branches(wb.open_run(file))


def test_planted_ratios_are_found_and_equal_plain_arithmetic(file: Path, found: SplitDelay) -> None:
    run = wb.open_run(file)
    assert run.truth is not None
    table = verdict(found, run.truth)
    assert len(table) == 2
    assert all(row[-1] for row in table.rows), str(table)
    one, two = (run[name].read() > 2 for name in (FIRST, SECOND))
    lit = run.classes.xray == 1
    assert found.counts["first alone"] == (lit & one & ~two).sum()
    assert found.counts["both"] == (lit & one & two).sum()
    assert sum(found.counts.values()) == lit.sum()
    np.testing.assert_array_equal(found.second.shots, lit & two & ~one)
    norm, signal = run.role("i0").read(), run[SIGNAL].read()
    dark = run.classes.dark
    norm, signal = norm - np.nanmean(norm[dark]), signal - np.nanmean(signal[dark])
    used = found.first.shots & np.isfinite(norm) & np.isfinite(signal)
    ratio = signal[used].sum() / norm[used].sum()
    assert found.first.signal.value == pytest.approx(ratio, rel=1e-9)


def test_the_delay_is_the_linear_map_of_the_motor(file: Path, found: SplitDelay) -> None:
    expected = 0.9376 * (np.linspace(3.1, 7.1, 5) - 3.1)
    np.testing.assert_allclose(found.first.delay, expected, atol=1e-6)
    assert found.first.count.sum() > 100
    wide = split_delay(
        wb.open_run(file),
        SIGNAL,
        FIRST,
        SECOND,
        motor="scan/sd_delay",
        slope=0.9376,
        offset=3.1,
        width=2.0,
    )
    assert len(wide.first.delay) in {2, 3}
    picture = split_branches(found)
    inputs = picture.axes[0]
    assert inputs.get_xlabel() == "ai/ch02 [V]"
    picture.draw_without_rendering()
    points = inputs.transData.transform(np.column_stack(found.volts))
    for text in inputs.texts:  # what the quarters are hides no shot
        box = text.get_window_extent()
        assert not box.count_contains(points), text.get_text()


def test_inputs_that_tell_nothing_are_refused_with_those_that_do(file: Path) -> None:
    run = wb.open_run(file)
    assert two_level_inputs(run, 2.0) == (FIRST, SECOND)
    with pytest.raises(BranchError, match=r"ai/ch02, ai/ch03"):
        branches(run, first="enc/lasDelay")
    with pytest.raises(BranchError, match="name two inputs"):
        branches(run, second=FIRST)
    with pytest.raises(BranchError, match="give the width"):
        split_delay(run, SIGNAL, FIRST, SECOND, motor="gasdet/f11ENRC", slope=1.0)


def test_exchanged_inputs_and_shutters_on_the_move_are_told(file: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copy(file, tmp_path))
    with edit_file(moved) as editor:
        volts = editor.read(FIRST)
        editor.write("gasdet/f21ENRC", volts)  # a diode in the first branch
        volts[:90] = 2.6
        editor.write(FIRST, volts)
    run = wb.open_run(moved)
    found = branches(run, diode="gasdet/f21ENRC")
    assert found.counts["not told"] == (run.classes.xray[:90] == 1).sum()
    assert (found.state, "between the levels" in found.message) == ("doubtful", True)
    assert "exchange" not in found.message
    turned = branches(run, first=SECOND, second=FIRST, diode="gasdet/f21ENRC")
    assert "exchange the two inputs" in turned.message


def test_a_threshold_within_the_noise_of_a_level_changes_the_shots_as_counted_by_hand(
    tmp_path: Path,
) -> None:
    run = wb.open_run(write_small_data(SPEC, tmp_path, scene=SplitAndDelay(noise=0.15)))
    assert run.truth is not None
    volts = np.array([run[name].read() for name in (FIRST, SECOND)])
    lit, told = run.classes.xray == 1, []
    for threshold in (2.0, 4.75):
        one, two = volts > threshold
        found = split_delay(run, SIGNAL, FIRST, SECOND, threshold=threshold)
        assert found.counts["both"] == (lit & one & two).sum()
        assert found.counts["first alone"] == (lit & one & ~two).sum()
        told.append((found.counts["both"], verdict(found, run.truth).as_planted))
    assert told[0][1]
    assert told[1][0] < told[0][0]


@pytest.mark.long
def test_errors_of_both_ratios_are_honest(tmp_path: Path) -> None:
    pulls = []
    for seed in range(100):
        spec = PumpProbe(experiment="xcssyn0126", n_events=600, n_steps=3, seed=seed)
        file = write_small_data(spec, tmp_path, scene=SplitAndDelay())
        run = wb.open_run(file)
        assert run.truth is not None
        table = verdict(branches(run), run.truth).as_dicts()
        pulls.append([row["pull"] for row in table])
        file.unlink()
    assert_honest(pulls, [str(row["quantity"]) for row in table])


@pytest.mark.faults
@pytest.mark.parametrize("name", met("split_delay"))
def test_no_fault_gives_a_wrong_number_without_a_word(name: str, file: Path, meet: Meet) -> None:
    meet("split_delay", name, file, branches, (SPEC, SplitAndDelay()))

"""Ways to mislead that the fault catalogue lacks: flags, I0, parts of a run; one cause each."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.findings import Finding, Severity
from workbench.runs import open_run
from workbench.runs.checks import check_physics
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data

SPEC = PumpProbe(n_events=4800, camera_every=2)
I0, OTHER = "XppSb2BmMon/totalIntensityJoules", "XppSb3BmMon/totalIntensityJoules"
XRAY, LASER = "lightStatus/xray", "lightStatus/laser"
SIGNAL = "epix_1/signal_sum"
Columns = Mapping[str, h5py.Dataset]
Change = Callable[[Columns], object]


@pytest.fixture(scope="module")
def clean(module_folder: ModuleFolder) -> Path:
    return write_small_data(SPEC, module_folder("clean"))


@pytest.fixture
def findings(clean: Path, tmp_path: Path) -> Callable[[Change], list[Finding]]:
    def judge(change: Change) -> list[Finding]:
        path = tmp_path / clean.name
        shutil.copy(clean, path)
        with h5py.File(path, "r+") as h5:
            change(h5)
        return warnings(check_physics(open_run(path)))

    return judge


def warnings(found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.severity is not Severity.INFO]


def roll(name: str, first: int = 0) -> Change:
    def change(h5: Columns) -> None:
        values = h5[name][:]
        values[first:] = np.roll(values, 1)[first:]
        h5[name][:] = values

    return change


def shut(h5: Columns) -> None:
    """Close the hutch's shutter for 600 events: flags go on, nothing is lit."""
    for name in (I0, OTHER, SIGNAL):
        values = h5[name][:]
        dark = values[(h5[XRAY][:] == 0) & np.isfinite(values)]
        lost = np.isfinite(values[2000:2600])
        values[2000:2600][lost] = np.resize(dark, lost.sum())
        h5[name][:] = values


def lock_jump(h5: Columns) -> None:
    """Let the laser lock jump by 2 ps: the time tool sees it as far as its window reaches."""
    for name, amount in (("tt/fltpos_ps", 2.0), ("tt/fltpos", 2.0 / 0.0026)):
        values = h5[name][:]
        values[2400:][values[2400:] != 0] += amount
        h5[name][:] = values


def flip_delay(h5: Columns) -> None:
    h5["scan/lxt_ttc"][:] = -h5["scan/lxt_ttc"][:]


def flip_flags(h5: Columns) -> None:
    values = h5[XRAY][:]
    values[100:4000:100] = 1 - values[100:4000:100]
    h5[XRAY][:] = values


CASES = [
    pytest.param(flip_delay, "delay-unit", None, None, id="delay with flipped sign"),
    pytest.param(roll(SIGNAL, 2400), "shot-lag", SIGNAL, 2400, id="late from half-way on"),
    pytest.param(roll(I0), "shot-lag", I0, 4800, id="I0 late by a shot"),
    pytest.param(roll(XRAY), "shot-lag", XRAY, 4800, id="X-ray flag late by a shot"),
    pytest.param(roll(LASER), "shot-lag", LASER, 4800, id="laser flag late by a shot"),
    pytest.param(flip_flags, "flags-contradict", XRAY, 39, id="wrong flags"),
]


@pytest.mark.parametrize(("change", "code", "field", "count"), CASES)
def test_a_mutation_with_a_second_source_is_named(
    findings: Callable[[Change], list[Finding]],
    change: Change,
    code: str,
    field: str | None,
    count: int | None,
) -> None:
    found = findings(change)
    named = [each for each in found if each.code == code and field in {None, each.field}]
    assert named, found
    assert count in {None, named[0].count}
    assert {each.code for each in found} == {code}, found


def test_the_closed_shutter_is_counted_shot_by_shot(
    findings: Callable[[Change], list[Finding]], clean: Path
) -> None:
    (finding,) = findings(shut)
    with h5py.File(clean) as h5:
        lit = h5[XRAY][2000:2600] == 1
        seen = np.isfinite(h5[I0][2000:2600]) | np.isfinite(h5[OTHER][2000:2600])
    assert finding.count == np.count_nonzero(lit & seen)
    assert "events 2000-2599" in finding.message


def test_what_only_the_sign_of_the_time_tool_could_tell_is_unverified(clean: Path) -> None:
    found = check_physics(open_run(clean))
    unverified = [each for each in found if each.code == "unverified"]
    assert any(each.field == "tt/fltpos_ps" and "sign" in each.message for each in unverified)


def test_segments_of_the_time_tool_are_cuts(clean: Path, tmp_path: Path) -> None:
    path = tmp_path / clean.name
    shutil.copy(clean, path)
    with h5py.File(path, "r+") as h5:
        lock_jump(h5)
    run = open_run(path)
    alignment = run.alignment()
    before, after = alignment.segments
    assert before.cut is not None
    assert after.cut is not None
    assert np.flatnonzero(run.mask(before.cut)).tolist() == list(range(2400))
    assert np.flatnonzero(run.mask(after.cut)).tolist() == list(range(2400, 4800))
    assert after.step == pytest.approx(2.0, abs=5 * after.step_error)
    assert "segment 2" in str(alignment)
    assert "segment 2" in alignment._repr_html_()

"""What cells of common templates and of the delay scan call, on every fault of the catalogue."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.recipes.judging import as_said, judge
from tests.templates.matrix import CleanRuns, Row
from workbench import binning
from workbench.binning import Measured, Parameter
from workbench.binning.verdict import Fitted
from workbench.recipes import browse_pictures, detector_overview, run_summary
from workbench.runs import Channel, Run
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import MaskedCamera

SIGNAL = "epix_1/signal_sum"
ROW = Row(
    faults=tuple(FAULTS),
    places=(("xpp", "lcls2"), ("xpp", "lcls1")),
    made={"n_events": 1800, "camera_every": 1},
    scene=MaskedCamera(bad=77),
)


def counted(**counts: int) -> dict[str, Parameter]:
    return {name: Parameter(count, 0.0, "1") for name, count in counts.items()}


def summary(run: Run) -> Fitted:
    found = run_summary(run)
    late = {one.field.partition("/")[0] for one in run.check() if one.code == "leading-zeros"}
    counts = found.counts  # a detector that came late is in fewer events than it was planted in
    here = {name: counts[name] for name in counts if name.removeprefix("present_") not in late}
    return SimpleNamespace(parameters={**found.parameters, **counted(**here)}, state="", message="")


def timing(run: Run) -> Fitted:
    alignment = run.alignment()
    assert all(lag.follower for lag in alignment.lags)
    counts = {f"events_{name}": int(run.mask(of=name).sum()) for name in ("all", "on", "off")}
    return SimpleNamespace(parameters=counted(**counts), state="", message="")


def i0_study(run: Run) -> Fitted:
    best = binning.i0_report(run, SIGNAL, of="off").best.name
    return binning.linearity(run, SIGNAL, best, None, of="off")


def custom_variable(run: Run) -> Fitted:
    source = next(one.name for one in run.role_fields("i0") if one.name in run)
    reading = run[source].read()
    dark, lit = run.mask(of="dark"), run.mask(wb.xray_on())
    level = binning.mean_of_shots(run, source, dark) if dark.any() else 0.0
    mine = (reading - level) / (binning.mean_of_shots(run, source, lit) - level)
    made = Channel.from_values("mine", mine, unit="1", select=run.mask, why="as in the template")
    run = run.with_channel("mine", made)
    cuts = wb.xray_on() & wb.cut("mine", 0.2, None)
    chosen = run.mask(cuts, of="off")
    edges = binning.edges_by_count(mine[chosen], max(1, int(chosen.sum()) // 8), label=run.label)
    norm = run.channel("i0")
    wb.bin(run, {"mine": edges}, SIGNAL, cuts, norm, of="off", background="dark")
    spread = binning.relative_spread(mine[lit])
    return Measured({"i0_spread": spread}, label=run.label)


def delay_scan(run: Run) -> Fitted:
    cuts = wb.xray_on() & wb.cut("i0", 0.0, None)
    cuts &= wb.cut("tt_amplitude", 0.005, 0.19, scope="on")
    cuts &= wb.cut("tt_width", 60.0, 250.0, scope="on")
    delay = run.delay(time_tool=True)
    run = run.with_channel("delay", delay)
    low, high = binning.measured_range(run, delay, cuts, of="on")
    edges = binning.edges_by_width(low, high, 0.1)
    binned = binning.on_off(run, {"delay": edges}, SIGNAL, where=cuts, by="i0")
    return binning.fit_kinetics(binned, "relative")


def overview(run: Run) -> Fitted:
    found = detector_overview(run)["epix_1"]
    exact = {"bad_pixels": found.bad_pixels, "noise": found.median_noise}
    known = {name: value for name, value in exact.items() if value is not None}
    return SimpleNamespace(parameters=counted(**known), state="", message="")


def browsing(run: Run) -> Fitted:
    browse_pictures(run)
    counts = counted(events_all=run.n_events)
    return SimpleNamespace(parameters=counts, state="", message="")


ANALYSES: tuple[Callable[[Run], Fitted], ...] = (
    summary,
    timing,
    i0_study,
    custom_variable,
    delay_scan,
    overview,
    browsing,
)


@pytest.fixture(scope="module")
def clean_runs(module_folder: ModuleFolder) -> CleanRuns:
    return CleanRuns(module_folder("clean"))


@pytest.mark.faults
@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_run_gives_true_numbers_a_finding_or_a_refusal(
    name: str, tmp_path: Path, clean_runs: CleanRuns
) -> None:
    place, injected = ROW.spoil(name, tmp_path, clean_runs)
    code = FAULTS[name].expected(*place, ROW.style_for(place, name))
    with injected:
        ended = {one.__name__: judge(injected.paths[0], code, one) for one in ANALYSES}
    assert not {recipe: how for recipe, how in ended.items() if not as_said(recipe, name, how)}


def test_without_a_fault_all_numbers_are_true(tmp_path: Path) -> None:
    file = ROW.write(ROW.places[0], tmp_path)
    ended = {one.__name__: judge(file, "", one) for one in ANALYSES}
    assert ended == {one.__name__: "true" for one in ANALYSES}

"""The same twelve lines analyse a delay scan of every hutch, DAQ generation and writer."""

from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench import plots
from workbench.binning import verdict
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.station import GENERATIONS, HUTCHES, station

TWELVE_LINES = """
import workbench as wb
from workbench import plots
from workbench.binning import edges_by_width, fit_kinetics, on_off

run = wb.open_run(path)
good = wb.cut("i0", 0, None) & run.default_cuts()
lost = run.tally(good)
delay = run.delay(time_tool=True)
edges = edges_by_width(-1.1, 3.1, 0.1)
curve = wb.bin(run, {"delay": edges}, ["signal"], where=good & wb.laser_on(), by="i0")
pumped = on_off(run, {"delay": edges}, "signal", good)
fit = fit_kinetics(pumped)
picture = plots.delay_scan(pumped, fit)
"""


PLACES = [
    # The facility's layouts once a generation in every run of the tests, all of them in the long.
    pytest.param(
        hutch,
        generation,
        style,
        marks=[pytest.mark.long] if (style == "facility" and hutch != "xpp") else [],
    )
    for hutch in HUTCHES
    for generation in GENERATIONS
    for style in ("ours", "facility")
]


@pytest.mark.parametrize(("hutch", "generation", "style"), PLACES)
def test_twelve_lines_recover_the_planted_truth(
    tmp_path: Path, hutch: str, generation: str, style: str
) -> None:
    spec = PumpProbe(experiment=f"{hutch}syn0126", seed=7, n_events=2400)
    place = station(hutch, generation)
    settings = f'version = 1\n[channels]\nsignal = "{place.spot}/signal_sum"\n'
    (tmp_path / "experiment.toml").write_text(settings)
    path = write_small_data(spec, tmp_path, generation=generation, style=style)
    made = {"path": path}
    exec(TWELVE_LINES, made)
    run, fit, curve = made["run"], made["fit"], made["curve"]

    judged = verdict(fit, run.truth).as_dicts()
    assert [row["quantity"] for row in judged] == ["t0", "tau", "amplitude", "sigma"]
    assert all(row["within 3 errors"] for row in judged), judged
    assert abs(fit.t0.value - spec.t0) < 0.03
    assert abs(fit.amplitude.value - spec.amplitude) < 0.03
    assert run.role("i0").name == place.monitor("upstream")
    late = curve["signal"].values[-3:].mean() / curve["signal"].values[:5].mean() - 1
    assert 0 < late < 0.3 * spec.amplitude  # decayed, but not gone
    assert made["picture"].axes[2].get_xlabel() == plots.DELAY_LABEL
    assert {"0 <= i0"} <= {row["cut"] for row in made["lost"].as_dicts()}
    assert np.isfinite(made["delay"].read()).sum() > 0.5 * spec.n_events


def test_the_same_lines_analyse_two_runs_as_one(tmp_path: Path) -> None:
    settings = 'version = 1\n[channels]\nsignal = "epix_1/signal_sum"\n'
    (tmp_path / "experiment.toml").write_text(settings)
    specs = [
        PumpProbe(experiment="xppsyn0126", run=run, seed=run, n_events=1200) for run in (14, 15)
    ]
    paths = [write_small_data(spec, tmp_path) for spec in specs]
    made = {"path": paths}
    exec(TWELVE_LINES.replace("open_run(", "open_runs("), made)
    assert len(made["delay"]) == 2400
    assert abs(made["fit"].t0.value - specs[0].t0) < 3 * made["fit"].t0.error
    assert abs(made["fit"].amplitude.value - specs[0].amplitude) < 3 * made["fit"].amplitude.error


def test_they_are_twelve_lines() -> None:
    assert len([line for line in TWELVE_LINES.splitlines() if line]) == 12
    assert wb.__version__

"""The errors are honest: over many made-up runs, deviations are as large as stated."""

from pathlib import Path
from shutil import rmtree

import pytest

from tests.pulls import assert_honest
from workbench.binning import KineticsFit, edges_by_width, fit_kinetics, on_off, verdict
from workbench.runs import Truth, cut, open_run
from workbench.synthetic import PumpProbe, write_small_data

SELECTION = (
    cut("i0", 1e-7)
    & cut("tt/ampl", 0.005, 0.19, scope="on")
    & cut("tt/fltposfwhm", 60, 250, scope="on")
)


def fitted(spec: PumpProbe, folder: Path) -> tuple[KineticsFit, Truth]:
    run = open_run(write_small_data(spec, folder))
    assert run.truth is not None
    edges = edges_by_width(spec.delay_first - 0.1, spec.delay_last + 0.1, 0.1)
    binned = on_off(run, {"delay": edges}, "epix_1/signal_sum", SELECTION)
    return fit_kinetics(binned), run.truth


@pytest.mark.parametrize("scan", ["step", "fast"])
def test_one_run_gives_the_truth_back_within_three_errors(tmp_path: Path, scan: str) -> None:
    fit, truth = fitted(PumpProbe(seed=7, scan=scan), tmp_path)
    assert fit.converged, fit.message
    table = verdict(fit, truth)
    assert [row["quantity"] for row in table.as_dicts()] == ["t0", "tau", "amplitude", "sigma"]
    assert all(row["within 3 errors"] for row in table.as_dicts()), str(table)


@pytest.mark.long
@pytest.mark.parametrize(
    ("scan", "events", "runs"),
    [("step", 3000, 100), ("fast", 3000, 100), ("step", 1500, 150), ("step", 12_000, 200)],
)
def test_pulls_over_a_hundred_runs_have_zero_mean_and_unit_width(
    tmp_path: Path, scan: str, events: int, runs: int
) -> None:
    """In runs of 1500 events a bin holds six shots; of every six such runs one fixes too little.

    Of 12,000 events there are 200: chance has the first hundred's mean of time zero at -0.36.
    """
    pulls = []
    for seed in range(runs):
        folder = tmp_path / str(seed)
        fit, truth = fitted(PumpProbe(seed=seed, scan=scan, n_events=events), folder)
        rmtree(folder)  # a hundred of them would fill a small disk
        if fit.converged:
            pulls.append([row["pull"] for row in verdict(fit, truth).as_dicts()])
    assert len(pulls) >= (runs if events >= 3000 else 0.75 * runs)
    assert_honest(pulls, ("t0", "tau", "amplitude", "sigma"))

"""The errors are honest: over many made-up runs, deviations are as large as stated."""

from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from workbench.binning import edges_by_width, fit_kinetics, on_off, verdict
from workbench.core.table import Table
from workbench.runs import cut, open_run
from workbench.synthetic import PumpProbe, write_small_data

SELECTION = (
    cut("i0", 1e-7)
    & cut("tt/ampl", 0.005, 0.19, scope="on")
    & cut("tt/fltposfwhm", 60, 250, scope="on")
)


def judged(spec: PumpProbe, folder: Path) -> Table:
    run = open_run(write_small_data(spec, folder))
    assert run.truth is not None
    edges = edges_by_width(spec.delay_first - 0.1, spec.delay_last + 0.1, 0.1)
    binned = on_off(run, {"delay": edges}, "epix_1/signal_sum", SELECTION)
    fit = fit_kinetics(binned)
    assert fit.converged, fit.message
    return verdict(fit, run.truth)


@pytest.mark.parametrize("scan", ["step", "fast"])
def test_one_run_gives_the_truth_back_within_three_errors(tmp_path: Path, scan: str) -> None:
    table = judged(PumpProbe(seed=7, scan=scan), tmp_path)
    assert [row["quantity"] for row in table.as_dicts()] == ["t0", "tau", "amplitude", "sigma"]
    assert all(row["within 3 errors"] for row in table.as_dicts()), str(table)


@pytest.mark.long
@pytest.mark.parametrize("scan", ["step", "fast"])
def test_pulls_over_a_hundred_runs_have_zero_mean_and_unit_width(tmp_path: Path, scan: str) -> None:
    pulls = []
    for seed in range(100):
        folder = tmp_path / str(seed)
        table = judged(PumpProbe(seed=seed, scan=scan), folder)
        pulls.append([row["pull"] for row in table.as_dicts()])  # t0, tau, amplitude, sigma
        rmtree(folder)  # a hundred of them would fill a small disk
    mean, width = np.mean(pulls, axis=0), np.std(pulls, axis=0, ddof=1)
    assert abs(mean).max() <= 0.3, mean
    assert width.min() >= 0.8, width
    assert width.max() <= 1.25, width

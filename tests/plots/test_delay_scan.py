"""The picture of a delay scan shows what was binned and what was fitted."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench import plots
from workbench.binning import edges_by_width, fit_kinetics, on_off
from workbench.runs import open_run
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data


@pytest.fixture(scope="module")
def binned(module_folder: ModuleFolder):
    folder: Path = module_folder("scan")
    run = open_run(write_small_data(PumpProbe(n_events=2000, n_steps=21), folder))
    return on_off(run, {"delay": edges_by_width(-1.2, 3.2, 0.2)}, "epix_1/signal_sum")


def test_the_picture_shows_the_binned_numbers_and_the_fit(binned) -> None:
    fit = fit_kinetics(binned, "relative")
    picture = plots.delay_scan(binned, fit)
    top, middle, bottom = picture.axes
    assert bottom.get_xlabel() == plots.DELAY_LABEL
    assert "[10⁹ keV/J]" in top.get_ylabel()
    assert "on / off - 1 [1]" in middle.get_ylabel()
    on = next(line for line in top.lines if len(line.get_xdata()) > 5)
    there = np.isfinite(binned["on"].values)
    np.testing.assert_allclose(on.get_ydata(), binned["on"].values[there])
    drawn = next(line for line in middle.lines if len(line.get_xdata()) > 400)
    np.testing.assert_allclose(drawn.get_ydata(), fit.curve(drawn.get_xdata()))
    assert "t0 = " in middle.get_legend().get_texts()[0].get_text()
    assert "scan/lxt_ttc" in picture.get_supxlabel()


def test_residuals_scatter_by_about_their_errors(binned) -> None:
    fit = fit_kinetics(binned, "relative")
    points = plots.delay_scan(binned, fit).axes[2].lines[-1].get_ydata()
    assert len(points) == fit.used
    assert 0.5 * fit.dof < np.sum(points**2) < 2 * fit.dof


def test_without_a_fit_there_are_no_residuals(binned) -> None:
    assert len(plots.delay_scan(binned).axes) == 2

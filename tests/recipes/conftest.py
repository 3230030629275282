"""Made-up runs that several tests of recipes read; nobody changes them."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.binning.verdict import Fitted
from workbench.core.errors import WorkbenchError
from workbench.core.findings import Severity
from workbench.runs import Run, check_path, read_truth, truth_path
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import LiquidScattering

NAMED = {"inconsistent", "no-signal", "degenerate", "not-converged", "poor-fit"}

LIQUID = PumpProbe(
    n_events=2400, jungfrau_every=1, n_steps=11, delay_first=-0.6, delay_last=2.4, missing=0.0
)


@pytest.fixture(scope="session")
def liquid(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("liquid")
    return wb.open_run(write_small_data(LIQUID, folder, scene=LiquidScattering()))


Analyse = Callable[[Run], Fitted]
Meet = Callable[[str, Path, Analyse], str]


@pytest.fixture
def meet(tmp_path: Path) -> Meet:
    """Put a fault into a copy of a clean file and analyse it; how that ended, see `judge`."""

    def run(name: str, clean: Path, analyse: Analyse) -> str:
        file = tmp_path / clean.name
        for path in (clean, truth_path(clean)):
            shutil.copy(path, tmp_path / path.name)
        with FAULTS[name].inject(file, np.random.default_rng(7)):
            return judge(file, FAULTS[name].code, analyse)

    return run


@cache
def loud(file: Path) -> frozenset[str]:
    """Return the codes of warnings and errors that the check of a file gives."""
    found = check_path(file)
    return frozenset(one.code for one in found if one.severity is not Severity.INFO)


def judge(file: Path, code: str, analyse: Analyse) -> str:
    """Analyse a file with a fault; how that ended.

    "true": all numbers within 5 errors of the truth; "refused": by an error of ours that says what
    to do; "told": a number is wrong, and the result's state or a loud finding says so. Anything
    else fails the test.
    """
    truth = read_truth(file)
    assert truth is not None
    refusal, found = "", None
    try:
        found = analyse(wb.open_run(file))
    except WorkbenchError as error:
        refusal = str(error)
    if found is None:
        assert len(refusal.split()) >= 5, refusal
        return "refused"
    wrong = {
        name: one
        for name, one in found.parameters.items()
        if name in truth
        and not isinstance(truth[name].value, tuple)
        and not abs(one.value - truth[name].value) <= 5 * one.error
    }
    if not wrong:
        return "true"
    if found.state not in NAMED:
        assert code in loud(file), (wrong, found.state)
    return "told"

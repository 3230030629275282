"""Made-up runs that several tests of recipes read; nobody changes them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.recipes.judging import OF_PARTS, Analyse, Made, as_said, judge, write_in_parts
from workbench.runs import Run, truth_path
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import LiquidScattering

LIQUID = PumpProbe(
    n_events=2400, jungfrau_every=1, n_steps=11, delay_first=-0.6, delay_last=2.4, missing=0.0
)


@pytest.fixture(scope="session")
def liquid(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("liquid")
    return wb.open_run(write_small_data(LIQUID, folder, scene=LiquidScattering()))


Meet = Callable[..., None]


@pytest.fixture
def meet(tmp_path: Path) -> Meet:
    """Put a fault into a copy of a clean file and analyse it: it must end as `outcomes.toml` says.

    `made` is what the file was made of: faults of files in parts get another one made of it.
    """

    def run(
        recipe: str, fault: str, clean: Path, analyse: Analyse, made: Made, **known: object
    ) -> None:
        file = tmp_path / clean.name
        if fault in OF_PARTS:
            write_in_parts(made, tmp_path)
        else:
            for path in (clean, truth_path(clean)):
                shutil.copy(path, tmp_path / path.name)
        with FAULTS[fault].inject(file, np.random.default_rng(7)):
            ended = judge(file, FAULTS[fault].code, analyse, **known)
        assert as_said(recipe, fault, ended), f"{recipe} on {fault}: {ended}"

    return run

"""Made-up runs that several tests of recipes read; nobody changes them."""

from pathlib import Path

import pytest

import workbench as wb
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import LiquidScattering

LIQUID = PumpProbe(
    n_events=2400, jungfrau_every=1, n_steps=11, delay_first=-0.6, delay_last=2.4, missing=0.0
)


@pytest.fixture(scope="session")
def liquid(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("liquid")
    return wb.open_run(write_small_data(LIQUID, folder, scene=LiquidScattering()))

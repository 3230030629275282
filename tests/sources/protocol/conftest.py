"""One run, read by each source: the native reader here, psana in its own environment."""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # what the tests share lies beside them

from written_run import WrittenRun, written

from workbench.sources import RawRun, open_raw
from workbench.sources.psana.library import psana

NATIVE, PSANA = "xtc2", "psana"
Open = Callable[..., RawRun]


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> WrittenRun:
    """What the run holds, and its folder."""
    return written(tmp_path_factory.mktemp("protocol"))


@pytest.fixture(scope="session")
def psana_here() -> None:
    """psana, loaded once: packages that it brings use outdated modules."""
    with warnings.catch_warnings(action="ignore"):
        psana("psana")


@pytest.fixture(scope="session", params=[NATIVE, pytest.param(PSANA, marks=pytest.mark.oracle)])
def source(request: pytest.FixtureRequest) -> str:
    """The name of a source."""
    if request.param == PSANA:
        request.getfixturevalue("psana_here")
    return str(request.param)


@pytest.fixture(scope="session")
def opened(source: str) -> Open:
    """Function that opens raw runs with one of the sources."""
    return partial(open_raw, source=source)


@pytest.fixture(scope="session")
def run(opened: Open, truth: WrittenRun) -> RawRun:
    """The run as one of the sources reads it."""
    return opened(truth.folder)

"""What all benchmarks share: the table of ratios at the end, the environment of psana."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # what the benchmarks share lies beside them

from ratios import Ratios

_RATIOS = Ratios()


@pytest.fixture(scope="session")
def ratios() -> Ratios:
    """The table of ratios."""
    return _RATIOS


@pytest.fixture(scope="session")
def oracle_python() -> str:
    """The python of the environment that tests/oracle/install.sh makes."""
    python = os.environ.get("WORKBENCH_ORACLE_PYTHON", "")
    if not python:
        pytest.skip("no psana: set WORKBENCH_ORACLE_PYTHON, or call make bench")
    return python


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _RATIOS.rows:
        terminalreporter.section("ratios")
        for line in _RATIOS.lines():
            terminalreporter.write_line(line)

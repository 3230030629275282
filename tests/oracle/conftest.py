"""Runs psana in its own environment, once for all tests, and hands out what it read."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))  # what the tests share lies beside them

from psana_files import EXPERIMENT, FILE_NUMBER, INTEGRATING, NO_RUN, OLD, RUNS

DUMP = Path(__file__).with_name("psana_dump.py")
Lines = list[dict[str, Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.oracle)


@pytest.fixture(scope="session")
def oracle_python() -> str:
    """The python of the environment that tests/oracle/install.sh makes."""
    python = os.environ.get("WORKBENCH_ORACLE_PYTHON", "")
    if not python:
        if os.environ.get("WORKBENCH_REQUIRE_DATA"):
            pytest.fail("no psana: set WORKBENCH_ORACLE_PYTHON, or call make oracle")
        pytest.skip("no psana: set WORKBENCH_ORACLE_PYTHON, or call make oracle")
    return python


@pytest.fixture(scope="session")
def xtc2_data() -> Path:
    """The folder with psana's own test files."""
    folder = Path(os.environ.get("WORKBENCH_TEST_DATA", "")) / "xtc2"
    if not folder.is_dir():
        if os.environ.get("WORKBENCH_REQUIRE_DATA"):
            pytest.fail(f"no test data in {folder}: set WORKBENCH_TEST_DATA")
        pytest.skip("no test data: set WORKBENCH_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def ask_psana(
    oracle_python: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[list[dict[str, Any]]], list[Lines]]:
    """Function of a list of targets (see psana_dump.py), to the lines psana gave for each."""

    def ask(targets: list[dict[str, Any]]) -> list[Lines]:
        folder = tmp_path_factory.mktemp("psana")
        plan = [
            {**target, "output": str(folder / f"{number}.jsonl")}
            for number, target in enumerate(targets)
        ]
        (folder / "plan.json").write_text(json.dumps(plan))
        done = subprocess.run(
            [oracle_python, DUMP, folder / "plan.json"],
            env={**os.environ, "PS_PARALLEL": "none"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return [
            [json.loads(line) for line in Path(target["output"]).read_text().splitlines()]
            for target in plan
        ]

    return ask


@pytest.fixture(scope="session")
def psana_runs(
    xtc2_data: Path, ask_psana: Callable[[list[dict[str, Any]]], list[Lines]]
) -> dict[str, Lines]:
    """What psana reads in each folder and file: runs, events, slow values, steps."""
    names = [*RUNS, NO_RUN, OLD]
    targets: list[dict[str, Any]] = []
    folder = {"exp": EXPERIMENT, "run": FILE_NUMBER}
    for name in names:
        path = xtc2_data / name
        more = {"kind": "folder", **folder} if path.is_dir() else {"kind": "file"}
        targets.append({"path": str(path), **more})
    batches = {"kind": "batches", "path": str(xtc2_data / INTEGRATING[0]), **folder}
    targets.append({**batches, "intg_det": INTEGRATING[1]})
    targets.append({"kind": "datagrams", "path": str(xtc2_data / NO_RUN)})
    return dict(zip([*names, "batches", "datagrams"], ask_psana(targets), strict=True))

"""Shared fixtures: the folder with large real files."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the folder that WORKBENCH_TEST_DATA names; a wrong one is an error.

    Without the variable the test is skipped, or fails where WORKBENCH_REQUIRE_DATA is 1.
    """
    name = os.environ.get("WORKBENCH_TEST_DATA")
    if name is None:
        reason = "needs real files: set WORKBENCH_TEST_DATA to the folder that holds them"
        if os.environ.get("WORKBENCH_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(name)
    if not folder.is_dir():
        pytest.fail(f"WORKBENCH_TEST_DATA names {folder}, which is not a folder")
    return folder

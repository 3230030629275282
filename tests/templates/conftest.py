"""Templates, run as a user would run them: by name, on one file, as a batch."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.templates.matrix import CleanRuns
from workbench.batch import BatchItem, BatchRequest, find_template, run_batch

Value = str | float | bool | None
RunTemplate = Callable[..., BatchItem]


@pytest.fixture
def run_template(tmp_path: Path) -> RunTemplate:
    """Run a template over the first run of a file; the item that the batch made of it."""

    def run(name: str, file: Path, run: int = 1, **values: Value) -> BatchItem:
        request = BatchRequest(find_template(name), (run,), tmp_path / "out", values, input=file)
        (item,) = run_batch(request)
        return item

    return run


@pytest.fixture(scope="session")
def clean_runs(tmp_path_factory: pytest.TempPathFactory) -> CleanRuns:
    """Runs that tests of this process spoil copies of."""
    return CleanRuns(tmp_path_factory.mktemp("clean"))

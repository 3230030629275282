"""Kernels that are forked from a process which has done their imports: as new as any other."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from workbench.batch import BatchRequest, find_template, run_batch

from .conftest import write_template

PARAMETERS = 'run: int = 0  # [1] run number\nsmall_data: str = ""  # file with small data'
LOOKS = (
    "import os, sys\n\nneeded = {'workbench.recipes', 'workbench.widgets', 'lmfit'}\n"
    "there = needed <= {*sys.modules}",
    "import random, tempfile\n\nimport numpy as np\n\nimport workbench as wb\n"
    "kept = tempfile.TemporaryDirectory()",
    "wb.publish('there', there)\nwb.publish('folder', os.getcwd())\nwb.publish('kept', kept.name)\n"
    "wb.publish('leads', os.getpgid(0) == os.getpid())\n"
    "wb.publish('told', os.environ['MY_VALUE'])\n"
    "wb.publish('drawn', np.random.random())\nwb.publish('drawn_by_python', random.random())",
    "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])",
)
WAITS = (
    "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))",
    "time.sleep(90)",
)
BATCH = """
import sys
from pathlib import Path
from workbench.batch import BatchRequest, find_template, run_batch
folder = Path(sys.argv[1])
request = BatchRequest(find_template(folder / "waits.ipynb"), (1,), folder / "out", input=folder)
print(run_batch(request)[0])
"""
AFTER_PRODUCING = """
from workbench.core.local_workers import start_server
start_server(("workbench.producer.loop",))
"""


def test_a_forked_kernel_is_as_new_as_one_started_from_nothing(
    small_data: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = find_template(write_template(tmp_path / "looks.ipynb", PARAMETERS, LOOKS, "Looks"))
    for run in (1, 2):
        small_data(run)
    values, pages = [], []
    for run in (1, 2):
        monkeypatch.setenv("MY_VALUE", f"of run {run}")
        (item,) = run_batch(BatchRequest(template, (run,), tmp_path / "out", input=tmp_path))
        assert (item.state, item.error) == ("done", "")
        values.append({name: result["value"] for name, result in item.results.items()})
        pages.append(Path(item.report).read_text())
    for run, found in enumerate(values, start=1):
        assert (found["there"], found["leads"]) == (True, True)
        assert (found["folder"], found["told"]) == (str(tmp_path / "out"), f"of run {run}")
        assert not Path(str(found["kept"])).exists()  # what is to be done at exit was done
    for name in ("drawn", "drawn_by_python"):
        assert values[0][name] != values[1][name]
    assert all("data:image/png" in page for page in pages)  # figures of pyplot are shown


@pytest.mark.notebook
def test_a_kernel_ends_with_the_batch_that_was_killed(
    small_data: Callable[[int], Path], tmp_path: Path
) -> None:
    write_template(tmp_path / "waits.ipynb", PARAMETERS, WAITS, "Waits")
    small_data(1)
    told = tmp_path / "out" / "pid"
    with subprocess.Popen([sys.executable, "-c", BATCH, str(tmp_path)]) as batch:
        try:
            wait_for(lambda: told.exists() and told.read_text())
        finally:
            batch.send_signal(signal.SIGKILL)
    kernel = int(told.read_text())
    wait_for(lambda: not alive(kernel))


@pytest.mark.notebook
def test_a_kernel_is_forked_from_a_server_that_was_started_for_other_work(
    small_data: Callable[[int], Path], tmp_path: Path
) -> None:
    write_template(tmp_path / "waits.ipynb", PARAMETERS, ("_ = 1",), "Quick")
    small_data(1)
    command = [sys.executable, "-c", AFTER_PRODUCING + BATCH, str(tmp_path)]
    plain = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    done = subprocess.run(command, check=True, env=plain, capture_output=True, text=True)
    assert "state='done'" in done.stdout


def alive(process: int) -> bool:
    return psutil.pid_exists(process) and psutil.Process(process).status() != "zombie"


def wait_for(check: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not check():
        assert time.monotonic() < end
        time.sleep(0.1)

"""What happens to the machine while a run is produced: kills, full disks, forbidden folders."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.atomic import CannotWriteError
from workbench.producer import produce

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # s
EVENTS = 1100  # five units of work


def command(made: Any, output: Path, *more: object) -> list[str]:
    return [
        sys.executable, "-m", "workbench", "produce", "--experiment", "xpplx1234", "--run", "7",
        "--xtc", str(made.folder), "--config", str(made.config), "--constants",
        str(made.constants), "--output", str(output), *map(str, more),
    ]  # fmt: skip


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            found[name] = item[()]

    with h5py.File(path) as h5:
        h5.visititems(note)
    return found


def assert_same(first: Path, second: Path) -> None:
    one, two = content(first), content(second)
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name], err_msg=name)


def workers_of(pid: int) -> list[int]:
    """Return the workers of a production: they are forked by a server, a child of its process."""
    return [worker for server in children(pid, b"forkserver") for worker in children(server)]


def children(pid: int, word: bytes = b"") -> list[int]:
    """Return the children of a process whose command line has this word in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status, line = (entry / "status").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue  # ended while we looked
        if f"PPid:\t{pid}\n" in status and word in line:
            found.append(int(entry.name))
    return found


def wait_for(what: Any) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@pytest.fixture(scope="module")
def long_run(make_run: Any, module_folder: ModuleFolder) -> Any:
    return make_run(module_folder("long"), events=EVENTS)


@pytest.fixture(scope="module")
def undisturbed(long_run: Any, module_folder: ModuleFolder) -> Path:
    return produce(long_run.request(module_folder("undisturbed"))).output


@pytest.fixture
def started(long_run: Any, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(long_run, tmp_path, "--workers", 2, "--json"), cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def test_a_killed_production_leaves_no_file_and_its_rerun_gives_the_same(
    started: subprocess.Popen[str], long_run: Any, undisturbed: Path, tmp_path: Path
) -> None:
    target = tmp_path / undisturbed.name
    wait_for(lambda: list(tmp_path.glob(".*.parts/*/unit_*.part")))
    started.send_signal(signal.SIGSTOP)  # it is nearly done
    workers = workers_of(started.pid)
    assert workers
    started.kill()
    started.wait()
    assert not target.exists()
    assert list(tmp_path.glob(".*.parts/*/unit_*.part"))
    wait_for(lambda: not [pid for pid in workers if Path(f"/proc/{pid}").exists()])
    produce(long_run.request(tmp_path))
    assert_same(target, undisturbed)
    assert list(tmp_path.iterdir()) == [target]


def test_two_workers_give_the_same_bits_even_if_one_is_killed(
    long_run: Any, undisturbed: Path, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_once(done: int, total: int) -> None:
        if not killed and done < total:
            killed.append(workers_of(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)

    result = produce(long_run.request(tmp_path, workers=2), kill_once)
    assert killed
    assert result.n_events == EVENTS
    assert_same(result.output, undisturbed)
    assert list(tmp_path.iterdir()) == [result.output]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_that_comes_where_python_loses_it_leaves_units_to_resume(
    workers: int, long_run: Any, undisturbed: Path, tmp_path: Path
) -> None:
    words = command(long_run, tmp_path, "--workers", workers)
    line = [sys.executable, str(Path(__file__).with_name("lost_signal.py")), str(tmp_path)]
    done = subprocess.run(
        [*line, *words[3:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Exception ignored in: <function ask" in done.stderr
    assert "stopped; add --resume" in done.stderr
    assert done.returncode == 128 + signal.SIGTERM
    assert not (tmp_path / undisturbed.name).exists()
    result = produce(long_run.request(tmp_path, resume=True))
    assert result.resumed >= 256  # a unit of work
    assert_same(result.output, undisturbed)
    assert list(tmp_path.iterdir()) == [result.output]


def test_a_folder_of_somebody_else_is_refused(made: Any, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs a folder that belongs to another user: only root can make one")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o755)
    os.chown(locked, 65534, 65534)
    # Root without the privilege to write everywhere is a user like any other.
    like_a_user = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    refused = subprocess.run(
        [*like_a_user, *command(made, locked)], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert refused.returncode == 1, refused.stderr
    assert "no permission to write in" in refused.stderr
    assert "locked" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_leaves_nothing_under_the_final_name(
    made: Any, tiny_disk: Callable[[str], Path], workers: int
) -> None:
    small_disk = tiny_disk("size=1m")
    request = made.request(small_disk, detectors=("tiles",), workers=workers)
    with pytest.raises(CannotWriteError, match="Free space"):
        produce(request)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_quota_that_is_reached_is_named_and_costs_nothing_once_it_is_raised(
    made: Any, quota: Callable[[str], Path], workers: int, tmp_path: Path
) -> None:
    folder = quota("2M")
    request = made.request(folder, detectors=("tiles",), workers=workers)
    with pytest.raises(CannotWriteError, match=r"quota exceeded .*workbench quota"):
        produce(request)
    assert list(folder.iterdir()) == []
    quota("none")
    found = content(produce(request).output)
    expected = content(produce(made.request(tmp_path / "free", detectors=("tiles",))).output)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)

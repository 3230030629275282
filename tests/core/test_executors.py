import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.core.errors import InputError
from workbench.core.executors import run_all, team_ahead
from workbench.core.workers import LostWorkerError, Workers


def square(number: int) -> int:
    return number * number


def die_once(marker: str) -> str:
    path = Path(marker)
    if not path.exists():
        path.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def name_worker(_: int) -> int:
    return os.getpid()


def die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_comes_back_with_its_result(workers: int) -> None:
    assert dict(run_all(square, range(5), workers=workers)) == {n: n * n for n in range(5)}


def test_a_killed_worker_costs_one_retry(tmp_path: Path) -> None:
    marker = str(tmp_path / "died")
    assert list(run_all(die_once, [marker], workers=2)) == [(marker, "survived")]


def test_an_item_that_kills_twice_is_named() -> None:
    with pytest.raises(LostWorkerError, match="unit 7"):
        list(run_all(die, ["unit 7"], workers=2))


def test_workers_started_ahead_do_the_work_and_have_ended_after_it() -> None:
    with team_ahead(Workers("local", 2), (), 2) as ahead:
        found = run_all(name_worker, range(6), workers=2, ahead=ahead)
        workers = {worker for _, worker in found}
    assert 1 <= len(workers) <= 2
    assert os.getpid() not in workers
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_a_worker_started_ahead_that_is_killed_costs_one_retry(tmp_path: Path) -> None:
    marker = str(tmp_path / "died")
    with team_ahead(Workers("local", 2), (), 2) as ahead:
        done = list(run_all(die_once, [marker], workers=2, ahead=ahead))
    assert done == [(marker, "survived")]


def test_nobody_is_started_ahead_where_one_process_does_the_work() -> None:
    with team_ahead(Workers("local", 1), (), 2) as ahead:
        assert ahead is None


def test_nothing_to_do_is_no_error() -> None:
    assert list(run_all(square, [], workers=2)) == []


@pytest.mark.parametrize("text", [
    "local:4", "dask:local:2", "dask:tcp://10.0.0.1:8786", "mpi",
    "slurm:workers=8,partition=milano,account=lcls:xpplx1234,time=00:10:00,memory=2GB",
])  # fmt: skip
def test_workers_are_told_by_a_text_and_tell_it(text: str) -> None:
    assert str(Workers.parse(text)) == text


@pytest.mark.parametrize(("text", "message"), [
    ("locall:4", "write local:N"), ("local:0", "from 1, not '0'"), ("local:", "not ''"),
    ("mpi:3", "write local:N"), ("slurm:partion=milano", "did you mean 'partition'"),
    ("slurm:memory", "write memory=VALUE"), ("dask:local:two", "not 'two'"),
])  # fmt: skip
def test_a_text_that_names_no_workers_is_refused_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Workers.parse(text)


NO_GUARD = """
from math import factorial
from workbench.core.errors import InputError
from workbench.core.executors import run_all, team_ahead

print("begun")
print(sorted(result for _, result in run_all(factorial, range(4), workers=2)))
"""


def test_a_script_may_fan_out_on_its_top_level(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(NO_GUARD)
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "begun\n[1, 1, 2, 6]\n"


IDLE_WORKER_KILLED = """
import os, signal, time
from workbench.core.local_workers import local_pool

def name_yourself(_):
    time.sleep(0.5)
    return os.getpid()

if __name__ == "__main__":
    for victim in (0, 1):
        with local_pool(2) as pool:
            workers = sorted(set(pool.map(name_yourself, range(2))))
            assert len(workers) == 2
            time.sleep(0.3)  # both wait for work, one of them with the lock in its hand
            os.kill(workers[victim], signal.SIGKILL)
    print("ended")
"""


def test_a_pool_ends_even_if_an_idle_worker_died_with_the_lock(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(IDLE_WORKER_KILLED)
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "ended\n"

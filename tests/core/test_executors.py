import os
import signal
from pathlib import Path

import pytest

from workbench.core.executors import LostWorkerError, run_all


def square(number: int) -> int:
    return number * number


def die_once(marker: str) -> str:
    path = Path(marker)
    if not path.exists():
        path.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


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


def test_nothing_to_do_is_no_error() -> None:
    assert list(run_all(square, [], workers=2)) == []

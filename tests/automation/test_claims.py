"""Claims: one watcher makes a page, and what a killed one left is taken over."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.automation.conftest import Clock
from workbench.automation.claims import STALE_AFTER, Claim, ClaimLostError, Claims

KILLED = """
import os, sys
from pathlib import Path
from workbench.automation.claims import Claims
claims = Claims(Path(sys.argv[1]))
for run in (3, 4):
    claim = claims.take(run)
    (claim.folder / "Page_Run0003").mkdir()
    (claim.folder / "Page_Run0003" / "report.html").write_text("half")
os.kill(os.getpid(), 9)
"""
ELSEWHERE = "other-host-12345678-42.17.1000.abcdef"


def killed(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert done.returncode == -9


def elsewhere(folder: Path) -> Path:
    """Put a claim of a watcher on another machine there."""
    held = folder / "Run0003" / ELSEWHERE
    held.mkdir(parents=True)
    (held / "alive").touch()
    return held


def test_one_watcher_has_a_claim_until_it_gives_it_up(tmp_path: Path) -> None:
    first, second = Claims(tmp_path), Claims(tmp_path)
    claim = first.take(3)
    assert claim is not None
    assert second.take(3) is None
    other = second.take(4)
    assert other is not None
    claim.release()
    other.release()
    assert list(tmp_path.iterdir()) == []
    assert second.take(3) is not None


def test_what_a_killed_watcher_left_is_taken_over_at_once_and_emptied(tmp_path: Path) -> None:
    killed(tmp_path)
    claims = Claims(tmp_path)
    claim = claims.take(3)
    assert claim is not None
    assert [path.name for path in claim.folder.iterdir()] == ["alive"]
    (tmp_path / ".new-gone-1.2.3.abcdef").mkdir()  # of another machine: cannot be judged
    claims.clear()
    assert claims.take(3) is None  # not cleared: its owner lives
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-gone-1.2.3.abcdef", "Run0003"]


def test_a_claim_of_another_machine_is_taken_over_when_it_gives_no_sign_for_long(
    tmp_path: Path,
) -> None:
    held, clock = elsewhere(tmp_path), Clock()
    claims = Claims(tmp_path, clock)
    for _ in range(5):
        assert claims.take(3) is None
        clock.time += STALE_AFTER - 1
        Claim(held).beat()  # it lives
    assert claims.take(3) is None
    clock.time += STALE_AFTER - 1
    assert claims.take(3) is None
    clock.time += 1
    assert claims.take(3) is not None


def test_who_lost_a_claim_can_publish_nothing(tmp_path: Path) -> None:
    held, clock = elsewhere(tmp_path / "claims"), Clock()
    paused = Claim(held)
    (held / "page").mkdir()
    claims = Claims(tmp_path / "claims", clock)
    claims.take(3)
    clock.time += STALE_AFTER
    new = claims.take(3)
    assert new is not None
    (new.folder / "page").mkdir()
    assert paused.lost
    with pytest.raises(ClaimLostError):
        paused.beat()
    with pytest.raises(ClaimLostError):
        paused.publish(Path("page"), tmp_path / "page")
    paused.release()
    new.publish(Path("page"), tmp_path / "page")
    assert (tmp_path / "page").is_dir()


@pytest.mark.parametrize("left", [False, True], ids=["new", "left by a killed watcher"])
def test_of_many_that_want_a_claim_at_the_same_moment_one_gets_it(
    tmp_path: Path, left: bool
) -> None:
    gone = Claims(tmp_path / "gone").take(3)
    assert gone is not None
    machine = gone.folder.name.split(".")[0]
    claims = [Claims(tmp_path) for _ in range(8)]
    barrier = Barrier(8)

    def take(one: Claims) -> Claim | None:
        barrier.wait()
        return one.take(3)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            if left:
                dead = tmp_path / "Run0003" / f"{machine}.999999999.1.abcdef"
                dead.mkdir(parents=True)
                (dead / "alive").touch()
            got = [claim for claim in pool.map(take, claims) if claim is not None]
            assert len(got) == 1
            assert [path.name for path in got[0].folder.iterdir()] == ["alive"]
            got[0].release()

"""SIGTERM ends a block of work, also where the exception is lost."""

import os
import signal
import sys
import weakref
from collections.abc import Callable

import pytest

from workbench.core.ending import check_ended, ended_by_sigterm
from workbench.core.executors import run_all


def ask(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Dying:
    """Something that is alive until it is deleted, in the moment in which the signal comes."""


class Asking(Dying):
    def __del__(self) -> None:
        ask()


def in_finaliser() -> None:
    Asking()


def in_callback_of_a_weak_reference() -> None:
    one = Dying()
    kept = weakref.ref(one, ask)
    del one
    del kept


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Exceptions that Python lost."""
    found: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: found.append(told.exc_type))
    return found


def ended(block: Callable[[], None]) -> int | str | None:
    """Run a block to be ended by a signal; return its exit code."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as told, ended_by_sigterm():
        block()
    assert signal.getsignal(signal.SIGTERM) is before
    check_ended()  # it was about that block alone
    return told.value.code


@pytest.mark.parametrize("place", [in_finaliser, in_callback_of_a_weak_reference])
def test_a_signal_whose_exception_is_lost_ends_the_next_loop(
    place: Callable[[], None], lost: list[object]
) -> None:
    def block() -> None:
        check_ended()
        place()
        assert lost == [SystemExit]  # so here we still are
        check_ended()

    assert ended(block) == 143


def test_a_second_signal_does_not_disturb_the_tidying_up() -> None:
    tidied = []

    def block() -> None:
        try:
            ask()
        finally:
            ask()
            tidied.append(True)

    assert ended(block) == 143
    assert tidied


def test_work_of_others_is_not_waited_for(lost: list[object]) -> None:
    done: list[int] = []

    def block() -> None:
        for _, result in run_all(abs, range(10), workers=2):
            done.append(result)
            in_finaliser()

    assert ended(block) == 143
    assert lost == [SystemExit]
    assert len(done) == 1

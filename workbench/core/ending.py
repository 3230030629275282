"""Ending in good order on SIGTERM, also where Python loses the exception that is to end it."""

import signal
from collections.abc import Generator
from contextlib import contextmanager


class _Handler:
    """Raises SystemExit on the first signal; `code` is its exit code from then on, 0 before.

    Later signals raise nothing: they would only disturb the tidying up. Batch systems and
    ``mpiexec`` often send two.
    """

    def __init__(self) -> None:
        self.code = 0

    def __call__(self, number: int, _: object) -> None:
        first, self.code = not self.code, 128 + number
        if first:
            raise SystemExit(self.code)


@contextmanager
def ended_by_sigterm() -> Generator[None]:
    """Raise SystemExit with exit code 143 on SIGTERM, in a block that the main thread runs."""
    before = signal.signal(signal.SIGTERM, _Handler())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def check_ended() -> None:
    """Raise SystemExit where SIGTERM came and its exception was lost; to be asked by every loop.

    The exception appears wherever the main thread happens to be. Where that is a ``__del__``, the
    callback of a weak reference or of the garbage collector, or one that C code calls, Python
    prints "Exception ignored in" and goes on. Does nothing outside of `ended_by_sigterm`, as in a
    worker's process.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if isinstance(handler, _Handler) and handler.code:
        raise SystemExit(handler.code)

"""The way between a notebook and its page: nothing overtakes, nothing gets lost while it opens."""

import threading
from collections.abc import Callable
from typing import Any

Panel = Any  # Panel's objects and channels carry no types


class Waiting:
    """Stands in for a channel that is not open yet: keeps what is sent, in its order."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, Any, Any]] = []

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = ()) -> None:
        """Keep a message, as a Jupyter channel would send it."""
        self._kept.append((data, metadata, buffers))

    def pass_on(self, channel: Panel) -> None:
        """Send all that was kept, and keep it no longer."""
        kept, self._kept = self._kept, []
        for data, metadata, buffers in kept:
            channel.send(data, metadata=metadata, buffers=buffers)

    def close(self) -> None:
        """Forget what was kept: the page is gone."""
        self._kept.clear()


def keep_order(panel: Panel, alone: threading.RLock, greet: Callable[[], None]) -> None:
    """Let changes reach the new pages of a Panel object in the order in which they were made.

    A kernel that is busy with other cells opens its end of the channel late. Panel then tries each
    change again a little later, but sends at once what comes after the opening: a page that gets
    the newer change first does not know the models that the older one brings, and stops. Here all
    changes wait for the opening.

    Parameters
    ----------
    panel
        Was just rendered in a notebook.
    alone
        Is held by whoever changes it; and here, while a message of the page is dealt with.
    greet
        Is called at every opening, and changes something: until the page hears of that, it keeps
        its own messages, for a busy kernel drops those that come before the opening.
    """
    # Panel lets nobody else have a say in its channels.
    for ours, theirs in panel._comms.values():  # noqa: SLF001 - as above
        if ours._comm is None:  # noqa: SLF001 - as above
            _wait(ours, theirs, alone, greet)


def _wait(ours: Panel, theirs: Panel, alone: threading.RLock, greet: Callable[[], None]) -> None:
    waiting, hear = Waiting(), theirs._on_msg  # noqa: SLF001 - as above

    def opened(_message: Any) -> None:
        with alone:
            ours.init()  # in place of what stood in for it
            waiting.pass_on(ours)
            greet()

    def heard(message: Any) -> None:
        with alone:
            hear(message)

    ours._comm = waiting  # noqa: SLF001 - as above
    theirs._on_open, theirs._on_msg = opened, heard  # noqa: SLF001 - as above

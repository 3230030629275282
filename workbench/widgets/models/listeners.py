"""Who wants to know of changes, and what they are told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Changed:
    """What a listener is told.

    Parameters
    ----------
    parts
        What changed: "picture", "regions", "selected", "mask_steps", "centre", "display" of a
        model; "shown" of a session.
    names
        Regions that were made, changed, renamed or removed.
    """

    parts: frozenset[str]
    names: frozenset[str] = frozenset()


Listener = Callable[[Changed], None]


class Listeners:
    """Functions that are called after every change, in the order in which they came."""

    def __init__(self) -> None:
        self._all: dict[object, Listener] = {}

    def add(self, listener: Listener) -> Callable[[], None]:
        """Have a function called after every change; return what ends that."""
        key = object()
        self._all[key] = listener

        def end() -> None:
            self._all.pop(key, None)

        return end

    def tell(self, changed: Changed) -> None:
        """Call every listener.

        An error in one does not stop the others: it is raised once all were called, with an
        earlier one as its context.
        """
        self._call(iter(list(self._all.values())), changed)

    def _call(self, waiting: Iterator[Listener], changed: Changed) -> None:
        for listener in waiting:
            try:
                listener(changed)
            finally:  # also after an error; one in here has the earlier as its context
                self._call(waiting, changed)

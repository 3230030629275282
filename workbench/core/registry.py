"""Registries: a decorator that files a class under a name, and look-up with a suggestion."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from workbench.core.errors import UnknownNameError

Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """Named things of one kind, filled by decorators and by entry points of other packages.

    Parameters
    ----------
    kind
        What they are, for messages.
    group
        Of the entry points; empty where other packages add none.
    """

    def __init__(self, kind: str, group: str = "") -> None:
        self.kind = kind
        self._group = group
        self._things: dict[str, Thing] = {}

    def register(self, name: str) -> Callable[[Thing], Thing]:
        """File the decorated thing under this name."""

        def keep(thing: Thing) -> Thing:
            self._things[name] = thing
            return thing

        return keep

    def __getitem__(self, name: str) -> Thing:
        if name in self._things:
            return self._things[name]
        points = self._points()
        if name in points:
            loaded: Thing = points[name].load()
            return loaded
        raise UnknownNameError(self.kind, name, (*self._things, *points), "the registry")

    def _points(self) -> dict[str, Any]:
        from importlib.metadata import entry_points  # 20 ms, and few ask

        return {one.name: one for one in entry_points(group=self._group)} if self._group else {}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._things))

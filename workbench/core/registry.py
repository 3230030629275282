"""Registries: a decorator that files a class under a name, and look-up with a suggestion."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from workbench.core.errors import UnknownNameError

Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """Named things of one kind, filled by decorators."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, Thing] = {}

    def register(self, name: str) -> Callable[[Thing], Thing]:
        """File the decorated thing under this name."""

        def keep(thing: Thing) -> Thing:
            self._things[name] = thing
            return thing

        return keep

    def __getitem__(self, name: str) -> Thing:
        try:
            return self._things[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._things, "the registry") from None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._things))

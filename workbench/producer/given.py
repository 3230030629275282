"""One dictionary of a config, read key by key, each with its type; what is wrong is named."""

import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Bools
from workbench.core.errors import InputError
from workbench.producer.entries import EntryError
from workbench.producer.report import kind, suggestion


class Given:
    """A dictionary whose keys must be known.

    Parameters
    ----------
    value
        What the config gives.
    keys
        All that may be in it.
    what
        Name of such an entry for messages.
    """

    def __init__(self, value: object, keys: Iterable[str], what: str) -> None:
        if not isinstance(value, dict):
            raise EntryError("wrong-type", f"{what} is a dict, not {kind(value)}")
        known = tuple(keys)
        for key in value:
            if key not in known:
                text = f"unknown key {key!r}{suggestion(str(key), known)}"
                raise EntryError("unknown-key", text, str(key))
        self._value: dict[str, Any] = value
        self._what = what

    def __contains__(self, key: str) -> bool:
        return self._value.get(key) is not None

    def names(self, key: str) -> bool:
        """Tell whether the key is there, be it with None."""
        return key in self._value

    def get(self, key: str) -> Any:
        """Return what is there, None where nothing is."""
        return self._value.get(key)

    def __getitem__(self, key: str) -> Any:
        return self._value[key]

    def several(self, key: str) -> list[Any]:
        """Return a list, or what is there by itself as a list of one."""
        value = self._value.get(key)
        return [] if value is None else value if isinstance(value, list) else [value]

    def inner(self, key: str, keys: Iterable[str]) -> "Iterator[Given]":
        """Yield the dictionary under a key, or those of a list there, with keys of their own."""
        for one in self.several(key):
            try:
                yield Given(one, keys, key)
            except EntryError as error:
                raise EntryError(error.code, str(error), error.key or key) from error

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number; without a default the key must be there."""
        value = self._value.get(key)
        value = default if value is None else value
        if value is None:
            raise EntryError("missing-key", f"{self._what} needs {key!r}", key)
        if not _is_number(value) and value is not default:
            raise EntryError("wrong-type", f"{key} must be a number, not {kind(value)}", key)
        return float(value)

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number; 3e4 is one."""
        value = self.number(key, default)
        if value != int(value):
            raise EntryError("wrong-type", f"{key} must be a whole number, not {value}", key)
        return int(value)

    def numbers(self, key: str) -> list[float]:
        """Return one or more finite numbers, whole ones as such; they must be there."""
        value = self._value.get(key)
        listed = value.tolist() if isinstance(value, np.ndarray) else value
        listed = list(listed) if isinstance(listed, tuple) else listed
        listed = [listed] if _is_number(listed) else listed
        if not isinstance(listed, list) or not all(_is_number(one) for one in listed):
            text = f"{self._what} needs {key!r}, a list of numbers, not {kind(value)}"
            raise EntryError("missing-key" if value is None else "wrong-type", text, key)
        return listed

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers; it must be there."""
        values = self.numbers(key)
        if any(value != int(value) for value in values):
            raise EntryError("wrong-type", f"{key} must be whole numbers, not {values}", key)
        return tuple(int(value) for value in values)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return True or False."""
        value = self._value.get(key, default)
        if value not in (True, False, 0, 1, None):
            raise EntryError("wrong-type", f"{key} must be True or False, not {kind(value)}", key)
        return bool(value)

    def text(self, key: str, default: str) -> str:
        """Return a text."""
        value = self._value.get(key)
        value = default if value is None else value
        if not isinstance(value, str):
            raise EntryError("wrong-type", f"{key} must be a text, not {kind(value)}", key)
        return value

    def path(self, key: str) -> Path:
        """Return a whole path: where a relative one begins would depend on who calls."""
        path = Path(self.text(key, "")).expanduser()
        if not path.is_absolute():
            text = f"{key} must be a whole path like /sdf/.../{path.name}, not {str(path)!r}"
            raise EntryError("wrong-type", text, key)
        return path

    def name(self, default: str) -> str:
        """Return the name of the datasets."""
        value = self._value.get("name", default)
        if not isinstance(value, str) or not value or "/" in value:
            text = f"name must be a text without '/', not {value!r}"
            raise EntryError("wrong-type", text, "name")
        return value

    def mask(self, key: str) -> Bools | None:
        """Return an array of True = use, or None."""
        if key not in self:
            return None
        try:
            mask = np.asarray(self._value[key])
        except ValueError:
            mask = np.empty(0, object)
        if mask.dtype.kind not in "biuf" or mask.ndim < 1:
            text = f"{key} must be an array of 1 (use) and 0, not {kind(self._value[key])}"
            raise EntryError("wrong-type", text, key)
        return mask.astype(np.bool_)

    def samples(self, key: str) -> tuple[int, int] | None:
        """Return a half-open range of samples, written as slice or pair; None where not given."""
        if key not in self:
            return None
        value = self._value[key]
        if isinstance(value, slice):
            pair = [0 if value.start is None else value.start, value.stop]
            pair += [] if value.step in (None, 1) else [value.step]
        else:
            pair = list(value) if isinstance(value, list | tuple | np.ndarray) else []
        whole = all(isinstance(end, int | np.integer) and not isinstance(end, bool) for end in pair)
        if len(pair) != 2 or not whole or not 0 <= pair[0] < pair[1]:
            text = f"{key} must be [first, last) of whole samples, not {kind(value)}"
            raise EntryError("wrong-type", text, key)
        return int(pair[0]), int(pair[1])


@contextmanager
def naming(key: str) -> Generator[None]:
    """Let what is wrong with a value be an `EntryError` that names its key."""
    try:
        yield
    except EntryError:
        raise
    except InputError as error:
        raise EntryError("wrong-type", f"{key}: {error}", key) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

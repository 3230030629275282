"""Slow values and settings as psana read them in transitions: the last at or before a moment."""

from collections.abc import Sequence

import numpy as np

from workbench.core.arrays import Array, Bools, Times
from workbench.core.errors import UnknownNameError
from workbench.sources.base import RawField, Value
from workbench.sources.psana.columns import blank, put
from workbench.sources.psana.describe import FieldKind, raw_field
from workbench.sources.psana.survey import Change, Survey


class PsanaValues:
    """The variables of one reserved detector, "epics" or "scan"."""

    def __init__(self, found: Survey, det: str) -> None:
        self._det = det
        self._changes: dict[str, list[Change]] = {}
        kinds: dict[str, list[tuple[str, FieldKind]]] = {}
        for (name, alg), segments in found.segments.items():
            if name != det:
                continue
            for number, segment in segments.items():
                for variable, kind in segment.fields.items():
                    changes = found.history.get((det, alg, number, variable), [])
                    self._changes.setdefault(variable, []).extend(changes)
                    kinds.setdefault(variable, []).append((alg, kind))
        for changes in self._changes.values():
            changes.sort(key=lambda change: change[0])
        self._fields = {name: _field(found, det, name, kinds[name]) for name in sorted(kinds)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        return tuple(self._fields)

    def field(self, name: str) -> RawField:
        """Return type and shape of one variable."""
        try:
            return self._fields[name]
        except KeyError:
            raise UnknownNameError(
                "variable", name, self._fields, f"the {self._det} values of this run"
            ) from None

    def read(self, name: str, timestamps: Times) -> tuple[Array, Bools]:
        """Return the value at or before each time stamp, and whether there was one."""
        field, changes = self.field(name), self._changes[name]
        at = np.array([time for time, _ in changes], np.uint64)
        which = np.searchsorted(at, np.asarray(timestamps, np.uint64), side="right") - 1
        known = which >= 0
        values = blank(field, len(timestamps))
        for row in np.flatnonzero(known).tolist():
            put(values, row, field, [changes[which[row]][1]])
        return values, known


def settings_at(found: Survey, keys: Sequence[tuple[str, str]], time: int) -> dict[str, Value]:
    """Return the settings in force at a time stamp, all algorithms merged by field name."""
    settings: dict[str, Value] = {}
    for key in keys:
        segments = found.segments[key]
        for name in dict.fromkeys(name for one in segments.values() for name in one.fields):
            changes = [found.history.get((*key, number, name), []) for number in segments]
            held = [[value for when, value in one if when <= time] for one in changes]
            known = [values[-1] for values in held if values]
            if known:
                settings[name] = known[0] if len(known) == 1 else _joined(known)
    return settings


def _field(found: Survey, det: str, name: str, kinds: Sequence[tuple[str, FieldKind]]) -> RawField:
    places = [(det, alg, name) for alg, _ in kinds]
    shape = next((found.shapes[place] for place in places if place in found.shapes), None)
    labels = next((found.labels[place] for place in places if place in found.labels), None)
    return raw_field(name, [kinds[0][1]], shape, labels)


def _joined(values: Sequence[Value]) -> Value:
    arrays = [np.asarray(value) for value in values]
    same = all((one.shape, one.dtype) == (arrays[0].shape, arrays[0].dtype) for one in arrays)
    return np.stack(arrays) if same and arrays[0].dtype.kind not in "OU" else tuple(values)

"""Names of axes: plain ones for one field by itself, unique ones for many fields in one Dataset."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.smalldata.fields import FieldInfo

EVENT = "event"
INTG_EVENT = "intg_event"  # frames of integrating detectors have an event axis of their own
_FIRST: Mapping[str, tuple[str, ...]] = {
    "event": (EVENT,),
    "ragged": (EVENT,),
    "intg": (INTG_EVENT,),
    "archived": ("entry",),
    "other": ("entry",),
}
_BY_LENGTH: Mapping[int, tuple[str, ...]] = {
    0: (),
    1: ("index",),
    2: ("row", "col"),
    3: ("segment", "row", "col"),
}


@dataclass(frozen=True)
class Axes:
    """The axes of one field: plain names and lengths.

    Parameters
    ----------
    dims
        One name per axis, as `plain_dims` gives them.
    shape
        As many lengths.
    values
        Values along each axis, None where not known; may be left out.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    values: tuple[Array | None, ...] = ()

    @property
    def along(self) -> tuple[Array | None, ...]:
        """Values along each axis, None where not known."""
        return self.values or (None,) * len(self.dims)


def plain_dims(info: FieldInfo, inner: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return a name for each axis of a field, the event axis first where it has one.

    Parameters
    ----------
    info
        The field.
    inner
        Names of the axes of one event, where its settings tell them ("phi", "q"); labels in the
        file come first, plain names by the number of axes last.
    """
    if info.dims and len(info.dims) == len(info.shape) and all(info.dims):
        return info.dims
    first = _FIRST.get(info.kind, ())[: len(info.shape)]
    return (*first, *inner_dims(len(info.shape) - len(first), inner))


def inner_dims(axes: int, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return names for the axes of one event's value: those known, else by their number."""
    if len(known) == axes:
        return known
    return _BY_LENGTH.get(axes) or tuple(f"axis_{axis}" for axis in range(axes))


def dataset_dims(fields: Mapping[str, Axes]) -> dict[str, tuple[str, ...]]:
    """Return the axes of every field in a common Dataset: ``<det>_<func>_<dim>``.

    Fields of one function of a detector ("epix/azav_azav", "epix/azav_norm") share their axes;
    where they differ the later one, by name, takes its whole name instead of the function's. The
    event axes stay as they are.
    """
    taken: dict[str, tuple[int, Array | None]] = {}
    named: dict[str, tuple[str, ...]] = {}
    for name, axes in sorted(fields.items()):
        wanted = tuple(zip(axes.shape, axes.along, strict=True))
        for stem in (_function(name), name, name.replace("/", "__")):
            dims = _prefixed(stem, axes.dims)
            if all(_same(taken.get(dim), one) for dim, one in zip(dims, wanted, strict=True)):
                break
        for dim, one in zip(dims, wanted, strict=True):
            if dim not in taken or taken[dim][1] is None:
                taken[dim] = one
        named[name] = dims
    return named


def _same(taken: tuple[int, Array | None] | None, wanted: tuple[int, Array | None]) -> bool:
    if taken is None:
        return True
    known = taken[1] is not None and wanted[1] is not None
    return taken[0] == wanted[0] and not (known and not np.array_equal(taken[1], wanted[1]))  # type: ignore[arg-type]


def _prefixed(stem: str, dims: Iterable[str]) -> tuple[str, ...]:
    plain = stem.replace("/", "_")
    return tuple(dim if dim in {EVENT, INTG_EVENT} else f"{plain}_{dim}" for dim in dims)


def _function(name: str) -> str:
    """Return ``det/func`` of a field ``det/func_value``."""
    group, slash, leaf = name.rpartition("/")
    return f"{group}{slash}{leaf.rpartition('_')[0] or leaf}"

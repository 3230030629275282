"""Names of axes: plain ones for one field by itself, unique ones for many fields in one Dataset."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.smalldata.fields import FieldInfo

EVENT = "event"
INTG_EVENT = "intg_event"  # frames of integrating detectors have an event axis of their own
_FIRST: Mapping[str, tuple[str, ...]] = {
    "event": (EVENT,),
    "ragged": (EVENT,),
    "intg": (INTG_EVENT,),
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
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]


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
    where their lengths differ the later one, by name, takes its whole name instead of the
    function's. The event axes stay as they are.
    """
    lengths: dict[str, int] = {}
    named: dict[str, tuple[str, ...]] = {}
    for name, axes in sorted(fields.items()):
        for stem in (_function(name), name, name.replace("/", "__")):
            dims = _prefixed(stem, axes.dims)
            if all(lengths.get(d, n) == n for d, n in zip(dims, axes.shape, strict=True)):
                break
        lengths |= dict(zip(dims, axes.shape, strict=True))
        named[name] = dims
    return named


def _prefixed(stem: str, dims: Iterable[str]) -> tuple[str, ...]:
    plain = stem.replace("/", "_")
    return tuple(dim if dim in {EVENT, INTG_EVENT} else f"{plain}_{dim}" for dim in dims)


def _function(name: str) -> str:
    """Return ``det/func`` of a field ``det/func_value``."""
    group, slash, leaf = name.rpartition("/")
    return f"{group}{slash}{leaf.rpartition('_')[0] or leaf}"

"""What a dataset of a small-data file is: its kind, shape, type, unit and missing-value mark."""

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5p, h5s

from workbench.core.errors import WorkbenchError
from workbench.facility import hutch
from workbench.smalldata.facts import Facts
from workbench.smalldata.identity import Identity
from workbench.smalldata.layout import ARCHIVER, MISSING_INTEGER, ONCE_GROUPS, var_group
from workbench.smalldata.record import text_attribute

_TEXTS = ("units", "long_name")  # attributes


@dataclass(frozen=True)
class FieldInfo:
    """One dataset of a file.

    Parameters
    ----------
    name
        Path in the file.
    shape
        Shape on file, with the event axis. For ragged data the flat shape.
    dtype
        NumPy name, or "str".
    unit
        As stored, else as the hutch's field dictionary says; empty where nobody knows.
    long_name
        One line for plots and tables; may be empty.
    fill
        What stands where an event lacks the value: NaN, -99999, or "" for text.
    kind
        "event": one row per event. "ragged": another number of entries in each event. "once": kept
        once a file. "intg": one row per frame of an integrating detector. "archived": times and
        values from the archiver, not one per event. "other": an event axis of unknown length.
    missing
        How many events lack the value, where the writer counted them.
    dims
        Names of the axes, where the writer gave them.
    stored_unit
        Whether the unit is in the file.
    chunks
        Shape of the pieces in which the file keeps the values; empty where it is all one piece.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str
    long_name: str
    fill: float | int | str
    kind: str
    missing: int | None = None
    dims: tuple[str, ...] = ()
    stored_unit: bool = True
    chunks: tuple[int, ...] = ()


def facts_of(name: str, dataset: h5d.DatasetID, properties: h5p.PropDCID) -> Facts:
    """Collect what a file says of one dataset, without reading its values.

    Asks HDF5 for each thing once and no more: a file has a thousand datasets.

    Parameters
    ----------
    name
        Path in the file.
    dataset
        The open dataset.
    properties
        What it was created with.
    """
    written = _attributes(dataset)
    counted: Any = written.get("missing_events")
    dtype, space = dataset.dtype, dataset.get_space()
    return Facts(
        name=name,
        shape=space.shape or (),
        dtype="str" if h5py.check_string_dtype(dtype) is not None else str(dtype),
        unit=str(written["units"]) if "units" in written else None,
        long_name=str(written.get("long_name", "")),
        missing=None if counted is None else int(counted),
        dims=_labels(written.get("DIMENSION_LABELS", ())),
        chunks=properties.get_chunk() if properties.get_layout() == h5d.CHUNKED else (),
        grows=_grows(space),
    )


def describe_field(facts: Facts, identity: Identity) -> FieldInfo:
    """Tell what a dataset is, with unit and name from the hutch's dictionary where it has none."""
    unit, long_name = facts.unit or "", facts.long_name
    if facts.unit is None or not long_name:
        known_unit, known_name = _dictionary(facts.name, identity)
        unit = known_unit if facts.unit is None else unit
        long_name = long_name or known_name
    return FieldInfo(
        name=facts.name,
        shape=facts.shape,
        dtype=facts.dtype,
        unit=unit,
        long_name=long_name,
        fill=_fill(facts.dtype),
        kind=_kind(facts, identity),
        missing=facts.missing,
        dims=facts.dims,
        stored_unit=facts.unit is not None,
        chunks=facts.chunks,
    )


def _grows(space: h5s.SpaceID) -> bool:
    longest = space.get_simple_extent_dims(True)
    return bool(longest) and longest[0] == h5s.UNLIMITED


def _attributes(dataset: h5d.DatasetID) -> dict[str, object]:
    """Return those attributes that say something here; most files of other writers have none."""
    if not h5a.get_num_attrs(dataset):
        return {}
    names = (*_TEXTS, "missing_events", "DIMENSION_LABELS")
    there = [name for name in names if h5a.exists(dataset, name.encode())]
    if not there:
        return {}
    item = h5py.Dataset(dataset)
    return {
        name: text_attribute(item, name) if name in _TEXTS else item.attrs[name] for name in there
    }


def _labels(labels: Any) -> tuple[str, ...]:  # Any: whatever a file holds in this attribute
    # Read as a plain attribute: HDF5's own function for labels crashes on damaged files.
    return tuple(
        label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label or "")
        for label in labels
    )


def scale_names(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Return for each axis the path of the dimension scale attached to it; "" for none."""
    lists = dataset.attrs.get("DIMENSION_LIST", ())
    names = [""] * len(dataset.shape or ())
    for axis, references in enumerate(lists[: len(names)]):
        scales = [dataset.file[reference] for reference in references[:1]]
        if scales and scales[0].shape == dataset.shape[axis : axis + 1]:
            names[axis] = (scales[0].name or "").strip("/")
    return tuple(names)


def is_text(dataset: h5py.Dataset) -> bool:
    """Tell whether a dataset holds strings."""
    return h5py.check_string_dtype(dataset.dtype) is not None


def is_variable(dtype: np.dtype[np.generic]) -> bool:
    """Tell whether each row of a dataset is an array of its own length (``ragged_*``)."""
    return h5py.check_vlen_dtype(dtype) is not None and h5py.check_string_dtype(dtype) is None


def _kind(facts: Facts, identity: Identity) -> str:
    parts, rows = facts.name.split("/"), facts.shape[:1] == (identity.n_events,)
    if parts[0] == ARCHIVER:  # some files hold the values at the events, not [time, value]
        return "event" if rows and facts.shape[1:] != (2,) else "archived"
    if parts[0] in ONCE_GROUPS:
        return "once"
    if parts[0] == "intg":
        return "intg"
    if facts.dtype == "object" or var_group(facts.name):
        return "ragged"
    if rows:
        return "event"
    return "event" if identity.growing and facts.grows else "other"


def _fill(dtype: str) -> float | int | str:
    if dtype == "str":
        return ""
    return MISSING_INTEGER if dtype.startswith(("int", "uint")) else float("nan")


def _dictionary(name: str, identity: Identity) -> tuple[str, str]:
    try:
        fact = hutch(identity.experiment).fact(name, identity.generation)
    except WorkbenchError:  # a hutch or generation that we hold no facts of
        return "", ""
    return fact.unit, fact.long_name

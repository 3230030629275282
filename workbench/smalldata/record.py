"""What a file says about itself: identity, provenance, and how often each detector was there."""

import json
from collections.abc import Mapping

import h5py
import numpy as np

from workbench.smalldata.columns import TEXT, describe, put
from workbench.smalldata.layout import FORMAT, FORMAT_VERSION, HDF5_ERRORS


def write_identity(h5: h5py.File, attributes: Mapping[str, str | int]) -> None:
    """Write the root attributes."""
    h5.attrs["format"] = FORMAT
    h5.attrs["format_version"] = FORMAT_VERSION
    for name, value in sorted(attributes.items()):
        h5.attrs[name] = value


def write_provenance(h5: h5py.File, record: Mapping[str, object]) -> None:
    """Write one text dataset per entry: texts as they are, everything else as JSON.

    Datasets, because an attribute holds at most 64 kB and configs are longer.
    """
    group = h5.create_group("provenance")
    for name, value in sorted(record.items()):
        plain = isinstance(value, str)
        text = value if plain else json.dumps(value, sort_keys=True)
        dataset = group.create_dataset(name, data=text, dtype=TEXT)
        describe(dataset, "1", name.replace("_", " "))
        put(dataset, "encoding", "text" if plain else "json")


def read_provenance(h5: h5py.File) -> dict[str, object]:
    """Return the record as it was given to `write_provenance`; empty where there is none."""
    group = h5.get("provenance")
    if not isinstance(group, h5py.Group):
        return {}
    record: dict[str, object] = {}
    for name, dataset in group.items():
        text = dataset.asstr()[()]
        record[name] = json.loads(text) if dataset.attrs.get("encoding") == "json" else text
    return record


def write_failures(h5: h5py.File, failures: Mapping[str, Mapping[str, int]]) -> None:
    """Write the counts of events per detector and state as attributes of ``presence/<det>``."""
    group = h5.create_group("presence")
    for detector, counts in sorted(failures.items()):
        entry = group.create_group(detector)
        for state, count in sorted(counts.items()):
            put(entry, state, np.int64(count))


def read_failures(h5: h5py.File) -> dict[str, dict[str, int]]:
    """Return the counts of events per detector and state; empty where the file has none."""
    group = h5.get("presence")
    if not isinstance(group, h5py.Group):
        return {}
    return {
        detector: {state: int(count) for state, count in entry.attrs.items()}
        for detector, entry in group.items()
    }


def text_attribute(h5: h5py.HLObject, name: str) -> str:
    """Return a text attribute; empty where it is not there or not readable."""
    try:
        value = h5.attrs.get(name, "")
    except HDF5_ERRORS:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

"""What a half-done production depends on: it is resumed only where all of that is the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.constants import Constants
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import Recipe
from workbench.producer.frames import frame_fields, range_choice_of
from workbench.producer.provenance import versions
from workbench.producer.request import ProduceRequest
from workbench.sources import RawRun, ValueStore
from workbench.sources.epix10ka import Epix10kaConfigError

Facts = Mapping[str, Any]  # plain values for JSON


def facts_of(request: ProduceRequest, config: ProducerConfig, raw: RawRun) -> Facts:
    """Return all that decides what the parts of a production hold, under names for messages."""
    asked = {
        name: getattr(config, name)
        for name in sorted(field.name for field in fields(config))
        if name not in {"path", "text", "findings", "skipped"}
    }
    return {
        "run": [request.experiment, request.run],
        "config's text": config.hash,
        "config's values": fingerprint(asked),
        "constants": _file(request.constants) if request.constants else None,
        "files that the config names": [
            _file(path) if path.exists() else [str(path)] for path in _named(config)
        ],
        "source": request.source,
        "raw files": [_file(path) for path in sorted(raw.files)],
        "detectors with whole frames": list(request.detectors),
        "names of datasets": request.naming,
        "versions": versions(),
    }


def _named(config: ProducerConfig) -> list[Path]:
    folder = config.path.parent if config.path else None
    recipes = (entry.reduction for entry in config.reductions)
    found = (one.files(folder) for one in recipes if isinstance(one, Recipe))
    return sorted({path for paths in found for path in paths})


def signature(raw: RawRun) -> str:
    """Return a hash of all that a plan takes from a run, except how many events it has."""
    choices: list[object] = []
    for frames in frame_fields(raw).values():
        try:
            choices.append(range_choice_of(raw, frames))
        except Epix10kaConfigError as error:
            choices.append(str(error))
    slow = [_fields(store) for store in (raw.epics, raw.scan)]
    return fingerprint(
        [raw.number, raw.detectors, raw.detector_types, raw.segments, *slow, *choices]
    )


def _fields(store: ValueStore) -> list[object]:
    return [store.field(name) for name in store.names]


def key_of(facts: Facts) -> str:
    """Return a short name for facts."""
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def changed(old: Facts, new: Facts) -> list[str]:
    """Return the names of the facts that differ."""
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def fingerprint(value: object) -> str:
    """Return a hash of a value built of dataclasses, mappings, lists, arrays and plain values."""
    found = sha256()
    for piece in _pieces(value):
        found.update(len(piece).to_bytes(8, "little"))
        found.update(piece)
    return found.hexdigest()


def constants_hash(constants: Constants | None) -> str:
    """Return a hash of the constants of one detector as they are on file; empty without any.

    It does not change with what the file holds of other detectors and runs.
    """
    return "" if constants is None else fingerprint(replace(constants, origin=""))


def _pieces(value: object) -> Iterator[bytes | memoryview]:
    """Yield the bytes that a value consists of, each part named by its type."""
    yield type(value).__qualname__.encode()
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
    elif is_dataclass(value):
        for field in fields(value):
            yield field.name.encode()
            yield from _pieces(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pieces(key)
            yield from _pieces(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _pieces(item)
    else:
        yield repr(value).encode()
    yield b"end"


def _file(path: Path) -> list[str | int]:
    facts = path.stat()
    return [str(path.absolute()), facts.st_size, facts.st_mtime_ns]

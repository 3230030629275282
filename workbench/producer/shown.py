"""A producer config as plain values, for JSON and for reading: what was understood, with types."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.bounds import Bounds
from workbench.core.findings import Finding, Severity, worst_first
from workbench.producer.config import ProducerConfig
from workbench.producer.entries import Skipped


def shown(config: ProducerConfig) -> dict[str, Any]:
    """Return all that a config gives in its run; numbers that are not finite become texts."""
    plain = as_plain(config)
    del plain["text"], plain["type"]
    return {**plain, "sha256": config.hash}


def all_findings(config: ProducerConfig) -> list[Finding]:
    """Return what is wrong with a config, and which of its functions give nothing; worst first."""
    nothing = [
        Finding("asks-for-nothing", Severity.INFO, f"gives nothing in run {config.run}", name)
        for name in config.empty
    ]
    return worst_first([*config.findings, *nothing])


def as_plain(value: object) -> Any:  # Any: lists and dicts of any depth
    """Return dataclasses as dicts with their type, arrays by shape and type, the rest for JSON."""
    if isinstance(value, Bounds):
        return [list(pair) for pair in zip(value.low, value.high, strict=True)]
    if isinstance(value, Finding | Skipped):
        return value.as_dict()
    if is_dataclass(value):
        named = {field.name: as_plain(getattr(value, field.name)) for field in fields(value)}
        return {"type": type(value).__name__, **named}
    if isinstance(value, np.ndarray):
        counted = {"used": int(value.sum())} if value.dtype == np.bool_ else {}
        return {"shape": list(value.shape), "dtype": str(value.dtype), **counted}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, np.generic):
        return as_plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, Path) else value


def as_text(value: Any) -> str:  # Any: what `as_plain` gives
    """Return plain values in one line, without what is empty or not limited."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if key != "type" and _tells(item)}
        inside = ", ".join(f"{key}={as_text(item)}" for key, item in kept.items())
        return f"{value['type']}({inside})" if "type" in value else f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(as_text(item) for item in value)}]"
    return str(value)


def _tells(item: Any) -> bool:
    return item not in (None, "", [], {}, "-inf", "inf")

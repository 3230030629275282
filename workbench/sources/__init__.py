"""Raw runs as stacks of events, their writer, timing rules and calibration constants.

Each name is loaded when it is first used: who needs no more than the timing rules does not wait
for the compiler that the readers bring.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.sources.base import Frame, RawField, RawRun, Steps, Value, ValueStore
    from workbench.sources.opening import open_raw, raw_runs
    from workbench.sources.watching import Look, RunStalledError, watch
    from workbench.sources.xtc2.errors import Xtc2Error

_HOMES = {
    "Frame": "base",
    "Look": "watching",
    "RawField": "base",
    "RawRun": "base",
    "RunStalledError": "watching",
    "Steps": "base",
    "Value": "base",
    "ValueStore": "base",
    "Xtc2Error": "xtc2.errors",
    "open_raw": "opening",
    "raw_runs": "opening",
    "watch": "watching",
}

__all__ = [
    "Frame",
    "Look",
    "RawField",
    "RawRun",
    "RunStalledError",
    "Steps",
    "Value",
    "ValueStore",
    "Xtc2Error",
    "open_raw",
    "raw_runs",
    "watch",
]


def __getattr__(name: str) -> Any:  # Any: each public name has a type of its own
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value

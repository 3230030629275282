"""Raw runs as stacks of events, their writer, timing rules and calibration constants."""

from workbench.sources.base import Frame, RawField, RawRun, Steps, Value, ValueStore
from workbench.sources.opening import open_raw, raw_runs
from workbench.sources.watching import Look, RunStalledError, watch
from workbench.sources.xtc2.errors import Xtc2Error

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

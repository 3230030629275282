"""Raw runs as stacks of events, their writer, timing rules and calibration constants."""

from workbench.sources.base import Frame, RawField, RawRun, Steps, Value, ValueStore
from workbench.sources.xtc2.errors import Xtc2Error
from workbench.sources.xtc2.folder import open_raw, raw_runs

__all__ = [
    "Frame",
    "RawField",
    "RawRun",
    "Steps",
    "Value",
    "ValueStore",
    "Xtc2Error",
    "open_raw",
    "raw_runs",
]

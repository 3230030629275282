"""The door: a few public names, each loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.batch import publish
    from workbench.binning import bin_run as bin  # noqa: A004  the user writes wb.bin
    from workbench.core.errors import WorkbenchError
    from workbench.producer import ProducerConfig
    from workbench.producer.editor import edit_config
    from workbench.runs import (
        Cut,
        Run,
        cut,
        laser_off,
        laser_on,
        open_run,
        open_runs,
        xray_off,
        xray_on,
    )
    from workbench.sources import open_raw, raw_runs
    from workbench.widgets import region_editor

__version__ = "0.1.0"

_HOMES = {
    "Cut": "workbench.runs",
    "ProducerConfig": "workbench.producer",
    "Run": "workbench.runs",
    "WorkbenchError": "workbench.core.errors",
    "bin": "workbench.binning:bin_run",
    "cut": "workbench.runs",
    "edit_config": "workbench.producer.editor",
    "laser_off": "workbench.runs",
    "laser_on": "workbench.runs",
    "open_raw": "workbench.sources",
    "open_run": "workbench.runs",
    "open_runs": "workbench.runs",
    "publish": "workbench.batch",
    "raw_runs": "workbench.sources",
    "region_editor": "workbench.widgets",
    "xray_off": "workbench.runs",
    "xray_on": "workbench.runs",
}

__all__ = [
    "Cut",
    "ProducerConfig",
    "Run",
    "WorkbenchError",
    "bin",
    "cut",
    "edit_config",
    "laser_off",
    "laser_on",
    "open_raw",
    "open_run",
    "open_runs",
    "publish",
    "raw_runs",
    "region_editor",
    "xray_off",
    "xray_on",
]


def __getattr__(name: str) -> Any:  # Any: each public name has a type of its own
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    module, _, inner = home.partition(":")
    value = getattr(import_module(module), inner or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

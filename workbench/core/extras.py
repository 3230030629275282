"""Packages of an extra, loaded where they are needed, with an error that names the extra."""

from importlib import import_module
from typing import Any

from workbench.core.errors import WorkbenchError


class MissingToolError(WorkbenchError, ImportError):
    """A package of an extra that the installation lacks."""

    def __init__(self, package: str, purpose: str, extra: str = "notebooks") -> None:
        super().__init__(
            f"{purpose} needs {package}: install it with `pip install lcls-workbench[{extra}]`"
        )


def load(module: str, purpose: str, extra: str = "notebooks") -> Any:  # Any: whatever module it is
    """Import a module of an extra; `MissingToolError` says what to install."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingToolError(error.name or module, purpose, extra) from None

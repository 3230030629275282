"""Notebook packages without the seconds for grammars of web addresses that no notebook asks for.

`nbformat` imports `jsonschema`, which imports `rfc3987_syntax` where JupyterLab is installed; that
compiles 38 grammars, which took 2 s of each process that read a notebook
(https://github.com/python-jsonschema/jsonschema/issues/1428). `importlib.util.LazyLoader` does not
help: jsonschema imports a name from the package, which loads it.
"""

import sys
from functools import cache
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

SLOW = "rfc3987_syntax"


def load_grammars_late() -> None:
    """Have the package loaded when something of it is used, instead of when it is imported.

    Does nothing where it is not installed, or has been imported.
    """
    if SLOW in sys.modules:
        return
    spec = find_spec(SLOW)
    if spec is None or spec.loader is None:
        return
    loader, module = spec.loader, module_from_spec(spec)

    @cache
    def whole() -> ModuleType:
        del module.__getattr__
        loader.exec_module(module)
        return module

    def is_valid_syntax(term: str, value: str) -> bool:
        return bool(whole().is_valid_syntax(term, value))

    def other(name: str) -> Any:  # Any: whatever the package holds
        return getattr(whole(), name)

    module.is_valid_syntax = is_valid_syntax  # type: ignore[attr-defined]  # all jsonschema takes
    module.__getattr__ = other  # type: ignore[method-assign]
    sys.modules[SLOW] = module

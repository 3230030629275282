"""Reading the facts that ship with the package as TOML files."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

Facts = dict[str, Any]  # Any: the shape of each table is checked where it is used


@cache
def read_facts(folder: str, name: str) -> Facts:
    """Return one file of facts, ``workbench/facility/<folder>/<name>.toml``."""
    place = resources.files("workbench.facility").joinpath(folder, f"{name}.toml")
    return tomllib.loads(place.read_text(encoding="utf-8"))


@cache
def known_names(folder: str) -> tuple[str, ...]:
    """Return the names of the files of facts in one folder, sorted."""
    entries = resources.files("workbench.facility").joinpath(folder).iterdir()
    return tuple(sorted(e.name[:-5] for e in entries if e.name.endswith(".toml")))

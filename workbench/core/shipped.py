"""What ships besides code: notebooks, found in a checkout and in an installed package."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.core.atomic import appearing, make_folder
from workbench.core.errors import InputError, NotThereError, UnknownNameError

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class ShippedNotebook:
    """A notebook to copy and read.

    Parameters
    ----------
    name
        Without its suffix.
    path
        Where it ships.
    title
        Its first heading.
    """

    name: str
    path: Path
    title: str


def shipped_folder(kind: Literal["templates", "notebooks"], package: Path | None = None) -> Path:
    """Return a folder that ships: inside an installed package, beside it in a checkout."""
    package = package or PACKAGE
    places = (package / "_shipped" / kind, package.parent / kind)
    for place in places:
        if place.is_dir():
            return place
    raise NotThereError(f"no {kind} in {places[0]} or {places[1]}: install the package again")


def shipped_notebooks() -> dict[str, ShippedNotebook]:
    """Return the notebooks that ship to be read and tried, by name; templates are others."""
    paths = sorted(shipped_folder("notebooks").glob("*.ipynb"))
    return {path.stem: ShippedNotebook(path.stem, path, _title(path)) for path in paths}


def copy_notebook(name: str, folder: Path) -> Path:
    """Copy a notebook into a folder, to be changed there; return the copy.

    Raises `UnknownNameError` where no such notebook ships, `InputError` where the folder has a file
    of that name.
    """
    known = shipped_notebooks()
    if name not in known:
        raise UnknownNameError("notebook", name, known, "this package")
    target = make_folder(Path(folder)) / known[name].path.name
    if target.exists():
        raise InputError(f"{target} is there already and may hold your changes: move it away first")
    with appearing(target) as part:
        shutil.copyfile(known[name].path, part)
    return target


def _title(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = next(("".join(one["source"]) for one in cells if one["cell_type"] == "markdown"), "")
    return text.partition("\n")[0].lstrip("# ").strip() or path.stem

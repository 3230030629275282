"""The templates that ship with the package: what there is, where it is, what it asks for."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workbench.batch.notebooks import read_notebook
from workbench.batch.parameters import Parameter, parse_cell
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.shipped import shipped_folder

TAG = "parameters"  # papermill overrides the cell that carries this tag


class TemplateError(InputError):
    """A notebook that cannot serve as a template."""


@dataclass(frozen=True)
class Template:
    """One template notebook.

    Parameters
    ----------
    name
        Group and name, "xpp/delay_scan"; only the name for a notebook of the user's own.
    path
        The notebook.
    title
        Its first heading.
    purpose
        The paragraph below the heading.
    parameters
        What its parameters cell declares, in order.
    """

    name: str
    path: Path
    title: str
    purpose: str
    parameters: tuple[Parameter, ...]

    @cached_property
    def sha256(self) -> str:
        """Hash of the notebook's file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def stem(self) -> str:
        """Name without its group, as output files carry it."""
        return self.path.stem

    @property
    def takes_runs(self) -> bool:
        """Whether one notebook serves several runs together: it asks for `runs`, not for `run`."""
        return self.declares("runs") and not self.declares("run")

    def declares(self, name: str) -> bool:
        """Tell whether the template has a parameter of this name."""
        return any(parameter.name == name for parameter in self.parameters)


def templates() -> list[Template]:
    """Return all templates of the package, sorted by name."""
    root = template_root()
    return [read_template(path, root) for path in _notebooks(root)]


def find_template(name: str | Path) -> Template:
    """Return the template of this name ("delay_scan", "xpp/delay_scan") or path (``.ipynb``).

    Raises
    ------
    NotThereError
        For the path of a notebook that does not exist.
    UnknownNameError
        For a name that the catalogue does not have.
    TemplateError
        For a name that several groups have.
    """
    if str(name).endswith(".ipynb"):
        path = Path(name)
        if not path.is_file():
            raise NotThereError(f"no notebook {path}; give a path or the name of a template")
        return read_template(path.resolve(), path.resolve().parent)
    root = template_root()
    known = {path.relative_to(root).with_suffix("").as_posix(): path for path in _notebooks(root)}
    wanted = str(name)
    matches = [full for full in known if wanted in {full, full.rpartition("/")[2]}]
    if not matches:
        names = {*known, *(full.rpartition("/")[2] for full in known)}
        raise UnknownNameError("template", wanted, names, f"the catalogue {root}")
    if len(matches) > 1:
        raise TemplateError(f"template {wanted!r} is in several groups: {', '.join(matches)}")
    return read_template(known[matches[0]], root)


def template_root(package: Path | None = None) -> Path:
    """Return the folder of the templates: inside an installed package, beside it in a checkout."""
    return shipped_folder("templates", package)


def read_template(path: Path, root: Path) -> Template:
    """Read one notebook as a template; its name is its path below `root`."""
    name = path.relative_to(root).with_suffix("").as_posix()
    notebook = read_notebook(path)
    tagged = [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", ())]
    if len(tagged) != 1:
        raise TemplateError(
            f"{path} has {len(tagged)} cells tagged {TAG!r}; a template has exactly one"
        )
    text = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    title, _, rest = text.partition("\n")
    return Template(
        name=name,
        path=path,
        title=title.lstrip("# ").strip() or path.stem,
        purpose=" ".join(rest.strip().split("\n\n")[0].split()),
        parameters=parse_cell(tagged[0].source, where=name),
    )


def _notebooks(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("*/*.ipynb") if not path.name.startswith("."))

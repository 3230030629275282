"""Runs one notebook from a template; what failed ends up in the notebook and in one sentence."""

import importlib.metadata
import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillException, PapermillExecutionError

from workbench import __version__
from workbench.batch.catalogue import Template
from workbench.batch.kernel import ENGINE, KernelPlace, private_folder
from workbench.batch.notebooks import (
    RECORD,
    NotANotebookError,
    Notebook,
    insert_note,
    notebook_text,
    read_notebook,
    write_notebook,
)
from workbench.batch.parameters import Plain
from workbench.batch.results import Result, harvest
from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError
from workbench.core.shared import write_shared

ERROR_TAG = "workbench-error"
_LONGEST_ERROR = 400  # characters of an error in tables
_LOG_TAIL = 20_000  # characters of a dead kernel's own log in which its reason is looked for
_PACKAGES = ("lcls-workbench", "numpy", "h5py", "xarray", "matplotlib", "lmfit", "papermill")


def _is_news(record: logging.LogRecord) -> bool:
    # Papermill does not understand annotations such as "float | None"; names are checked before.
    return "unknown parameter" not in record.getMessage()


logging.getLogger("papermill").addFilter(_is_news)


class NotOursError(InputError):
    """A notebook in the way that no batch wrote."""


@dataclass(frozen=True)
class Executed:
    """An executed notebook on disk; `error` is empty when every cell ran."""

    path: Path
    error: str
    results: Mapping[str, Result]


def execute(
    template: Template,
    target: Path,
    *,
    parameters: Mapping[str, Plain],
    record: Mapping[str, Any],
) -> Executed:
    """Run the template with these parameters and write the executed notebook to `target`.

    A failing cell or a killed kernel does not raise: its text is returned, and the notebook is
    written as far as it came. `record` is stored in the notebook's metadata (``Any``: plain JSON).
    """
    refuse_foreign(target)
    started = datetime.now(UTC)
    with private_folder() as place:
        working = place.folder / "running.ipynb"
        error = _run(template.path, working, parameters, place, target.parent)
        if not working.exists():  # papermill failed before the first cell
            write_notebook(read_notebook(template.path), working)
        notebook = read_notebook(working)
    _mark(notebook, error)
    notebook.metadata[RECORD] = {
        **record,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 2),
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": versions(),
        "state": "failed" if error else "done",
        "error": error,
    }
    notebook.metadata.setdefault("papermill", {}).update(
        input_path=str(template.path), output_path=str(target)
    )
    write_shared(target, notebook_text(notebook))
    return Executed(target, error, harvest(notebook))


def refuse_foreign(target: Path) -> None:
    """Raise `NotOursError` where a notebook would be overwritten that no batch wrote."""
    if not target.exists():
        return
    try:
        ours = RECORD in read_notebook(target).metadata
    except NotANotebookError:
        ours = False
    if not ours:
        raise NotOursError(
            f"{target} was not written by a batch and is left alone; choose another --output"
        )


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide the numbers."""
    found = {"workbench": __version__}
    for package in _PACKAGES[1:]:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _run(
    source: Path,
    working: Path,
    parameters: Mapping[str, Plain],
    place: KernelPlace,
    folder: Path,
) -> str:
    try:
        papermill.execute_notebook(
            _braced(source),
            _braced(working),
            dict(parameters),
            engine_name=ENGINE,
            progress_bar=False,
            place=place,
            cwd_of_kernel=folder,
        )
    except PapermillExecutionError as error:
        return _short(f"cell {error.exec_count}: {error.ename}: {error.evalue}")
    except DeadKernelError:
        return _short("the kernel was killed while a cell ran (out of memory?)" + _tail(place.log))
    except RuntimeError as error:  # the kernel died before it answered
        return _short(f"the kernel did not start: {error}" + _tail(place.log))
    except PapermillException as error:
        return _short(f"{type(error).__name__}: {error}")
    except CannotWriteError:
        raise
    except OSError as error:
        raise CannotWriteError(
            f"cannot run in {place.folder}: {error}; free space there"
        ) from error
    return ""


def _braced(path: Path) -> str:
    return str(path).replace("{", "{{").replace("}", "}}")  # papermill formats its paths


def _mark(notebook: Notebook, error: str) -> None:
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "papermill-error-cell-tag" not in cell.metadata.get("tags", ())
    ]
    if error:
        insert_note(notebook, f"> **This notebook failed.** {error}", ERROR_TAG)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 3] + "..."


def _tail(log: Path) -> str:
    if not log.exists():
        return ""
    lines = log.read_text("utf-8", "replace").strip()[-_LOG_TAIL:].splitlines()
    telling = [line for line in lines if "error" in line.lower()] or lines[-1:]
    return f": {telling[0]}" if telling else ""

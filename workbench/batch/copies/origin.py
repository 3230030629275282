"""Where a copied notebook comes from: noted in its metadata, with the template as it then was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench import __version__
from workbench.batch.copies.cells import Cell
from workbench.core.errors import InputError

KEY = "workbench_template"  # in the notebook's metadata; "workbench" is a batch's record


class OriginError(InputError):
    """A note of origin that cannot be read; the text names what is wrong with it."""


@dataclass(frozen=True)
class Origin:
    """The template of a notebook, as it was when last copied or updated.

    Parameters
    ----------
    template
        Its name, "xpp/delay_scan".
    base
        Its cells.
    version
        Version of this package.
    """

    template: str
    base: tuple[Cell, ...]
    version: str = __version__

    def as_metadata(self) -> dict[str, Any]:
        """Return what is noted in the notebook."""
        cells = [cell.as_dict() for cell in self.base]
        return {"template": self.template, "version": self.version, "base": cells}


def origin_of(notebook: Any) -> Origin | None:  # Any: nbformat's notebooks are untyped
    """Return where a notebook was copied from; None where it notes nothing.

    Raises `OriginError` for a note that was damaged.
    """
    note = notebook.metadata.get(KEY)
    if note is None:
        return None
    try:
        base = tuple(_cell(entry) for entry in note["base"])
        return Origin(str(note["template"]), base, str(note["version"]))
    except (KeyError, TypeError) as error:
        raise OriginError(
            f"the note of its template is damaged ({error!r} in metadata.{KEY}); copy the template "
            "anew and move your cells over"
        ) from None


def _cell(entry: Mapping[str, Any]) -> Cell:
    return Cell(entry["id"], entry["kind"], entry["source"], dict(entry["metadata"]))

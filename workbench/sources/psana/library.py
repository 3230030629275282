"""The psana library: loaded when it is first needed, and asked for data sources without network."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workbench.core.arrays import Times
from workbench.core.errors import WorkbenchError
from workbench.core.extras import load

PURPOSE = "reading raw runs with psana"
# What psana raises on files that it cannot read; it has no errors of its own.
PSANA_ERRORS = (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError)


class PsanaError(WorkbenchError, ValueError):
    """A raw run that psana does not read, or not as the protocol of sources needs it."""


@dataclass(frozen=True)
class PsanaFiles:
    """What psana is given to open.

    Parameters
    ----------
    path
        A folder of streams, or one file.
    experiment, run
        As the file names of a folder tell them.
    """

    path: Path
    experiment: str = ""
    run: int = 0

    def runs(self, timestamps: Times | None = None) -> Iterator[Any]:  # Any: psana has no types
        """Yield psana's runs; of a folder only the events of some time stamps, if they are given.

        Raises `PsanaError` where psana cannot open the files.
        """
        try:
            yield from self._source(timestamps).runs()
        except PSANA_ERRORS as error:
            raise PsanaError(
                f"psana cannot read {self.path} ({type(error).__name__}: {error}); the native "
                "reader (source xtc2) may, or says what is wrong with it"
            ) from error

    @property
    def is_folder(self) -> bool:
        """Whether psana reads the streams of a folder together, by their index files."""
        return bool(self.experiment)

    def _source(self, timestamps: Times | None) -> Any:
        if not self.is_folder:
            single = psana("psana.psexp.singlefile_ds").SingleFileDataSource
            return single(files=[str(self.path)], skip_calib_load="all")
        chosen = {} if timestamps is None else {"timestamps": timestamps}
        return _folder_source()(
            exp=self.experiment, run=self.run, dir=str(self.path), skip_calib_load="all", **chosen
        )


def psana(module: str) -> Any:
    """Import a module of psana; `MissingToolError` says what to install."""
    os.environ.setdefault("PS_PARALLEL", "none")  # work is shared out by our executors, not by MPI
    return load(module, PURPOSE, "psana")


@cache
def _folder_source() -> Any:
    """Return psana's source for a folder, which asks no log book what lies in there."""
    serial = psana("psana.psexp.serial_ds").SerialDataSource
    return type("FolderSource", (serial,), {"_get_file_info_from_db": _not_asked})


def _not_asked(_source: Any, _run: int) -> dict[str, Any]:
    return {}

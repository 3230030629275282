"""Constants from psana's calibration store, which its web service gives out, for every run.

Which document serves which run is psana's own choice: of those of the experiment whose range holds
the run, the one that begins last; for types that the experiment has none of, the latest one of the
detector's own database.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.core.errors import NotThereError, UnknownNameError
from workbench.sources.calib_import import ImportRequest, Stored, assembled
from workbench.sources.calib_tree import TYPES
from workbench.sources.constants import Validity
from workbench.sources.geometry import parse_geometry
from workbench.sources.psana.library import psana

LAST_RUN = 9999  # psana's highest run number, at which validity ends
Document = Mapping[str, Any]


class PsanaStoreError(NotThereError):
    """psana's calibration store does not answer, or has nothing."""


def store_constants(request: ImportRequest) -> list[Validity]:
    """Read the constants of one detector of an experiment (`request.root`) for every run.

    `request.source` is the detector's type and serial numbers, as `RawRun.serials` gives them.
    """
    store = _Store(str(request.root), request.source)
    starts = sorted({edge for one in store.own for edge in _edges(one)} | store.usual)
    entries: list[Validity] = []
    for start, after in zip(starts, (*starts[1:], None), strict=True):
        chosen = store.serving(start)
        if chosen:
            last = None if after is None else after - 1
            entries.append(Validity(assembled(request, chosen), start, last))
    return entries


class _Store:
    """Documents of one detector: of the experiment, and of the detector's own database."""

    def __init__(self, experiment: str, source: str) -> None:
        self._web = psana("psana.pscalib.calib.MDBWebUtils")
        where = self._asked(
            self._web.dbnames_collection_query, source, exp=experiment, ctype=None, run=LAST_RUN
        )
        self._detector, self._experiment, self._column, self._query = where
        if self._column is None:
            raise UnknownNameError("detector", source, self._names(source), "psana's store")
        self.own = self._documents(self._experiment)
        self._common = self._documents(self._detector)
        if not self.own and not self._common:
            raise PsanaStoreError(
                f"psana's calibration store has nothing of {source}, neither in "
                f"{self._experiment} nor in {self._detector}; measure it: workbench constants dark"
            )
        self._read: dict[str, Stored] = {}

    @property
    def usual(self) -> set[int]:
        """The run from which the detector's own documents hold; nothing where it has none."""
        return {0} if self._common else set()

    def serving(self, run: int) -> dict[str, Stored]:
        """Return what serves a run, by type."""
        return {type_: stored for type_ in TYPES for stored in self._of_type(type_, run)}

    def _of_type(self, type_: str, run: int) -> Iterator[Stored]:
        own, common = (
            [one for one in every if one.get("ctype") == type_]
            for every in (self.own, self._common)
        )
        database = self._experiment
        chosen = self._web.select_doc_in_run_range(own, run) if own else None
        if chosen is None and common:
            database, chosen = self._detector, self._web.select_latest_doc(common, self._query)
        if chosen is None:
            return
        key = f"{database}/{chosen['_id']}"
        if key not in self._read:
            self._read[key] = self._stored(database, chosen)
        yield self._read[key]

    def _stored(self, database: str, one: Document) -> Stored:
        place = f"{database}/{self._column}/{one['_id']}"
        name = f"{one['ctype']} {one['run']}-{one['run_end']} ({database} {one['_id']})"
        data = self._asked(self._web.get_data_for_doc, database, one)
        if data is None:
            raise PsanaStoreError(f"psana's calibration store has no data of {place}; add it again")
        if one["ctype"] == "geometry":
            return Stored(place, name, position=parse_geometry(data, where=place).laboratory)
        return Stored(place, name, np.asarray(data, np.float64))

    def _documents(self, database: str) -> Sequence[Document]:
        return self._asked(self._web.find_docs, database, self._column, self._query) or ()

    def _names(self, source: str) -> list[str]:
        """Return the long names of all detectors of the same type."""
        names = psana("psana.pscalib.calib.CalibConstants").DETNAMESDB
        every = self._asked(self._web.find_docs, names, source.partition("_")[0], {})
        return [str(one["long"]) for one in every or ()]

    def _asked(self, question: Any, *given: Any, **named: Any) -> Any:  # Any: psana has no types
        try:
            return question(*given, **named)
        except (OSError, ValueError, SystemExit) as error:  # psana exits where it is unavailable
            url = psana("psana.pscalib.calib.CalibConstants").URL
            raise PsanaStoreError(
                f"psana's calibration store at {url} does not answer ({type(error).__name__}: "
                f"{error}); LCLS_CALIB_HTTP names another address"
            ) from error


def _edges(one: Document) -> tuple[int, ...]:
    """Return the runs at which a document begins to serve and ceases to."""
    end = str(one["run_end"])
    after = (int(end) + 1,) if end.isdigit() and int(end) < LAST_RUN else ()
    return (int(one["run"]), *after)

"""``get_tt_traces`` of a config: edges in the traces that LCLS-II's time tool writes.

Where the DAQ of LCLS-II finds the edge in an Opal or Piranha camera (algorithm ``ttfex``), it can
write the projected signal and the reference, a running mean of shots without X-rays, beside its
result (``proj_sig``, int32, and ``proj_ref``, float64; psdaq/drp/Opal.cc of slac-lcls/lcls2).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.stack import Stack
from workbench.facility import Hutch
from workbench.producer.columns import Column, FieldColumn, Specs
from workbench.producer.entries import EntryError
from workbench.producer.given import Given
from workbench.producer.report import Report, kind
from workbench.reductions.edge import FITTED, fit_edge
from workbench.smalldata import DatasetSpec, OnceValue
from workbench.sources import RawRun

FUNCTION = "get_tt_traces"
KEYS = ("name", "signal", "reference", "roi_n", "roi_s", "sigma_TT", "sm")
TEXTS = ("place of the edge", "its width", "height of its slope", "constant", "slope")
UNITS = ("pixel", "pixel", "1", "1", "1")


@dataclass(frozen=True)
class TraceEdge:
    """How the edge is found in the traces of one detector.

    Parameters
    ----------
    detector, name
        As in the run; and what the datasets are called.
    signal, reference
        Fields with the traces.
    level, region
        Pixels [first, last) in which both traces are levelled, and in which the edge is; None: not
        levelled, and all of the trace.
    sigma, smoothing
        Width of the edge with which the fit begins, and of the smoothing before it [pixel].
    line
        Where it stands in the config.
    """

    detector: str
    name: str
    signal: str = "proj_sig"
    reference: str = "proj_ref"
    level: tuple[int, int] | None = None
    region: tuple[int, int] | None = None
    sigma: float = 18.0
    smoothing: float = 0.0
    line: int = 0

    def __str__(self) -> str:
        return f"{FUNCTION}[{self.detector!r}]"

    def column(
        self,
        columns: Sequence[Column],
        place: Hutch | None,  # noqa: ARG002 - as that of `ttCalib`
        raw: RawRun,
    ) -> "TraceEdgeColumn":
        """Return the column; `EntryError` where the run has no such traces."""
        algorithm = self._algorithm(raw)
        signal, reference = (f"{self.detector}.{algorithm}.{name}" for name in self.traces)
        folders = (
            column.spec.name.partition("/")[0]
            for column in columns
            if isinstance(column, FieldColumn) and column.source.startswith(f"{self.detector}.")
        )
        return TraceEdgeColumn(signal, reference, next(folders, self.detector), self)

    def _algorithm(self, raw: RawRun) -> str:
        for algorithm, fields in raw.detectors.get(self.detector, {}).items():
            if set(self.traces) <= fields.keys():
                return algorithm
        raise EntryError(
            "no-traces",
            f"{self.detector} has no traces {self.signal} and {self.reference} in this run; the "
            "DAQ writes them where its time tool is told to write projections",
        )

    @property
    def traces(self) -> tuple[str, str]:
        """Fields with signal and reference."""
        return self.signal, self.reference

    def kept(self, group: str) -> Mapping[str, OnceValue]:
        """Return what is kept of it once a file."""
        place = f"UserDataCfg/{group}/{self.name}__{self.name}"
        found = {
            f"{place}_sigma_TT": OnceValue(self.sigma, "pixel", "width with which the fit begins"),
            f"{place}_sm": OnceValue(self.smoothing, "pixel", "smoothing of the trace"),
        }
        for key, ends, text in (
            ("roi_n", self.level, "pixels of the levels"),
            ("roi_s", self.region, "pixels of the edge"),
        ):
            if ends is not None:
                found[f"{place}_{key}"] = OnceValue(np.array(ends), "pixel", text)
        return found

    def find(self, signal: Array, reference: Array) -> dict[str, Array]:
        """Return the fitted edge of one shot, its place counted from the begin of the region."""
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio: Floats = np.asarray(signal, np.float64) / np.asarray(reference, np.float64)
            if self.level is not None:
                ratio = ratio / ratio[slice(*self.level)].mean()
        inside = ratio if self.region is None else ratio[slice(*self.region)]
        return fit_edge(inside, self.sigma, self.smoothing)


@dataclass(frozen=True)
class TraceEdgeColumn:
    """The fitted edge of each event.

    Parameters
    ----------
    source, reference
        ``detector.algorithm.field`` of the traces.
    group
        Folder of the datasets.
    edge
        How it is found.
    """

    source: str
    reference: str
    group: str
    edge: TraceEdge

    @property
    def specs(self) -> Specs:
        """The fitted numbers and the state of the fit."""
        place = f"{self.group}/{self.edge.name}"
        fitted = (
            DatasetSpec(f"{place}_{name}", "float64", unit=unit, long_name=f"{text}, in the fit")
            for name, text, unit in zip(FITTED, TEXTS, UNITS, strict=True)
        )
        text = "1 to 4: fitted; more: the fit gave up; -1: there is no edge"
        return (*fitted, DatasetSpec(f"{place}_err", "int64", unit="1", long_name=text))

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:  # noqa: ARG002 - as all columns
        """Return the edge of each event; missing where the DAQ wrote no traces."""
        here = stack.present[self.source.rsplit(".", 1)[0]]
        rows = {spec.name: spec.blank(len(stack)) for spec in self.specs}
        for event in np.flatnonzero(here):
            signal, reference = (stack[name][event] for name in (self.source, self.reference))
            if signal is None or reference is None or not len(signal):
                continue
            if len(signal) != len(reference):
                continue  # the DAQ wrote one of the two: as good as none
            found = self.edge.find(signal, reference)
            for name, value in found.items():
                rows[f"{self.group}/{self.edge.name}_{name}"][event] = value
        return rows


def read_traces(value: object, report: Report) -> Iterator[TraceEdge]:
    """Yield the usable entries of the function; the others go to `report`."""
    if value is None:
        return
    if not isinstance(value, dict):
        report.skip("wrong-type", f"{FUNCTION} must return a dict, not {kind(value)}", FUNCTION)
        return
    for detector, given in value.items():
        try:
            yield _read(str(detector), given, report.line(FUNCTION, detector))
        except EntryError as error:
            path = (FUNCTION, detector, error.key) if error.key else (FUNCTION, detector)
            report.skip(error.code, str(error), *path)


def _read(detector: str, value: object, line: int) -> TraceEdge:
    given = Given(value, KEYS, "a time tool")
    sigma, smoothing = given.number("sigma_TT", 18.0), given.number("sm", 0.0)
    if sigma <= 0 or smoothing < 0:
        key = "sigma_TT" if sigma <= 0 else "sm"
        text = "the width of the edge is above 0, that of the smoothing 0 or more"
        raise EntryError("wrong-type", text, key)
    return TraceEdge(
        detector,
        given.name("edge"),
        given.text("signal", "proj_sig"),
        given.text("reference", "proj_ref"),
        given.samples("roi_n"),
        given.samples("roi_s"),
        sigma,
        smoothing,
        line,
    )

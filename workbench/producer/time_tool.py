"""``ttCalib`` of a config: the edge position of the time tool as a correction of the delay [ps]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyval

from workbench.core.arrays import Array
from workbench.core.stack import Stack
from workbench.facility import Hutch
from workbench.producer.columns import Column, FieldColumn, Specs
from workbench.producer.entries import EntryError
from workbench.producer.report import kind
from workbench.smalldata import DatasetSpec, OnceValue
from workbench.sources import RawRun

NAME = "ttCalib"
DATASET = "tt/ttCorr"
EDGE = "fltpos"  # edge position; 0 where the fit failed
MOST = 3  # coefficients


@dataclass(frozen=True)
class TimeToolCalibration:
    """c0 + c1 x + c2 x^2 of the edge position x [pixel]: the correction [ps].

    Parameters
    ----------
    coefficients
        Constant first [ps, ps/pixel, ps/pixel^2].
    line
        Where it stands in the config.
    """

    coefficients: tuple[float, ...]
    line: int = 0

    def __str__(self) -> str:
        return NAME

    def column(
        self,
        columns: Sequence[Column],
        place: Hutch | None,
        raw: RawRun,  # noqa: ARG002 - as all
    ) -> "CorrectionColumn":
        """Return the column of the correction; `EntryError` where the run has no edge position."""
        facts = place.defaults("lcls2") if place else ()
        tools = [fact.group for fact in facts if fact.kind == "timetool"]
        edges = {
            column.spec.name: column.source for column in columns if isinstance(column, FieldColumn)
        }
        source = next((edges[f"{tool}/{EDGE}"] for tool in tools if f"{tool}/{EDGE}" in edges), "")
        if not source:
            looked = ", ".join(f"{tool}/{EDGE}" for tool in tools) or f"tt/{EDGE}"
            raise EntryError(
                "no-time-tool", f"there is no edge position of a time tool in this run ({looked})"
            )
        return CorrectionColumn(source, self.coefficients)

    @property
    def kept(self) -> Mapping[str, OnceValue]:
        """What is kept of it once a file."""
        text = "polynomial from edge position [pixel] to correction [ps], constant first"
        return {f"UserDataCfg/tt/{NAME}": OnceValue(np.array(self.coefficients), "1", text)}


@dataclass(frozen=True)
class CorrectionColumn:
    """The correction of each event; 0 where the fit of the edge failed, as LCLS-I stores it."""

    source: str
    coefficients: tuple[float, ...]

    @property
    def specs(self) -> Specs:
        """The dataset."""
        text = "time-tool correction by the polynomial of the config; 0 where no edge was found"
        return (DatasetSpec(DATASET, "float64", unit="ps", long_name=text),)

    def values(self, stack: Stack, raw: RawRun) -> Mapping[str, Array]:  # noqa: ARG002 - as all columns
        """Return the correction [ps], NaN where the time tool is not in the event."""
        here = stack.present[self.source.rsplit(".", 1)[0]]
        edge = stack[self.source][here].astype(np.float64)
        rows = np.full(len(stack), np.nan)
        rows[here] = np.where(edge == 0, 0.0, polyval(edge, self.coefficients))
        return {DATASET: rows}


def read_calibration(value: object, line: int) -> TimeToolCalibration | None:
    """Return what a config gives; None for an empty list; `EntryError` for anything else."""
    if value is None or (isinstance(value, list) and not value):
        return None
    numbers = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(numbers, list) or not all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in numbers
    ):
        text = f"write [constant, slope, square] in ps and pixel, not {kind(value)}"
        raise EntryError("wrong-type", text)
    if not 2 <= len(numbers) <= MOST or not all(np.isfinite(numbers)):
        raise EntryError("wrong-type", f"2 or 3 numbers are needed, constant first, not {numbers}")
    return TimeToolCalibration(tuple(map(float, numbers)), line)

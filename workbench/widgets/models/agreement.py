"""Does a produced file say what the editor says? Pixels, bins and numbers, bit for bit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.core.table import Cell, Table
from workbench.reductions import Azimuthal, Integration, Roi
from workbench.runs import Run
from workbench.widgets.models.answers import FrameSource, roi_of, signal
from workbench.widgets.models.model import RegionModel

Average = Azimuthal | Integration
MASK = "mask"  # of the settings of an average, 1 = bad
COLUMNS = ("region", "what", "values", "equal", "largest difference", "unit", "bit for bit")


@dataclass(frozen=True, repr=False)
class Agreement:
    """The editor and a produced file, compared.

    Parameters
    ----------
    table
        One row for the pixels of each region or average, and one for each of its numbers over all
        events; for averages also one for the middles of their bins along each axis.
    """

    table: Table

    @property
    def agrees(self) -> bool:
        """Tell whether there is something to compare, and all of it is equal to the last bit."""
        return len(self.table) > 0 and all(row[-1] is True for row in self.table.rows)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def agreement(
    model: RegionModel,
    source: FrameSource,
    run: Run,
    names: Iterable[str] | None = None,
    *,
    good: Bools | None = None,
    low: float = -np.inf,
    high: float = np.inf,
    averages: Mapping[str, Average] | None = None,
) -> Agreement:
    """Compare the regions of a model, and averages of its picture, with a produced file.

    Parameters
    ----------
    model
        With the regions as they were written to the config.
    source
        The frames that the file was produced from.
    run
        The file.
    names
        Which regions; None: all.
    good
        The mask that was written with them, shape of the frames, True = use; None: none.
    low, high
        Thresholds that were written with them [unit of the frames].
    averages
        Name of an azimuthal average in the file, such as "azav" -> what previews it.
    """
    rows: list[tuple[Cell, ...]] = []
    for name in model.regions if names is None else names:
        roi = roi_of(model.picture.layout, model[name], good=good, low=low, high=high)
        rows += [_pixels(model, roi, run, name), *_numbers(model, roi, source, run, name)]
    for name, average in (averages or {}).items():
        rows += _bins(model, average, run, name)
        rows += _numbers(model, average, source, run, name)
    return Agreement(Table(COLUMNS, tuple(rows), caption=f"the editor and {run.label}"))


def _pixels(model: RegionModel, roi: Roi, run: Run, name: str) -> tuple[Cell, ...]:
    detector, spec = model.picture.detector, model.picture.spec
    ours = np.zeros(spec.shape, np.bool_)
    within = roi.region(spec).slices
    ours[within] = spec.good[within] if roi.good is None else (spec.good & roi.good)[within]
    known = run.settings[detector].functions if detector in run.settings else {}
    bounds = known[name].bounds if name in known else None
    if bounds is None:
        return name, "pixels", int(ours.sum()), 0, None, "pixel", False
    theirs, stored = np.zeros(spec.shape, np.bool_), known[name].good
    theirs[bounds.slices] = True if stored is None else stored.reshape(bounds.shape)
    equal = bool(np.array_equal(ours, theirs))
    return name, "pixels", int(ours.sum()), int((ours & theirs).sum()), None, "pixel", equal


def _bins(model: RegionModel, average: Average, run: Run, name: str) -> Iterable[tuple[Cell, ...]]:
    """Compare the pixels of an average, and the middles of its bins along each axis."""
    detector, spec = model.picture.detector, model.picture.spec
    ours = average.settings(spec)
    known = run.settings[detector].functions if detector in run.settings else {}
    theirs: Mapping[str, Any] = known.get(name, {})
    axes = dict.fromkeys(axis for output in average.outputs(spec) for axis in output.dims)
    used = np.asarray(ours[MASK].value) == 0
    stored = np.asarray(theirs[MASK]) == 0 if MASK in theirs else np.zeros(0, np.bool_)
    fits = used.shape == stored.shape
    both = int((used & stored).sum()) if fits else 0
    yield (
        name,
        "pixels",
        int(used.sum()),
        both,
        None,
        "pixel",
        fits and bool((used == stored).all()),
    )
    for axis in axes:
        values = np.atleast_1d(ours[axis].value)
        middles = np.atleast_1d(theirs[axis]) if axis in theirs else np.zeros(0)
        fits = values.shape == middles.shape
        equal = int((values == middles).sum()) if fits else 0
        apart = float(np.abs(values - middles).max()) if fits else None
        yield name, axis, values.size, equal, apart, ours[axis].unit, equal == values.size


def _numbers(
    model: RegionModel, made: Roi | Average, source: FrameSource, run: Run, name: str
) -> Iterable[tuple[Cell, ...]]:
    """Compare each number that a file always keeps, and the others where it keeps them."""
    ours = signal(source, made)
    for output in ours.outputs:
        field = f"{model.picture.detector}/{name}_{output.name}"
        if field in run:
            stored = np.asarray(run[field].read())
            equal, apart, same = _compared(ours[output.name], stored, ours.events)
        elif output.name.startswith("pj_"):
            continue  # a config asks for projections, or does not
        else:
            equal, apart, same = 0, None, False
        yield name, output.name, len(ours.events), equal, apart, output.unit, same


def _compared(values: Array, stored: Array, events: Ints) -> tuple[int, float | None, bool]:
    """Return how many events are equal, the largest difference, and whether all bits are equal.

    Events without a frame must have no number in the file.
    """
    there, others = stored[events], np.ones(len(stored), np.bool_)
    others[events] = False
    if values.shape != there.shape:
        return 0, None, False
    same = (values == there) | (np.isnan(values) & np.isnan(there))
    equal = int(same.reshape(len(events), -1).all(axis=1).sum())
    apart = np.abs(values - there)[~same]
    bits = values.dtype == there.dtype and values.tobytes() == there.tobytes()
    whole = bits and bool(np.isnan(stored[others]).all())
    return equal, float(apart.max()) if apart.size else 0.0, whole

"""Frames of which a small-data file kept a part: the pixels of a region, event by event."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Frames, Ints
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.frames import FrameSpec
from workbench.runs import Run

AREA = "_area"


class NotStoredError(InputError):
    """Pixels that a small-data file did not keep; the text says what would."""


@dataclass(frozen=True, eq=False)
class StoredAreas:
    """The pixels of one region of a detector, as a small-data file keeps them.

    Parameters
    ----------
    run
        An opened run.
    name
        Of the field, ``<detector>/<region>_area``.
    bounds
        Which pixels it holds.
    spec
        Shape of the whole frames, their unit and usable pixels.
    """

    run: Run
    name: str
    bounds: Bounds
    spec: FrameSpec

    @classmethod
    def of(cls, run: Run, detector: str, region: Bounds) -> "StoredAreas":
        """Find a field that holds all pixels of a region; `NotStoredError` where none does.

        Raises
        ------
        UnknownNameError
            For a detector that the run does not have.
        NotStoredError
            Where no field holds all pixels of the region.
        """
        if detector not in run.settings:
            raise UnknownNameError("detector", detector, run.settings, run.label)
        settings, partly = run.settings[detector], []
        good = settings.good
        for name, function in settings.functions.items():
            field, bounds = f"{detector}/{name}{AREA}", function.bounds
            if field not in run.infos or bounds is None or good is None:
                continue
            if len(bounds.low) != good.ndim:
                continue
            if (limits := function.limits) is not None:
                partly.append(f"{name} (values outside {limits[0]:g} to {limits[1]:g} kept as 0)")
            elif not _holds(bounds.fit(good.shape), region):
                partly.append(f"{name} {bounds.fit(good.shape)}")
            else:
                calibrated = settings.good_calibrated
                used = good if calibrated is None else good & calibrated
                info = run.infos[field]
                spec = FrameSpec(good.shape, run[field].unit or "ADU", used, info.dtype)
                return cls(run, field, bounds.fit(good.shape), spec)
        raise NotStoredError(
            f"{run.label} keeps no pixels of {detector} in all of {region}"
            + (f", only of {', '.join(partly)}" if partly else "")
            + "; use the raw run, or produce it with 'writeArea' of a region around"
        )

    @property
    def label(self) -> str:
        """Where the values come from, in words."""
        return f"{self.name} of {self.run.label}"

    def stacks(
        self, region: Bounds | None = None, *, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[Ints, Frames]]:
        """Yield event numbers and pixels of a region, shape (event, *region).

        Events of which nothing was stored are left out.

        Parameters
        ----------
        region
            Pixels wanted, within those stored; None: all of these.
        start, stop
            Range of events.

        Raises
        ------
        NotStoredError
            For a region that is not kept.
        """
        region = self.bounds if region is None else region
        if not _holds(self.bounds, region):
            raise NotStoredError(f"{self.label} holds {self.bounds}, not all of {region}")
        inside = tuple(
            slice(low - first, high - first)
            for low, high, first in zip(region.low, region.high, self.bounds.low, strict=True)
        )
        wanted = np.zeros(self.run.n_events, np.bool_)
        wanted[start:stop] = True
        for events, values in self.run[self.name].iter_stacks(where=wanted):
            areas = values.reshape(len(values), *self.bounds.shape)
            known = ~np.isnan(areas.reshape(len(areas), -1)).all(axis=1)
            yield events[known], areas[(known, *inside)]


def _holds(outer: Bounds, inner: Bounds) -> bool:
    return all(a <= b for a, b in zip(outer.low, inner.low, strict=True)) and all(
        a >= b for a, b in zip(outer.high, inner.high, strict=True)
    )

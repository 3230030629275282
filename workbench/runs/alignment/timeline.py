"""The events of a run in the order of time, and what each check of alignment reads of them."""

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array, Floats, Ints

if TYPE_CHECKING:
    from workbench.runs.run import Run

MANY_ZEROS = 10  # exact zeros in a row are no measurement
OWN_GROUPS = ("UserDataCfg", "Sums", "intg")


class Timeline:
    """One run with its events sorted by time; columns are read once.

    Parameters
    ----------
    run
        The run; its rows may lie in any order.
    """

    def __init__(self, run: "Run") -> None:
        self.run = run

    def __len__(self) -> int:
        return self.run.n_events

    @property
    def order(self) -> Ints:
        """Row in the file of each event, first to last in time, shape (event,)."""
        return self.run.time_order

    @cached_property
    def xray(self) -> Array:
        """X-ray flag in time order: 1 on, 0 off, negative unknown, shape (event,)."""
        return np.asarray(self.run.classes.xray)[self.order]

    @cached_property
    def laser(self) -> Array:
        """Laser flag in time order: 1 on, 0 off, negative unknown, shape (event,)."""
        return np.asarray(self.run.classes.laser)[self.order]

    def holds(self, name: str) -> bool:
        """Tell whether the run has this channel with one number per event."""
        if name not in self.run:
            return False
        channel = self.run[name]
        return channel.per_event and channel.shape == (len(self),) and channel.dtype.kind in "biuf"

    def values(self, name: str) -> Floats:
        """Return a channel in time order, shape (event,); NaN where it was not measured.

        Zeros before a detector first appeared (LCLS-II writers fill with them) are not measured.
        """
        rows = self.run[name].read().astype(np.float64)
        first = np.flatnonzero(rows != 0)
        if len(first) and first[0] >= MANY_ZEROS and rows.dtype.kind == "f":
            rows[: first[0]] = np.nan
        return rows[self.order]

    @cached_property
    def monitors(self) -> tuple[str, ...]:
        """Channels that can serve as I0, best first, one of each monitor."""
        first: dict[str, str] = {}
        for field in self.run.role_fields("i0"):
            if self.holds(field.name):
                first.setdefault(field.name.split("/")[0], field.name)
        return tuple(first.values())

    @cached_property
    def region_sums(self) -> tuple[str, ...]:
        """Sums over regions of area detectors: ``<det>/<region>_sum``, one number per event."""
        named = (n for n in self.run if n.endswith("_sum") and n.split("/")[0] not in OWN_GROUPS)
        return tuple(sorted(name for name in named if self.holds(name)))

    def role(self, role: str) -> str:
        """Return the channel of a role that the run has, best first; empty where it has none."""
        names = (field.name for field in self.run.role_fields(role))
        return next((name for name in names if self.holds(name)), "")


def blocks(n_events: int, size: int) -> list[slice]:
    """Cut a number of events into blocks of about `size`, the last as long as the others."""
    if n_events == 0:
        return []
    edges = np.linspace(0, n_events, max(1, n_events // size) + 1).round().astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def ranges(positions: Ints, gap: int = 1) -> list[tuple[int, int]]:
    """Join sorted positions into half-open ranges; those at most `gap` apart are one."""
    if len(positions) == 0:
        return []
    breaks = np.flatnonzero(np.diff(positions) > gap)
    firsts = positions[np.concatenate([[0], breaks + 1])]
    lasts = positions[np.concatenate([breaks, [len(positions) - 1]])]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]

"""AnyRun: what cuts, binning and plots ask for, answered by one run and by several as one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Array, Bools, Ints, Times
from workbench.core.table import Table
from workbench.facility import RoleField
from workbench.runs.answers import Beam, Reduce, Scope
from workbench.runs.classes import Classes
from workbench.smalldata import FieldInfo

if TYPE_CHECKING:
    from workbench.runs.channel import Channel
    from workbench.runs.cuts import Cut


class AnyRun(Protocol):
    """Events with labelled channels: a `Run`, or `Runs` end to end."""

    @property
    def label(self) -> str:
        """How messages name it."""

    @property
    def experiment(self) -> str:
        """Name of the experiment; may be empty."""

    @property
    def run(self) -> int | None:
        """Run number; None where there is none or more than one."""

    @property
    def generation(self) -> str:
        """Either "lcls1" or "lcls2"."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in order."""

    @property
    def n_events(self) -> int:
        """Number of events."""

    @property
    def infos(self) -> Mapping[str, FieldInfo]:
        """What is known of each dataset."""

    @property
    def failures(self) -> Mapping[str, Mapping[str, int]]:
        """Events per detector and state, where the writer counted them."""

    @property
    def timestamps(self) -> Times:
        """Time stamp of every event, shape (event,)."""

    @property
    def times(self) -> NDArray[np.datetime64]:
        """UTC time of every event, shape (event,)."""

    @property
    def time_order(self) -> Ints:
        """Row numbers from first to last in time, shape (event,)."""

    @property
    def run_index(self) -> Ints:
        """Which run each event belongs to, counted from 0, shape (event,)."""

    @property
    def classes(self) -> Classes:
        """Which events are on, off, dark or unknown."""

    def __contains__(self, name: str, /) -> bool: ...

    def __getitem__(self, name: str, /) -> "Channel": ...

    def channel(self, wanted: "str | Channel", /) -> "Channel":
        """Return a channel by name, by role, or as given."""

    def role(self, role: str, /) -> "Channel":
        """Return the channel that serves for a role."""

    def role_fields(self, role: str, /) -> tuple[RoleField, ...]:
        """Return the datasets that could play a role."""

    def delay(
        self,
        *,
        time_tool: bool = True,
        source: str | None = None,
        unit: str | None = None,
        sign: int | None = None,
        t0: float | None = None,
    ) -> "Channel":
        """Return the delay of every event [ps]."""

    def mask(self, selection: "Cut | None" = None, of: str = "all") -> Bools:
        """Return the events of a class that pass a selection, shape (event,)."""

    def tally(self, selection: "Cut", of: str = "all") -> Table:
        """Count what each cut keeps and loses."""

    def cut_values(self, field: str, reduce: Reduce = "") -> tuple[Array, Bools]:
        """Return one value per event and where it is missing."""

    def cut_stacks(self, fields: tuple[str, ...]) -> Iterator[tuple[Array, ...]]:
        """Yield the values of several fields, stack by stack, NaN where missing."""

    def field_name(self, field: str) -> str:
        """Return the name of the dataset behind a role; other names as they are."""

    def code_present(self, code: int) -> Bools:
        """Tell in which events this event code was sent."""

    def beam(self, which: Beam) -> Array:
        """Return 1 on, 0 off, negative unknown, shape (event,)."""

    def in_scope(self, scope: Scope) -> Bools:
        """Tell which events belong to a class."""

"""Classes of events: on (X-rays and laser), off (X-rays, no laser), dark (no X-rays), unknown."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import UnknownNameError
from workbench.core.table import Table

CLASSES = ("all", "on", "off", "dark", "unknown")


@dataclass(frozen=True)
class Classes:
    """The class of each event, from the state of X-rays and laser.

    Flags tell the trigger, not light on the sample. An event whose state is not known is in none
    of on, off and dark.

    Parameters
    ----------
    xray, laser
        Shape (event,): 1 on, 0 off, anything negative unknown.
    why
        Where the states come from.
    """

    xray: Array
    laser: Array
    why: str

    @cached_property
    def on(self) -> Bools:
        """X-rays and laser."""
        return np.asarray((self.xray == 1) & (self.laser == 1))

    @cached_property
    def off(self) -> Bools:
        """X-rays without laser: the reference."""
        return np.asarray((self.xray == 1) & (self.laser == 0))

    @cached_property
    def dark(self) -> Bools:
        """No X-rays: the background."""
        return np.asarray(self.xray == 0)

    @cached_property
    def unknown(self) -> Bools:
        """None of the above."""
        return ~(self.on | self.off | self.dark)

    def of(self, name: str) -> Bools:
        """Return the events of a class by its name; "all" for every event.

        Raises
        ------
        UnknownNameError
            For a class that there is not.
        """
        if name not in CLASSES:
            raise UnknownNameError("class of events", name, CLASSES, "a run")
        if name == "all":
            return np.ones(len(self.xray), dtype=np.bool_)
        mask: Bools = getattr(self, name)
        return mask

    @property
    def table(self) -> Table:
        """How many events each class has."""
        total = max(1, len(self.xray))
        counts = [(name, int(self.of(name).sum())) for name in CLASSES]
        rows = tuple((name, count, round(100 * count / total, 2)) for name, count in counts)
        return Table(("class", "events", "percent"), rows, caption=self.why)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

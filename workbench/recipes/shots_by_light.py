"""Shots with and without X-rays, told apart by the light itself: a level of I0 between them."""

from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.errors import WorkbenchError
from workbench.runs.protocol import AnyRun

LEVELS = 20  # between the medians of shots without and with X-rays


@dataclass(frozen=True, eq=False)
class ShotsByLight:
    """Readings of a monitor in the shots with and without X-rays, and a level to part them by.

    Parameters
    ----------
    name, unit
        Of the monitor.
    lit, dark
        Readings of the shots with X-rays and of those without, [unit], shape (shot,).
    level
        [unit]; None: no level.
    message
        Why there are no readings.
    """

    name: str
    unit: str
    lit: Floats
    dark: Floats
    level: float | None = None
    message: str = ""

    def at(self, level: float | None) -> "ShotsByLight":
        """Return the same shots with another level."""
        return replace(self, level=level)

    @property
    def levels(self) -> Floats:
        """Levels to try, from the median of the shots without X-rays to that of the others."""
        if not (np.isfinite(self.lit).any() and np.isfinite(self.dark).any()):
            return np.empty(0)
        return np.linspace(np.nanmedian(self.dark), np.nanmedian(self.lit), LEVELS + 1)

    @property
    def kept(self) -> int | None:
        """Shots with X-rays and at least the level; None without readings."""
        if self.message:
            return None
        return int(np.count_nonzero(self.lit >= (-np.inf if self.level is None else self.level)))

    @property
    def on_the_wrong_side(self) -> int | None:
        """Shots with X-rays below the level and without from it on; None where not known."""
        if self.message or self.level is None:
            return None
        wrong = np.count_nonzero(self.lit < self.level), np.count_nonzero(self.dark >= self.level)
        return int(sum(wrong))


def shots_by_light(run: AnyRun, monitor: str = "i0") -> ShotsByLight:
    """Return what a monitor read in the shots with and without X-rays; not measured is NaN.

    A run without this field or role gives no shots and says so.
    """
    try:
        channel = run.channel(monitor)
        reading = channel.read().astype(np.float64)
    except WorkbenchError as error:
        nobody = np.empty(0)
        return ShotsByLight(monitor, "1", nobody, nobody, message=str(error))
    lit = run.classes.on | run.classes.off
    return ShotsByLight(
        channel.name, channel.unit, reading[lit], reading[np.asarray(run.classes.dark)]
    )

"""Flags that contradict the light: X-ray flag against monitors, laser flag against a diode.

A shot counts as lit where every monitor that measured it is above its dark level by `SURE` spreads
of the dark shots, as dark where two of them (or the only one) are not. Weak pulses of a spiky beam
can look dark: flagged shots without light are a contradiction only where they are many more than
the weak pulses just above the threshold, so that the distribution has a peak of its own at zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.runs.alignment.estimators import SURE, excess, level, spread

XRAY, LASER = "lightStatus/xray", "lightStatus/laser"
ENOUGH = 20  # shots flagged off from which a dark level can be taken
ZERO = 0.05  # of the bright level, where too few shots are flagged off: half of the weakest pulses
# that anybody cuts on (a tenth of the usual intensity)
BRIGHT = 90  # percentile that is lit even where most of a run is not
AGREEING = 2  # monitors that must be dark: those upstream of a closed shutter still see light
JOINED = 30  # shots (1/4 s at 120 Hz) between contradictions that make one block


@dataclass(frozen=True)
class Light:
    """When one monitor saw light.

    Parameters
    ----------
    name
        The channel.
    dark, threshold, bright
        Its dark level, the level above which it sees light, the usual one with light.
    lit, weak, measured
        Shots above the threshold; those less than twice as far above the dark level as it;
        those with a value, shape (event,).
    """

    name: str
    dark: float
    threshold: float
    bright: float
    lit: Bools
    weak: Bools
    measured: Bools

    @property
    def sees(self) -> bool:
        """Whether light and dark can be told apart: usual light must be no weak light."""
        return bool(self.bright - self.dark > 2 * (self.threshold - self.dark))


@dataclass(frozen=True)
class Contradiction:
    """How a flag and its monitors contradict each other.

    Parameters
    ----------
    flag
        The flag's name.
    monitors
        The channels it was compared with; empty where none can tell.
    unlit
        Shots flagged on that are dark, if they are too many for weak pulses, in time order.
    lit
        Shots flagged off that every monitor saw, likewise.
    never
        Whether all monitors read the same with either flag: they are blind or the flag is wrong.
    """

    flag: str
    monitors: tuple[str, ...]
    unlit: Bools
    lit: Bools
    never: bool = False

    @property
    def count(self) -> int:
        """Shots in contradiction."""
        return int(self.unlit.sum() + self.lit.sum())


def see_light(name: str, values: Floats, flag: Array) -> Light:
    """Find the dark level of a monitor and which shots it saw.

    The dark level comes from the shots flagged off unless those are mostly as bright as the rest,
    that is, unless the flag itself is wrong; then it is taken as 0.
    """
    measured = np.isfinite(values)
    known = values[measured]
    bright = float(np.percentile(known, BRIGHT)) if known.size else float("nan")
    off = values[measured & (flag == 0)]
    dark, threshold = 0.0, ZERO * bright
    if _alike(values[measured & (flag == 1)], off):
        threshold = float("inf")  # it sees the same with either flag: blind, or the flag is wrong
    elif len(off) >= ENOUGH and np.median(off) < bright / 2:
        dark = float(np.median(off))
        threshold = dark + SURE * spread(off)
    with np.errstate(invalid="ignore"):
        lit = measured & (values > threshold)
        weak = lit & (values - dark < 2 * (threshold - dark))
    return Light(name, dark, threshold, bright, lit, weak, measured)


def _alike(on: Floats, off: Floats) -> bool:
    (first, error), (second, other) = level(on), level(off)
    return len(off) >= ENOUGH and abs(first - second) <= SURE * float(np.hypot(error, other))


def compare(name: str, flag: Array, lights: Sequence[Light]) -> Contradiction:
    """Compare a flag with all monitors that can tell light from dark.

    Parameters
    ----------
    name, flag
        The flag, 1 for on, shape (event,).
    lights
        From `see_light`, of the same events.
    """
    nothing = np.zeros(len(flag), dtype=np.bool_)
    seeing = [light for light in lights if light.sees]
    if not seeing:
        on = np.asarray(flag == 1)
        blind = bool(lights) and bool(on.any())
        names = tuple(light.name for light in lights)
        return Contradiction(name, names, on if blind else nothing, nothing, never=blind)
    measured = np.sum([light.measured for light in seeing], axis=0)
    dark = np.sum([light.measured & ~light.lit for light in seeing], axis=0)
    weak = dark + np.sum([light.weak for light in seeing], axis=0)
    enough = np.clip(measured, 1, AGREEING)
    on, off = flag == 1, flag == 0
    unlit = np.asarray(on & (dark >= enough))
    lit = np.asarray(off & (measured > 0) & (dark == 0))
    neighbours = float((on & ~unlit & (weak >= enough)).sum())
    too_many = excess(float(unlit.sum()), neighbours) > SURE * np.sqrt(2)  # both fluctuate
    sure = excess(float(lit.sum()), 0.0) > SURE
    return Contradiction(
        name,
        tuple(light.name for light in seeing),
        _behind(seeing, on, unlit) if too_many else nothing,
        lit if sure else nothing,
    )


def _behind(lights: Sequence[Light], on: Bools, unlit: Bools) -> Bools:
    """Return the unlit shots as those monitors see them that the shutter keeps in the dark.

    A shot that only one of these measured counts too.
    """
    shut = [light for light in lights if 2 * (unlit & light.lit).sum() < unlit.sum()]
    measured = np.any([light.measured for light in shut], axis=0)
    return np.asarray(on & measured & ~np.any([light.lit for light in shut], axis=0))

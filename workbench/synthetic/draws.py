"""Seeded random numbers that do not depend on how a run is cut into pieces."""

from enum import IntEnum

import numpy as np


class Draw(IntEnum):
    """What random numbers are drawn for; each has its own sequence."""

    BEAM = 1
    TIME_TOOL = 2
    RECORDS = 3
    PRESENCE = 4
    EPIX = 5
    JUNGFRAU = 6
    REDUCED = 7
    NOISE = 8
    PIXELS = 9
    STATION = 10
    USER = 11
    INTEGRATING = 12
    SCENE = 13


def generator(seed: int, draw: Draw, *place: int) -> np.random.Generator:
    """Return the generator for one purpose at one place, such as (run, event)."""
    return np.random.default_rng((seed, int(draw), *place))

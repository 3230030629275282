"""Dark level: what a region reads on shots without X-rays, and whether it drifts.

A level that is not 0 in calibrated data means a stale pedestal; one that moves within the run, a
detector that drifts. Both end up in every sum over the region.
"""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools, Floats, Ints
from workbench.runs.alignment.estimators import MEDIAN_FACTOR, SURE, jitter_spread, level
from workbench.runs.alignment.timeline import blocks

FEWEST = 10  # dark shots, from which a spread can be told to about a third
PER_BLOCK = 10  # dark shots: the least whose median has nearly its Gaussian error
MOST_BLOCKS = 60
MATTERS = 0.01  # of the mean signal. A dark level of this part biases signal/I0 by as much on the
# average shot; slower and smaller drifts cancel between neighbouring laser-on and -off shots


@dataclass(frozen=True)
class DarkLevel:
    """What one region, or one tile of it, reads without X-rays.

    Parameters
    ----------
    name
        The channel, with the tile's number where it has several.
    events
        Dark shots that were measured.
    level, error
        Median over all of them, in the channel's unit, and its error.
    signal
        Median with X-rays, for comparison.
    blocks
        First and last (exclusive) event of each block of dark shots.
    levels, errors
        Median of each block and its error, shape (block,).
    slope, slope_error
        Change per 1000 events, fitted to the blocks; NaN for less than two blocks.
    step, step_error, step_at
        Largest difference of the means before and after one event, its error, and the event.
    unit
        Unit of the levels; empty where the file does not tell.
    """

    name: str
    events: int
    level: float
    error: float
    signal: float
    blocks: tuple[tuple[int, int], ...]
    levels: Floats
    errors: Floats
    slope: float
    slope_error: float
    step: float
    step_error: float
    step_at: int
    unit: str = ""

    @property
    def drifts(self) -> bool:
        """Whether slope or step are beyond `SURE` errors."""
        sloped = abs(self.slope) > SURE * self.slope_error
        return bool(sloped or abs(self.step) > SURE * self.step_error)

    @property
    def change(self) -> float:
        """Largest difference between two blocks."""
        return float(np.ptp(self.levels)) if len(self.levels) > 1 else 0.0

    @property
    def offset(self) -> bool:
        """Whether the level is beyond `SURE` errors from 0."""
        return bool(abs(self.level) > SURE * self.error)

    def matters(self, amount: float) -> bool:
        """Tell whether an amount is more than 1 % of the signal with X-rays."""
        return not abs(amount) <= MATTERS * abs(self.signal - self.level)


def dark_level(name: str, values: Floats, dark: Bools, lit: Bools) -> DarkLevel | None:
    """Judge one region; None where fewer than ten dark shots were measured.

    Parameters
    ----------
    name
        What the result calls it.
    values
        In time order, shape (event,); NaN where not measured.
    dark, lit
        Shots without and with X-rays, shape (event,).
    """
    places = np.flatnonzero(dark & np.isfinite(values))
    if len(places) < FEWEST:
        return None
    shots = values[places]
    noise = jitter_spread(shots)
    parts = blocks(len(shots), max(PER_BLOCK, -(-len(shots) // MOST_BLOCKS)))
    levels = np.array([np.median(shots[part]) for part in parts])
    errors = np.array([MEDIAN_FACTOR * noise / np.sqrt(part.stop - part.start) for part in parts])
    centres = np.array([places[part].mean() for part in parts])
    slope, slope_error = _slope(centres, levels, errors)
    step, step_error, at = _step(levels, errors)
    centre, centre_error = level(shots)
    return DarkLevel(
        name=name,
        events=len(places),
        level=centre,
        error=max(centre_error, MEDIAN_FACTOR * noise / float(np.sqrt(len(shots)))),
        signal=level(values[lit])[0],
        blocks=tuple((int(places[p.start]), int(places[p.stop - 1]) + 1) for p in parts),
        levels=levels,
        errors=errors,
        slope=1000 * slope,
        slope_error=1000 * slope_error,
        step=step,
        step_error=step_error,
        step_at=_first_event(places, parts, at),
    )


def _first_event(places: Ints, parts: list[slice], block: int) -> int:
    return int(places[parts[block].start])


def _slope(x: Floats, y: Floats, errors: Floats) -> tuple[float, float]:
    if len(x) < 2 or not errors.all():
        return float("nan"), float("nan")
    weights = errors**-2
    away = x - np.average(x, weights=weights)
    power = float((weights * away**2).sum())
    return float((weights * away * y).sum()) / power, power**-0.5


def _step(levels: Floats, errors: Floats) -> tuple[float, float, int]:
    """Return the step with the largest significance, its error and the block where it begins."""
    if len(levels) < 2 or not errors.all():
        return float("nan"), float("nan"), 0
    weights = errors**-2
    before, after = np.cumsum(weights)[:-1], np.cumsum(weights[::-1])[::-1][1:]
    sums = np.cumsum(weights * levels)
    steps = (sums[-1] - sums[:-1]) / after - sums[:-1] / before
    deviations = np.sqrt(1 / before + 1 / after)
    best = int(np.argmax(np.abs(steps) / deviations))
    return float(steps[best]), float(deviations[best]), best + 1

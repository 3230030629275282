"""Time-tool position and yield along a run, and the segments into which their jumps cut it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.core.arrays import Bools, Floats, Ints
from workbench.runs.alignment.change_points import change_points
from workbench.runs.alignment.estimators import SURE, level, spread
from workbench.runs.alignment.timeline import blocks
from workbench.runs.cuts import Between, Cut

BLOCK = 120  # events: 1 s of beam
LOCAL = 10  # blocks on either side that tell a jump from a drift: beam and lock drift in minutes
HALF = 0.5  # between a time tool that follows the delay (slope 1) and one whose stage does (0)
FREE = 3  # parameters of a straight line with a step
COLLAPSE = 0.5  # of the best segment's yield


@dataclass(frozen=True)
class Track:
    """Position and yield of the time tool per block of 120 events, in time order.

    Parameters
    ----------
    blocks
        First and last (exclusive) event of each block.
    position, position_error
        Median of the edges found and its error [ps], shape (block,); NaN without edges.
    yields, yield_error
        Part of the shots with both beams in which an edge was found, and its error.
    spread
        Standard deviation of the position from shot to shot within blocks [ps].
    """

    blocks: tuple[tuple[int, int], ...]
    position: Floats
    position_error: Floats
    yields: Floats
    yield_error: Floats
    spread: float


@dataclass(frozen=True)
class Segment:
    """A part of a run in which the time tool keeps its level.

    Parameters
    ----------
    name
        "segment 1", "segment 2"...
    first, last
        Half-open range of events in time order.
    position, position_error
        Median position and its error [ps].
    found
        Part of the shots with both beams in which an edge was found.
    step
        How far the position jumped where the segment begins [ps]; 0 for the first one and for a
        change of yield or a slow drift.
    step_error
        Its error [ps].
    cut
        Selects the segment's events; None where the file has no single time stamp per event.
    """

    name: str
    first: int
    last: int
    position: float
    position_error: float
    found: float
    step: float
    step_error: float
    cut: Cut | None


def follow(position: Floats, both: Bools) -> Track:
    """Follow the time tool along a run.

    Parameters
    ----------
    position
        In time order [ps], shape (event,); NaN where no edge was found.
    both
        Shots with X-rays and laser, shape (event,).
    """
    parts = blocks(len(position), BLOCK)
    edges = np.where(both, position, np.nan)
    levels = [level(edges[part]) for part in parts]
    shots = np.array([both[part].sum() for part in parts], dtype=np.float64)
    found = np.array([np.isfinite(edges[part]).sum() for part in parts], dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        yields = np.where(shots > 0, found / shots, np.nan)
        kept = (found + 1) / (shots + 2)  # Laplace's rule: no error of 0 at yields of 0 and 1
        errors = np.where(shots > 0, np.sqrt(kept * (1 - kept) / shots), np.nan)
    residues = [
        edges[part] - np.nanmedian(edges[part]) for part, n in zip(parts, found, strict=True) if n
    ]
    return Track(
        blocks=tuple((part.start, part.stop) for part in parts),
        position=np.array([value for value, _ in levels]),
        position_error=np.array(
            [error if n > 2 else np.nan for (_, error), n in zip(levels, found, strict=True)]
        ),
        yields=yields,
        yield_error=errors,
        spread=spread(np.concatenate(residues)) if residues else float("nan"),
    )


def along(position: Floats, nominal: Floats) -> Floats:
    """Return how far the time tool moves along with the nominal delay [ps], shape (event,).

    By the median over neighbouring blocks between which the delay moved by more than the errors of
    the position: a single jump of the lock does not count.

    Parameters
    ----------
    position, nominal
        In time order [ps], shape (event,); NaN where not measured.
    """
    parts = blocks(len(position), BLOCK)
    centres = np.array([level(position[part]) for part in parts]).reshape(-1, 2)
    steps = np.diff([level(nominal[part])[0] for part in parts])
    moves, errors = np.diff(centres[:, 0]), np.hypot(centres[1:, 1], centres[:-1, 1])
    with np.errstate(invalid="ignore"):
        told = np.isfinite(moves) & (np.abs(steps) > SURE * errors)
    if told.sum() < FREE:
        return np.zeros(len(position))
    slope = float(np.median(moves[told] / steps[told]))
    if abs(slope) < HALF:
        return np.zeros(len(position))
    return np.nan_to_num(slope * (nominal - np.nanmean(nominal)))


def segments(track: Track, times: Ints, field: str = "") -> tuple[Segment, ...]:
    """Cut a run where position or yield change their level.

    Parameters
    ----------
    track
        From `follow`.
    times
        Time stamps in time order, as on file, shape (event,).
    field
        The channel that holds the time stamps, for the cuts.
    """
    moved = change_points(track.position, track.position_error)
    points = sorted({*moved, *change_points(track.yields, track.yield_error)})
    edges = [0, *points, len(track.blocks)]
    found = []
    for number, (first, last) in enumerate(pairwise(edges), 1):
        if first == last:
            continue
        step, error = _jump(track, edges, number - 1) if first in moved else (0.0, 0.0)
        begin, end = track.blocks[first][0], track.blocks[last - 1][1]
        position, position_error = _mean(track, first, last)
        found.append(
            Segment(
                f"segment {number}",
                begin,
                end,
                position,
                position_error,
                _weighted_yield(track, first, last),
                step,
                error,
                _cut(field, times, begin, end),
            )
        )
    return tuple(found)


def _jump(track: Track, edges: list[int], at: int) -> tuple[float, float]:
    """Return the abrupt part of a change and its error; 0 where it is a drift.

    Least squares of level, slope and step over the blocks next to the change: what a straight
    line explains is no step.
    """
    here = edges[at]
    window = np.arange(max(edges[at - 1], here - LOCAL), min(edges[at + 1], here + LOCAL))
    values, errors = track.position[window], track.position_error[window]
    good = np.isfinite(values) & (errors > 0)
    if good.sum() <= FREE:
        return 0.0, 0.0
    terms = np.stack([np.ones(len(window)), window - here, window >= here], axis=1)[good]
    weighted = terms / errors[good, None]
    step = float(np.linalg.lstsq(weighted, values[good] / errors[good])[0][2])
    error = float(np.sqrt(np.linalg.pinv(weighted.T @ weighted)[2, 2]))
    return (step, error) if abs(step) > SURE * error else (0.0, 0.0)


def _mean(track: Track, first: int, last: int) -> tuple[float, float]:
    values, errors = track.position[first:last], track.position_error[first:last]
    good = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
    if not good.any():
        return level(values)
    weights = errors[good] ** -2
    return float(np.average(values[good], weights=weights)), float(weights.sum() ** -0.5)


def _weighted_yield(track: Track, first: int, last: int) -> float:
    values = track.yields[first:last]
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _cut(field: str, times: Ints, first: int, last: int) -> Cut | None:
    if not field:
        return None
    low = _between(times, first) if first else None
    high = _between(times, last) if last < len(times) else None
    # A run of one segment needs an end all the same: every time stamp is positive.
    return Between(field, 0.0 if low is None and high is None else low, high)


def _between(times: Ints, event: int) -> float:
    """Return a time stamp half-way to the event before: exact to 1 us, far below 1/120 s."""
    return (float(times[event - 1]) + float(times[event])) / 2

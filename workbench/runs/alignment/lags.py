"""Shot lag: whether a detector's values belong to the event in which they are stored.

Every follower is correlated with its reference at event lags -3 to 3, block by block, by ranks.
Slow drifts of beam and electronics correlate all lags alike; blocks keep them small and the
comparison of lags with lag 0 leaves them out.
"""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Floats
from workbench.runs.alignment.estimators import SURE, rank_z
from workbench.runs.alignment.timeline import blocks

FARTHEST = 3  # events
BLOCK = 1200  # events: 10 s at 120 Hz, where a 24 Hz camera still has 240 frames to correlate
SPARSE = 0.5  # a detector in fewer events may also be late by whole frames of its own


@dataclass(frozen=True)
class Lag:
    """How well a follower correlates with its reference at each lag, overall and per block.

    Parameters
    ----------
    reference, follower
        Names of the channels.
    lags
        Events by which the follower would be late, shape (lag,).
    z, error
        Fisher's z of the rank correlation at each lag over all blocks, shape (lag,), and its
        standard error.
    blocks
        First and last (exclusive) event of each block, in time order.
    block_lags
        The lag that wins in each block beyond `SURE` errors; 0 where none beats lag 0.
    signed
        Whether the correlation must be positive, as that of a flag with its light.
    """

    reference: str
    follower: str
    lags: tuple[int, ...]
    z: Floats
    error: float
    blocks: tuple[tuple[int, int], ...]
    block_lags: tuple[int, ...]
    signed: bool

    @property
    def best(self) -> int:
        """The smallest lag that no other beats for sure: 0 for a sound channel."""
        return _winner(self.lags, self.z, self.error, signed=self.signed)

    @property
    def correlated(self) -> bool:
        """Whether the two follow each other at any lag: else nothing can be told."""
        strength = self.z if self.signed else np.abs(self.z)
        return bool(np.isfinite(self.error) and np.nanmax(strength) > SURE * self.error)

    @property
    def correlation(self) -> float:
        """The rank correlation at the best lag."""
        return float(np.tanh(self.z[self.lags.index(self.best)]))

    @property
    def shifted(self) -> tuple[tuple[int, int, int], ...]:
        """Ranges of events (first, last, lag) whose blocks show a lag, neighbours joined."""
        joined: list[tuple[int, int, int]] = []
        for (first, last), lag in zip(self.blocks, self.block_lags, strict=True):
            if not lag:
                continue
            if joined and joined[-1][1:] == (first, lag):
                first = joined.pop()[0]
            joined.append((first, last, lag))
        return tuple(joined)


def shot_lag(
    reference: Floats, follower: Floats, *, names: tuple[str, str], signed: bool = False
) -> Lag:
    """Correlate two channels in time order at event lags.

    Parameters
    ----------
    reference, follower
        Values in time order, shape (event,); NaN where not measured.
    names
        What the result calls them.
    signed
        Whether only a positive correlation counts.
    """
    lags = _lags(follower)
    parts = blocks(len(reference), BLOCK)
    table = np.full((len(parts), len(lags)), np.nan)
    weights = np.zeros((len(parts), len(lags)))
    for row, part in enumerate(parts):
        for column, lag in enumerate(lags):
            found, error = rank_z(*_paired(reference[part], follower[part], lag))
            if np.isfinite(found):
                table[row, column], weights[row, column] = found, error**-2
    total = weights.sum(axis=0)  # 0 where a lag has no pairs
    overall = (np.nan_to_num(table) * weights).sum(axis=0) / np.where(total > 0, total, 1)
    errors = np.where(weights > 0, 1 / np.sqrt(np.maximum(weights, 1e-12)), np.nan)
    per_block = (
        _winner(lags, values, _largest(error), signed=signed)
        for values, error in zip(table, errors, strict=True)
    )
    return Lag(
        *names,
        lags=lags,
        z=overall,
        error=float(1 / np.sqrt(total[total > 0].min())) if total.any() else float("nan"),
        blocks=tuple((part.start, part.stop) for part in parts),
        block_lags=tuple(per_block),
        signed=signed,
    )


def _lags(follower: Floats) -> tuple[int, ...]:
    near = list(range(-FARTHEST, FARTHEST + 1))
    places = np.flatnonzero(np.isfinite(follower))
    if len(places) > 1 and len(places) < SPARSE * len(follower):
        period = int(np.median(np.diff(places)))
        near += [frames * period for frames in near if abs(frames * period) > FARTHEST]
    return tuple(sorted(near))


def _paired(reference: Floats, follower: Floats, lag: int) -> tuple[Floats, Floats]:
    kept = max(0, len(reference) - abs(lag))
    if lag >= 0:
        return reference[:kept], follower[lag:]
    return reference[-lag:], follower[:kept]


def _largest(errors: Floats) -> float:
    return float(np.nanmax(errors)) if np.isfinite(errors).any() else float("nan")


def _winner(lags: tuple[int, ...], z: Floats, error: float, *, signed: bool) -> int:
    strength = z if signed else np.abs(z)
    if not np.isfinite(error) or not np.isfinite(strength).any():
        return 0
    near_best = strength >= np.nanmax(strength) - SURE * np.sqrt(2) * error
    near_best |= np.isnan(strength) & (np.asarray(lags) == 0)  # unmeasured at 0: nothing is won
    return min((lag for lag, good in zip(lags, near_best, strict=True) if good), key=abs)

"""The laser-off shots behind each bin: all of them for every bin, or the partners of its on shots.

Each off shot enters a bin once, with a weight: how often the on shots of the bin refer to it. So a
shot that serves many on shots counts as the one shot that it is, in the ratio and in its error.
"""

from dataclasses import dataclass, replace

import numpy as np

from workbench.binning.background import DarkMean
from workbench.binning.binned import provisional_ratio
from workbench.binning.plan import Plan
from workbench.binning.sums import Ratio, RatioSums
from workbench.core.arrays import Bools, Floats, Ints
from workbench.runs import Channel, Pairs

TOGETHER = 4096  # off shots whose weights are multiplied at a time


@dataclass(frozen=True)
class Reference:
    """Off shots with their weight in each bin, sorted by event.

    Parameters
    ----------
    events, numbers, weight
        Off shot, bin and weight of each entry, shape (entry,).
    bins
        Number of bins; 1 where one reference serves them all.
    how
        The rule in words.
    """

    events: Ints
    numbers: Ints
    weight: Floats
    bins: int
    how: str

    @property
    def shared(self) -> bool:
        """Tell whether one reference serves all bins."""
        return self.how == ALL

    def overlap(self) -> Floats:
        """Return how far any two bins have their off shots in common, shape (bin, bin), 0 to 1.

        It is the correlation of their references: sum of w w' over the off shots that both use,
        over the root of the sums of w^2, since single shots are independent of each other and
        scatter alike. NaN for a bin without off shots.
        """
        if self.shared:
            return np.ones((1, 1))
        shot = np.unique(self.events, return_inverse=True)[1]
        products = np.zeros((self.bins, self.bins))
        for first in range(0, int(shot.max(initial=-1)) + 1, TOGETHER):
            some = (shot >= first) & (shot < first + TOGETHER)
            weights = np.zeros((self.bins, TOGETHER))
            weights[self.numbers[some], shot[some] - first] = self.weight[some]
            products += weights @ weights.T
        size = np.sqrt(np.diag(products))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(products / np.outer(size, size))


ALL = "all laser-off shots together"


def of_all(off: Bools) -> Reference:
    """Return all off shots as the one reference of every bin."""
    events = np.flatnonzero(off)
    return Reference(events, np.zeros_like(events), np.ones(len(events)), 1, ALL)


def of_pairs(pairs: Pairs, plan: Plan) -> Reference:
    """Return the partners of the on shots of each bin."""
    there = pairs.off >= 0
    bins = np.broadcast_to(plan.numbers[pairs.on][:, None], there.shape)[there]
    keys = pairs.off[there] * np.int64(plan.bins) + bins
    unique, place = np.unique(keys, return_inverse=True)
    weight = np.asarray(np.bincount(place, pairs.weight[there], len(unique)), np.float64)
    return Reference(unique // plan.bins, unique % plan.bins, weight, plan.bins, pairs.how)


def without_unpaired(plan: Plan, pairs: Pairs) -> Plan:
    """Return the plan without the on shots that found no partner, which are counted."""
    numbers = plan.numbers.copy()
    numbers[pairs.unpaired] = -1
    excluded = {**plan.excluded, "no laser-off shot near enough": len(pairs.unpaired)}
    return replace(plan, numbers=numbers, excluded=excluded)


def reference_ratio(channel: Channel, reference: Reference, off: Plan, dark: DarkMean) -> Ratio:
    """Return Σ w S / Σ w I over the off shots of each bin, with its error.

    The error is that of the weighted sums of single shots: sqrt(N/(N-1) Σ w² (S - R I)²) / Σ w I.
    """
    sums = RatioSums(reference.bins, provisional_ratio(channel, off, dark.mean))
    used = np.zeros(len(off.numbers), dtype=np.bool_)
    used[reference.events] = True
    block = max(1, channel.block_rows)
    for events, values in channel.iter_stacks(where=used):
        first = np.searchsorted(reference.events, events[0])
        last = np.searchsorted(reference.events, events[-1], side="right")
        for low in range(int(first), int(last), block):
            part = slice(low, min(low + block, int(last)))
            rows = np.searchsorted(events, reference.events[part])
            weight = reference.weight[part]
            signal = values[rows].astype(np.float64) - dark.mean
            signal *= weight.reshape(-1, *(1 for _ in channel.shape[1:]))
            sums.add(reference.numbers[part], signal, off.norm[events[rows]] * weight)
    return sums.result()


def error_parts(
    values: Floats, norm: Floats, reference: Reference, off: Ratio
) -> tuple[Floats, Floats]:
    """Split the off shots' error of each bin: (its own, what it shares with the other bins).

    The shared part of a bin is its mean covariance with the others, which come from the off shots
    that both use; one reference for all bins is shared altogether.

    Parameters
    ----------
    values, norm
        S and I of every event of the run.
    reference, off
        Off shots of each bin, and their ratio.
    """
    if reference.shared:
        return np.zeros_like(off.error), off.error
    events, numbers = reference.events, reference.numbers
    residual = values[events] - off.value[numbers] * norm[events]
    share = reference.weight * residual / off.norm[numbers]
    per_shot = np.bincount(events, weights=share)
    crossed = share * (per_shot[events] - share)
    others = max(1, int(np.count_nonzero(off.count)) - 1)
    covariance = np.bincount(numbers, weights=crossed, minlength=reference.bins) / others
    common = np.sqrt(np.clip(covariance, 0, off.error**2))
    return np.sqrt(off.error**2 - common**2), common

"""What a live picture adds up, shot by shot: bins, means, trends, presence; bounded in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.binning.differences import Change, relative
from workbench.binning.sums import Ratio, RatioSums
from workbench.core.arrays import Bools, Floats, Ints

TREND_BLOCKS = 200  # points of a trend, at most


@dataclass(frozen=True)
class Shots:
    """Some shots of a run, as numbers; every array has one entry per shot.

    Parameters
    ----------
    events
        Their numbers in the run.
    seconds
        Time since the run's first event [s].
    signal, norm
        S and I, dark means subtracted.
    on, off
        Bin of the laser-on shots, 0 for laser-off shots; -1: not used.
    i0
        The monitor as it reads, NaN without X-rays.
    position
        Edge position of the time tool, NaN where X-rays and laser gave none.
    expected
        Shots with X-rays and laser, in which the time tool should find an edge.
    present
        For each detector, in which shots it was there.
    """

    events: Ints
    seconds: Floats
    signal: Floats
    norm: Floats
    on: Ints
    off: Ints
    i0: Floats
    position: Floats
    expected: Bools
    present: Mapping[str, Bools]


@dataclass(frozen=True)
class Moments:
    """Number, mean and sum of squared deviations; of one quantity, or one for each of many.

    Two are merged after Chan, Golub and LeVeque, Am. Stat. 37, 242 (1983).
    """

    count: Floats
    mean: Floats
    squares: Floats

    @classmethod
    def of(cls, values: Floats, groups: Ints | None = None, number: int = 1) -> "Moments":
        """Return the moments of the finite values of each group, shape (group,)."""
        good = np.isfinite(values)
        into = np.zeros(len(values), np.int64) if groups is None else groups
        into, known = into[good], values[good]
        count = np.bincount(into, minlength=number).astype(np.float64)
        mean = np.bincount(into, known, minlength=number) / np.maximum(count, 1)
        squares = np.asarray(np.bincount(into, (known - mean[into]) ** 2, minlength=number), float)
        return cls(count, mean, squares)

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of both together."""
        count = self.count + other.count
        apart, share = other.mean - self.mean, other.count / np.maximum(count, 1)
        mean = self.mean + apart * share
        squares = self.squares + other.squares + apart**2 * self.count * share
        return Moments(count, mean, squares)

    def __getitem__(self, some: slice) -> "Moments":
        return Moments(self.count[some], self.mean[some], self.squares[some])

    @property
    def spread(self) -> Floats:
        """Standard deviation; NaN for fewer than two values."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.count > 1, np.sqrt(self.squares / (self.count - 1)), np.nan)


class Trend:
    """A quantity over the time of a run in at most `TREND_BLOCKS` blocks of consecutive events.

    When the run outgrows them, two by two become one. Events may come in any order.
    """

    def __init__(self) -> None:
        self._size = 1  # events of a block
        nothing = np.zeros(TREND_BLOCKS)
        self._values = self._times = Moments(nothing, nothing, nothing)

    def add(self, shots: Shots, values: Floats) -> None:
        """Add what was measured in some shots; NaN where nothing was."""
        while len(shots.events) and int(shots.events.max()) >= self._size * TREND_BLOCKS:
            self._values, self._times = _halved(self._values), _halved(self._times)
            self._size *= 2
        block = shots.events // self._size
        times = np.where(np.isfinite(values), shots.seconds, np.nan)
        self._values = self._values.merged(Moments.of(values, block, TREND_BLOCKS))
        self._times = self._times.merged(Moments.of(times, block, TREND_BLOCKS))

    @property
    def points(self) -> tuple[Floats, Floats, Floats]:
        """Time [s], mean and standard deviation of each block with values, shape (block,)."""
        there = self._values.count > 0
        return self._times.mean[there], self._values.mean[there], self._values.spread[there]


def _halved(moments: Moments) -> Moments:
    both = moments[0::2].merged(moments[1::2])
    nothing = np.zeros(TREND_BLOCKS - len(both.count))
    count, mean, squares = (
        np.concatenate([part, nothing]) for part in (both.count, both.mean, both.squares)
    )
    return Moments(count, mean, squares)


@dataclass(frozen=True)
class Side:
    """One half of a live picture: the last shots, or all since the start of the run.

    Parameters
    ----------
    n_shots
        How many shots it is made of.
    on, off
        Ratio of sums of each bin, and of all laser-off shots, shape (1,).
    change
        On / off - 1 of each bin.
    i0, position
        Mean and spread of the monitor (X-rays on) and of the time tool's edge.
    edges_found
        Share of the shots with X-rays and laser in which there is an edge; NaN without any.
    present
        Share of the shots in which each detector was there.
    """

    n_shots: int
    on: Ratio
    off: Ratio
    change: Change
    i0: Moments
    position: Moments
    edges_found: float
    present: Mapping[str, float]


class Sums:
    """Running sums over shots, as much memory for an hour of them as for a second.

    Parameters
    ----------
    bins
        Number of bins.
    provisional
        About S / I, around which squares are summed.
    """

    def __init__(self, bins: int, provisional: float) -> None:
        self._on, self._off = (RatioSums(size, np.array(provisional)) for size in (bins, 1))
        self._i0 = self._position = Moments.of(np.zeros(0))
        self._shots = self._expected = 0
        self._present: dict[str, int] = {}

    def add(self, shots: Shots) -> None:
        """Add shots that were not added before."""
        for sums, numbers in ((self._on, shots.on), (self._off, shots.off)):
            used = numbers >= 0
            sums.add(numbers[used], shots.signal[used], shots.norm[used])
        self._i0 = self._i0.merged(Moments.of(shots.i0))
        self._position = self._position.merged(Moments.of(shots.position))
        self._shots += len(shots.events)
        self._expected += int(np.count_nonzero(shots.expected))
        for name, there in shots.present.items():
            self._present[name] = self._present.get(name, 0) + int(np.count_nonzero(there))

    @property
    def side(self) -> Side:
        """What all shots so far come to."""
        on, off = self._on.result(), self._off.result()
        found, total = float(self._position.count[0]), max(1, self._shots)
        return Side(
            self._shots,
            on,
            off,
            relative(on, off, (np.zeros_like(off.error), off.error)),
            self._i0,
            self._position,
            found / self._expected if self._expected else float("nan"),
            {name: count / total for name, count in self._present.items()},
        )

"""Sums per bin, added stack by stack, from which ratios and their errors follow."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats, Ints


@dataclass(frozen=True)
class Ratio:
    """What one field gives per bin, shape (bin, ...).

    Parameters
    ----------
    value
        Ratio of sums R = ΣS / ΣI; NaN for an empty bin.
    error
        sqrt(N / (N - 1) Σ(S - R I)²) / ΣI; NaN for fewer than two events.
    total, norm
        ΣS and ΣI.
    count
        Events N; for frames with NaN pixels counted pixel by pixel.
    jackknife
        Error from blocks of time; None where it was not asked for.
    """

    value: Floats
    error: Floats
    total: Floats
    norm: Floats
    count: Ints
    jackknife: Floats | None = None


class RatioSums:
    """Running sums of a field S and its normalisation I over the events of each bin.

    What is added up is D = S - R0 I with a provisional ratio R0: near R the squares do not cancel,
    so one pass gives the error as exactly as two would.

    Parameters
    ----------
    bins
        Number of bins.
    provisional
        R0, shape of one event's value.
    """

    def __init__(self, bins: int, provisional: Array) -> None:
        self._provisional = np.nan_to_num(np.asarray(provisional, dtype=np.float64))
        shape = self._provisional.shape
        self._d, self._dd, self._di = (np.zeros((bins, *shape)) for _ in range(3))
        narrow = (bins, *(1 for _ in shape))
        self._n, self._i, self._ii = (np.zeros(narrow) for _ in range(3))

    def add(self, numbers: Ints, values: Array, norm: Floats) -> None:
        """Add events: bin of each, shape (event,), values (event, ...), normalisation (event,)."""
        if self._d.ndim == 1:
            self._add_scalars(numbers, np.asarray(values, dtype=np.float64), norm)
            return
        # Only frames need the compiler, which takes a second to import.
        from workbench.binning.kernels import add_frames

        frames = np.ascontiguousarray(values).reshape(len(values), -1)
        self._count(frames, numbers, norm)
        bins = len(self._d)
        flat = (sums.reshape(bins, -1) for sums in (self._d, self._dd, self._di))
        add_frames(frames, numbers, norm, self._provisional.reshape(-1), *flat)

    def result(self) -> Ratio:
        """Return ratio and error of every bin."""
        with np.errstate(invalid="ignore", divide="ignore"):
            shift = self._d / self._i  # R - R0
            value = self._provisional + shift
            squares = self._dd - 2 * shift * self._di + shift**2 * self._ii
            bessel = np.where(self._n > 1, self._n / (self._n - 1), np.nan)
            error = np.sqrt(bessel * np.maximum(squares, 0)) / np.abs(self._i)
        total = self._d + self._provisional * self._i
        full = total.shape
        return Ratio(
            np.where(self._n > 0, value, np.nan),
            np.broadcast_to(error, full).copy(),
            total,
            np.broadcast_to(self._i, full).copy(),
            np.broadcast_to(self._n, full).astype(np.int64),
        )

    def _add_scalars(self, numbers: Ints, values: Floats, norm: Floats) -> None:
        good = np.isfinite(values)
        numbers, norm = numbers[good], norm[good]
        d = values[good] - self._provisional * norm
        # add.at adds one event after the other: any split of the events gives the same bits.
        for target, terms in (
            (self._n, np.ones_like(norm)),
            (self._i, norm),
            (self._ii, norm**2),
            (self._d, d),
            (self._dd, d**2),
            (self._di, d * norm),
        ):
            np.add.at(target, numbers, terms)

    def _count(self, frames: Array, numbers: Ints, norm: Floats) -> None:
        """Count frames, pixel by pixel once one has holes; not those that were not measured."""
        holes = np.isnan(frames)
        measured = ~holes.all(axis=1)
        if (holes.any(axis=1) & measured).any():
            self._widen()
        sums = (self._n, self._i, self._ii)
        if self._n.size == len(self._n):
            kept, weight = numbers[measured], norm[measured]
            for target, terms in zip(sums, (np.ones_like(weight), weight, weight**2), strict=True):
                np.add.at(target.reshape(-1), kept, terms)  # one event after the other
            return
        for event in np.flatnonzero(measured):
            there = (~holes[event]).reshape(self._n.shape[1:])
            for target, term in zip(sums, (1.0, norm[event], norm[event] ** 2), strict=True):
                target[numbers[event]] += term * there

    def _widen(self) -> None:
        """Count events pixel by pixel from now on."""
        if self._n.shape != self._d.shape:
            self._n, self._i, self._ii = (
                np.broadcast_to(array, self._d.shape).copy()
                for array in (self._n, self._i, self._ii)
            )

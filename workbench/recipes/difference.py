"""Difference scattering dS(q, t): laser on minus laser off, over delay, with errors per bin."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.binning import on_off
from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.runs import AnyRun, Channel, Cut
from workbench.runs.pairs import WITHIN

if TYPE_CHECKING:
    import xarray as xr

FEWEST_SHOTS = 5  # of a bin whose errors mean something
EVEN = 16  # parts of a bin that is evenly filled


class DifferenceError(InputError):
    """Difference curves that cannot be made; the text says what is lacking."""


@dataclass(frozen=True)
class Difference:
    """Difference curves over delay: (S_on - S_off), each over the light in the q window.

    Bins with fewer than `FEWEST_SHOTS` laser-on shots are left out, and named in `message`.

    Parameters
    ----------
    delay
        Mean delay of the shots of each bin [ps], shape (delay,). Positive: pump before X-rays.
    parts
        Mean delays of equal shares of the shots of each bin [ps], shape (delay, part).
    q
        [1/angstrom], shape (q,).
    value
        Shape (delay, q); 1 is the mean signal in the window. NaN at a q without pixels.
    error
        Standard error from the laser-on shots: independent from bin to bin.
    common
        Standard error from the laser-off shots, which other bins use too.
    overlap
        Correlation of the common part of two bins, from how often each uses which laser-off shot,
        shape (delay, delay); 1 where all bins have the same reference.
    jackknife
        Error from blocks of 1 s, which sees drift; None where it would take too much memory.
    off, off_error
        Laser-off curve in the same unit, mean over the bins, shape (q,).
    shots
        Laser-on shots of each bin, shape (delay,).
    unit
        Of value and errors.
    reference
        Which laser-off shots were subtracted, in words.
    message
        What was left out, in words.
    """

    delay: Floats
    parts: Floats
    q: Floats
    value: Floats
    error: Floats
    common: Floats
    overlap: Floats
    jackknife: Floats | None
    off: Floats
    off_error: Floats
    shots: Floats
    unit: str
    reference: str
    message: str

    @property
    def good(self) -> Bools:
        """Tell at which q every bin holds a value and an error, shape (q,)."""
        finite = np.isfinite(self.value) & np.isfinite(self.total) & (self.error > 0)
        return np.asarray(finite.all(axis=0))

    @property
    def total(self) -> Floats:
        """Error of each number looked at alone, shape (delay, q)."""
        return np.asarray(np.hypot(self.error, self.common))

    @property
    def whitening(self) -> Floats:
        """What makes the values of one q independent with unit errors: (good q, delay, delay).

        It is C^(-1/2), symmetric, with the covariance C of the bins: on its diagonal error^2, and
        between any two bins the product of their common errors times their overlap.
        """
        error, common = self.error[:, self.good].T, self.common[:, self.good].T
        covariance = common[:, :, None] * common[:, None, :] * self.overlap
        covariance += error[:, :, None] ** 2 * np.eye(len(self.delay))
        size, axes = np.linalg.eigh(covariance)
        return np.asarray((axes / np.sqrt(size)[:, None, :]) @ axes.transpose(0, 2, 1))

    def at(self, low: float, high: float) -> tuple[Floats, Floats]:
        """Return the mean over low <= q < high [1/angstrom] of each bin, and its error.

        Raises
        ------
        InputError
            Where no q with values lies in the range.
        """
        inside = self.good & (self.q >= low) & (self.q < high)
        if not inside.any():
            raise InputError(f"no q with values from {low:g} to {high:g} 1/angstrom")
        spread = np.sqrt((self.total[:, inside] ** 2).sum(axis=1)) / inside.sum()
        return self.value[:, inside].mean(axis=1), np.asarray(spread)

    @property
    def table(self) -> Table:
        """Bins, their delays and shots."""
        rows = tuple(zip(self.delay.tolist(), self.shots.astype(int).tolist(), strict=True))
        notes = tuple(text for text in (self.message,) if text)
        return Table(("delay [ps]", "laser-on shots"), rows, self.reference, notes)


def difference_curves(
    run: AnyRun,
    curve: Channel,
    light: Channel,
    edges: Floats,
    where: Cut | None = None,
    *,
    nearest: int = 0,
    within: float = WITHIN,
    delay: str | Channel = "delay",
) -> Difference:
    """Subtract from laser-on curves those of laser-off shots, in bins of delay.

    The curve of a bin is a ratio of sums: of the curves, over the light in the q window, after the
    means of the dropped shots are subtracted from both.

    Parameters
    ----------
    run
        From `open_run`.
    curve, light
        From `azimuth.legendre`, shape (event, q), and `azimuth.window`, shape (event,).
    edges
        Of the bins in delay [ps].
    where
        Which events; laser on and off are told apart here.
    nearest, within
        How many laser-off shots, nearest in time, in the same step and not farther away [s], each
        on shot is compared with: it takes drift out. 0: all of the run together.
    delay
        The channel or role to bin by [ps].

    Raises `DifferenceError` where too few bins hold shots.
    """
    binned = on_off(
        run,
        {delay: edges},
        curve,
        where=where,
        by=light,
        off="nearest" if nearest else "all",
        nearest=nearest or 1,
        within=within,
    )
    return _difference(binned, delay if isinstance(delay, str) else delay.name, run.label)


def _difference(binned: "xr.Dataset", axis: str, where: str) -> Difference:
    shots = binned["on_count"].values.astype(np.float64)
    most = shots.max(axis=1)  # a q without pixels has none
    kept = most >= FEWEST_SHOTS
    if not kept.any():
        raise DifferenceError(
            f"{where}: no bin of delay holds {FEWEST_SHOTS} laser-on shots ({int(most.sum())} in "
            "all); take wider bins or loosen the cuts"
        )
    q = next(name for name in binned["difference"].dims if name != axis)
    jackknife = binned.get("difference_error_jackknife")
    shape = binned["difference"].shape
    off_error = np.broadcast_to(binned["off_error"].values, shape)
    overlap = binned.get("off_overlap")
    return Difference(
        delay=binned[f"{axis}_mean"].values[kept],
        parts=binned[f"{axis}_parts"].values[kept],
        q=np.asarray(binned[q].values, dtype=np.float64),
        value=binned["difference"].values[kept],
        error=binned["on_error"].values[kept],
        common=off_error[kept],
        overlap=np.ones(2 * [kept.sum()]) if overlap is None else overlap.values[kept][:, kept],
        jackknife=None if jackknife is None else jackknife.values[kept],
        off=_mean(binned["off"].values, kept),
        off_error=_mean(binned["off_error"].values, kept),
        shots=most[kept],
        unit=str(binned["difference"].attrs["units"]),
        reference=str(binned.attrs["reference"]),
        message=_left_out(binned[axis].values[~kept], json.loads(binned.attrs["excluded"])),
    )


def even_parts(mean: Floats, spread: Floats) -> Floats:
    """Return parts for `Difference` of bins evenly filled, known by mean and standard deviation."""
    steps = (np.arange(EVEN) + 0.5) / EVEN - 0.5
    return np.asarray(mean[:, None] + np.sqrt(12) * spread[:, None] * steps)


def _mean(off: Floats, kept: Bools) -> Floats:
    return off if off.ndim == 1 else np.asarray(off[kept].mean(axis=0))


def _left_out(centres: Floats, excluded: Mapping[str, int]) -> str:
    events = ", ".join(f"{why} {count}" for why, count in excluded.items() if count)
    bins = ", ".join(f"{centre:.3g}" for centre in centres)
    texts = [f"laser-on events not used: {events}"] if events else []
    if bins:
        texts.append(f"bins with fewer than {FEWEST_SHOTS} laser-on shots left out: {bins} ps")
    return "; ".join(texts)

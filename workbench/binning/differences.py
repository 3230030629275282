"""On minus off, and on over off: values and errors per bin, reuse of off shots accounted for."""

from dataclasses import dataclass

import numpy as np

from workbench.binning.jackknife import block_residuals
from workbench.binning.plan import Plan
from workbench.binning.references import Reference, error_parts
from workbench.binning.scatter import error_at_mean
from workbench.binning.sums import Ratio
from workbench.core.arrays import Floats, Ints


@dataclass(frozen=True)
class Change:
    """Difference or relative change per bin with its errors, shape (bin, ...).

    Parameters
    ----------
    value
        On - off, or on / off - 1.
    error
        From the on shots, and from off shots that serve this bin alone.
    common
        From off shots that serve other bins too; None where it is not told apart.
    total
        Both.
    """

    value: Floats
    error: Floats
    common: Floats | None
    total: Floats


@dataclass(frozen=True)
class Shots:
    """What a comparison of single numbers is made of, shot by shot.

    Parameters
    ----------
    values
        S of every event, dark mean subtracted, NaN where not measured.
    blocks
        Block of time of every event.
    plan
        Bin and I of the on shots.
    off_norm
        I of every event.
    reference
        Off shots of each bin.
    """

    values: Floats
    blocks: Ints
    plan: Plan
    off_norm: Floats
    reference: Reference

    def own_and_common(self, off: Ratio) -> tuple[Floats, Floats]:
        """Return the off shots' error of each bin: its own part and the shared one."""
        return error_parts(self.values, self.off_norm, self.reference, off)

    def jackknife(self, on: Ratio, off: Ratio, *, relative: bool) -> Floats:
        """Return the error of the change from blocks of on and off shots left out together."""
        lit, unlit = self._on_residuals(), self._off_residuals()
        if relative:
            lit, unlit = lit / off.value, unlit * on.value / off.value**2
        on_factor, off_factor = (_bessel(part) for part in (lit, unlit))
        lit, unlit = np.nan_to_num(lit), np.nan_to_num(unlit)
        squares = on_factor * (lit**2).sum(0) + off_factor * (unlit**2).sum(0)
        squares = squares - 2 * np.sqrt(on_factor * off_factor) * (lit * unlit).sum(0)
        return np.asarray(np.sqrt(np.maximum(squares, 0)))

    def at_mean(self) -> Floats:
        """Return the error of the on shots' ratio at their mean position in each bin."""
        plan = self.plan
        good = plan.used & np.isfinite(self.values)
        position = plan.axes[0].values[good]
        return error_at_mean(
            self.values[good], plan.norm[good], plan.numbers[good], position, bins=plan.bins
        )

    def _on_residuals(self) -> Floats:
        good = self.plan.used & np.isfinite(self.values)
        norm, numbers = self.plan.norm[good], self.plan.numbers[good]
        return self._padded(
            block_residuals(
                self.values[good], norm, numbers, self.blocks[good], bins=self.plan.bins
            )
        )

    def _off_residuals(self) -> Floats:
        events, weight = self.reference.events, self.reference.weight
        return self._padded(
            block_residuals(
                weight * self.values[events],
                weight * self.off_norm[events],
                self.reference.numbers,
                self.blocks[events],
                bins=self.reference.bins,
            )
        )

    def _padded(self, residuals: Floats) -> Floats:
        missing = int(self.blocks.max(initial=-1)) + 1 - len(residuals)
        return np.concatenate([residuals, np.full((missing, residuals.shape[1]), np.nan)])


def difference(on: Ratio, off: Ratio, parts: tuple[Floats, Floats] | None) -> Change:
    """Return on - off; `parts`: own and common error of the off shots, if told apart."""
    off_value, off_error = np.broadcast_to(off.value, on.value.shape), off.error
    return _change(on.value - off_value, on.error, off_error, parts)


def relative(on: Ratio, off: Ratio, parts: tuple[Floats, Floats] | None) -> Change:
    """Return on / off - 1; `parts` as for `difference`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = on.value / off.value
        factor = np.abs(ratio / off.value)
        scaled = None if parts is None else (factor * parts[0], factor * parts[1])
        return _change(ratio - 1, on.error / np.abs(off.value), factor * off.error, scaled)


def _change(
    value: Floats, on_error: Floats, off_error: Floats, parts: tuple[Floats, Floats] | None
) -> Change:
    total = np.hypot(on_error, off_error)
    if parts is None:
        return Change(value, total, None, total)
    own, common = parts
    shape = value.shape
    return Change(value, np.hypot(on_error, own), np.broadcast_to(common, shape).copy(), total)


def _bessel(residuals: Floats) -> Floats:
    number = np.isfinite(residuals).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number > 1, number / (number - 1), np.nan)

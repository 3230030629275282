"""Where the pixels of a frame are added: each in one bin, or shared out among several."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats, Frames
from workbench.reductions import bin_kernels, share_kernels
from workbench.reductions.splitting import Shares

Rules = tuple[float, float, bool]  # pixels below, above count as 0; whether squares are added


@dataclass(frozen=True, eq=False)
class WholePixels:
    """Each pixel is in one bin, or in none.

    Parameters
    ----------
    slots
        Where each is added, see `bin_kernels`, shape (pixel,).
    norm
        Signal of each pixel if one unit were scattered everywhere; 0 for unused ones.
    shape
        Number of bins and of the slots of each.
    """

    slots: Array
    norm: Floats
    shape: tuple[int, int]

    @classmethod
    def of(cls, places: Array, norm: Floats, bins: int) -> "WholePixels":
        """Return the map for pixels whose bins are known; `bins` for unused ones."""
        slots, shape = bin_kernels.slots_of(places, bins), (bins, bin_kernels.turns_of(bins))
        return cls(slots, np.where(places < bins, norm, 0.0), shape)

    def sums(self, flat: Frames, rules: Rules, *, leave_out: bool) -> Floats:
        """Return the sum of signal of each bin, shape (event, bin); `leave_out` NaN or add it."""
        return bin_kernels.bin_sums(flat, self.slots, self.shape, *rules, leave_out)

    def totals(self, flat: Frames) -> Floats:
        """Return sums of norm and its squares, pixels and their effective number of each bin.

        Shape (4, event, bin); NaN pixels are left out.
        """
        norm, squares, pixels = bin_kernels.bin_norms(flat, self.slots, self.shape, self.norm)
        return np.stack([norm, squares, pixels, pixels])

    def scatter(self, flat: Frames, mean: Floats, rules: Rules) -> Floats:
        """Return the sum of (signal - norm * mean)^2 of each bin, shape (event, bin)."""
        return bin_kernels.bin_scatter(flat, self.slots, self.shape, self.norm, mean, *rules)


@dataclass(frozen=True, eq=False)
class SplitPixels:
    """Each pixel is shared out among bins: all sums are weighted with its part in the bin.

    Parameters
    ----------
    entries
        Pixel, bin and weight of each, see `share_kernels`.
    norm, shape
        As of `WholePixels`.
    """

    entries: share_kernels.Entries
    norm: Floats
    shape: tuple[int, int]

    @classmethod
    def of(cls, shares: Shares, norm: Floats, bins: int) -> "SplitPixels":
        """Return the map for pixels whose parts are known."""
        slots, shape = bin_kernels.slots_of(shares.places, bins), (bins, bin_kernels.turns_of(bins))
        entries = share_kernels.entries_of(shares.pixels, slots, shares.weights, norm.size)
        return cls(entries, norm, shape)

    def sums(self, flat: Frames, rules: Rules, *, leave_out: bool) -> Floats:
        """Return the sum of weight * signal of each bin, shape (event, bin)."""
        return share_kernels.share_sums(flat, self.entries, self.shape, *rules, leave_out)

    def totals(self, flat: Frames) -> Floats:
        """Return sums of w n and (w n)^2, of w, and (sum w)^2 / sum w^2: weight w, norm n.

        Shape (4, event, bin); NaN pixels are left out. The last is the number of whole pixels that
        scatter as much as the parts do (L. Kish, Survey Sampling, 1965).
        """
        kept = share_kernels.share_norms(flat, self.entries, self.shape, self.norm)
        norm, squares, weights, weights_squared = kept
        none = np.zeros_like(weights)
        alike = np.divide(weights**2, weights_squared, out=none, where=weights > 0)
        return np.stack([norm, squares, weights, alike])

    def scatter(self, flat: Frames, mean: Floats, rules: Rules) -> Floats:
        """Return the sum of (weight * (signal - norm * mean))^2 of each bin, shape (event, bin)."""
        kernel = share_kernels.share_scatter
        return kernel(flat, self.entries, self.shape, self.norm, mean, *rules)

"""What on and off shots of arrays have in common: products of their deviations, block by block.

The errors of a difference of curves or images need, of every bin and pixel and for each block of
time, how far the on shots and the off shots deviate from their ratios, and the products of the two.
With both ratios known beforehand one more pass over the shots gives them, in memory that does not
grow with the number of shots.
"""

from dataclasses import dataclass

import numpy as np

from workbench.binning.background import DarkMean
from workbench.binning.jackknife import Blocks
from workbench.binning.plan import Plan
from workbench.binning.references import Reference
from workbench.binning.sums import Ratio
from workbench.core.arrays import Array, Floats, Ints
from workbench.runs import Channel

ARRAYS = 4  # sums per pixel and bin, of on and of off shots, 8 bytes each


@dataclass(frozen=True)
class BlockProducts:
    """Sums over blocks of time of u, the deviation of on shots, and v, that of off shots.

    u = Σ(S - R I) / ΣI over the shots of one block, R and ΣI those of all blocks: by how much, to
    first order, the ratio would change without the block. Shapes are (bin, ...); one reference for
    all bins has one bin.

    Parameters
    ----------
    on, off, both
        Σu², Σv² and Σuv.
    on_blocks, off_blocks
        Blocks that have shots.
    crossed
        Sum over off shots of the product of their shares in this bin and in all others.
    reference
        Off shots of each bin.
    """

    on: Floats
    off: Floats
    both: Floats
    on_blocks: Floats
    off_blocks: Floats
    crossed: Floats
    reference: Reference

    @staticmethod
    def nbytes(plan: Plan, reference: Reference, channel: Channel) -> int:
        """Return the memory that the sums take [bytes]."""
        elements = int(np.prod(channel.shape[1:], dtype=np.int64))
        return 8 * ARRAYS * (plan.bins + reference.bins) * elements

    def own_and_common(self, off: Ratio) -> tuple[Floats, Floats]:
        """Return the off shots' error of each bin: its own part and the shared one."""
        if self.reference.shared:
            return np.zeros_like(off.error), off.error
        others = np.maximum(1, np.count_nonzero(off.count, axis=0) - 1)
        common = np.sqrt(np.clip(self.crossed / others, 0, off.error**2))
        return np.sqrt(off.error**2 - common**2), common

    def jackknife(self, on: Ratio, off: Ratio, *, relative: bool) -> Floats:
        """Return the error of the change from blocks of on and off shots left out together.

        sqrt(Σ(f u - g v)²) with the factors sqrt(B / (B - 1)) for their own B blocks; NaN for fewer
        than two blocks of either.
        """
        lit, unlit = (_bessel(blocks) for blocks in (self.on_blocks, self.off_blocks))
        with np.errstate(invalid="ignore", divide="ignore"):
            if relative:
                lit, unlit = lit / off.value, unlit * on.value / off.value**2
            squares = lit**2 * self.on + unlit**2 * self.off - 2 * lit * unlit * self.both
        return np.asarray(np.sqrt(np.maximum(squares, 0)))


def block_products(
    channel: Channel,
    dark: DarkMean,
    plan: Plan,
    reference: Reference,
    ratios: tuple[Ratio, Ratio],
    blocks: Blocks,
) -> BlockProducts:
    """Read the shots behind a comparison of arrays once more, in the order of time.

    Parameters
    ----------
    channel, dark
        The arrays, and their dark mean.
    plan, reference
        On and off shots of each bin.
    ratios
        Of the on and of the off shots, made from the same shots.
    blocks
        Block of time of each event.
    """
    used = plan.used
    used[reference.events] = True
    sums = _Sums(plan, reference, ratios)
    current = -1
    for events, values in channel.iter_stacks(where=used, order=blocks.order):
        dark_free = values - dark.mean if dark.count else values
        frames = np.ascontiguousarray(dark_free).reshape(len(events), -1)
        numbers = blocks.numbers[events]
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        for part in np.split(np.arange(len(events)), cuts):
            if numbers[part[0]] != current:
                sums.close()
                current = numbers[part[0]]
            sums.add(frames[part[0] : part[-1] + 1], events[part])
    sums.close()
    return sums.result(ratios[0].value.shape, ratios[1].value.shape)


class _Sums:
    """Running sums; of the block that is open, NaN where a bin has no shot yet."""

    def __init__(self, plan: Plan, reference: Reference, ratios: tuple[Ratio, Ratio]) -> None:
        self._plan, self._reference = plan, reference
        # Entries of the reference that belong to one off shot lie together.
        self._first = np.searchsorted(reference.events, np.arange(len(plan.numbers) + 1))
        self._on, self._off = (ratio.value.reshape(len(ratio.value), -1) for ratio in ratios)
        self._on_norm, self._off_norm = (
            ratio.norm.reshape(len(ratio.norm), -1) for ratio in ratios
        )
        self._lit, self._unlit = (np.full(some.shape, np.nan) for some in (self._on, self._off))
        self._of_on = np.zeros((3, *self._on.shape))  # Σu², Σuv, blocks
        self._of_off = np.zeros((2, *self._off.shape))  # Σv², blocks
        self._crossed = np.zeros(self._off.shape)

    def add(self, frames: Array, events: Ints) -> None:
        """Add shots of one block: frames (event, pixel)."""
        # Only arrays need the compiler, which takes a second to import.
        from workbench.binning.kernels import add_deviations, add_shares

        plan, reference = self._plan, self._reference
        norm = plan.norm[events]
        add_deviations(frames, plan.numbers[events], norm, self._on, self._on_norm, self._lit)
        add_shares(
            frames,
            self._first[events],
            self._first[events + 1],
            reference.numbers,
            reference.weight,
            norm,
            self._off,
            self._off_norm,
            self._unlit,
            self._crossed,
        )

    def close(self) -> None:
        """Add the open block to the sums."""
        from workbench.binning.kernels import close_blocks

        close_blocks(self._lit, self._unlit, self._of_on, self._of_off)

    def result(self, on_shape: tuple[int, ...], off_shape: tuple[int, ...]) -> BlockProducts:
        on, both, on_blocks = (one.reshape(on_shape) for one in self._of_on)
        off, off_blocks = (one.reshape(off_shape) for one in self._of_off)
        crossed = self._crossed.reshape(off_shape)
        return BlockProducts(on, off, both, on_blocks, off_blocks, crossed, self._reference)


def _bessel(blocks: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(np.where(blocks > 1, blocks / (blocks - 1), np.nan))

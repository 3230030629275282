"""Sums of bins against histograms, alone and abreast."""

import numpy as np
import pytest

from workbench.reductions import bin_kernels


@pytest.mark.parametrize("bins", [5, 3000, 40_000])  # several slots a bin, one, too many abreast
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_sums_of_bins_are_those_of_a_histogram_however_many_events_go_abreast(
    bins: int, kind: str
) -> None:
    draw = np.random.default_rng(4)
    pixels, size = draw.normal(2, 3, (7, 5003)).astype(kind), 5003
    places, norm = draw.integers(0, bins + 1, size).astype(np.int32), draw.random(size)
    where = bin_kernels.slots_of(places, bins), (bins, bin_kernels.turns_of(bins))
    for low, square in ((-np.inf, False), (0.5, True)):
        rules = low, np.inf, square
        kept = np.where(pixels < low, 0, pixels.astype(float)) ** (2 if square else 1)
        sums = bin_kernels.bin_sums(pixels, *where, *rules, False)
        mean = draw.normal(2, 1, (7, bins))
        rest = (kept - norm * np.column_stack([mean, np.zeros(7)])[:, places]) ** 2
        scatter = bin_kernels.bin_scatter(pixels, *where, norm, mean, *rules)
        for got, values in ((sums, kept), (scatter, rest)):
            truth = [np.bincount(places, one, bins + 1)[:bins] for one in values]
            np.testing.assert_allclose(got, truth, rtol=1e-12, atol=1e-12)
        for event in range(7):
            one = slice(event, event + 1)
            alone = bin_kernels.bin_sums(pixels[one], *where, *rules, False)
            np.testing.assert_array_equal(alone[0], sums[event])
            alone = bin_kernels.bin_scatter(pixels[one], *where, norm, mean[one], *rules)
            np.testing.assert_array_equal(alone[0], scatter[event])


@pytest.mark.parametrize("kind", ["u2", "i8", ">f4"])
def test_any_numbers_are_taken_as_the_same_floats(kind: str) -> None:
    counts = np.random.default_rng(6).integers(0, 900, (2, 50))
    taken = bin_kernels.floating(counts.astype(kind))
    assert taken.dtype.isnative
    np.testing.assert_array_equal(taken, counts.astype(np.float64))
    frames = counts.astype(np.float32)
    assert bin_kernels.floating(frames) is frames

"""Reductions of one frame after the other with NumPy and SciPy, as today's functions are specified.

Each function takes one calibrated frame (tile, row, col) and which pixels to use. Steps and their
order are those of the specification of the facility's small-data functions: regions as masked
arrays, droplets by SciPy's labels at two thresholds, photons of droplets by the greedy rule, and
photons per pixel by the rule of psana's `photons`. The two greedy rules are compiled loops, as they
are there.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from scipy import ndimage

CROSS = ndimage.generate_binary_structure(2, 1)
HIGHEST = 10  # photons counted apart


class Labelled(NamedTuple):
    """Droplets of one tile: pixels above threshold, label of each, and per droplet its numbers."""

    image: Any
    labels: Any
    adu: Any
    centre: Any
    npix: Any


def region(frame: Any, good: Any, cut: tuple[slice, ...], low: float) -> tuple[Any, ...]:
    """Return sum, mean, brightest pixel and centre of mass of one region, as a masked array."""
    data = np.ma.masked_array(frame[cut].squeeze(), mask=~good[cut].squeeze())
    data = np.ma.filled(data, 0)
    data = np.ma.masked_array(np.where(data < low, 0, data), mask=~good[cut].squeeze())
    plain = data.filled(0).astype(float)
    total = plain.sum()
    rows, cols = np.arange(plain.shape[0]), np.arange(plain.shape[1])
    com = (data.astype(float) * rows[:, None]).sum() / total, (data * cols).sum() / total
    return total, plain.mean(), plain.max(), com


def droplets(
    frame: Any, good: Any, noise: Any, high: float, low: float, least: float
) -> tuple[int, list[Labelled]]:
    """Return the number of droplets before weak ones are left out, and those of each tile."""
    every, found = 0, []
    for image, use, sigma in zip(frame, good, noise, strict=True):
        masked = np.where(use, image, 0)
        seeds, _ = ndimage.label(np.where(masked < sigma * high, 0, masked), CROSS)
        grown = ndimage.maximum_filter(seeds, footprint=CROSS)
        kept = np.where(masked < sigma * low, 0, masked)
        grown[kept == 0] = 0
        labels, count = ndimage.label(grown > 0, CROSS)
        kept = np.where(labels > 0, kept, 0).astype(float)
        every += count
        adu = ndimage.sum_labels(kept, labels, np.arange(1, count + 1))
        strong = np.flatnonzero(adu >= least) + 1
        if len(strong) < count:
            kept = np.where(np.isin(labels, strong), kept, 0)
            labels, count = ndimage.label(kept > 0, CROSS)
            adu = ndimage.sum_labels(kept, labels, np.arange(1, count + 1))
        numbers = np.arange(1, count + 1)
        centre = np.array(ndimage.center_of_mass(kept, labels, numbers)).reshape(-1, 2)
        npix = ndimage.sum_labels(kept > 0, labels, numbers)
        found.append(Labelled(kept, labels, adu, centre, npix))
    return every, found


def droplet_photons(found: list[Labelled], good: Any, per_photon: float) -> tuple[Any, Any]:
    """Return (row, col, tile) of all photons, and how often a usable pixel holds k of them."""
    photons = []
    counts = np.zeros(good.shape, np.int64)
    for tile, one in enumerate(found):
        held = np.floor(one.adu / per_photon + 0.5).astype(int)
        placed = [one.centre[held == 1]]
        boxes = ndimage.find_objects(one.labels)
        for number in np.flatnonzero(held > 1).tolist():
            box = boxes[number]
            inside = np.where(one.labels[box] == number + 1, one.image[box], 0)
            corner = box[0].start, box[1].start
            placed.append(greedy(np.pad(inside / per_photon, 1), held[number]) + corner)
        every = np.concatenate(placed)
        rows, cols = np.floor(every + 0.5).astype(int).T
        np.add.at(counts[tile], (rows, cols), 1)
        photons.append(np.column_stack([every, np.full(len(every), tile)]))
    counted = counts[good]
    pixels = np.bincount(np.minimum(counted, HIGHEST), minlength=HIGHEST + 1)
    return np.concatenate(photons), np.append(pixels / counted.size, counted.sum() / counted.size)


@njit
def greedy(rest: Any, count: int) -> Any:
    """Place the photons of one droplet; `rest` is its signal in photons with a rim of zeros."""
    out, found = np.empty((count, 2)), 0
    rows, cols = rest.shape
    for row in range(rows):
        for col in range(cols):
            whole = int(rest[row, col])
            rest[row, col] -= whole
            for _ in range(min(whole, count - found)):
                out[found, 0], out[found, 1] = row - 1, col - 1
                found += 1
    while found < count:
        row, col, top = 1, 1, -1.0
        for i in range(1, rows - 1):
            for j in range(1, cols - 1):
                if rest[i, j] > top:
                    row, col, top = i, j, rest[i, j]
        lacking = 1 - rest[row, col]
        rest[row, col] = 0
        best, down, right = 0.0, 0, 0
        for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            beside = rest[row + i, col + j]
            if beside > 0 and beside >= best:
                best, down, right = beside, i, j
        out[found, 0], out[found, 1] = row - 1 + lacking * down, col - 1 + lacking * right
        found += 1
        if best > 0:
            rest[row + down, col + right] = max(best - lacking, 0.0)
    return out


def photons(frame: Any, good: Any, per_photon: float, fraction: float) -> Any:
    """Return photons per pixel: whole ones, and shared ones where the rest is largest around."""
    out = np.zeros(frame.shape, np.int64)
    for image, use, whole in zip(frame, good, out, strict=True):
        value = np.where(use & (image > 0), image, 0) * np.float32(1 / per_photon)
        value = np.pad(value, 1)
        number = np.floor(value)
        rest = value - number
        highest = ndimage.maximum_filter(rest, footprint=CROSS, mode="constant")
        shared = np.nonzero((rest >= 0.5) & (rest == highest))
        pair_up(rest, number, *shared, fraction)
        whole[...] = number[1:-1, 1:-1]
    return out


@njit
def pair_up(rest: Any, number: Any, rows: Any, cols: Any, fraction: float) -> None:
    """Add a photon where a pixel and the largest rest beside it that is free make one."""
    used = np.zeros(rest.shape, np.bool_)
    for place in range(len(rows)):
        row, col = rows[place], cols[place]
        best, i, j = np.float32(0), row, col
        for down, right in ((-1, 0), (0, -1), (0, 1), (1, 0)):
            beside = rest[row + down, col + right]
            if beside > best and not used[row + down, col + right]:
                best, i, j = beside, row + down, col + right
        if rest[row, col] + best >= fraction:
            number[row, col] += 1
            used[row, col] = used[i, j] = True

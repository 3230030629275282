"""Compiled loops over one frame that find droplets and place the photons of one droplet.

Frames come flat, in the order (tile, row, col); neighbours are the four beside, in the same tile.
"""

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames, Ints
from workbench.reductions.compiled import compiled

SEED = 2  # level of a pixel that reaches the higher threshold


@compiled
def find(
    frame: Frames,
    low: Frames,
    high: Frames,
    top: float,
    shape: tuple[int, int],
    scratch: tuple[Array, Array, Array],
) -> tuple[Ints, Ints, int]:
    """Return the pixels of all droplets, the droplet that each belongs to, and their number.

    A droplet's pixel is at or above its `low`, not above `top`, and reaches `high` or lies beside
    a pixel that does; such pixels are one droplet where they touch. Pixels rise; droplets are
    numbered by their first pixel. `shape` is (row, col) of a tile. `scratch` has the length of a
    frame: whole numbers, of which the first array comes filled with -1 and is left so, and bytes.
    """
    rows, cols = shape
    label, chosen, level = scratch
    count = _candidates(frame, low, high, top, level, chosen)
    kept, parent = 0, np.empty(count, np.int32)
    row, start = 0, 0
    for candidate in range(count):
        pixel = chosen[candidate]
        while pixel >= start + cols:
            start += cols
            row = row + 1 if row + 1 < rows else 0
        above = level[pixel - cols] if row > 0 else 0
        left = level[pixel - 1] if pixel > start else 0
        right = level[pixel + 1] if pixel + 1 < start + cols else 0
        below = level[pixel + cols] if row + 1 < rows else 0
        if max(level[pixel], above, left, right, below) < SEED:
            continue
        chosen[kept], label[pixel], parent[kept] = pixel, kept, kept
        if left and label[pixel - 1] >= 0:
            parent[kept] = _root(parent, label[pixel - 1])
        if above and label[pixel - cols] >= 0:
            _unite(parent, kept, label[pixel - cols])
        kept += 1
    droplet, droplets = np.empty(kept, np.int64), 0
    for place in range(kept):
        root = _root(parent, place)
        if root == place:
            droplet[place] = droplets
            droplets += 1
        else:
            droplet[place] = droplet[root]
        label[chosen[place]] = -1
    return chosen[:kept].astype(np.int64), droplet, droplets


@compiled
def measure(
    frame: Frames, pixels: Ints, droplet: Ints, droplets: int, shape: tuple[int, int]
) -> tuple[Floats, Floats, Floats, Ints, Ints]:
    """Return sum, row and column of the centre of mass, tile and number of pixels per droplet."""
    rows, cols = shape
    total, row, col = np.zeros(droplets), np.zeros(droplets), np.zeros(droplets)
    tile, count = np.zeros(droplets, np.int64), np.zeros(droplets, np.int64)
    for place in range(len(pixels)):
        pixel, number = pixels[place], droplet[place]
        value = np.float64(frame[pixel])
        total[number] += value
        row[number] += value * ((pixel // cols) % rows)
        col[number] += value * (pixel % cols)
        tile[number] = pixel // (rows * cols)
        count[number] += 1
    return total, row / total, col / total, tile, count


@compiled
def grouped(pixels: Ints, droplet: Ints, npix: Ints, kept: Bools) -> Ints:
    """Return the pixels of the droplets to keep, droplet by droplet."""
    place, total = np.empty(len(npix), np.int64), 0
    for number in range(len(npix)):
        place[number] = total
        total += npix[number] if kept[number] else 0
    out = np.empty(total, np.int64)
    for pixel in range(len(pixels)):
        number = droplet[pixel]
        if kept[number]:
            out[place[number]] = pixels[pixel]
            place[number] += 1
    return out


@compiled
def photons_of(
    pixels: Ints,
    values: Frames,
    npix: Ints,
    centre: tuple[Floats, Floats, Floats],
    tile: Ints,
    per_photon: float,
    shape: tuple[int, int],
    scratch: tuple[Floats, Floats, Ints],
) -> Floats:
    """Return row, column and tile of all photons of one event, shape (photon, 3).

    `centre` is signal, row and column of each droplet. Photons that are alone in their droplet come
    first. `scratch` has the length of a frame; its first part comes filled with 0 and is left so.
    """
    total, row, col = centre
    held = np.floor(total / per_photon + 0.5).astype(np.int64)
    out, found = np.empty((held.sum(), 3)), 0
    for droplet in range(len(held)):
        if held[droplet] == 1:
            out[found, 0], out[found, 1], out[found, 2] = row[droplet], col[droplet], tile[droplet]
            found += 1
    start = 0
    for droplet in range(len(held)):
        stop = start + npix[droplet]
        if held[droplet] > 1:
            photons = values[start:stop].astype(np.float64) / per_photon
            after = found + held[droplet]
            place_photons(pixels[start:stop], photons, shape, scratch, out[found:after])
            out[found:after, 2] = tile[droplet]
            found = after
        start = stop
    return out


@compiled
def place_photons(
    pixels: Ints,
    photons: Floats,
    shape: tuple[int, int],
    scratch: tuple[Floats, Floats, Ints],
    out: Floats,
) -> None:
    """Fill `out` with row and column of the photons of one droplet, as many as it has rows.

    `photons` is the signal of each pixel in photons. Whole photons stay in their pixels. Then the
    pixel with the largest rest takes what it lacks from the largest rest beside it, and the photon
    lies between the two, by the part that was taken; where nothing lies beside it stays.
    """
    rows, cols = shape
    rest, keys, heap = scratch
    count, found, size = len(out), 0, len(pixels)
    for place in range(size):
        pixel = pixels[place]
        whole = int(photons[place])
        for _ in range(min(whole, count - found)):
            out[found, 0], out[found, 1] = (pixel // cols) % rows, pixel % cols
            found += 1
        rest[pixel] = photons[place] - whole
        keys[place], heap[place] = rest[pixel], pixel
    for place in range(size // 2 - 1, -1, -1):
        _sink(keys, heap, place, size)
    while found < count:
        pixel = heap[0]
        if keys[0] != rest[pixel]:  # taken from since it was put there
            keys[0] = rest[pixel]
            _sink(keys, heap, 0, size)
            continue
        row, col = (pixel // cols) % rows, pixel % cols
        lacking, rest[pixel], keys[0] = 1 - keys[0], 0.0, 0.0
        _sink(keys, heap, 0, size)
        best, side, down, right = 0.0, pixel, 0, 0
        for step, inside, by_row, by_col in (
            (-cols, row > 0, -1, 0),
            (cols, row < rows - 1, 1, 0),
            (-1, col > 0, 0, -1),
            (1, col < cols - 1, 0, 1),
        ):
            if inside and rest[pixel + step] > 0 and rest[pixel + step] >= best:
                best, side, down, right = rest[pixel + step], pixel + step, by_row, by_col
        out[found, 0], out[found, 1] = row + lacking * down, col + lacking * right
        found += 1
        if best > 0:
            rest[side] = max(best - lacking, 0.0)
    for place in range(size):
        rest[pixels[place]] = 0.0


@compiled
def _sink(keys: Floats, heap: Ints, place: int, size: int) -> None:
    """Restore a heap, largest key first and of equal keys the first pixel, below `place`."""
    while True:
        largest = place
        for child in (2 * place + 1, 2 * place + 2):
            if child < size and (
                keys[child] > keys[largest]
                or (keys[child] == keys[largest] and heap[child] < heap[largest])
            ):
                largest = child
        if largest == place:
            return
        keys[place], keys[largest] = keys[largest], keys[place]
        heap[place], heap[largest] = heap[largest], heap[place]
        place = largest


@compiled
def count_per_pixel(place: Ints, good: Array, highest: int, counts: Floats) -> tuple[Ints, int]:
    """Return how many good pixels hold 0, 1, ... `highest` or more photons, and all photons there.

    `place` is the pixel of each photon; `counts` is scratch of the length of a frame, comes filled
    with 0 and is left so.
    """
    found, total = np.zeros(highest + 1, np.int64), 0
    for photon in range(len(place)):
        counts[place[photon]] += good[place[photon]]
    for photon in range(len(place)):
        held = int(counts[place[photon]])
        if held > 0:
            found[min(held, highest)] += 1
            total += held
            counts[place[photon]] = 0
    return found, total


@compiled
def _candidates(
    frame: Frames, low: Frames, high: Frames, top: float, level: Array, chosen: Array
) -> int:
    """Tell which pixels reach `low` (1) and `high` (`SEED`); list them, and return how many do.

    Most do not: eight are passed over at a time.
    """
    bound, size, count = frame.dtype.type(top), len(frame), 0
    for pixel in range(size):
        value = frame[pixel]
        level[pixel] = (value <= bound) * ((value >= low[pixel]) + (value >= high[pixel]))
    whole = size - size % 8
    eights = level[:whole].view(np.uint64)
    for eight in range(len(eights)):
        if eights[eight] != 0:
            for pixel in range(8 * eight, 8 * eight + 8):
                chosen[count] = pixel
                count += level[pixel] > 0
    for pixel in range(whole, size):
        chosen[count] = pixel
        count += level[pixel] > 0
    return count


@compiled
def _root(parent: Array, place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


@compiled
def _unite(parent: Array, first: int, second: int) -> None:
    one, other = _root(parent, first), _root(parent, second)
    if one < other:
        parent[other] = one
    else:
        parent[one] = other

"""Compiled loops over one frame that find droplets and place the photons of one droplet.

Frames come flat, in the order (tile, row, col); neighbours are the four beside, in the same tile.
"""

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames, Ints
from workbench.reductions.candidates import candidates
from workbench.reductions.compiled import compiled


@compiled
def find(
    frame: Frames, low: Frames, high: Frames, top: float, shape: tuple[int, int], chosen: Array
) -> tuple[Ints, Ints, int]:
    """Return the pixels of all droplets, the droplet that each belongs to, and their number.

    A droplet's pixel is at or above its `low`, not above `top`, and reaches `high` or lies beside
    a pixel that does; such pixels are one droplet where they touch. Pixels rise; droplets are
    numbered by their first pixel. `shape` is (row, col) of a tile. `chosen` is scratch: whole
    numbers, of the length of a frame.
    """
    seed = _seeds(frame, low, high, top, chosen)
    before, inside = _beside(chosen, seed, shape)
    parent = np.arange(len(seed))
    for place in range(len(seed)):
        for other in (before[0, place], before[1, place]):
            if other >= 0 and inside[place] and inside[other]:
                _unite(parent, place, other)
    size, droplets, kept = np.count_nonzero(inside), 0, 0
    pixels, droplet = np.empty(size, np.int64), np.empty(size, np.int64)
    number = np.empty(len(seed), np.int64)  # of the droplet that begins here
    for place in range(len(seed)):
        if inside[place]:
            root = _root(parent, place)
            if root == place:
                number[place] = droplets
                droplets += 1
            pixels[kept], droplet[kept] = chosen[place], number[root]
            kept += 1
    return pixels, droplet, droplets


@compiled
def measure(
    frame: Frames, pixels: Ints, droplet: Ints, droplets: int, shape: tuple[int, int]
) -> tuple[Floats, Floats, Floats, Ints, Ints]:
    """Return sum, row and column of the centre of mass, tile and number of pixels per droplet."""
    rows, cols = shape
    total, row, col = np.zeros(droplets), np.zeros(droplets), np.zeros(droplets)
    tile, count = np.zeros(droplets, np.int64), np.zeros(droplets, np.int64)
    at_row, at_tile, start = 0, 0, 0
    for place in range(len(pixels)):
        pixel, number = pixels[place], droplet[place]
        while pixel >= start + cols:
            start, at_row = start + cols, at_row + 1
            if at_row == rows:
                at_row, at_tile = 0, at_tile + 1
        value = np.float64(frame[pixel])
        total[number] += value
        row[number] += value * at_row
        col[number] += value * (pixel - start)
        tile[number] = at_tile
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
) -> Floats:
    """Return row, column and tile of all photons of one event, shape (photon, 3).

    `centre` is signal, row and column of each droplet. Photons that are alone in their droplet come
    first.
    """
    total, row, col = centre
    held = np.floor(total / per_photon + 0.5).astype(np.int64)
    out, found = np.empty((held.sum(), 3)), 0
    most = npix.max() if len(npix) else 0
    scratch = np.empty(most), np.empty(most), np.empty(most, np.int64)
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

    `photons` is the signal of each pixel in photons; pixels rise. Whole photons stay in their
    pixels. Then the pixel with the largest rest takes what it lacks from the largest rest beside
    it, and the photon lies between the two, by the part that was taken; where nothing lies beside
    it stays. `scratch` has at least the length of a droplet.
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
        rest[place] = photons[place] - whole
        keys[place], heap[place] = rest[place], place
    for place in range(size // 2 - 1, -1, -1):
        _sink(keys, heap, place, size)
    while found < count:
        place = heap[0]
        if keys[0] != rest[place]:  # taken from since it was put there
            keys[0] = rest[place]
            _sink(keys, heap, 0, size)
            continue
        row, col = (pixels[place] // cols) % rows, pixels[place] % cols
        lacking, rest[place], keys[0] = 1 - keys[0], 0.0, 0.0
        _sink(keys, heap, 0, size)
        best, side, down, right = 0.0, place, 0, 0
        for step, inside, by_row, by_col in (
            (-cols, row > 0, -1, 0),
            (cols, row < rows - 1, 1, 0),
            (-1, col > 0, 0, -1),
            (1, col < cols - 1, 0, 1),
        ):
            other = _position(pixels, place, step) if inside else -1
            if other >= 0 and rest[other] > 0 and rest[other] >= best:
                best, side, down, right = rest[other], other, by_row, by_col
        out[found, 0], out[found, 1] = row + lacking * down, col + lacking * right
        found += 1
        if best > 0:
            rest[side] = max(best - lacking, 0.0)


@compiled
def _position(pixels: Ints, place: int, step: int) -> int:
    """Return where the pixel `step` after the one at `place` is, -1: not there; pixels rise."""
    target = pixels[place] + step
    low, high = max(place + min(step, 0), 0), min(place + max(step, 0), len(pixels) - 1)
    while low < high:
        middle = (low + high) // 2
        if pixels[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low if pixels[low] == target else -1


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
def count_per_pixel(place: Ints, good: Array, highest: int, counts: Array) -> tuple[Ints, int]:
    """Return how many good pixels hold 0, 1, ... `highest` or more photons, and all photons there.

    `place` is the pixel of each photon; `counts` is scratch: whole numbers, of the length of a
    frame, filled with 0 and left so.
    """
    found, total = np.zeros(highest + 1, np.int64), 0
    for photon in range(len(place)):
        counts[place[photon]] += good[place[photon]]
    for photon in range(len(place)):
        held = counts[place[photon]]
        if held > 0:
            found[min(held, highest)] += 1
            total += held
            counts[place[photon]] = 0
    return found, total


@compiled
def _seeds(frame: Frames, low: Frames, high: Frames, top: float, chosen: Array) -> Bools:
    """List the pixels from `low` to `top` in `chosen`, and tell which of them reach `high`."""
    bound, kept = frame.dtype.type(top), 0
    seed = np.empty(candidates(frame, low, chosen), np.bool_)
    for place in range(len(seed)):
        pixel = chosen[place]
        chosen[kept], seed[kept] = pixel, frame[pixel] >= high[pixel]
        kept += frame[pixel] <= bound
    return seed[:kept]


@compiled
def _beside(chosen: Array, seed: Bools, shape: tuple[int, int]) -> tuple[Array, Bools]:
    """Tell where in `chosen` the pixels left of and above each are, and which belong to droplets.

    The first are (2, place), -1 where that pixel is not chosen; the second are those that are a
    seed or have one beside them.
    """
    rows, cols = shape
    before, inside = np.full((2, len(seed)), -1, np.int32), seed.copy()
    above, row, start = 0, 0, 0
    for place in range(len(seed)):
        pixel = chosen[place]
        while pixel >= start + cols:
            start += cols
            row = row + 1 if row + 1 < rows else 0
        if pixel > start and place > 0 and chosen[place - 1] == pixel - 1:
            before[0, place] = place - 1
        while chosen[above] < pixel - cols:
            above += 1
        if row > 0 and chosen[above] == pixel - cols:
            before[1, place] = above
        for other in (before[0, place], before[1, place]):
            if other >= 0:
                inside[place] |= seed[other]
                inside[other] |= seed[place]
    return before, inside


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

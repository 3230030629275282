"""Photons per pixel in regions of a detector, frame by frame, from lists of photons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError, UnknownNameError
from workbench.regions import read_mask
from workbench.runs import Cut, Run
from workbench.smalldata import DetectorSettings, Ragged
from workbench.smalldata.layout import var_group
from workbench.smalldata.ragged import RaggedStack

STACK_BYTES = 64 << 20  # of photon counts held at a time
POSITIONS = (("row", "col"), ("i", "j"))  # fields of places, preferred first


class RegionError(InputError):
    """A region or a list of photons that a run does not have; the text says what would do."""


@dataclass(frozen=True)
class Region:
    """A rectangle of one tile of a detector, and which of its pixels to use.

    Parameters
    ----------
    name
        As in the producer config, or as given.
    bounds
        Rows and columns, half-open.
    good
        True = use, shape of `bounds`.
    tile
        Tile of the detector; 0 where there is but one.
    """

    name: str
    bounds: Bounds
    good: Bools
    tile: int = 0

    @property
    def pixels(self) -> int:
        """Pixels to use."""
        return int(self.good.sum())


@dataclass(frozen=True)
class PhotonStack:
    """Photons of some frames.

    Parameters
    ----------
    events
        Event number of each frame, shape (frame,).
    photons
        Photons per pixel by region, shape (frame, row, col).
    listed, misplaced
        Photons in the lists of these frames, and those of them that lie on bad pixels or beyond
        the detector.
    """

    events: Ints
    photons: Mapping[str, Ints]
    listed: int
    misplaced: int


@dataclass(frozen=True)
class PhotonList:
    """A list of photons per event, and what its fields are.

    Parameters
    ----------
    ragged
        The list.
    detector
        Whose photons they are.
    row, col, tile, value
        Fields; tile and value are empty where there are none.
    """

    ragged: Ragged
    detector: str
    row: str
    col: str
    tile: str = ""
    value: str = ""


def find_photons(run: Run, name: str = "", *, row: str = "", col: str = "") -> PhotonList:
    """Return the list of photons of a run.

    Parameters
    ----------
    run
        From `open_run`.
    name
        ``det/var_<what>`` or ``det/ragged_<what>``; empty: the first list of photons.
    row, col
        Fields with row and column; empty: "row" and "col", else "i" and "j". Producers have meant
        rows by either of i and j: compare with the mask.

    Raises
    ------
    UnknownNameError
        Where the list of photons does not have the fields of places.
    """
    ragged = run.ragged(name or _first_list(run))
    given = (row, col)
    if not all(given):
        given = next((one for one in POSITIONS if set(one) <= set(ragged.fields)), ("", ""))
    for field in given:
        if field not in ragged.fields:
            raise UnknownNameError("field of places", field or "row", ragged.fields, ragged.name)
    return PhotonList(
        ragged,
        ragged.name.partition("/")[0],
        *given,
        tile="tile" if "tile" in ragged.fields else "",
        value="data" if "data" in ragged.fields else "",
    )


def find_regions(
    run: Run, detector: str, texts: Sequence[str] = (), *, mask: str | Path = ""
) -> tuple[Region, ...]:
    """Return the regions of a detector.

    Parameters
    ----------
    run
        From `open_run`.
    detector
        Its name in the file.
    texts
        "name row:row column:column", or with the tile as a number before the rows; none: the
        regions of the producer config that the file keeps.
    mask
        File with a mask of one's own for the whole detector; joins those that the run's file keeps.

    Raises
    ------
    RegionError
        Where neither the run nor `texts` names a region, and for a mask where the run does not
        know the detector's shape.
    """
    settings = run.settings.get(detector)
    good = None if settings is None else settings.good
    if mask:
        if good is None:
            raise RegionError(
                f"{run.label} does not say what shape {detector} has: the mask {mask} cannot be "
                "compared with it; cut it to the regions and produce them with it"
            )
        good = good & read_mask(Path(mask), good.shape)
    given = list(map(_parsed, texts)) if texts else list(_configured(settings))
    if not given:
        raise RegionError(
            f"{run.label} keeps no regions of {detector}: name them as 'spot 10:60 20:90' (rows "
            "and columns, half-open)"
        )
    return tuple(_region(name, bounds, own, good) for name, bounds, own in given)


def photon_stacks(
    run: Run, photons: PhotonList, regions: Sequence[Region], where: Cut | Bools | None = None
) -> Iterator[PhotonStack]:
    """Yield photons per pixel of the selected frames; events without a frame are left out."""
    use = where if isinstance(where, np.ndarray) else run.mask(where)
    use = use & camera_there(run, photons.detector)
    settings = run.settings.get(photons.detector)
    detector_good = None if settings is None else settings.good
    largest = max(int(np.prod(region.bounds.shape)) for region in regions)
    for stack in photons.ragged.stacks(size=max(1, STACK_BYTES // (8 * largest))):
        kept = use[stack.first : stack.first + len(stack.lengths)] & ~stack.absent
        places, counts, frame = _entries(photons, stack, kept)
        yield PhotonStack(
            stack.first + np.flatnonzero(kept),
            {
                region.name: _counted(region, places, counts, frame, int(kept.sum()))
                for region in regions
            },
            int(counts.sum()),
            int(counts[_misplaced(places, detector_good)].sum()),
        )


def camera_there(run: Run, detector: str) -> Bools:
    """Tell in which events a detector was read, by its flag in ``damage``; all where none is."""
    name = f"damage/{detector}"
    if name not in run.infos:
        return np.ones(run.n_events, np.bool_)
    return np.asarray(run[name].read_stored() == 1)


def _first_list(run: Run) -> str:
    lists = [name for name, info in run.infos.items() if info.kind == "ragged"]
    groups = dict.fromkeys(var_group(name) or name.rpartition("_")[0] for name in lists)
    for group in groups:
        if "phot" in group.rpartition("/")[2]:
            return group
    raise RegionError(
        f"{run.label} has no list of photons ({', '.join(groups) or 'no lists at all'}): produce "
        "it with get_droplet2photon in the producer config, or name one"
    )


def _parsed(text: str) -> tuple[str, Bounds, Bools | None]:
    try:
        name, *ranges = text.split()
        pairs = [(int(low), int(high or int(low) + 1)) for low, _, high in map(_ends, ranges)]
        return name, Bounds.from_pairs(pairs), None
    except ValueError as error:
        raise RegionError(
            f"region {text!r}: write 'name row:row column:column', as 'spot 10:60 20:90' ({error})"
        ) from error


def _ends(text: str) -> tuple[str, str, str]:
    return text.partition(":")


def _configured(settings: DetectorSettings | None) -> Iterator[tuple[str, Bounds, Bools | None]]:
    for name, function in ({} if settings is None else settings.functions).items():
        if function.bounds is not None:
            yield name, function.bounds, function.good


def _region(name: str, bounds: Bounds, own: Bools | None, good: Bools | None) -> Region:
    if good is not None:
        good = good.reshape(-1, *good.shape[-2:]) if len(bounds.low) == 3 else good
        bounds = bounds.fit(good.shape)
    tile = bounds.low[0] if len(bounds.low) == 3 else 0
    if len(bounds.low) not in {2, 3} or (len(bounds.low) == 3 and bounds.shape[0] != 1):
        raise RegionError(f"region {name} {bounds}: rows and columns of one tile are needed")
    flat = Bounds(bounds.low[-2:], bounds.high[-2:])
    use = np.ones(flat.shape, np.bool_) if good is None else good[bounds.slices].reshape(flat.shape)
    if own is not None and own.size == use.size:
        use = use & own.reshape(flat.shape)
    if not use.any():
        raise RegionError(f"region {name} {bounds}: the mask leaves none of its pixels")
    return Region(name, flat, use, tile)


def _entries(
    photons: PhotonList, stack: RaggedStack, kept: Bools
) -> tuple[tuple[Ints, Ints, Ints], Array, Ints]:
    """Return (tile, row, col), photons and frame number of each entry of the kept events."""
    wanted = np.repeat(kept, stack.lengths)
    number = np.repeat(np.cumsum(kept) - 1, stack.lengths)[wanted]
    row, col = (
        np.floor(stack.values[name][wanted] + 0.5).astype(np.int64)
        for name in (photons.row, photons.col)
    )
    tile = np.zeros(len(row), np.int64)
    if photons.tile:
        tile = stack.values[photons.tile][wanted].astype(np.int64)
    counts = np.ones(len(row))
    if photons.value:
        counts = stack.values[photons.value][wanted].astype(np.float64)
        if (counts != np.floor(counts)).any():
            raise RegionError(
                f"{photons.ragged.name}/{photons.value} holds energies, not numbers of photons: "
                "these are droplets; name the list that droplet2photon made"
            )
    return (tile, row, col), counts, number


def _counted(
    region: Region, places: tuple[Ints, Ints, Ints], counts: Array, frame: Ints, frames: int
) -> Ints:
    tile, row, col = places
    (top, left), (bottom, right) = region.bounds.low, region.bounds.high
    inside = (tile == region.tile) & (row >= top) & (row < bottom) & (col >= left) & (col < right)
    rows, cols = region.bounds.shape
    place = (frame[inside] * rows + row[inside] - top) * cols + col[inside] - left
    total = np.bincount(place, counts[inside], frames * rows * cols)
    return total.astype(np.int64).reshape(frames, rows, cols)


def _misplaced(places: tuple[Ints, Ints, Ints], good: Bools | None) -> Bools:
    """Tell which entries lie on bad pixels or beyond the detector."""
    tile, row, col = places
    if good is None:
        return np.zeros(len(row), np.bool_)
    whole = good.reshape(-1, *good.shape[-2:])
    off = (row < 0) | (row >= whole.shape[1]) | (col < 0) | (col >= whole.shape[2])
    off |= (tile < 0) | (tile >= whole.shape[0])
    at = tuple(np.where(off, 0, place) for place in places)
    return np.asarray(off | ~whole[at])

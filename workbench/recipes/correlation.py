"""Correlation of speckle in time: g2 over lag and the two-time correlation, with errors.

Frame by frame, sums over pixels normalise: g2(lag) = Σ <I(t) I(t + lag)> / Σ <I(t)> <I(t + lag)>,
<> over pixels, Σ over all pairs of frames that far apart. Both frames of a pair are normalised by
their own mean ("symmetric"), so that the beam's intensity, shot by shot, drops out; a frame is
never paired with itself, so that counting noise adds nothing. Errors come from leaving out one
patch of neighbouring pixels after the other (jackknife): speckles are independent in space, while
lags and frames share the same fields; `speckle_size` tells what larger speckles add.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import fft

from workbench.core.arrays import Bools, Floats, Ints, Times
from workbench.core.clock import nanoseconds
from workbench.core.errors import InputError, UnknownNameError
from workbench.recipes.photon_frames import Region, find_photons, find_regions, photon_stacks
from workbench.recipes.speckle_size import stretch_of
from workbench.runs import Channel, Cut, Run, need_events

PATCHES = 5  # along each side of the region
PER_OCTAVE = 6  # lags
SHORTEST = 16  # frames
MOST_BYTES = 1 << 30  # of a region's frames in memory
OFF_GRID = 0.1  # of the time between frames, by which most frames may miss the grid
AGES = 48  # of the two-time correlation, along each axis


class CorrelationError(InputError):
    """Frames that no correlation can be made of; the text says what is lacking."""


@dataclass(frozen=True)
class Movie:
    """The frames of one region in the order of time.

    Parameters
    ----------
    values
        Photons or energy per good pixel, shape (frame, pixel).
    index
        Place of each frame on an even grid of times, shape (frame,); rising.
    period
        Time between places of the grid [s].
    place
        Row and column of each pixel, shape (2, pixel).
    patch
        Which patch of neighbouring pixels each pixel belongs to, shape (pixel,).
    region, field
        Where the pixels lie and what was read, for titles.
    notes
        What a user should know.
    """

    values: Floats
    index: Ints
    period: float
    place: Ints
    patch: Ints
    region: str
    field: str
    notes: tuple[str, ...] = ()

    @property
    def patches(self) -> int:
        """Number of patches."""
        return int(self.patch.max()) + 1

    @cached_property
    def stretch(self) -> float:
        """Factor on errors from patches, for speckles that reach from one into the next."""
        return stretch_of(self.values, self.index, self.place, self.patch)


@dataclass(frozen=True)
class Correlation:
    """g2 over lag, and the two-time correlation.

    Parameters
    ----------
    lag
        Mean lag of each point [s], shape (lag,).
    g2
        Shape (lag,).
    replicates
        g2 with one patch left out, shape (patch, lag).
    weights
        Share of each single lag, 1 to the longest, in each point, shape (lag, single).
    single
        The single lags [s], shape (single,).
    pairs
        Pairs of frames in each point, shape (lag,).
    age
        Edges of the stretches of time of the two-time correlation [s], shape (age + 1,).
    two_time
        Correlation between frames of one stretch and another, shape (age, age); NaN without pairs.
    two_time_error
        Its error, shape (age, age).
    movie
        What was correlated.
    """

    lag: Floats
    g2: Floats
    replicates: Floats
    weights: Floats
    single: Floats
    pairs: Floats
    age: Floats
    two_time: Floats
    two_time_error: Floats
    movie: Movie

    @cached_property
    def error(self) -> Floats:
        """Error of g2 from patches left out in turn, shape (lag,)."""
        return self.movie.stretch * jackknife(self.replicates)


def movie_of(
    run: Run,
    field: str = "",
    region: str = "",
    *,
    where: Cut | None = None,
    mask: str | Path = "",
    row: str = "",
    col: str = "",
) -> Movie:
    """Read the frames of one region in the order of time.

    Parameters
    ----------
    run
        From `open_run`.
    field
        A field of stored pixels (event, row, col), or a list of photons; empty: the first list.
    region
        Of a list of photons: a region of the producer config, or "spot 10:60 20:90"; empty: the
        config's first.
    where
        Which events; of these, the shots with X-rays are taken.
    mask, row, col
        As for `find_regions` and `find_photons`.

    Raises `CorrelationError` for fewer than 16 frames and for frames that do not fit into memory.
    """
    need_events(run, SHORTEST)
    lit = run.mask(where) & (run.classes.xray == 1)
    if field in run.infos and len(run[field].shape) == 3:
        events, values, good, name, notes = _stored(run, run[field], lit)
    else:
        photons = find_photons(run, field, row=row, col=col)
        texts = [region] if ":" in region else []
        known = find_regions(run, photons.detector, texts, mask=mask)
        chosen = _named(known, "" if texts else region)
        _fits(int(lit.sum()), chosen.pixels)
        if not lit.any():
            raise CorrelationError(
                f"{run.label}: 0 of {run.n_events} events are selected shots with X-rays; at least "
                f"{SHORTEST} are needed: loosen the cuts, or check the run with run.check()"
            )
        stacks = list(photon_stacks(run, photons, (chosen,), lit))
        events = np.concatenate([stack.events for stack in stacks])
        values = np.concatenate([stack.photons[chosen.name][:, chosen.good] for stack in stacks])
        good, name, notes, field = chosen.good, chosen.name, (), photons.ragged.name
    order = np.argsort(run.timestamps[events], kind="stable")
    kept, index, period, told = _grid(run.timestamps[events[order]])
    if len(kept) < SHORTEST:
        raise CorrelationError(
            f"{run.label}: {len(kept)} frames of {field} in the selected shots; at least "
            f"{SHORTEST} are needed: loosen the cuts, or check the camera with run.presence()"
        )
    frames = values[order][kept].astype(np.float64)
    lost = int(lit.sum()) - len(kept)
    note = (f"{lost} of {int(lit.sum())} selected shots have no frame",) if lost else ()
    place, said = np.stack(np.nonzero(good)).astype(np.int64), (*notes, *told, *note)
    return Movie(frames, index, period, place, _patches(good), name, field, said)


def correlate(
    movie: Movie, *, longest: float | None = None, per_octave: int = PER_OCTAVE
) -> Correlation:
    """Correlate the frames of a movie.

    Parameters
    ----------
    movie
        From `movie_of`.
    longest
        Longest lag [s]; by default half of the movie.
    per_octave
        Points per doubling of the lag, each the sum over the lags in it; 0: every lag by itself.

    Raises
    ------
    CorrelationError
        Where the longest lag is shorter than two frames.
    """
    length = int(movie.index[-1]) + 1
    most = length // 2 if longest is None else min(length - 1, int(longest / movie.period))
    if most < 2:
        raise CorrelationError(
            f"the longest lag, {longest} s, is shorter than two frames of {movie.period:.4g} s"
        )
    groups = _groups(most, per_octave)
    above, sums, pixels = _patch_sums(movie, length, most)
    number = np.zeros(length)
    number[movie.index] = 1
    pairs = np.rint(_self_correlation(number, most))
    used = [group for group in groups if pairs[group].sum() > 0]
    whole, below = _g2(above.sum(axis=0), sums.sum(axis=0), int(pixels.sum()), most, used)
    left_out = [
        _g2(
            above.sum(axis=0) - above[patch],
            sums.sum(axis=0) - sums[patch],
            int(pixels.sum() - pixels[patch]),
            most,
            used,
        )[0]
        for patch in range(movie.patches)
    ]
    single = movie.period * np.arange(1, most + 1, dtype=np.float64)
    weights = np.zeros((len(used), most))
    for point, group in enumerate(used):
        weights[point, group.start - 1 : group.stop - 1] = below[group] / below[group].sum()
    age, two_time, error = two_times(movie)
    return Correlation(
        weights @ single,
        whole,
        np.array(left_out),
        weights,
        single,
        np.array([float(pairs[group].sum()) for group in used]),
        age,
        two_time,
        error,
        movie,
    )


def two_times(movie: Movie, ages: int = AGES) -> tuple[Floats, Floats, Floats]:
    """Return edges of stretches of time [s], the correlation between them and its error.

    Frames of one stretch are added up; no frame is paired with itself.
    """
    length = int(movie.index[-1]) + 1
    ages = min(ages, length // 2)
    edges = np.linspace(0, length, ages + 1)
    place = np.searchsorted(edges, movie.index, "right") - 1
    patches = movie.patches
    above, total = np.zeros((patches, ages, ages)), np.zeros((patches, ages))
    each = np.zeros((patches, len(movie.values)))
    pixels = np.bincount(movie.patch, minlength=patches)
    for patch in range(patches):
        values = movie.values[:, movie.patch == patch]
        added = np.zeros((ages, values.shape[1]))
        np.add.at(added, place, values)
        own = np.bincount(place, (values**2).sum(axis=1), ages)
        above[patch] = added @ added.T - np.diag(own)
        total[patch], each[patch] = added.sum(axis=1), values.sum(axis=1)

    def ratio(products: Floats, sums: Floats, frames: Floats, count: int) -> Floats:
        below = np.outer(sums, sums) - np.diag(np.bincount(place, frames**2, ages))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(below > 0, products * count / below, np.nan)

    whole = (above.sum(axis=0), total.sum(axis=0), each.sum(axis=0))
    left_out = [
        ratio(
            whole[0] - above[patch],
            whole[1] - total[patch],
            whole[2] - each[patch],
            int(pixels.sum() - pixels[patch]),
        )
        for patch in range(patches)
    ]
    found = ratio(*whole, int(pixels.sum()))
    return edges * movie.period, found, movie.stretch * jackknife(np.array(left_out))


def jackknife(replicates: Floats) -> Floats:
    """Return the error of an estimate from those with one part left out, first axis the parts."""
    parts = len(replicates)
    away = replicates - replicates.mean(axis=0)
    return np.asarray(np.sqrt((parts - 1) / parts * (away**2).sum(axis=0)))


def _patch_sums(movie: Movie, length: int, most: int) -> tuple[Floats, Floats, Ints]:
    """Return, patch by patch, Σ I I' over pixels and pairs, Σ I over pixels, and the pixels."""
    above = np.zeros((movie.patches, most + 1))
    sums = np.zeros((movie.patches, length))
    size = fft.next_fast_len(length + most, real=True)
    for patch in range(movie.patches):
        grid = np.zeros((length, int((movie.patch == patch).sum())))
        grid[movie.index] = movie.values[:, movie.patch == patch]
        power = (np.abs(fft.rfft(grid, size, axis=0)) ** 2).sum(axis=1)
        above[patch] = fft.irfft(power, size)[: most + 1]
        sums[patch] = grid.sum(axis=1)
    return above, sums, np.bincount(movie.patch, minlength=movie.patches)


def _self_correlation(values: Floats, most: int) -> Floats:
    size = fft.next_fast_len(len(values) + most, real=True)
    found: Floats = fft.irfft(np.abs(fft.rfft(values, size)) ** 2, size)[: most + 1]
    return found


def _g2(
    above: Floats, sums: Floats, pixels: int, most: int, groups: Sequence[slice]
) -> tuple[Floats, Floats]:
    """Return g2 of each group of lags, and Σ <I> <I'> over pairs of every lag."""
    below = _self_correlation(sums, most)
    g2 = [pixels * above[group].sum() / below[group].sum() for group in groups]
    return np.array(g2), below


def _groups(most: int, per_octave: int) -> list[slice]:
    """Return the lags of each point, from 1 to `most` frames."""
    if not per_octave:
        return [slice(lag, lag + 1) for lag in range(1, most + 1)]
    octaves = np.log2(most + 1)
    ends = np.rint(2 ** np.arange(0, octaves + 1 / per_octave, 1 / per_octave)).astype(int)
    ends = np.unique(np.minimum(ends, most + 1))
    return [slice(int(low), int(high)) for low, high in pairwise(ends)]


def _stored(
    run: Run, channel: Channel, lit: Bools
) -> tuple[Ints, Floats, Bools, str, tuple[str, ...]]:
    """Return events, values of good pixels, mask, name and notes of a field of stored pixels."""
    shape = channel.shape[1:]
    maps = {one.name: one.values for one in run.pixel_maps(channel.name)}
    good = np.asarray(maps.get("good", np.ones(shape)), np.bool_).reshape(shape)
    _fits(int(lit.sum()), int(good.sum()))
    values = channel.read(where=lit)[:, good].astype(np.float64)
    dark = channel.read(where=run.classes.dark)[:, good]
    notes: tuple[str, ...] = ("no frames without X-rays: the dark level was not subtracted",)
    dark = dark[np.isfinite(dark).all(axis=1)]
    if len(dark):
        values -= dark.mean(axis=0)
        notes = ()
    there = np.isfinite(values).all(axis=1)
    name = channel.name.rpartition("/")[2].removesuffix("_area")
    return np.flatnonzero(lit)[there], values[there], good, name, notes


def _named(regions: Sequence[Region], name: str) -> Region:
    found = [one for one in regions if one.name == name] if name else list(regions)
    if not found:
        raise UnknownNameError("region", name, [one.name for one in regions], "the run")
    return found[0]


def _fits(frames: int, pixels: int) -> None:
    if 8 * frames * pixels > MOST_BYTES:
        raise CorrelationError(
            f"{frames} frames of {pixels} pixels take {8e-9 * frames * pixels:.1f} GB: choose a "
            "smaller region, or fewer shots by a cut on the time"
        )


def _grid(stamps: Times) -> tuple[Ints, Ints, float, tuple[str, ...]]:
    """Return which frames to keep, their places on an even grid, its period [s], and notes."""
    times = nanoseconds(stamps).astype(np.float64)
    fresh = np.concatenate([[True], np.diff(times) > 0])[: len(times)]
    kept = np.flatnonzero(fresh)
    notes = []
    if len(kept) < len(times):
        notes.append(f"{len(times) - len(kept)} frames of repeated time stamps were left out")
    gaps = np.diff(times[kept])
    if not len(gaps):
        return kept, np.zeros(len(kept), np.int64), 1.0, tuple(notes)
    period = float(np.median(gaps[gaps < 1.5 * gaps.min()]))
    steps = np.rint(gaps / period).astype(np.int64)
    off = float((np.abs(gaps / period - steps) > OFF_GRID).mean())
    if off > OFF_GRID:
        notes.append(f"{100 * off:.0f} % of the frames do not lie on an even grid of times")
    index = np.concatenate([[0], np.cumsum(steps)])
    return kept, index, 1e-9 * float(times[kept[-1]] - times[kept[0]]) / index[-1], tuple(notes)


def _patches(good: Bools) -> Ints:
    """Return the patch of each good pixel, numbered without gaps, shape (pixel,)."""
    row, col = np.nonzero(good)
    rows, cols = good.shape
    number = (row * PATCHES // rows) * PATCHES + col * PATCHES // cols
    _, found = np.unique(number, return_inverse=True)
    if len(np.unique(found)) < PATCHES:
        raise CorrelationError(
            f"{len(row)} good pixels are too few for errors from patches: take a larger region"
        )
    return found.astype(np.int64)

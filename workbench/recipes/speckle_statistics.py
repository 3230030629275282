"""Photon statistics of speckle: P(k), mean photons and contrast of each region, and their checks.

Contrast is beta = 1 / M of the negative binomial distribution (`workbench.reductions.speckle`); its
errors come from frames drawn with replacement, not from pixels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.binning import Parameter
from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.rounding import with_error
from workbench.core.table import Cell, Table
from workbench.recipes.photon_frames import (
    PhotonStack,
    Region,
    find_photons,
    find_regions,
    photon_stacks,
)
from workbench.reductions.speckle import (
    RESAMPLED,
    Contrast,
    Method,
    PhotonStatistics,
    check_probability,
    contrast,
    join,
    photon_probability,
    photon_statistics,
)
from workbench.runs import Cut, Run, need_events

FEWEST = 10  # frames
DRIFT = 0.05  # of kbar, between the halves of the run, that is worth telling
SURE = 3.0  # errors
MISFIT = 5.0  # errors by which a P(k) may miss the negative binomial one
COUNTED = 20.0  # pixels expected with k photons from which on P(k) is compared
FALSE = 0.01  # of kbar, photons without X-rays that are worth telling
MISPLACED = 0.01  # of the photons, on bad pixels or beyond the detector
LIKELY_FEW = 50  # photons per frame below which the likelihood leans to low contrast
GROUPS = 5  # of frames by kbar, for the picture


@dataclass(frozen=True)
class RegionSpeckle:
    """Photon statistics of one region.

    Parameters
    ----------
    region
        Rows, columns and mask.
    events
        Event number of each frame, shape (frame,).
    statistics
        Pixels per number of photons, frame by frame.
    contrast
        Contrast with its error over frames; mean photons and their drift.
    false
        Photons per pixel in frames without X-rays; NaN where there are none.
    """

    region: Region
    events: Ints
    statistics: PhotonStatistics
    contrast: Contrast
    false: float

    @property
    def kbar(self) -> Parameter:
        """Mean photons per pixel and frame, with its error from the scatter of frames."""
        kbar = self.statistics.kbar
        return Parameter(float(kbar.mean()), float(kbar.std(ddof=1) / np.sqrt(len(kbar))), "1")

    @property
    def beta(self) -> Parameter:
        """Contrast."""
        return Parameter(self.contrast.beta, self.contrast.error, "1")

    @property
    def probability(self) -> tuple[Floats, Floats]:
        """P(k) over all frames and its error from the scatter of frames, each of shape (k,)."""
        each = self.statistics.probability
        return self.statistics.pooled, each.std(axis=0, ddof=1) / np.sqrt(len(each))

    @cached_property
    def deviation(self) -> Floats:
        """Measured minus expected P(k), in errors, shape (k,); NaN where too few are expected.

        Expected is the negative binomial P(k) of this contrast with the mean photons of each
        frame; the last k stands for that many or more. The error is that of the frames' scatter.
        """
        each = _expected(self.statistics, self.contrast.beta)
        counted = each.sum(axis=0) * self.region.pixels >= COUNTED
        off = self.statistics.probability - each
        with np.errstate(invalid="ignore", divide="ignore"):
            found = off.mean(axis=0) / (off.std(axis=0, ddof=1) / np.sqrt(len(off)))
        return np.where(counted, found, np.nan)

    def by_kbar(self, groups: int = GROUPS) -> tuple[Floats, Floats, Floats]:
        """Return mean photons, contrast and its error of groups of frames, each (group,)."""
        order = np.argsort(self.statistics.kbar, kind="stable")
        parts = [part for part in np.array_split(order, groups) if len(part) >= FEWEST]
        stats = [
            PhotonStatistics(self.statistics.pixels[part], self.statistics.kbar[part])
            for part in parts
        ]
        found = [contrast(one, method=self.contrast.method) for one in stats if one.kbar.any()]
        columns = [[one.kbar, one.beta, one.error] for one in found]
        kbar, beta, error = np.array(columns).reshape(-1, 3).T
        return kbar, beta, error

    @property
    def notes(self) -> tuple[str, ...]:
        """What speaks against the numbers of this region."""
        return tuple(_notes(self))


@dataclass(frozen=True)
class SpeckleStatistics:
    """Photon statistics of the regions of one detector.

    Parameters
    ----------
    regions
        One entry per region.
    photons
        Which list of photons was counted.
    misplaced
        Fraction of the photons on bad pixels or beyond the detector.
    left_out
        Selected events without a frame of this detector.
    """

    regions: tuple[RegionSpeckle, ...]
    photons: str
    misplaced: float
    left_out: int

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """``contrast_<region>`` and ``kbar_<region>``."""
        found: dict[str, Parameter] = {}
        for one in self.regions:
            found[f"contrast_{one.region.name}"] = one.beta
            found[f"kbar_{one.region.name}"] = one.kbar
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What speaks against the numbers."""
        own = [f"{one.region.name}: {note}" for one in self.regions for note in one.notes]
        if self.misplaced > MISPLACED:
            own.append(
                f"{100 * self.misplaced:.2g} % of the photons lie on bad pixels or beyond the "
                "detector: exchange row and column (producers have meant rows by either of i and "
                "j), or take the mask that the producer had"
            )
        return tuple(own)

    @property
    def state(self) -> str:
        """Return "measured", "doubtful" (see the message) or "not determined"."""
        if not any(np.isfinite(one.contrast.beta) for one in self.regions):
            return "not determined"
        return "doubtful" if self.notes else "measured"

    @property
    def message(self) -> str:
        """The notes in one line."""
        return "; ".join(self.notes) or "errors by bootstrap over frames"

    @property
    def table(self) -> Table:
        """One row per region: pixels, frames, kbar, contrast, drift, sum of P(k), photons dark."""
        columns = ("region", "pixels", "masked", "frames", "kbar", "contrast", "modes M")
        more = ("drift of kbar", "sum of P(k)", "kbar without X-rays")
        rows = tuple(_row(one) for one in self.regions)
        caption = f"{self.photons}: {self.state}; {self.left_out} selected events without a frame"
        return Table((*columns, *more), rows, caption, self.notes)

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def speckle_statistics(
    run: Run,
    photons: str = "",
    regions: Sequence[str] = (),
    *,
    where: Cut | None = None,
    mask: str | Path = "",
    row: str = "",
    col: str = "",
    method: Method = "ratio",
    samples: int = RESAMPLED,
) -> SpeckleStatistics:
    """Count photons per pixel in each region and frame, and find the contrast of each region.

    Parameters
    ----------
    run
        From `open_run`.
    photons, row, col
        The list of photons and its fields; see `find_photons`.
    regions, mask
        Where to count; see `find_regions`.
    where
        Which events; of these, the shots with X-rays are taken.
    method, samples
        See `workbench.reductions.speckle.contrast`.

    Raises `RegionError` where the run has no such list or region, and `InputError` where fewer
    than ten frames are left.
    """
    need_events(run, FEWEST)
    listed = find_photons(run, photons, row=row, col=col)
    places = find_regions(run, listed.detector, regions, mask=mask)
    lit = run.mask(where) & (run.classes.xray == 1)
    both = _in_time(run, _count(photon_stacks(run, listed, places, lit | run.classes.dark), places))
    counted, dark = _of(both, lit), _of(both, run.classes.dark)
    frames = len(counted.events)
    if frames < FEWEST:
        raise InputError(
            f"{run.label}: {frames} of {int(lit.sum())} selected shots have a frame of "
            f"{listed.detector}; at least {FEWEST} are needed: loosen the cuts, or check the "
            "detector with run.presence()"
        )
    found = []
    for region, statistics, without in zip(
        places, counted.statistics, dark.statistics, strict=True
    ):
        _check_sum(region, statistics)
        result = contrast(statistics, method=method, samples=samples)
        false = float(without.kbar.mean()) if len(without) else np.nan
        found.append(RegionSpeckle(region, counted.events, statistics, result, false))
    misplaced = both.misplaced / max(1, both.listed)
    left_out = int(lit.sum()) - frames
    return SpeckleStatistics(tuple(found), listed.ragged.name, misplaced, left_out)


@dataclass(frozen=True)
class _Counts:
    """What was counted in some frames; one entry of `statistics` per region."""

    events: Ints
    statistics: tuple[PhotonStatistics, ...]
    listed: int
    misplaced: int


def _count(stacks: Iterable[PhotonStack], regions: Sequence[Region]) -> _Counts:
    events = [np.zeros(0, np.int64)]
    parts: list[list[PhotonStatistics]] = [[] for _ in regions]
    listed = misplaced = 0
    for stack in stacks:
        events.append(stack.events)
        listed, misplaced = listed + stack.listed, misplaced + stack.misplaced
        for region, part in zip(regions, parts, strict=True):
            part.append(photon_statistics(stack.photons[region.name], region.good))
    return _Counts(np.concatenate(events), tuple(map(join, parts)), listed, misplaced)


def _in_time(run: Run, counted: _Counts) -> _Counts:
    """Return the frames in the order of time, so that halves of the run are halves in time."""
    return _taken(counted, np.argsort(run.timestamps[counted.events], kind="stable"))


def _of(counted: _Counts, wanted: Bools) -> _Counts:
    """Return the frames of some events; `wanted` has shape (event,)."""
    return _taken(counted, np.flatnonzero(wanted[counted.events]))


def _taken(counted: _Counts, frames: Ints) -> _Counts:
    taken = (PhotonStatistics(s.pixels[frames], s.kbar[frames]) for s in counted.statistics)
    return replace(counted, events=counted.events[frames], statistics=tuple(taken))


def _check_sum(region: Region, statistics: PhotonStatistics) -> None:
    """Refuse P(k) whose pixels are not those of the region times the frames."""
    total = statistics.pixels.sum(axis=0) / (region.pixels * len(statistics))
    check_probability(total[np.newaxis], (region.name,))


def _expected(statistics: PhotonStatistics, beta: float) -> Floats:
    """Return the negative binomial P(k) of each frame, shape (frame, k).

    The mean photons of a frame are themselves counted, with variance kbar (1 + beta kbar) / pixels;
    what that adds to P(k) by its curvature is taken off.
    """
    modes = 1 / beta if beta > 0 else np.inf
    kbar, highest = statistics.kbar, statistics.pixels.shape[1] - 1
    spread = np.sqrt(kbar * (1 + max(beta, 0.0) * kbar) / statistics.measured)
    middle, above, below = (
        photon_probability(highest, np.maximum(mean, 0), modes)
        for mean in (kbar, kbar + spread, kbar - spread)
    )
    found = 2 * middle - (above + below) / 2
    found[:, -1] = 1 - found[:, :-1].sum(axis=1)
    return found


def _notes(one: RegionSpeckle) -> Iterator[str]:
    found, kbar = one.contrast, one.kbar.value
    if found.note:
        yield found.note
    if abs(found.drift) > max(DRIFT, SURE * found.drift_error):
        yield (
            f"kbar changes by {100 * found.drift:+.1f} % between the halves of the run: shots "
            "without beam, drift of the beam or damage; look at it over time"
        )
    if one.false > FALSE * kbar:
        yield (
            f"{one.false:.2g} photons per pixel without X-rays, {100 * one.false / kbar:.2g} % of "
            "kbar: they lower the contrast by about twice that part; raise the droplet threshold"
        )
    if found.method == "likelihood" and kbar * one.region.pixels < LIKELY_FEW:
        yield "the likelihood leans to low contrast with so few photons a frame: use 'ratio'"
    off = np.nan_to_num(np.abs(one.deviation))
    if off.max() > MISFIT:
        k = int(off.argmax())
        yield (
            f"P({k}) lies {one.deviation[k]:+.1f} errors from a negative binomial distribution of "
            "this contrast: uneven illumination, a wrong ADU per photon, or no speckle"
        )


def _row(one: RegionSpeckle) -> tuple[Cell, ...]:
    found, region = one.contrast, one.region
    modes = 1 / found.beta if found.beta > 0 else None
    total = float(one.statistics.pixels.sum()) / (region.pixels * len(one.statistics))
    drift = with_error(100 * found.drift, 100 * found.drift_error, "%")
    masked = region.good.size - region.pixels
    head = (region.name, region.pixels, masked, found.frames, str(one.kbar), str(one.beta))
    false = None if np.isnan(one.false) else one.false
    return (*head, modes, drift, total, false)

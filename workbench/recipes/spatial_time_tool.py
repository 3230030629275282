"""Spatial-encoding time tool: edges of all shots, their quality, and the scale from pixel to ps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.binning import Parameter
from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.frames import FrameSpec
from workbench.core.table import Table
from workbench.recipes.line_fit import scale_of
from workbench.recipes.pictures import picture_fields
from workbench.reductions.edge import NO_EDGE, EdgeRegions, TimeToolEdge
from workbench.runs import Run, need_events
from workbench.smalldata import missing_rows

STACK = 64  # frames read at a time
FITTED = ("time_px", "width_px", "ampl_px", "err")  # of the reduction's outputs
CONVERGED = (1, 2, 3, 4)  # states of the fit that gave numbers
FEWEST = 5  # edges of a delay
FEWEST_REFERENCES = 3  # shots without X-rays
KEPT = 0.9  # share of edges found at a delay, below which the camera's end may have cut some
MEDIAN = 1.2533  # error of a median over that of a mean, for Gaussian scatter
MAD = 1.4826  # standard deviation of a Gaussian over its median absolute deviation
MAD_ERROR = 1.17  # of that standard deviation, times the square root of the number of values
NEAR = 4.0  # standard deviations to the end of the region: closer, edges are cut
NOT_FOLLOWED = (
    "the edge does not follow the delay: the stage moved along, another field was scanned, or the "
    "flags of X-rays and laser were exchanged, and pictures without an edge fitted; look at "
    "run.check()"
)


class TimeToolError(InputError):
    """A run that shows no edges, or no scale; the text says what is lacking."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of the shots with X-rays and laser.

    Parameters
    ----------
    field
        Whose pictures they are in.
    events
        Rows in the file, shape (shot,).
    position, width, height
        Of each edge: row of the picture, width [pixel], height of the slope; NaN without edge.
    ends
        First row of the region and the one after the last.
    counts
        Shots by what became of them: "edge", "no edge", "fit failed", "too wide", "no picture".
    references
        Shots without X-rays that the pictures were divided by.
    """

    field: str
    events: Ints
    position: Floats
    width: Floats
    height: Floats
    ends: tuple[int, int]
    counts: Mapping[str, int]
    references: int

    @property
    def table(self) -> Table:
        """What became of the shots, and medians of the edges."""
        rows = [(name, float(count), "shots") for name, count in self.counts.items()]
        for name in ("position", "width", "height"):
            values = getattr(self, name)
            found = values[np.isfinite(values)]
            rows.append((f"median {name}", float(np.median(found)) if len(found) else np.nan,
                         "1" if name == "height" else "pixel"))  # fmt: skip
        caption = f"{self.field}, divided by {self.references} shots without X-rays"
        return Table(("quantity", "value", "unit"), tuple(rows), caption=caption)


@dataclass(frozen=True, eq=False)
class EdgeCalibration:
    """Time = ps_per_pixel * (row - row_at_zero), from a scan of the delay.

    Parameters
    ----------
    parameters
        ps_per_pixel, row_at_zero, and scatter: standard deviation of single shots around the
        line, jitter and error of the edge together [ps].
    state, message
        "calibrated" or "no scale"; the same in words.
    delay, position, error
        Each delay of the scan [ps], median row of its edges with its error [pixel].
    used
        Which of them were fitted.
    """

    parameters: Mapping[str, Parameter]
    state: str
    message: str
    delay: Floats
    position: Floats
    error: Floats
    used: Bools

    @property
    def table(self) -> Table:
        """The numbers with their errors."""
        rows = tuple((name, str(one)) for name, one in self.parameters.items())
        return Table(("quantity", "value"), rows, caption=self.state, notes=(self.message,))


def find_edges(
    run: Run,
    field: str = "",
    *,
    level: tuple[Sequence[int], Sequence[int]],
    signal: tuple[Sequence[int], Sequence[int]],
    tilt: float = 0.0,
    sigma: float = 18.0,
    smoothing: float = 2.0,
    widest: float = 40.0,
) -> Edges:
    """Fit the edge in every shot with X-rays and laser, by `reductions.TimeToolEdge`.

    Parameters
    ----------
    run
        With a picture of the time tool per event, and shots without X-rays.
    field
        The pictures; empty: the largest of the run.
    level, signal
        (first row, one after the last), (columns likewise): without change; with the edge.
    tilt
        [deg]
    sigma, smoothing
        Width that the fit begins with, and of the smoothing [pixel].
    widest
        Edges wider than this are not used [pixel].

    Raises
    ------
    UnknownNameError
        For a field that the run does not have.
    """
    need_events(run, FEWEST_REFERENCES + 1)
    known = picture_fields(run)
    name = field or next(iter(known), "")
    if name not in run.infos:
        raise UnknownNameError("picture", name, known, run.label)
    shape = run.infos[name].shape[1:]
    xray, laser = run.classes.xray, run.classes.laser
    reference, number = _reference(run, name, (xray == 0) & (laser == 1))
    regions = EdgeRegions(*(_bounds(one, shape) for one in (level, signal)))
    reduction = TimeToolEdge(reference, regions, tilt, sigma, smoothing)
    spec = FrameSpec(shape, run.infos[name].unit or "1", np.ones(shape, bool))
    rows, found, lacking = _fitted(run, name, reduction, spec)
    place, width, height, state = found
    first, last = regions.signal.low[0], regions.signal.high[0]
    fitted, wide = np.isin(state, CONVERGED), width > widest
    good = fitted & ~wide & (place >= 0) & (place < last - first) & (height > 0)
    counts = {
        "edge": int(good.sum()),
        "no edge": int((state == NO_EDGE).sum()),
        "fit failed": int(((state != NO_EDGE) & ~good & ~(fitted & wide)).sum()),
        "too wide": int((fitted & wide).sum()),
        "no picture": lacking,
    }
    place, width, height = (np.where(good, one, np.nan) for one in (place, width, height))
    return Edges(name, rows, place + first, width, height, (first, last), counts, number)


def calibrate_edges(edges: Edges, delay: Floats) -> EdgeCalibration:
    """Return the scale of a scan: a straight line through the median row at each delay.

    The delay is set exactly and rows scatter, so rows are fitted over delays. Delays whose edges
    may be cut by the end of the region are left out: their medians are biased.

    Parameters
    ----------
    edges
        From `find_edges`.
    delay
        Nominal delay of every event of the run [ps], without time tool.
    """
    own = np.round(delay[edges.events], 5)
    steps = np.unique(own[np.isfinite(own)])
    rows = np.array([_step(edges, own == step) for step in steps]).reshape(-1, 4)
    position, number, share, spread = rows.T
    # Shots scatter alike at all delays: one number for all is surer than one from a few shots.
    spread = np.full(len(steps), np.nanmedian(spread) if np.isfinite(spread).any() else np.nan)
    error = MEDIAN * spread / np.sqrt(np.maximum(number, 1))
    low, high = edges.ends
    clear = np.minimum(position - low, high - 1 - position) > NEAR * spread
    used = np.isfinite(position) & (error > 0) & (share >= KEPT) & clear
    known = (steps, position, error, used)
    if used.sum() < 3:
        message = f"{int(used.sum())} delays with {FEWEST} edges or more; a scale needs 3"
        return EdgeCalibration({}, "no scale", message, *known)
    design = np.stack([np.ones(int(used.sum())), steps[used]], axis=1) / error[used, np.newaxis]
    covariance = np.linalg.inv(design.T @ design)
    solved = covariance @ design.T @ (position[used] / error[used])
    start, slope = float(solved[0]), float(solved[1])
    chi2 = float((((position - start - slope * steps)[used] / error[used]) ** 2).sum())
    covariance = covariance * scale_of(chi2, int(used.sum()) - 2)
    at, steep = (float(one) for one in np.sqrt(np.diag(covariance)))
    if abs(slope) < 5 * steep:
        return EdgeCalibration({}, "no scale", NOT_FOLLOWED, *known)
    off = (edges.position - start - slope * own)[np.isin(own, steps[used])]
    off = off[np.isfinite(off)] / abs(slope)
    scatter = MAD * float(np.median(np.abs(off - np.median(off))))
    found = {
        "ps_per_pixel": Parameter(1 / slope, steep / slope**2, "ps/pixel"),
        "row_at_zero": Parameter(start, at, "pixel"),
        "scatter": Parameter(scatter, MAD_ERROR * scatter / float(np.sqrt(len(off))), "ps"),
    }
    message = f"{int(used.sum())} of {len(steps)} delays, chi2 {chi2:.1f}"
    return EdgeCalibration(found, "calibrated", message, *known)


def _fitted(
    run: Run, name: str, reduction: TimeToolEdge, spec: FrameSpec
) -> tuple[Ints, list[Floats], int]:
    """Return rows of the shots, place, width, height and state of each, and pictures lacking."""
    events: list[Ints] = []
    found: list[list[Array]] = [[] for _ in FITTED]
    lacking = 0
    for rows, frames in _frames(run, name, run.mask(of="on")):
        gone = missing_rows(frames)
        lacking += int(gone.sum())
        values = reduction.reduce(frames[~gone], spec)
        events.append(rows[~gone])
        for key, kept in zip(FITTED, found, strict=True):
            kept.append(values[key])
    if not events:
        raise TimeToolError(f"{run.label} has no shots with X-rays and laser: nothing has an edge")
    return np.concatenate(events), [np.concatenate(kept) for kept in found], lacking


def _step(edges: Edges, inside: Bools) -> tuple[float, float, float, float]:
    """Return median row, number and share of shots with an edge, and scatter, at one delay."""
    values = edges.position[inside]
    found = values[np.isfinite(values)]
    if len(found) < FEWEST:
        return np.nan, float(len(found)), 0.0, np.nan
    middle = float(np.median(found))
    spread = MAD * float(np.median(np.abs(found - middle)))
    return middle, float(len(found)), len(found) / len(values), spread


def _reference(run: Run, name: str, wanted: Bools) -> tuple[Floats, int]:
    total, number = np.zeros(run.infos[name].shape[1:]), 0
    for _, frames in _frames(run, name, wanted):
        kept = frames[~missing_rows(frames)]
        total += kept.sum(axis=0, dtype=np.float64)
        number += len(kept)
    if number < FEWEST_REFERENCES:
        raise TimeToolError(
            f"{run.label} has {number} pictures {name} with laser and without X-rays, of at least "
            f"{FEWEST_REFERENCES}: pictures with an edge are divided by them; take "
            "a run with dropped X-rays"
        )
    return total / number, number


def _frames(run: Run, name: str, wanted: Bools) -> Iterator[tuple[Ints, Array]]:
    chosen = np.flatnonzero(wanted)
    channel = run[name]
    for start in range(0, run.n_events, STACK):
        rows = chosen[(chosen >= start) & (chosen < start + STACK)]
        if len(rows):
            yield rows, channel.read(rows=slice(start, start + STACK))[rows - start]


def _bounds(given: tuple[Sequence[int], Sequence[int]], shape: tuple[int, ...]) -> Bounds:
    if any(len(pair) != 2 for pair in given):
        raise TimeToolError(f"a region is two pairs of first and one after the last, not {given}")
    return Bounds.from_pairs([(int(low), int(high)) for low, high in given]).fit(shape)

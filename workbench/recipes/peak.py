"""A diffraction peak shot by shot: intensity and moments above its local background, per delay."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from workbench.binning.background import dark_mean
from workbench.binning.edges import bin_numbers, check_edges
from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.runs import Channel, Cut, Run, Runs, cut, need_events
from workbench.runs.channel import Rows
from workbench.runs.gaps import always_float

MOMENTS = ("intensity", "row", "col", "row_row", "col_col")
FEWEST_SHOTS = 20  # of a bin of delay
FEWEST_PIXELS = 6  # of the spot and of the ring


class TrackingError(InputError):
    """A peak that cannot be followed; the text says what is lacking."""


@dataclass(frozen=True)
class TrackedPeak:
    """What a stored region says of its peak in every event.

    Parameters
    ----------
    moments
        One value per event each: intensity, sums of pixel times (row - centre) and (col - centre),
        and of their squares, all above the background of the ring; unit of the pixels (times pixel
        or pixel^2).
    centre
        Where the distances are counted from [pixel], row and column in the region.
    spot, ring
        Pixels of the peak, and of the background around it, shape (row, col).
    picture
        Mean of the pixels with X-rays and without laser, shape (row, col).
    """

    moments: tuple[Channel, ...]
    centre: tuple[float, float]
    spot: Bools
    ring: Bools
    picture: Floats

    @property
    def intensity(self) -> Channel:
        """Intensity above the background of the ring, one value per event."""
        return self.moments[0]


@dataclass(frozen=True)
class Track:
    """Position and width of the peak per bin of delay, laser on, and without laser.

    Parameters
    ----------
    delay, low, high
        Mean delay of the shots of each bin, and the stretch that they cover [ps], shape (bin,).
    row, col, width
        Centre of mass in the region and standard deviation [pixel], shape (bin,).
    row_error, col_error, width_error
        From the scatter of the shots.
    off
        Row, column, width of the laser-off shots, each with its error: ((row, error), ...).
    shots
        Laser-on shots of each bin.
    message
        Bins that were dropped and events that were not used, in words.
    """

    delay: Floats
    low: Floats
    high: Floats
    row: Floats
    row_error: Floats
    col: Floats
    col_error: Floats
    width: Floats
    width_error: Floats
    off: tuple[tuple[float, float], ...]
    shots: Ints
    message: str

    @property
    def table(self) -> Table:
        """Bins with positions and widths."""
        columns = (self.delay, self.row, self.row_error, self.col, self.col_error, self.width)
        rows = tuple(zip(*(one.tolist() for one in (*columns, self.shots)), strict=True))
        heads = ("delay [ps]", "row [pixel]", "error", "column [pixel]", "error", "width", "shots")
        return Table(heads, rows, "laser on", (self.message,))


def find_peak(
    run: Run | Runs,
    area: str | Channel,
    *,
    radius: float = 6.5,
    ring: tuple[float, float] = (7.0, 10.5),
    photon_energy: float | None = None,
    photons: Sequence[int] = (1, 2),
    energy_width: float = 2.0,
) -> TrackedPeak:
    """Find the peak in the pixels of a stored region, and say what to sum for it in every event.

    The centre is that of the light above the median in the mean laser-off picture. Every sum takes
    off, event by event, the plane through the pixels of the ring, so a background that is flat or
    has a slope leaves nothing.

    Parameters
    ----------
    run
        From `open_run`.
    area
        Pixels of the region, shape (event, row, col), as ``<detector>/ROI_0_area``.
    radius
        Pixels of which the middle is nearer to the centre belong to the peak [pixel]. Four standard
        deviations of the peak: where a part moves out of it, the shift found is too small.
    ring
        Inner and outer radius of the background [pixel].
    photon_energy, photons, energy_width
        To reject harmonics and noise: only pixels are counted that read so many photons of this
        energy, within plus or minus this width, in the unit of the pixels. For peaks with less than
        about one photon per pixel. None: all pixels count with what they read.

    Raises `TrackingError` where there is no light, or spot or ring hold too few pixels.
    """
    need_events(run, 2)
    channel = run.channel(area)
    if len(channel.shape) != 3 or channel.dtype.kind not in "iuf":
        raise TrackingError(
            f"{channel.name} has shape {channel.shape}: pixels of a region are (event, row, col); "
            "store them with writeArea in the producer config, as <detector>/ROI_0_area"
        )
    windows = None if photon_energy is None else (photon_energy, tuple(photons), energy_width)
    good = _good(run, channel)
    lit, dark = (dark_mean(channel, some).mean for some in (run.mask(of="off"), run.classes.dark))
    centre = _centre(run, channel.name, np.where(good, lit - dark, np.nan))
    rows, cols = np.indices(good.shape)
    away = np.hypot(rows - centre[0], cols - centre[1])
    spot, around = good & (away < radius), good & (away >= ring[0]) & (away < ring[1])
    _check_pixels(channel.name, centre, spot, around)
    weights = _weights(centre, spot, around)
    moments = tuple(
        _mapped(run, channel, name, weight, windows)
        for name, weight in zip(MOMENTS, weights, strict=True)
    )
    return TrackedPeak(moments, centre, spot, around, lit - dark)


def position_window(run: Run | Runs, role: str, half_width: float) -> Cut:
    """Return a cut around the median of a beam position over all events with X-rays.

    Parameters
    ----------
    run
        From `open_run`.
    role
        "position_x", "position_y", or a field.
    half_width
        In the unit of the position.

    Raises
    ------
    TrackingError
        Where the position was measured in no event with X-rays.
    """
    lit = run.mask(of="on") | run.mask(of="off")
    values = run.channel(role).read(where=lit).astype(np.float64)
    if not np.isfinite(values).any():
        raise TrackingError(f"{run.label}: {role} holds no value with X-rays: leave its window out")
    middle = float(np.nanmedian(values))
    return cut(role, middle - half_width, middle + half_width)


def track_peak(
    run: Run | Runs,
    peak: TrackedPeak,
    edges: Floats,
    where: Cut | None = None,
    *,
    delay: str | Channel = "delay",
    fewest: int = FEWEST_SHOTS,
) -> Track:
    """Return centre of mass and width of the peak in bins of delay: ratios of sums over the shots.

    Parameters
    ----------
    run, peak
        The run, and its peak from `find_peak`.
    edges
        Of the bins in delay [ps].
    where
        Which events; laser on and off are told apart here.
    delay
        The channel or role to bin by [ps].
    fewest
        Bins with fewer laser-on shots are dropped, and named.

    Raises `TrackingError` where no bin is left.
    """
    check_edges("delay", edges)
    position = run.channel(delay).read().astype(np.float64)
    values = np.stack([_above_dark(run, one) for one in peak.moments])
    there = np.isfinite(values).all(axis=0)
    on, off = (run.mask(where, of=of) & there for of in ("on", "off"))
    numbers = np.where(on, bin_numbers(position, edges), -1)
    used = (numbers >= 0) & (numbers < len(edges) - 1)
    counts = np.bincount(numbers[used], minlength=len(edges) - 1)
    kept = np.flatnonzero(counts >= fewest)
    if not kept.size or not off.any():
        raise TrackingError(_nothing_left(run.label, fewest, int(used.sum()), int(off.sum())))
    origin = np.array([[peak.centre[0], 0], [peak.centre[1], 0], [0, 0]])
    groups = [used & (numbers == one) for one in kept]
    found = np.array([_shape(values[:, group]) + origin for group in groups])
    still = _shape(values[:, off]) + origin
    mean, spread = (np.array([of(position[group]) for group in groups]) for of in (np.mean, np.std))
    return Track(
        mean,
        mean - np.sqrt(3) * spread,
        mean + np.sqrt(3) * spread,
        row=found[:, 0, 0],
        row_error=found[:, 0, 1],
        col=found[:, 1, 0],
        col_error=found[:, 1, 1],
        width=found[:, 2, 0],
        width_error=found[:, 2, 1],
        off=tuple((float(value), float(error)) for value, error in still),
        shots=counts[kept],
        message=_dropped(edges, counts, fewest, int((on & ~used).sum())),
    )


def _check_pixels(name: str, centre: tuple[float, float], spot: Bools, ring: Bools) -> None:
    for text, pixels in (("peak", spot), ("ring", ring)):
        if pixels.sum() < FEWEST_PIXELS:
            raise TrackingError(
                f"{name}: the {text} holds {int(pixels.sum())} good pixels; its centre is "
                f"({centre[0]:.1f}, {centre[1]:.1f}) in a region of {spot.shape}: change the radii "
                "or store a larger region"
            )


def _shape(moments: Floats) -> Floats:
    """Return row, column and width with errors, shape (3, 2), of moments (moment, event)."""
    total = moments[0].sum()
    n = moments.shape[1]
    factor = np.sqrt(n / (n - 1)) / abs(total) if n > 1 else np.nan
    row, col, rows, cols = moments[1:].sum(axis=1) / total
    away = [moments[1] - row * moments[0], moments[2] - col * moments[0]]
    variance = (rows - row**2 + cols - col**2) / 2
    spread = (moments[3] + moments[4] - (rows + cols) * moments[0]) / 2
    spread = spread - row * away[0] - col * away[1]
    errors = [factor * np.sqrt((one**2).sum()) for one in (*away, spread)]
    width = np.sqrt(variance) if variance > 0 else np.nan
    return np.array([[row, errors[0]], [col, errors[1]], [width, errors[2] / (2 * width)]])


def _above_dark(run: Run | Runs, channel: Channel) -> Floats:
    return np.asarray(channel.read() - dark_mean(channel, run.classes.dark).mean)


def _good(run: Run | Runs, channel: Channel) -> Bools:
    """Return the good pixels of the region, as far as the file tells them."""
    detector, _, leaf = channel.name.partition("/")
    functions = run.settings[detector].functions if detector in run.settings else {}
    for called, function in functions.items():
        if leaf == f"{called}_area" and function.good is not None:
            good = np.squeeze(function.good)
            if good.shape == channel.shape[1:]:
                return np.asarray(good, dtype=np.bool_)
    return np.ones(channel.shape[1:], dtype=np.bool_)


def _centre(run: Run | Runs, name: str, picture: Floats) -> tuple[float, float]:
    above = np.nan_to_num(np.maximum(picture - np.nanmedian(picture), 0.0))
    above = np.where(above > 0.2 * above.max(), above, 0.0)
    if not above.sum() > 0:
        raise TrackingError(
            f"{run.label}: {name} shows no light in laser-off shots with X-rays; is it the region "
            "of the peak, and was the camera read?"
        )
    rows, cols = np.indices(picture.shape)
    total = above.sum()
    return float((rows * above).sum() / total), float((cols * above).sum() / total)


def _weights(centre: tuple[float, float], spot: Bools, ring: Bools) -> Floats:
    """Return the weight of each pixel in each moment, (moment, row, col): the ring's plane off."""
    rows, cols = np.indices(spot.shape)
    row, col = rows - centre[0], cols - centre[1]
    arms = np.stack([np.ones_like(row), row, col, row**2, col**2]) * spot
    plane = np.stack([np.ones_like(row), row, col], axis=-1)
    under = np.einsum("mrc,rck->mk", arms, plane)  # of each moment, for a plane of height 1
    weights: Floats = arms.copy()
    weights[:, ring] -= under @ np.linalg.pinv(plane[ring])
    return weights


def _mapped(
    run: Run | Runs,
    source: Channel,
    name: str,
    weight: Floats,
    windows: tuple[float, tuple[int, ...], float] | None,
) -> Channel:
    """Return a weighted sum over the pixels as a channel that reads when it is asked."""

    @contextmanager
    def open_rows() -> Generator[Rows]:
        with source.opened() as read:

            def rows(first: int, last: int) -> Floats:
                values = always_float(read(first, last), None, source.name)
                counted = values if windows is None else _photons_only(values, *windows)
                kept = np.where(weight != 0, counted, 0.0)
                found: Floats = np.einsum("erc,rc->e", kept, weight, dtype=np.float64)
                return found

            yield rows

    power = {"intensity": "", "row": " pixel", "col": " pixel"}.get(name, " pixel^2")
    return Channel(
        f"peak_{name}",
        source.shape[:1],
        np.dtype(np.float64),
        open_rows=open_rows,
        unit=source.unit + power if source.unit else "",
        long_name=f"{name} of the peak in {source.name}, above its ring",
        dims=("event",),
        select=run.mask,
        why=f"sum over pixels of {source.name}, plane of the ring taken off",
        gaps=source.gaps,
    )


def _photons_only(
    values: Array, energy: float, photons: tuple[int, ...], half_width: float
) -> Floats:
    """Return 0 for pixels that do not read one of these numbers of photons; NaN stays NaN."""
    near = [np.abs(values - number * energy) < half_width for number in photons]
    kept = np.any(near, axis=0) | np.isnan(values)
    return np.where(kept, values, 0.0)


def _nothing_left(where: str, fewest: int, on: int, off: int) -> str:
    return (
        f"{where}: no bin of delay holds {fewest} laser-on shots ({on} in all), or there is none "
        f"without laser ({off}): take wider bins or loosen the cuts"
    )


def _dropped(edges: Floats, counts: Ints, fewest: int, outside: int) -> str:
    centres = (edges[1:] + edges[:-1]) / 2
    few = [f"{one:.3g} ({n})" for one, n in zip(centres, counts, strict=True) if n < fewest]
    texts = [f"laser-on shots without delay or outside the bins: {outside}"] if outside else []
    if few:
        texts.append(f"bins with fewer than {fewest} shots dropped: {', '.join(few)} ps (shots)")
    return "; ".join(texts)

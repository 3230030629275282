"""Emission spectra of a von Hamos spectrometer: per shot, laser on against off, line and shift.

Pixels are sorted into bins along the dispersive axis, turned by the rotation of the detector; what
a bin holds is divided by its number of good pixels, so bad ones leave no dip. Errors are those of
`binning.on_off`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
from scipy.optimize import curve_fit

from workbench.binning import Parameter, on_off
from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.recipes.dispersion import Axis, places_along, sharpest_rotation
from workbench.recipes.photon_frames import find_photons, find_regions, photon_stacks
from workbench.recipes.von_hamos import VonHamos
from workbench.runs import Channel, Cut, Run, need_events

FEWEST_PIXELS = 0.5  # of those of the fullest bin, below which a bin at the edge is left out
FEWEST_BINS = 8  # in a fit of a line
NARROWEST = 0.01  # bins, width of a line
NOTHING = 3.0  # errors, that the height of a line must exceed


class EmissionError(InputError):
    """Frames that give no spectrum; the text says what is lacking."""


@dataclass(frozen=True)
class Spectra:
    """One spectrum per shot.

    Parameters
    ----------
    channel
        Mean signal per pixel in each bin of energy, shape (event, energy); NaN without a frame.
    energy
        Centre of each bin [eV], rising, shape (energy,).
    pixels
        Good pixels in each bin, shape (energy,).
    image
        Mean frame, shape (row, col); NaN at bad pixels.
    rotation
        Angle that was used [deg].
    axis
        The dispersive axis of `image`.
    found
        Whether the angle was looked for.
    frames
        Number of frames.
    """

    channel: Channel
    energy: Floats
    pixels: Ints
    image: Floats
    rotation: float
    axis: Axis
    found: bool
    frames: int


@dataclass(frozen=True)
class Line:
    """A Lorentzian on a constant, fitted to a spectrum: energy, full width, height, constant."""

    energy: Parameter
    fwhm: Parameter
    height: Parameter
    constant: Parameter

    def curve(self, energy: Floats) -> Floats:
        """Return the fitted spectrum at each energy [eV]."""
        numbers = (self.energy, self.fwhm, self.height, self.constant)
        return _lorentzian(energy, *(one.value for one in numbers))


@dataclass(frozen=True)
class Emission:
    """Spectra with and without laser, and their difference; all arrays have shape (energy,).

    Parameters
    ----------
    energy
        [eV]
    on, on_error, off, off_error
        Signal over normalisation, ratio of sums.
    difference, difference_error
        on - off; the error counts both classes.
    unit
        Of the signal over the normalisation.
    counts
        Shots with and without laser.
    spectra
        The spectra per shot.
    window
        Energies between which the line is fitted [eV].
    """

    energy: Floats
    on: Floats
    on_error: Floats
    off: Floats
    off_error: Floats
    difference: Floats
    difference_error: Floats
    unit: str
    counts: tuple[int, int]
    spectra: Spectra
    window: tuple[float, float]

    @cached_property
    def line_off(self) -> Line | None:
        """The line without laser; None where none is seen."""
        return _fit_line(self.energy, self.off, self.off_error, self.window, self.unit)

    @cached_property
    def line_on(self) -> Line | None:
        """The line with laser; None where none is seen."""
        return _fit_line(self.energy, self.on, self.on_error, self.window, self.unit)

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Energy and full width of the line without laser, and its shift with laser [eV]."""
        off, on = self.line_off, self.line_on
        if off is None or on is None:
            return {}
        error = float(np.hypot(on.energy.error, off.energy.error))
        shift = Parameter(on.energy.value - off.energy.value, error, "eV")
        return {"line_energy": off.energy, "line_fwhm": off.fwhm, "line_shift": shift}

    @property
    def state(self) -> str:
        """Return "measured" or "no-line"."""
        return "measured" if self.parameters else "no-line"

    @property
    def message(self) -> str:
        """How the numbers were made."""
        if not self.parameters:
            low, high = self.window
            return f"no line above its error from {low:g} to {high:g} eV"
        how = "found on the mean frame" if self.spectra.found else "as given"
        return (
            f"rotation {self.spectra.rotation:.2f} deg, {how}; energies as the reference has them"
        )

    @property
    def table(self) -> Table:
        """Parameter and value with error."""
        rows = tuple((name, str(entry)) for name, entry in self.parameters.items())
        caption = f"{self.state}: {self.counts[0]} shots with laser, {self.counts[1]} without"
        return Table(("parameter", "value"), rows, caption, (self.message,))

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def emission_spectra(
    run: Run,
    field: str,
    geometry: VonHamos,
    *,
    region: str = "",
    axis: Axis = "col",
    rotation: float | None = None,
    threshold: float | None = None,
    width: float = 1.0,
) -> Spectra:
    """Make one spectrum per shot from stored pixels or from a list of photons.

    Parameters
    ----------
    run
        From `open_run`.
    field
        A field of stored pixels (event, row, col), or a list of photons (empty: the first).
    geometry
        Energy along the dispersive axis; its pixels count from the region's first.
    region
        Of a list of photons: one of the config, or "xes 10:60 20:90"; empty: the config's first.
    axis
        The dispersive axis.
    rotation
        Angle of the lines against the other axis [deg]; None: that of the sharpest spectrum.
    threshold
        Pixels below it count as 0 [unit of the pixels]; None: all count. For stored pixels only.
    width
        Width of a bin [pixel].

    Raises `EmissionError` for another axis or width, and where no shot has a frame.
    """
    if axis not in get_args(Axis) or not width > 0:
        raise EmissionError(f"axis {axis!r} must be row or col, width {width} positive")
    need_events(run)
    stored = field in run.infos and len(run[field].shape) == 3
    source = _stored(run, field, threshold) if stored else _listed(run, field, region)
    image, number = source.mean_frame()
    angle = sharpest_rotation(image, axis) if rotation is None else rotation
    place, bins = places_along(image.shape, source.good, axis, angle, width)
    pixels = np.bincount(place[place >= 0], minlength=bins)
    values = np.full((run.n_events, bins), np.nan)
    members = np.zeros((place.size, bins))
    members[np.flatnonzero(place >= 0), place[place >= 0]] = 1 / pixels[place[place >= 0]]
    for events, frames in source.stacks():
        values[events] = frames.reshape(len(frames), -1) @ members
    kept = pixels >= FEWEST_PIXELS * pixels.max()
    energy = geometry.energy((np.flatnonzero(kept) + 0.5) * width - 0.5)
    order = np.argsort(energy)
    channel = Channel.from_values(
        "spectrum", values[:, kept][:, order], unit=source.unit, select=run.mask, why=source.name
    )
    found = rotation is None
    return Spectra(channel, energy[order], pixels[kept][order], image, angle, axis, found, number)


def emission(
    run: Run,
    spectra: Spectra,
    *,
    where: Cut | None = None,
    by: str | Channel = "i0",
    delays: tuple[float, float] | None = None,
    window: tuple[float | None, float | None] = (None, None),
) -> Emission:
    """Compare spectra with and without laser.

    Parameters
    ----------
    run, spectra
        The run, and what `emission_spectra` made of it.
    where
        Which events; X-ray and laser state are taken care of here.
    by
        Normalisation: a channel or role; "total": the spectrum's own sum, which leaves its shape.
    delays
        Delays of the shots with laser [ps], half-open; None: all.
    window
        Energies between which the line is fitted [eV]; None: to the end.
    """
    norm = by
    if by == "total":
        values = spectra.channel.read_stored().sum(axis=1)
        unit = spectra.channel.unit
        norm = Channel.from_values("total", values, unit=unit, select=run.mask)
    every = Channel.from_values("shots", np.zeros(run.n_events), unit="1", select=run.mask)
    axes: dict[str | Channel, list[float]] = {every: [-0.5, 0.5]}
    if delays is not None:
        axes = {"delay": list(delays)}
    found = on_off(run, axes, spectra.channel, where=where, by=norm)

    def one(name: str) -> Floats:
        values = np.asarray(found[name].values, np.float64)
        return np.asarray(values.reshape(-1, len(spectra.energy))[0])

    low, high = window
    ends = (
        float(spectra.energy[0]) if low is None else low,
        float(spectra.energy[-1]) if high is None else high,
    )
    counts = (int(found["on_count"].values.max()), int(found["off_count"].values.max()))
    return Emission(
        spectra.energy,
        one("on"),
        one("on_error"),
        one("off"),
        one("off_error"),
        one("difference"),
        one("difference_error_total"),
        str(found["on"].attrs["units"]),
        counts,
        spectra,
        ends,
    )


@dataclass(frozen=True)
class _Source:
    """Frames of a run: name, unit, good pixels, and how to go through them."""

    name: str
    unit: str
    good: Bools
    run: Run
    region: str = ""
    threshold: float | None = None

    def stacks(self) -> Iterator[tuple[Ints, Floats]]:
        if not self.region:
            for events, frames in self.run[self.name].iter_stacks():
                there = np.isfinite(frames).all(axis=(1, 2))
                values = frames[there].astype(np.float64)
                if self.threshold is not None:
                    values = np.where(values < self.threshold, 0.0, values)
                yield events[there], values
            return
        photons = find_photons(self.run, self.name)
        regions = find_regions(self.run, photons.detector, [self.region])
        for stack in photon_stacks(self.run, photons, regions):
            yield stack.events, stack.photons[regions[0].name].astype(np.float64)

    def mean_frame(self) -> tuple[Floats, int]:
        """Return the mean frame of shots with X-rays, NaN at bad pixels, and their number."""
        total, number = np.zeros(self.good.shape), 0
        for events, frames in self.stacks():
            lit = self.run.classes.xray[events] == 1
            total, number = total + frames[lit].sum(axis=0), number + int(lit.sum())
        if not number:
            raise EmissionError(
                f"{self.run.label}: no shot with X-rays has a frame of {self.name}; check the "
                "camera with run.presence()"
            )
        return np.where(self.good, total / number, np.nan), number


def _stored(run: Run, field: str, threshold: float | None) -> _Source:
    channel = run[field]
    shape = channel.shape[1:]
    maps = {one.name: one.values for one in run.pixel_maps(field)}
    good = np.asarray(maps.get("good", np.ones(shape)), np.bool_).reshape(shape)
    return _Source(field, channel.unit, good, run, threshold=threshold)


def _listed(run: Run, field: str, region: str) -> _Source:
    photons = find_photons(run, field)
    known = find_regions(run, photons.detector, [region] if ":" in region else [])
    named = [one for one in known if one.name == region or not region or ":" in region]
    if not named:
        raise EmissionError(f"{run.label} has no region {region!r} of {photons.detector}")
    chosen = named[0]
    ends = zip(chosen.bounds.low, chosen.bounds.high, strict=True)
    text = " ".join(f"{low}:{high}" for low, high in ends)
    place = f"{chosen.tile} " if chosen.tile else ""
    return _Source(photons.ragged.name, "1", chosen.good, run, f"{chosen.name} {place}{text}")


def _lorentzian(
    energy: Floats, centre: float, fwhm: float, height: float, constant: float
) -> Floats:
    """Return the mean of the line over each bin, whose middles are given: bins widen a line."""
    half = np.gradient(energy) / 2
    below, above = (2 * (energy + side * half - centre) / fwhm for side in (-1, 1))
    mean = (np.arctan(above) - np.arctan(below)) * fwhm / (4 * half)
    return np.asarray(constant + height * mean)


def _fit_line(
    energy: Floats, value: Floats, error: Floats, window: tuple[float, float], unit: str
) -> Line | None:
    use = np.isfinite(value) & (error > 0) & (energy >= window[0]) & (energy <= window[1])
    if use.sum() < FEWEST_BINS:
        return None
    x, y = energy[use], value[use]
    top, floor = int(y.argmax()), float(np.percentile(y, 10))
    above = y > (y[top] + floor) / 2
    start = (x[top], max(float(above.sum() * np.ptp(x) / len(x)), 1e-3), y[top] - floor, floor)
    limits = ([x[0], NARROWEST * abs(x[1] - x[0]), 0, -np.inf], [x[-1], np.ptp(x), np.inf, np.inf])
    try:
        best, covariance = curve_fit(
            _lorentzian, x, y, start, error[use], absolute_sigma=True, bounds=limits
        )
    except RuntimeError:  # scipy: no minimum was reached
        return None
    spread = np.sqrt(np.diag(covariance))
    if not best[2] > NOTHING * spread[2]:
        return None
    units = ("eV", "eV", unit, unit)
    return Line(
        *(Parameter(float(b), float(s), u) for b, s, u in zip(best, spread, units, strict=True))
    )

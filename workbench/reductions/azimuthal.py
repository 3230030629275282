"""Azimuthal integration: what each event scatters into bins of q and azimuth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions import bin_kernels
from workbench.reductions.base import BAD_PIXELS, Reduction, flattened, reductions
from workbench.reductions.bins import bin_of, checked_azimuths, checked_edges, sector_of
from workbench.reductions.scattering import PHI_ZERO, Scattering
from workbench.regions.scattering import HC

EXTRAS = {  # name -> what it is
    "signal": "sum of the pixels' signal",
    "norm": "sum of what the pixels would get of one unit everywhere",
    "pixels": "number of pixels",
    "error": "standard error of azav, from the scatter of its pixels",
    "sigma": "standard deviation of the pixels' corrected signal around azav",
}
METHOD = (
    "sum of the signal of the pixels of a bin / sum of their solid angle and polarisation; pixels "
    "are not split; a bin holds low edge <= value < high edge, whatever is masked; bins without "
    "pixels are NaN; solid angle relative to that at the foot of the normal; "
    f"hc = {HC:.5f} keV angstrom"
)


@dataclass(frozen=True, eq=False)
class _Map:
    """Where the usable pixels of one mask go.

    Parameters
    ----------
    good
        The detector's mask that it was made for.
    bounds
        Around all usable pixels.
    slots, norm
        Where the pixels inside are added, see `bin_kernels`, and their norm, flat.
    shape
        Number of bins and of the slots of each.
    totals
        Sum of norm, of its squares, and number of pixels in each bin, shape (3, bin).
    """

    good: Bools
    bounds: Bounds
    slots: Array
    norm: Floats
    shape: tuple[int, int]
    totals: Floats


@reductions.register("azimuthal")
@dataclass(frozen=True, eq=False)
class Azimuthal(Reduction):
    """Mean signal over bins of q and azimuth, event by event: sum(signal) / sum(norm).

    Pixels are not split: each belongs to the bin that holds its centre. NaN pixels are left out of
    both sums of their event; a bin without pixels is NaN.

    Parameters
    ----------
    scattering
        Geometry of the detector's pixels; its ``norm`` corrects for solid angle and polarisation.
    radial_edges
        Edges of the bins, in the unit of ``scattering.radial``.
    phi_edges
        Edges of the bins [rad]; they may begin anywhere and span up to one turn.
    low, high
        Pixels outside count as zero, in the unit of the frames.
    good
        The user's mask in the shape of the detector, True = use; None takes every pixel.
    square
        Take the square of each pixel's signal: the second moment.
    extra
        More outputs, of `EXTRAS`. With N pixels, error = sqrt(N / (N - 1) sum (s - R n)^2) /
        sum n and sigma = sqrt(N / (N - 1) sum (s - R n)^2 / sum n^2), NaN for N = 1.
    set_up
        What the file is to keep besides: the numbers that `scattering` was made from.
    """

    scattering: Scattering
    radial_edges: Floats
    phi_edges: Floats
    low: float = -np.inf
    high: float = np.inf
    good: Bools | None = None
    square: bool = False
    extra: tuple[str, ...] = ()
    set_up: Mapping[str, Setting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "radial_edges", checked_edges(self.radial_edges))
        object.__setattr__(self, "phi_edges", checked_azimuths(self.phi_edges))
        for name in self.extra:
            if name not in EXTRAS:
                raise InputError(f"unknown output {name!r}; known are {', '.join(EXTRAS)}")

    @property
    def bins(self) -> tuple[int, int]:
        """Numbers of bins in azimuth and in q."""
        return len(self.phi_edges) - 1, len(self.radial_edges) - 1

    @property
    def radial(self) -> Floats:
        """Centres of the radial bins."""
        return np.asarray((self.radial_edges[:-1] + self.radial_edges[1:]) / 2)

    @property
    def phi(self) -> Floats:
        """Centres of the bins in azimuth [rad]."""
        return np.asarray((self.phi_edges[:-1] + self.phi_edges[1:]) / 2)

    def norm(self, spec: FrameSpec) -> Floats:
        """Return the sum of norm of the usable pixels of each bin, shape (phi, q)."""
        return np.asarray(self._map(spec).totals[0].reshape(self.bins))

    def pixels(self, spec: FrameSpec) -> Floats:
        """Return the number of usable pixels of each bin, shape (phi, q)."""
        return np.asarray(self._map(spec).totals[2].reshape(self.bins))

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels are not masked and have a known position, in the shape of a frame."""
        if self.scattering.shape != spec.shape:
            raise InputError(
                f"pixel positions have shape {self.scattering.shape}, the detector {spec.shape}; "
                "give the geometry of this detector"
            )
        good = spec.good & np.isfinite(self.scattering.norm) & (self.scattering.norm > 0)
        if self.good is None:
            return good
        if self.good.shape != spec.shape:
            raise InputError(
                f"userMask has shape {self.good.shape}, the detector {spec.shape}; "
                "make a mask for the whole detector"
            )
        return good & self.good

    def region(self, spec: FrameSpec) -> Bounds:
        """Return the smallest part of the detector that holds all usable pixels."""
        return self._map(spec).bounds

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare azav and the extras, each of shape (phi, q)."""
        self.region(spec)
        unit = f"{spec.unit}^2" if self.square else spec.unit
        units = {"norm": "1", "pixels": "1"}
        what = "signal squared" if self.square else "signal"
        text = f"sum of {what} / sum of solid angle and polarisation, pixels not split"
        dims = ("phiVec", "q")
        return (
            Output("azav", unit, self.bins, long_name=text, dims=dims),
            *(
                Output(name, units.get(name, unit), self.bins, long_name=EXTRAS[name], dims=dims)
                for name in self.extra
            ),
        )

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return bins, mask (1 = bad), what each bin is divided by, limits, and `set_up`."""
        unit = self.scattering.unit
        kept = {
            "q": Setting(self.radial, unit, "middles of the bins of q", "q"),
            "qbins": Setting(self.radial_edges, unit, "edges of the bins of q"),
            "phiVec": Setting(self.phi, "rad", f"middles of the bins of {PHI_ZERO}", "phi"),
            "phi_edges": Setting(self.phi_edges, "rad", f"edges of the bins of {PHI_ZERO}"),
            "norm": Setting(self.norm(spec), "1", f"{EXTRAS['norm']}: signal = azav * norm"),
            "pixels": Setting(self.pixels(spec), "1", "number of pixels of each bin"),
        }
        return kept | self.rules(spec)

    def rules(self, spec: FrameSpec) -> dict[str, Setting]:
        """Return how pixels are taken: method, mask (1 = bad), limits, and `set_up`."""
        kept = {
            "mask": Setting((~self.usable(spec)).astype(np.uint8), "1", BAD_PIXELS),
            "method": Setting(METHOD, "1", "how values are made of pixels"),
        }
        for name, limit, side in (("", self.low, "below"), ("high", self.high, "above")):
            if np.isfinite(limit):
                text = f"pixels {side} count as 0"
                kept[f"thresADU{name}"] = Setting(limit, spec.unit, text)
        return kept | dict(self.set_up)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return azav and the extras of pixels cut to `region`, shape (event, phi, q)."""
        made = self._map(spec)
        flat, slots = bin_kernels.floating(flattened(pixels)), made.slots
        rules = self.low, self.high, self.square
        signal = bin_kernels.bin_sums(flat, slots, made.shape, *rules, False)
        totals = np.repeat(made.totals[:, np.newaxis], len(flat), axis=1)
        holed = np.isnan(signal).any(axis=1)
        if holed.any():
            left = flat[holed]
            signal[holed] = bin_kernels.bin_sums(left, slots, made.shape, *rules, True)
            totals[:, holed] = bin_kernels.bin_norms(left, slots, made.shape, made.norm)
        norm, squares, counts = totals
        filled = counts > 0
        mean = np.divide(signal, norm, out=np.full_like(signal, np.nan), where=filled)
        values = {"azav": mean, "norm": norm, "pixels": counts}
        values["signal"] = np.where(filled, signal, np.nan)
        if {"error", "sigma"} & set(self.extra):
            rest = bin_kernels.bin_scatter(flat, slots, made.shape, made.norm, mean, *rules)
            with np.errstate(divide="ignore", invalid="ignore"):
                rest = np.where(counts > 1, rest * counts / (counts - 1), np.nan)
                values["error"] = np.sqrt(rest) / norm
                values["sigma"] = np.sqrt(rest / squares)
        shape = (len(flat), *self.bins)
        return {name: values[name].reshape(shape) for name in ("azav", *self.extra)}

    def _map(self, spec: FrameSpec) -> _Map:
        """Return the map for a detector's mask; that of the last mask is kept."""
        kept: _Map | None = self.__dict__.get("_kept")
        if kept is None or kept.good is not spec.good:
            kept = self._made(spec)
            self.__dict__["_kept"] = kept
        return kept

    def _made(self, spec: FrameSpec) -> _Map:
        good, bins = self.usable(spec), prod(self.bins)
        ring = bin_of(self.scattering.radial, self.radial_edges)
        sector = sector_of(self.scattering.phi, self.phi_edges)
        used = good & (ring >= 0) & (sector >= 0)
        place = np.where(used, sector * self.bins[1] + ring, bins).astype(np.int32)
        bounds = _around(used)
        places = np.ascontiguousarray(place[bounds.slices]).ravel()
        norm = np.ascontiguousarray(self.scattering.norm[bounds.slices]).ravel()
        norm = np.where(places < bins, norm, 0.0)
        present = np.zeros((1, len(places)), np.float32)
        slots, shape = bin_kernels.slots_of(places, bins), (bins, bin_kernels.turns_of(bins))
        sums = bin_kernels.bin_norms(present, slots, shape, norm)
        totals = np.stack([one[0] for one in sums])
        return _Map(spec.good, bounds, slots, norm, shape, totals)


def _around(used: Bools) -> Bounds:
    """Return the bounds of the True values; one pixel where there is none."""
    if not used.any():
        return Bounds((0,) * used.ndim, (1,) * used.ndim)
    every = range(used.ndim)
    found = [np.flatnonzero(used.any(axis=tuple(set(every) - {axis}))) for axis in every]
    return Bounds(tuple(int(axis[0]) for axis in found), tuple(int(axis[-1]) + 1 for axis in found))

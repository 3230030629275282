"""Azimuthal integration: what each event scatters into bins of q and azimuth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import BAD_PIXELS, Reduction, flattened, reductions
from workbench.reductions.bin_kernels import floating
from workbench.reductions.bin_maps import SplitPixels, WholePixels
from workbench.reductions.bins import bin_of, checked_azimuths, checked_edges, sector_of
from workbench.reductions.scattering import PHI_ZERO, Scattering
from workbench.reductions.splitting import checked_splitting, shares_of
from workbench.regions.scattering import HC

EXTRAS = {  # name -> what it is
    "signal": "sum of the pixels' signal",
    "norm": "sum of what the pixels would get of one unit everywhere",
    "pixels": "number of pixels",
    "error": "standard error of azav, from the scatter of its pixels",
    "sigma": "standard deviation of the pixels' corrected signal around azav",
}
SPLIT = {  # name of the splitting -> what it does with pixels
    "no": "pixels are not split",
    "bbox": "pixels are split among the bins that their bounding boxes reach into, both sums and "
    "the numbers of pixels count each by its part in the bin, neighbouring bins share pixels",
}
METHOD = (
    "sum of the signal of the pixels of a bin / sum of their solid angle and polarisation; {split};"
    " a bin holds low edge <= value < high edge, whatever is masked; bins without "
    "pixels are NaN; solid angle relative to that at the foot of the normal; "
    f"hc = {HC:.5f} keV angstrom"
)
WHOLE = 1 + 1e-6  # effective number of pixels, up to which there is no scatter


@dataclass(frozen=True, eq=False)
class _Map:
    """Where the usable pixels of one mask go.

    Parameters
    ----------
    good
        The detector's mask that it was made for.
    bounds
        Around all usable pixels.
    pixels
        Which bins the pixels inside are added to.
    totals
        Sum of norm, of its squares, number of pixels and effective number of pixels in each bin,
        shape (4, bin).
    """

    good: Bools
    bounds: Bounds
    pixels: WholePixels | SplitPixels
    totals: Floats


@reductions.register("azimuthal")
@dataclass(frozen=True, eq=False)
class Azimuthal(Reduction):
    """Mean signal over bins of q and azimuth, event by event: sum(signal) / sum(norm).

    Each pixel belongs to the bin that holds its centre. With `splitting` it belongs to all bins
    that it reaches into, with the part w of it that lies there: sum(w signal) / sum(w norm), so
    that flat light stays flat whatever part of a pixel a bin gets. Masked pixels are in neither
    sum, NaN pixels in neither of their event; a bin without pixels is NaN.

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
        sum n and sigma = sqrt(N / (N - 1) sum (s - R n)^2 / sum n^2), NaN for N = 1. With
        splitting signal and norm are those of the parts, w s and w n, "pixels" is sum w and
        N = (sum w)^2 / sum w^2. Bins then share pixels, so their errors go together: the mean of
        k bins narrower than a pixel is hardly surer than one of them.
    set_up
        What the file is to keep besides: the numbers that `scattering` was made from.
    splitting
        "no", or "bbox": each pixel a box as wide as its corners reach, see `shares_of`; needs equal
        bins, the corners in `scattering` (`with_reach`) and pyFAI, whose map it is.

    Raises
    ------
    InputError
        For an extra output that there is not.
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
    splitting: str = "no"

    def __post_init__(self) -> None:
        object.__setattr__(self, "radial_edges", checked_edges(self.radial_edges))
        object.__setattr__(self, "phi_edges", checked_azimuths(self.phi_edges))
        checked_splitting(self.splitting, self.radial_edges, self.phi_edges)
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

    def direction(self, spec: FrameSpec) -> tuple[Floats, Floats]:
        """Return the means of cos(2 phi) and sin(2 phi) in each bin, weighted with norm, (phi, q).

        NaN where there are no pixels. Masks that cut through a bin move them away from its middle.
        """
        made = self._map(spec)
        light, phi = (_cut(one, made.bounds) for one in (self.scattering.norm, self.scattering.phi))
        waves = np.nan_to_num(light * np.stack([np.cos(2 * phi), np.sin(2 * phi)]))
        sums = made.pixels.sums(waves, (-np.inf, np.inf, False), leave_out=False)
        norm = made.totals[0]
        cosine, sine = np.divide(sums, norm, out=np.full_like(sums, np.nan), where=norm > 0)
        return cosine.reshape(self.bins), sine.reshape(self.bins)

    def usable(self, spec: FrameSpec) -> Bools:
        """Tell which pixels are not masked and have a known position, in the shape of a frame.

        Raises
        ------
        InputError
            Where pixel positions or mask are not of the detector's shape.
        """
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
        split = "pixels not split" if self.splitting == "no" else "pixels split"
        text = f"sum of {what} / sum of solid angle and polarisation, {split}"
        dims = ("phiVec", "q")
        return (
            Output("azav", unit, self.bins, long_name=text, dims=dims),
            *(
                Output(
                    name,
                    units.get(name, unit),
                    self.bins,
                    long_name=EXTRAS[name],
                    dims=dims,
                    always=name in units,  # no pixel: 0
                )
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
        kept |= directions(*self.direction(spec))
        return kept | self.rules(spec)

    def rules(self, spec: FrameSpec) -> dict[str, Setting]:
        """Return how pixels are taken: method, mask (1 = bad), limits, and `set_up`."""
        kept = {
            "mask": Setting((~self.usable(spec)).astype(np.uint8), "1", BAD_PIXELS),
            "method": Setting(
                METHOD.format(split=SPLIT[self.splitting]), "1", "how values are made of pixels"
            ),
        }
        for name, limit, side in (("", self.low, "below"), ("high", self.high, "above")):
            if np.isfinite(limit):
                text = f"pixels {side} count as 0"
                kept[f"thresADU{name}"] = Setting(limit, spec.unit, text)
        return kept | dict(self.set_up)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return azav and the extras of pixels cut to `region`, shape (event, phi, q)."""
        made = self._map(spec)
        flat, rules = floating(flattened(pixels)), (self.low, self.high, self.square)
        signal = made.pixels.sums(flat, rules, leave_out=False)
        totals = np.repeat(made.totals[:, np.newaxis], len(flat), axis=1)
        holed = np.isnan(signal).any(axis=1)
        if holed.any():
            signal[holed] = made.pixels.sums(flat[holed], rules, leave_out=True)
            totals[:, holed] = made.pixels.totals(flat[holed])
        norm, squares, counts, alike = totals
        filled = counts > 0
        mean = np.divide(signal, norm, out=np.full_like(signal, np.nan), where=filled)
        values = {"azav": mean, "norm": norm, "pixels": counts}
        values["signal"] = np.where(filled, signal, np.nan)
        if {"error", "sigma"} & set(self.extra):
            rest = made.pixels.scatter(flat, mean, rules)
            with np.errstate(divide="ignore", invalid="ignore"):
                rest = np.where(alike > WHOLE, rest * alike / (alike - 1), np.nan)
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
        good, norm, bins = self.usable(spec), self.scattering.norm, prod(self.bins)
        pixels: WholePixels | SplitPixels
        if self.splitting == "no":
            ring = bin_of(self.scattering.radial, self.radial_edges)
            sector = sector_of(self.scattering.phi, self.phi_edges)
            used = good & (ring >= 0) & (sector >= 0)
            place = np.where(used, sector * self.bins[1] + ring, bins).astype(np.int32)
            bounds = _around(used)
            pixels = WholePixels.of(_cut(place, bounds), _cut(norm, bounds), bins)
        else:
            shares = shares_of(self.scattering, good, self.radial_edges, self.phi_edges)
            bounds = _around(shares.used)
            pixels = SplitPixels.of(shares.within(bounds), _cut(norm, bounds), bins)
        present = np.zeros((1, prod(bounds.shape)), np.float32)
        return _Map(spec.good, bounds, pixels, pixels.totals(present)[:, 0])


def directions(cosine: Floats, sine: Floats) -> dict[str, Setting]:
    """Return what a file keeps of where the pixels of each bin lie; see `Azimuthal.direction`."""
    text = "over the pixels of each bin, weighted with their solid angle and polarisation"
    return {
        "cos2phi": Setting(cosine, "1", f"mean of cos(2 phi) {text}"),
        "sin2phi": Setting(sine, "1", f"mean of sin(2 phi) {text}"),
    }


def _cut(values: Array, bounds: Bounds) -> Array:
    return np.ascontiguousarray(values[bounds.slices]).ravel()


def _around(used: Bools) -> Bounds:
    """Return the bounds of the True values; one pixel where there is none."""
    if not used.any():
        return Bounds((0,) * used.ndim, (1,) * used.ndim)
    every = range(used.ndim)
    found = [np.flatnonzero(used.any(axis=tuple(set(every) - {axis}))) for axis in every]
    return Bounds(tuple(int(axis[0]) for axis in found), tuple(int(axis[-1]) + 1 for axis in found))

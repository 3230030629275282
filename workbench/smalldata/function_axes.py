"""Axes of what detector functions store: azimuthal averages, regions, projections, spectra."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.smalldata.settings import FunctionSettings

REGION_AXES = {1: ("index",), 2: ("row", "col"), 3: ("segment", "row", "col")}
OPEN_END = 100_000  # pixels; configs write 1e6 for "to the detector's end"
WORDS = {"row": "row", "col": "column", "segment": "segment", "index": "index"}
RADIAL = {  # pyFAI's name of its radial unit -> (dim, unit, what it is)
    "q_A^-1": ("q", "1/angstrom", "scattering vector"),
    "q_nm^-1": ("q", "1/nm", "scattering vector"),
    "2th_deg": ("two_theta", "degree", "scattering angle"),
    "2th_rad": ("two_theta", "rad", "scattering angle"),
    "r_mm": ("r", "mm", "distance from the beam centre"),
}


@dataclass(frozen=True)
class Coordinate:
    """Values along one axis of a field.

    Parameters
    ----------
    dim
        Name of the axis.
    values
        One value per step along it, shape (length,).
    unit
        UDUNITS string; "" where nobody knows.
    long_name
        One line for plots and tables.
    """

    dim: str
    values: Array
    unit: str
    long_name: str


@dataclass(frozen=True)
class Axis:
    """One axis of a field: its name and, where known, its values."""

    dim: str
    coordinate: Coordinate | None = None


@dataclass(frozen=True)
class Side:
    """One axis of a region: its name, first pixel and length (None: to the detector's end)."""

    dim: str
    low: int
    length: int | None

    def axis(self, length: int) -> Axis:
        """Return the axis of an array that has `length` steps along this side."""
        if self.length is not None and self.length != length:
            return Axis(self.dim)
        text = f"{WORDS[self.dim]} on the whole detector"
        numbers = np.arange(self.low, self.low + length)
        return Axis(self.dim, Coordinate(self.dim, numbers, "pixel", text))


def azimuthal(settings: FunctionSettings, shape: tuple[int, ...]) -> tuple[Axis, ...] | None:
    """Return the axes (phi, q) or (q,) of an azimuthal average; None for other shapes."""
    if len(shape) > 2 or not shape:
        return None
    axes = [_q_axis(settings, shape[-1])]
    if len(shape) == 2:
        axes.insert(0, _phi_axis(settings, shape[0]))
    return tuple(axes)


def radial(unit: str, values: Array | None) -> Axis:
    """Return pyFAI's radial axis, with values where they are known [unit: pyFAI's name]."""
    dim, stored, text = RADIAL.get(unit, ("q", "", "radial axis, unit not stored"))
    return Axis(dim, None if values is None else Coordinate(dim, values, stored, text))


def azimuth(values: Array | None) -> Axis:
    """Return pyFAI's azimuthal axis [degree]."""
    text = "azimuth"
    return Axis("phi", None if values is None else Coordinate("phi", values, "degree", text))


def sides(settings: FunctionSettings, count: int = 0) -> tuple[Side, ...]:
    """Return the axes of a region that are longer than one pixel, as its functions see it.

    Parameters
    ----------
    settings
        A function of kind "roi".
    count
        Axes of the stored array: a range may leave out the detector's last axes.
    """
    bounds = settings.bounds
    if bounds is None:
        return ()
    axes = max(len(bounds.low), count)
    names = REGION_AXES.get(axes)
    if names is None:
        return ()
    lows = (*bounds.low, *(0,) * (axes - len(bounds.low)))
    lengths = _lengths(settings, axes)
    every = [Side(*side) for side in zip(names, lows, lengths, strict=True)]
    if count == axes:
        return tuple(every)
    return tuple(side for side in every if side.length != 1)


def region(
    settings: FunctionSettings, leaf: str, shape: tuple[int, ...]
) -> tuple[Axis, ...] | None:
    """Return the axes of one dataset of a region: its pixels, a projection, a spectrum.

    Parameters
    ----------
    settings
        A function of kind "roi".
    leaf
        What follows the function's name: "area", "com", "pj_ax_0_data"; "" in old files.
    shape
        Shape per event.
    """
    if leaf in {"area", ""}:
        return _match(sides(settings, len(shape)), shape)
    sub = max((name for name in settings.subs if leaf.startswith(name)), key=len, default="")
    inner = settings.subs.get(sub)
    kind = inner.kind if inner is not None else ""
    if kind == "projection" or (not kind and "pj_ax_" in leaf):
        return _match(_projected(settings, inner, leaf), shape)
    if kind == "rebin":
        return _rebinned(sides(settings), shape)
    if inner is not None and kind == "spectrum" and len(shape) == 1:
        return (_spectrum(inner, shape[0]),)
    return None


def _q_axis(settings: FunctionSettings, length: int) -> Axis:
    values = settings.q
    if values is None or values.shape != (length,):
        edges = settings.q_edges
        values = None if edges is None or edges.shape != (length + 1,) else _centres(edges)
    if values is None:
        return Axis("q")
    return Axis("q", Coordinate("q", values, settings.unit("q"), "scattering vector"))


def _phi_axis(settings: FunctionSettings, length: int) -> Axis:
    values = settings.phi
    if values is None or len(values) not in {length, length + 1}:
        return Axis("phi")
    text = "azimuth from +y towards +x"
    return Axis("phi", Coordinate("phi", values[:length], settings.unit("phiVec"), text))


def _lengths(settings: FunctionSettings, axes: int) -> Sequence[int | None]:
    bounds = settings.bounds
    assert bounds is not None
    if len(bounds.low) == axes and max(bounds.high) < OPEN_END and "bound" in settings:
        return bounds.shape
    mask = settings.good
    if mask is not None and mask.ndim == axes:  # cut with the region: it knows the detector's end
        return mask.shape
    known = [
        None if high >= OPEN_END else high - low
        for low, high in zip(bounds.low, bounds.high, strict=True)
    ]
    return (*known, *(None,) * (axes - len(bounds.low)))


def _match(found: Sequence[Side], shape: tuple[int, ...]) -> tuple[Axis, ...] | None:
    if len(found) != len(shape):
        return None
    return tuple(side.axis(length) for side, length in zip(found, shape, strict=True))


def _projected(
    settings: FunctionSettings, inner: FunctionSettings | None, leaf: str
) -> tuple[Side, ...]:
    stored = inner.get("axis") if inner is not None else None
    digits = leaf.partition("pj_ax_")[2].partition("_")[0]
    axis = stored if isinstance(stored, int) else int(digits) if digits.isdigit() else -1
    left = sides(settings)
    if axis < 0 or axis >= len(left):
        return ()
    return left[:axis] + left[axis + 1 :]


def _rebinned(found: Sequence[Side], shape: tuple[int, ...]) -> tuple[Axis, ...] | None:
    if len(found) != len(shape):
        return None
    axes = []
    for side, length in zip(found, shape, strict=True):
        if side.length is None:
            axes.append(Axis(side.dim))
            continue
        centres = side.low + (np.arange(length) + 0.5) * side.length / length - 0.5
        text = f"centre of the pixels joined, {WORDS[side.dim]} on the whole detector"
        axes.append(Axis(side.dim, Coordinate(side.dim, centres, "pixel", text)))
    return tuple(axes)


def _spectrum(settings: FunctionSettings, length: int) -> Axis:
    edges = np.atleast_1d(settings["bins"])
    if edges.shape != (length + 1,):
        return Axis("value")
    text = "centre of the bin of pixel values"
    return Axis("value", Coordinate("value", _centres(edges), "", text))


def _centres(edges: Array) -> Array:
    centres: Array = (edges[:-1] + edges[1:]) / 2
    return centres

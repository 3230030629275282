"""Edges of bins in a radial coordinate and in azimuth; which bin a pixel falls into."""

from collections.abc import Sequence

import numpy as np

from workbench.core.arrays import Floats, Ints
from workbench.core.errors import InputError

TURN = 2 * np.pi
WHOLE_TURN = np.deg2rad(359)  # rad; pixels over more than this cover the whole circle
MOST_BINS = 10_000_000  # rows times columns
ON_EDGE = 1e-9  # of a step: values this near to an edge are on it, whatever was rounded


class BinsError(InputError):
    """Bins that make no axis: a width of 0, edges that do not rise."""


def radial_edges(values: Floats, width: float) -> Floats:
    """Return edges at whole multiples of a width that hold all values.

    They depend on the geometry alone, not on masks, so that runs can be compared bin by bin.
    """
    if not 0 < width < np.inf:
        raise BinsError(f"the width of a bin must be above 0, not {width!r}")
    known = values[np.isfinite(values)]
    if not known.size:
        raise BinsError("no pixel has a known position")
    first = np.floor(known.min() / width + ON_EDGE)
    last = np.floor(known.max() / width + ON_EDGE) + 1
    if last - first > MOST_BINS:
        raise BinsError(f"bins of {width!r} would be {last - first:.0f}: take wider ones")
    edges: Floats = np.arange(first, last + 1) * width
    return edges


def equal_edges(values: Floats, number: int) -> Floats:
    """Return the edges of equal bins from the smallest to the largest value, both inside."""
    if number < 1 or number > MOST_BINS:
        raise BinsError(f"give 1 bin or more, not {number!r}")
    known = values[np.isfinite(values)]
    if not known.size:
        raise BinsError("no pixel has a known position")
    edges: Floats = np.linspace(known.min(), known.max(), number + 1)
    beyond = edges[-1] + ON_EDGE * (edges[-1] - edges[-2])
    edges[-1] = max(beyond, np.nextafter(edges[-1], np.inf))
    return edges


def azimuth_edges(phi: Floats, number: int) -> Floats:
    """Return the edges of equal bins over the azimuths that the detector covers [rad].

    They begin at 0 and end at 2 pi where it covers the whole circle.
    """
    if number < 1 or number > MOST_BINS:
        raise BinsError(f"give 1 bin or more, not {number!r}")
    known = phi[np.isfinite(phi)]
    if known.size and known.max() - known.min() < WHOLE_TURN and known.max() > known.min():
        return equal_edges(phi, number)
    edges: Floats = np.linspace(0, TURN, number + 1)
    return edges


def checked_edges(edges: Sequence[float] | Floats) -> Floats:
    """Return given edges as numbers; `BinsError` unless they are two or more and rise."""
    values = np.asarray(edges, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not (np.diff(values) > 0).all():
        raise BinsError(f"edges of bins are two or more rising numbers, not {list(edges)[:6]}")
    if not np.isfinite(values).all():
        raise BinsError("edges of bins must be finite")
    return values


def checked_azimuths(edges: Sequence[float] | Floats) -> Floats:
    """Return given edges of azimuth [rad]; `BinsError` unless they rise by at most one turn."""
    values = checked_edges(edges)
    if values[-1] - values[0] > TURN * (1 + ON_EDGE):
        raise BinsError(
            f"edges of azimuth from {values[0]:g} to {values[-1]:g} rad are more than one turn"
        )
    return values


def bin_of(values: Floats, edges: Floats) -> Ints:
    """Return the bin of each value, half-open; -1 outside all of them and for NaN."""
    found: Ints = np.searchsorted(edges, values, side="right").astype(np.int64) - 1
    found[~(values < edges[-1])] = -1
    return found


def sector_of(phi: Floats, edges: Floats) -> Ints:
    """Return the bin of each azimuth [rad], whole turns apart counting as the same."""
    turned = np.mod(phi - edges[0], TURN)
    turned[turned >= TURN] = 0  # a tiny negative number rounds up to a whole turn
    ends = edges - edges[0]
    if ends[-1] > TURN * (1 - ON_EDGE):
        ends = ends.copy()
        ends[-1] = np.inf  # the last bin ends where the first begins
    return bin_of(turned, ends)

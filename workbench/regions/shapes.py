"""Shapes on the assembled picture: which pixels they cover, how they move, their JSON.

Positions are (row, col) in pixels. Pixel (i, j) covers ``i <= row < i + 1``, ``j <= col < j + 1``;
its centre is (i + 0.5, j + 0.5). A rectangle covers whole pixels. Any other shape covers the
pixels whose centre lies inside it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError

Point = tuple[float, float]
OUTLINE_POINTS = 90  # of a circle that is drawn


class RegionError(InputError):
    """A region that is empty or not a shape; the text says what it needs."""


@dataclass(frozen=True)
class Region(ABC):
    """A shape on the assembled picture."""

    @abstractmethod
    def covers(self, rows: Array, cols: Array) -> Bools:
        """Tell which pixels, by their row and column in the picture, belong to the region."""

    @abstractmethod
    def moved(self, rows: float, cols: float) -> "Region":
        """Return the same shape elsewhere."""

    @abstractmethod
    def outline(self) -> tuple[Floats, ...]:
        """Return closed lines around the region, each of shape (point, 2): row, col [pixel]."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `region_from_dict` is the way back."""
        return {"shape": type(self).__name__.lower(), **asdict(self)}


@dataclass(frozen=True)
class Rectangle(Region):
    """Whole pixels: ``top <= row < bottom`` and ``left <= col < right``.

    Raises
    ------
    RegionError
        For an edge that is no whole pixel, and where nothing lies within.
    """

    top: int
    bottom: int
    left: int
    right: int

    def __post_init__(self) -> None:
        for name in ("top", "bottom", "left", "right"):
            value = getattr(self, name)
            if isinstance(value, bool) or value != int(value):
                raise RegionError(f"{name} of a rectangle is a whole pixel, not {value!r}")
            object.__setattr__(self, name, int(value))
        if self.top >= self.bottom or self.left >= self.right:
            raise RegionError(
                f"rectangle of rows {self.top} to {self.bottom} and columns {self.left} to "
                f"{self.right} is empty: draw it larger"
            )

    @classmethod
    def around(cls, first: Point, second: Point) -> "Rectangle":
        """Return the rectangle of the pixels nearest to two opposite corners, in any order."""
        (top, bottom), (left, right) = (
            sorted((round(first[axis]), round(second[axis]))) for axis in (0, 1)
        )
        return cls(top, bottom, left, right)

    def __str__(self) -> str:
        return f"rectangle [[{self.top}, {self.bottom}], [{self.left}, {self.right}]]"

    def covers(self, rows: Array, cols: Array) -> Bools:
        """Tell which pixels belong to the rectangle."""
        inside = (rows >= self.top) & (rows < self.bottom)
        return np.asarray(inside & (cols >= self.left) & (cols < self.right))

    def moved(self, rows: float, cols: float) -> "Rectangle":
        """Return the rectangle moved by whole pixels."""
        down, right = round(rows), round(cols)
        return Rectangle(self.top + down, self.bottom + down, self.left + right, self.right + right)

    def outline(self) -> tuple[Floats, ...]:
        """Return its border."""
        corners = [(self.top, self.left), (self.top, self.right)]
        corners += [(self.bottom, self.right), (self.bottom, self.left), (self.top, self.left)]
        return (np.array(corners, dtype=np.float64),)


@dataclass(frozen=True)
class Polygon(Region):
    """A closed line of points; where it crosses itself, inside and outside alternate.

    Raises
    ------
    RegionError
        With fewer than three different, finite points.
    """

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        points = tuple((float(row), float(col)) for row, col in self.points)
        object.__setattr__(self, "points", points)
        if len(set(points)) < 3 or not np.isfinite(points).all():
            raise RegionError(f"a polygon needs three different points, not {list(points)}")

    def __str__(self) -> str:
        return f"polygon of {len(self.points)} points"

    def covers(self, rows: Array, cols: Array) -> Bools:
        """Tell which pixels have their centre inside, by counting crossings along a row."""
        row, col = np.asarray(rows) + 0.5, np.asarray(cols) + 0.5
        inside = np.zeros(np.broadcast(row, col).shape, dtype=np.bool_)
        for (r0, c0), (r1, c1) in zip(self.points, self.points[1:] + self.points[:1], strict=True):
            if r0 == r1:
                continue  # parallel to the row: no crossing
            between = (row >= min(r0, r1)) & (row < max(r0, r1))
            inside ^= between & (col < c0 + (row - r0) * (c1 - c0) / (r1 - r0))
        return inside

    def moved(self, rows: float, cols: float) -> "Polygon":
        """Return the polygon moved."""
        return Polygon(tuple((row + rows, col + cols) for row, col in self.points))

    def outline(self) -> tuple[Floats, ...]:
        """Return its line."""
        return (np.array([*self.points, self.points[0]]),)


@dataclass(frozen=True)
class Ring(Region):
    """Pixels whose centre lies at ``inner <= distance < outer`` of a point.

    Raises
    ------
    RegionError
        Unless 0 <= inner < outer.
    """

    row: float
    col: float
    inner: float
    outer: float

    def __post_init__(self) -> None:
        if not 0 <= self.inner < self.outer < math.inf or not math.isfinite(self.row + self.col):
            raise RegionError(
                f"a ring needs 0 <= inner < outer radius, not {self.inner} and {self.outer}"
            )

    def __str__(self) -> str:
        return f"ring {self.inner:g} to {self.outer:g} around ({self.row:g}, {self.col:g})"

    def covers(self, rows: Array, cols: Array) -> Bools:
        """Tell which pixels belong to the ring."""
        distance = np.hypot(np.asarray(rows) + 0.5 - self.row, np.asarray(cols) + 0.5 - self.col)
        return np.asarray((distance >= self.inner) & (distance < self.outer))

    def moved(self, rows: float, cols: float) -> "Ring":
        """Return the ring around another point."""
        return replace(self, row=self.row + rows, col=self.col + cols)

    def outline(self) -> tuple[Floats, ...]:
        """Return one or two circles."""
        radii = [radius for radius in (self.outer, self.inner) if radius > 0]
        angle = np.linspace(0, 2 * np.pi, OUTLINE_POINTS + 1)
        turns = np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return tuple(np.array([self.row, self.col]) + radius * turns for radius in radii)


@dataclass(frozen=True)
class Circle(Region):
    """Pixels whose centre lies nearer than `radius` to a point.

    Raises
    ------
    RegionError
        For a radius that is not above 0.
    """

    row: float
    col: float
    radius: float

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf or not math.isfinite(self.row + self.col):
            raise RegionError(f"a circle needs a radius above 0, not {self.radius}")

    def __str__(self) -> str:
        return f"circle {self.radius:g} around ({self.row:g}, {self.col:g})"

    def covers(self, rows: Array, cols: Array) -> Bools:
        """Tell which pixels belong to the circle."""
        return Ring(self.row, self.col, 0, self.radius).covers(rows, cols)

    def moved(self, rows: float, cols: float) -> "Circle":
        """Return the circle around another point."""
        return replace(self, row=self.row + rows, col=self.col + cols)

    def outline(self) -> tuple[Floats, ...]:
        """Return the circle."""
        return Ring(self.row, self.col, 0, self.radius).outline()


@dataclass(frozen=True)
class Box:
    """A region in the detector's own coordinates, as configs write it: tile, row, column.

    Parameters
    ----------
    bounds
        One [low, high) per axis of the frames [pixel].
    """

    bounds: Bounds

    def __str__(self) -> str:
        return f"box {self.bounds}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `region_from_dict` is the way back."""
        pairs = zip(self.bounds.low, self.bounds.high, strict=True)
        return {"shape": "box", "bounds": [list(pair) for pair in pairs]}


def region_from_dict(plain: Mapping[str, Any]) -> Region | Box:
    """Rebuild a region from `as_dict`; `RegionError` names what it cannot read."""
    values = {name: value for name, value in plain.items() if name != "shape"}
    try:
        if plain["shape"] == "box":
            return Box(Bounds.from_pairs(values["bounds"]))
        if plain["shape"] == "polygon":
            return Polygon(tuple((row, col) for row, col in values["points"]))
        kinds: dict[str, type[Region]] = {"rectangle": Rectangle, "ring": Ring, "circle": Circle}
        return kinds[plain["shape"]](**values)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, RegionError):
            raise
        raise RegionError(
            f"cannot read a region from {dict(plain)!r}; it needs 'shape' (rectangle, polygon, "
            "circle, ring or box) and its numbers"
        ) from error

"""From what a pointer did to a region: a new one from a drag, or one whose box was dragged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.regions import Circle, Polygon, Rectangle, Region, RegionError, Ring

SHAPES = ("rectangle", "circle", "ring", "polygon")
INNER_SHARE = 0.5  # inner radius of a freshly drawn ring, as a share of the outer one
Span = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """The upright box around a shape: rows and columns, in any order of the two ends [pixel]."""

    rows: Span
    cols: Span

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre: row, column [pixel]."""
        return sum(self.rows) / 2, sum(self.cols) / 2

    @property
    def half(self) -> tuple[float, float]:
        """Half its height and half its width [pixel]."""
        return abs(self.rows[1] - self.rows[0]) / 2, abs(self.cols[1] - self.cols[0]) / 2


def drawn(shape: str, rows: Sequence[float], cols: Sequence[float]) -> Region:
    """Return the region that was drawn.

    Parameters
    ----------
    shape
        One of `SHAPES`.
    rows, cols
        Two opposite corners of the drag; the points of a polygon [pixel].

    Raises `RegionError` where nothing is inside.
    """
    if shape == "polygon":
        points = list(zip(rows, cols, strict=True))
        return Polygon(tuple(point for point, _ in _runs(points)))
    frame = Frame((rows[0], rows[1]), (cols[0], cols[1]))
    if shape == "rectangle":
        return Rectangle.around((rows[0], cols[0]), (rows[1], cols[1]))
    (row, col), radius = frame.middle, max(frame.half)
    if shape == "circle":
        return Circle(_tenth(row), _tenth(col), _tenth(radius))
    if shape == "ring":
        return Ring(_tenth(row), _tenth(col), _tenth(INNER_SHARE * radius), _tenth(radius))
    raise RegionError(f"no shape {shape!r}: draw one of {', '.join(SHAPES)}")


def frame_of(region: Region) -> Frame:
    """Return the box around a region that is dragged to move or resize it."""
    if isinstance(region, Rectangle):
        return Frame((region.top, region.bottom), (region.left, region.right))
    line = region.outline()[0]
    if isinstance(region, Circle | Ring):
        return _round_frame(region, region.radius if isinstance(region, Circle) else region.outer)
    (top, left), (bottom, right) = line.min(axis=0), line.max(axis=0)
    return Frame((float(top), float(bottom)), (float(left), float(right)))


def frame_around(places: Sequence[Rectangle]) -> Frame:
    """Return the box around the places of a region in several tiles."""
    rows = min(one.top for one in places), max(one.bottom for one in places)
    return Frame(rows, (min(one.left for one in places), max(one.right for one in places)))


def inner_frame(region: Region) -> Frame | None:
    """Return the box around the hole of a ring; None where there is none."""
    if isinstance(region, Ring) and region.inner > 0:
        return _round_frame(region, region.inner)
    return None


def dragged(region: Region, rows: Sequence[float], cols: Sequence[float]) -> Region:
    """Return a region whose box was moved or resized to two new corners.

    A circle or ring that is resized keeps its centre.
    """
    frame = Frame((rows[0], rows[1]), (cols[0], cols[1]))
    before = frame_of(region)
    if isinstance(region, Rectangle):
        return Rectangle.around((rows[0], cols[0]), (rows[1], cols[1]))
    if isinstance(region, Circle | Ring):
        row, col = map(_tenth, frame.middle)
        radius = _tenth(_changed(before.half[0], frame.half))
        if isinstance(region, Circle):
            return Circle(row, col, radius)
        inner = region.inner if radius > region.inner else INNER_SHARE * radius
        return Ring(row, col, inner, radius)
    down, right = (frame.middle[axis] - before.middle[axis] for axis in (0, 1))
    return region.moved(down, right)


def inner_dragged(region: Ring, rows: Sequence[float], cols: Sequence[float]) -> Ring:
    """Return a ring whose hole was resized."""
    half = Frame((rows[0], rows[1]), (cols[0], cols[1])).half
    return replace(region, inner=_tenth(_changed(region.inner, half)))


def _round_frame(region: Circle | Ring, radius: float) -> Frame:
    rows, cols = ((at - radius, at + radius) for at in (region.row, region.col))
    return Frame(rows, cols)


def _changed(before: float, halves: tuple[float, float]) -> float:
    """Return the half that a drag of one side or corner changed most."""
    return max(halves, key=lambda half: abs(half - before))


def _tenth(value: float) -> float:
    return round(value, 1)


def _runs(points: list[tuple[float, float]]) -> list[tuple[tuple[float, float], int]]:
    """Return points without immediate repeats: a double click that ends a polygon adds some."""
    kept: list[tuple[tuple[float, float], int]] = []
    for number, (row, col) in enumerate(points):
        point = _tenth(row), _tenth(col)
        if not kept or kept[-1][0] != point:
            kept.append((point, number))
    return kept

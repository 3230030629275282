"""Detector geometry tables: from LCLS ``geometry*.data`` files to pixel centres.

A table places objects in their parents: offsets in um, then rotations (design plus measured tilt)
about z, y and x in degrees. Its frame is that of psana's images: x down, y right, z against the
beam, as seen along the beam. Panels draw from the inside: ASICs meet in wider pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.core.arrays import Floats, Ints
from workbench.core.errors import NotThereError, WorkbenchError

PANELS = (
    "EPIX100:V1", "EPIX10KA:V1", "JUNGFRAU:V2", "SENS2X1:V1", "EPIXHR2X2:V1", "EPIXMASIC:V1",
    "EPIXUHRASIC:V1",
)  # fmt: skip
COLUMNS = 13  # parent, index, object, index, x0 y0 z0, three rotations, three tilts
Position = tuple[Floats, Floats, Floats]


class GeometryError(WorkbenchError, ValueError):
    """A geometry table that cannot be understood; the text names file and line."""


@dataclass(frozen=True)
class Geometry:
    """Pixel centres of one detector in psana's image frame.

    Parameters
    ----------
    x, y, z
        Shape (segment, row, col) [um]: x down, y right, z against the beam.
    pitch
        Side of a normal pixel [um].
    """

    x: Floats
    y: Floats
    z: Floats
    pitch: float

    @property
    def laboratory(self) -> Position:
        """The same positions as (x, y, z) with y up, z along the beam, x horizontal [um]."""
        return -self.y, -self.x, -self.z

    @property
    def image_rows(self) -> Ints:
        """Row of each pixel in the assembled image, shape (segment, row, col)."""
        return self._index(self.x)

    @property
    def image_cols(self) -> Ints:
        """Column of each pixel in the assembled image, shape (segment, row, col)."""
        return self._index(self.y)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Shape of the assembled image."""
        return int(self.image_rows.max()) + 1, int(self.image_cols.max()) + 1

    def assemble(self, frame: Floats) -> Floats:
        """Draw one frame, shape (segment, row, col), as an image; NaN where there is no pixel."""
        image = np.full(self.image_shape, np.nan)
        image[self.image_rows, self.image_cols] = frame.reshape(self.x.shape)
        return image

    def _index(self, values: Floats) -> Ints:
        index: Ints = np.floor((values - values.min()) / self.pitch + 0.5).astype(np.int64)
        return index


@dataclass(frozen=True)
class _Panel:
    rows: Floats  # um, along the panel's y
    cols: Floats  # um, along the panel's x
    pitch: float  # um


@dataclass(frozen=True)
class _Placed:
    parent: tuple[str, int]
    name: tuple[str, int]
    offset: tuple[float, ...]  # um
    angles: tuple[float, ...]  # deg, about z, y, x


def read_geometry(path: Path) -> Geometry:
    """Read one geometry file of the calibration store."""
    path = Path(path)
    if not path.exists():
        raise NotThereError(f"no geometry file {path}; name another one or leave it out")
    return parse_geometry(path.read_text(encoding="utf-8"), where=str(path))


def parse_geometry(text: str, *, where: str = "geometry table") -> Geometry:
    """Read one geometry table from text; `where` names it in messages."""
    placed = list(_rows(text, where))
    children = {row.name for row in placed}
    tops = [row for row in placed if row.parent not in children]
    if not tops:
        raise GeometryError(f"{where}: no object stands at the top; give one a parent of its own")
    panels = [panel for top in tops for panel in _positions(top, placed, where)]
    pitch = next(iter(panels))[1]
    x, y, z = (np.stack([position[axis] for position, _ in panels]) for axis in range(3))
    return Geometry(x, y, z, pitch)


def _rows(text: str, where: str) -> Iterator[_Placed]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        try:
            if len(words) != COLUMNS:
                raise ValueError(f"{len(words)} columns")
            numbers = [float(word) for word in words[4:]]
            indices = int(words[1]), int(words[3])
        except ValueError as error:
            raise GeometryError(
                f"{where}, line {number}: {error}; a row is parent, index, object, index, "
                "x y z [um], rotation and tilt about z y x [deg]"
            ) from error
        angles = tuple(turn + tilt for turn, tilt in zip(numbers[3:6], numbers[6:], strict=True))
        if words[0].startswith("IP"):
            numbers[2] = -abs(numbers[2])  # tables give the distance with either sign
        yield _Placed((words[0], indices[0]), (words[2], indices[1]), tuple(numbers[:3]), angles)


def _positions(
    row: _Placed, placed: list[_Placed], where: str, depth: int = 0
) -> list[tuple[Position, float]]:
    if depth > len(placed):
        raise GeometryError(f"{where}: {row.name[0]} {row.name[1]} is placed inside itself")
    inside = [child for child in placed if child.parent == row.name]
    if not inside:
        panel = _panel(row.name[0], where)
        x, y = np.meshgrid(panel.cols, panel.rows)
        return [(_move((x, y, np.zeros_like(x)), row), panel.pitch)]
    found = [item for child in inside for item in _positions(child, placed, where, depth + 1)]
    return [(_move(position, row), pitch) for position, pitch in found]


def _move(position: Position, row: _Placed) -> Position:
    x, y, z = position
    about_z, about_y, about_x = (np.deg2rad(angle) for angle in row.angles)
    x, y = _turn(x, y, about_z)
    z, x = _turn(z, x, about_y)
    y, z = _turn(y, z, about_x)
    return x + row.offset[0], y + row.offset[1], z + row.offset[2]


def _turn(first: Floats, second: Floats, angle: float) -> tuple[Floats, Floats]:
    cos, sin = np.cos(angle), np.sin(angle)
    return first * cos - second * sin, second * cos + first * sin


def _panel(name: str, where: str) -> _Panel:
    match name:
        case "EPIX100:V1":
            return _epix((704, 768), pitch=50.0, wide=175.0)
        case "EPIX10KA:V1":
            panel = _epix((352, 384), pitch=100.0, wide=225.0)
            return replace(panel, rows=-panel.rows)  # unlike EPIX100, its y falls with the row
        case "JUNGFRAU:V2":
            return _Panel(_jungfrau(2), _jungfrau(4), 75.0)
        case "SENS2X1:V1":  # CSPAD
            return _Panel(-_even(185, 109.92), _halves(388, 109.92, 274.8 - 54.96), 109.92)
        case "EPIXHR2X2:V1":
            return _Panel(-_halves(288, 100.0, 175.0), _halves(384, 100.0, 175.0), 100.0)
        case "EPIXMASIC:V1":
            return _Panel(-_even(192, 50.0), _even(384, 50.0), 50.0)
        case "EPIXUHRASIC:V1":
            return _Panel(-_even(168, 100.0), _even(192, 100.0), 100.0)
    raise GeometryError(f"{where}: unknown panel {name}; known are {', '.join(PANELS)}")


def _epix(shape: tuple[int, int], *, pitch: float, wide: float) -> _Panel:
    rows, cols = (_halves(length, pitch, wide - pitch / 2) for length in shape)
    return _Panel(rows, cols, pitch)


def _halves(length: int, pitch: float, first: float) -> Floats:
    """Centres along one axis of two ASICs, the inner pixels `first` um from the middle."""
    half = np.arange(length // 2) * pitch + first
    return np.append(-half[::-1], half)


def _even(length: int, pitch: float) -> Floats:
    """Centres along one axis of equal pixels."""
    return np.asarray((np.arange(length) - (length - 1) / 2) * pitch, dtype=np.float64)


def _jungfrau(asics: int) -> Floats:
    """Centres along one axis: ASICs of 256 pixels, two pitches between, both inner pixels wide."""
    starts = (np.arange(asics) - asics / 2) * 258 + 1.5
    pixels: Floats = starts[:, np.newaxis] + np.arange(256.0)
    pixels[1:, 0] -= 0.5
    pixels[:-1, -1] += 0.5
    centres: Floats = pixels.ravel() * 75.0
    return centres

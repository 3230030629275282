"""pyFAI's ``.poni`` files: read, checked by field and line, written whole or not at all.

The format is that of pyFAI (https://pyfai.readthedocs.io, "The PONI-file"): ``key: value`` lines,
comments after ``#``, the last value of a key counts. Versions 1 to 3 are read, 2.1 is written.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.atomic import write_text
from workbench.core.errors import InputError, NotThereError
from workbench.core.extras import load

UPRIGHT = 3  # pyFAI's orientation in which indices grow along its axes 1 and 2
NEWEST = 3.0  # version of the format
PLAIN = "Detector"  # pyFAI's name of a detector that is only a grid of pixels
NUMBERS = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3")


class PoniError(InputError):
    """A ``.poni`` file that cannot be used; the text names file, line and field."""


@dataclass(frozen=True)
class Poni:
    """The numbers of a ``.poni`` file, as they stand there.

    Parameters
    ----------
    distance, poni1, poni2
        Distance along the normal, and the foot of the normal along rows and columns [m].
    rot1, rot2, rot3
        Rotations [rad].
    wavelength
        [m]; None where the file has none.
    pixel1, pixel2
        Height and width of a pixel [m].
    shape
        (row, col) of the picture; None where not known.
    orientation
        1 to 4 as pyFAI counts; 3: indices grow along the axes.
    detector
        pyFAI's name of the detector.

    Raises
    ------
    PoniError
        For a length that is not above 0, a number that is not finite, and an orientation other
        than 1 to 4.
    """

    distance: float
    poni1: float
    poni2: float
    rot1: float
    rot2: float
    rot3: float
    wavelength: float | None
    pixel1: float
    pixel2: float
    shape: tuple[int, int] | None = None
    orientation: int = UPRIGHT
    detector: str = PLAIN

    def __post_init__(self) -> None:
        for name in (*NUMBERS, "wavelength", "pixel1", "pixel2"):
            if (value := getattr(self, name)) is not None:  # numbers of NumPy are written otherwise
                object.__setattr__(self, name, float(value))
        lengths = {"distance": self.distance, "pixel1": self.pixel1, "pixel2": self.pixel2}
        if self.wavelength is not None:
            lengths["wavelength"] = self.wavelength
        for name, value in lengths.items():
            if not 0 < value < math.inf:
                raise PoniError(f"{name} must be a length above 0 m, not {value!r}")
        for name in NUMBERS:
            if not math.isfinite(getattr(self, name)):
                raise PoniError(f"{name} must be a finite number, not {getattr(self, name)!r}")
        if self.orientation not in range(1, 5):
            raise PoniError(f"orientation must be 1, 2, 3 or 4, not {self.orientation!r}")

    @property
    def rotations(self) -> tuple[float, float, float]:
        """The three rotations [rad]."""
        return self.rot1, self.rot2, self.rot3


def read_poni(path: Path) -> Poni:
    """Read a ``.poni`` file; `PoniError` names line and field of what is wrong.

    Raises
    ------
    NotThereError
        Where there is no such file.
    PoniError
        For a file that is no text, and for a field that is missing or wrong.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotThereError(f"no file {path}; name another .poni file") from None
    except UnicodeDecodeError as error:
        raise PoniError(f"{path} is no text file: {error}") from None
    return parse_poni(text, where=str(path))


def parse_poni(text: str, *, where: str = "poni text") -> Poni:
    """Read the text of a ``.poni`` file; `where` names it in messages.

    Raises
    ------
    PoniError
        For a field that is missing, no number, or asks for what is not done here.
    """
    fields = _Fields(text, where)
    if fields.get("poni_version") and fields.number("poni_version") > NEWEST:
        raise fields.error("poni_version", f"is newer than {NEWEST}, the last known one")
    if (fields.get("parallax") or "").lower() == "true":
        raise fields.error(
            "parallax", "asks for a correction inside the sensor, which is not made here"
        )
    values: dict[str, Any] = {name: fields.number(name) for name in NUMBERS}
    known = fields.get("wavelength") not in {None, "None"}
    values["wavelength"] = fields.number("wavelength") if known else None
    try:
        return Poni(**values, **_detector(fields))
    except PoniError as error:
        raise PoniError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None


def poni_text(poni: Poni, notes: Mapping[str, str] | None = None) -> str:
    """Return the text of a ``.poni`` file that pyFAI reads; the notes become comments."""
    config: dict[str, Any] = {"pixel1": poni.pixel1, "pixel2": poni.pixel2}
    if poni.shape is not None:
        config["max_shape"] = list(poni.shape)
    config["orientation"] = poni.orientation
    lines = [f"# {name}: {' '.join(str(note).split())}" for name, note in (notes or {}).items()]
    lines += [
        "# 1 refers to rows, 2 to columns; lengths in m, rotations in rad",
        "poni_version: 2.1",
        f"Detector: {poni.detector}",
        f"Detector_config: {json.dumps(config)}",
        f"Distance: {poni.distance!r}",
        *(f"{name.capitalize()}: {getattr(poni, name)!r}" for name in NUMBERS[1:]),
    ]
    if poni.wavelength is not None:
        lines.append(f"Wavelength: {poni.wavelength!r}")
    return "\n".join(lines) + "\n"


def write_poni(path: Path, poni: Poni, notes: Mapping[str, str] | None = None) -> None:
    """Write a ``.poni`` file atomically.

    Parameters
    ----------
    path
        Replaced if there.
    poni
        What to write: each number so that it is read back exactly.
    notes
        Comment lines: where the numbers come from.
    """
    write_text(Path(path), poni_text(poni, notes))


class _Fields:
    """The fields of a file, with the line of each."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self._values: dict[str, tuple[str, int]] = {}
        for line, content in enumerate(text.splitlines(), 1):
            name, colon, value = content.partition(":")
            if colon and not content.startswith("#"):
                self._values[name.strip().lower()] = (value.strip(), line)

    def get(self, name: str) -> str | None:
        """Return the text of a field; None where the file has none."""
        return self._values[name][0] if name in self._values else None

    def number(self, name: str) -> float:
        """Return a field as a number."""
        text = self.get(name)
        if text is None:
            raise PoniError(f"{self.where}: the field {name} is missing; was the file cut off?")
        try:
            value = float(text)
        except ValueError:
            raise self.error(name, f"must be a number, not {text!r}") from None
        if not math.isfinite(value):
            raise self.error(name, f"must be a finite number, not {text!r}")
        return value

    def config(self) -> dict[str, Any]:
        """Return the detector's settings."""
        text = self.get("detector_config") or "{}"
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise self.error("detector_config", f"is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise self.error("detector_config", f"must be a JSON object, not {text}")
        return found

    def error(self, name: str, problem: str) -> PoniError:
        """Return an error that names file, line and field."""
        return PoniError(f"{self.where}: line {self._values[name][1]}: {name} {problem}")


def _detector(fields: _Fields) -> dict[str, Any]:
    """Return pixels, shape, orientation and name of the detector."""
    config = fields.config()
    if config.get("filename") or config.get("splineFile") or config.get("splinefile"):
        raise fields.error("detector_config", "names a file of pixel positions, which is not read")
    name = fields.get("detector") or "None"
    name = PLAIN if name == "None" else name
    pixels: dict[str, Any] = {
        f"pixel{axis}": fields.number(f"pixelsize{axis}")
        if fields.get(f"pixelsize{axis}")
        else config.get(f"pixel{axis}")
        for axis in (1, 2)
    }
    shape = config.get("max_shape")
    if None in pixels.values() or (name != PLAIN and shape is None):
        pixels, shape = _known_detector(fields, name, config)
    try:
        return {
            **{axis: float(length) for axis, length in pixels.items()},
            "shape": None if shape is None else (int(shape[0]), int(shape[1])),
            "orientation": int(config.get("orientation") or UPRIGHT),
            "detector": name,
        }
    except (TypeError, ValueError, IndexError) as error:
        raise fields.error("detector_config", f"is not understood: {error}") from None


def _known_detector(fields: _Fields, name: str, config: dict[str, Any]) -> tuple[Any, Any]:
    """Ask pyFAI for the pixels of a detector that the file only names."""
    if name == PLAIN:
        raise PoniError(
            f"{fields.where}: no pixel size; give pixel1 and pixel2 in Detector_config, in m"
        )
    detectors = load("pyFAI.detectors", f"the detector {name}", "geometry")
    try:
        detector = detectors.detector_factory(name, config or None)
    except (RuntimeError, ValueError, TypeError) as error:
        raise fields.error("detector", f"{name!r} is unknown to pyFAI: {error}") from None
    if not (detector.uniform_pixel and detector.IS_FLAT):
        raise fields.error("detector", f"{name!r} is no regular grid of pixels, as needed here")
    return {"pixel1": detector.pixel1, "pixel2": detector.pixel2}, detector.max_shape

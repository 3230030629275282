"""What a reduction is told about frames, and what it declares to give back."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.core.arrays import Array, Bools

Values = Mapping[str, Array]


@dataclass(frozen=True)
class FrameSpec:
    """One detector's calibrated frames: shape, unit and usable pixels.

    Parameters
    ----------
    shape
        (segment, row, col) or (row, col): one event's array as the detector gives it.
    unit
        "keV" where gain constants exist, else "ADU".
    good
        The shape of a frame: True = use.
    dtype
        NumPy name of the type of calibrated pixels.
    """

    shape: tuple[int, ...]
    unit: str
    good: Bools
    dtype: str = "float32"


@dataclass(frozen=True)
class Output:
    """One value per event that a reduction declares before any event is read.

    Parameters
    ----------
    name
        Last part of the dataset's name, for example "sum".
    unit
        UDUNITS string; "1" for a pure number, "pixel" for a position.
    shape
        Shape per event; () for a scalar.
    dtype
        NumPy name of the stored type.
    long_name
        One line for plots and tables.
    """

    name: str
    unit: str
    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    long_name: str = ""

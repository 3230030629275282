"""What a reduction is told about frames, and what it declares to give back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.core.arrays import Array, Bools, Frames

Values = Mapping[str, Array]
MISSING_INTEGER = -99999  # what every LCLS writer stores for an integer that is not there


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
    noise
        Standard deviation of each pixel without light, in `unit`; None where it is not known.
    """

    shape: tuple[int, ...]
    unit: str
    good: Bools
    dtype: str = "float32"
    noise: Frames | None = None


@dataclass(frozen=True)
class Setting:
    """A value that the file keeps once of how a reduction was set up.

    Parameters
    ----------
    value
        Array, number or text.
    unit
        UDUNITS string; "1" for a pure number.
    long_name
        One line for plots and tables.
    axis
        What an axis is called that has these values, "phi"; empty where the setting's name does.
    """

    value: Array | float | str
    unit: str = "1"
    long_name: str = ""
    axis: str = ""


@dataclass(frozen=True)
class Output:
    """One value per event that a reduction declares before any event is read.

    Parameters
    ----------
    name
        Last part of the dataset's name, for example "sum"; empty where the name of the reduction
        is that of the dataset.
    unit
        UDUNITS string; "1" for a pure number, "pixel" for a position.
    shape
        Shape per event; () for a scalar. For ragged data the shape of one entry.
    dtype
        NumPy name of the stored type.
    long_name
        One line for plots and tables.
    ragged
        Another number of entries in each event; values are then object arrays that hold one
        array per event.
    dims
        For each axis the setting of the reduction that holds its values; () where there are none.
    always
        Has a value also where no usable pixel was measured: pixels as they are, axes.
    """

    name: str
    unit: str
    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    long_name: str = ""
    ragged: bool = False
    dims: tuple[str, ...] = ()
    always: bool = False

    def under(self, name: str) -> "Output":
        """Return this output as that of a reduction called `name`.

        Ragged outputs of one reduction are fields of one group, "sparse/data"; all others have
        flat names, "pj_data".
        """
        field = self.ragged and "/" not in self.name
        parts = [part for part in (name, self.name) if part]
        return replace(self, name=("/" if field else "_").join(parts))

    @property
    def path(self) -> str:
        """Return the dataset's name below the detector: groups of ragged data start ``var_``."""
        return f"var_{self.name}" if self.ragged else self.name

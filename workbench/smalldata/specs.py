"""What a writer declares before the first event: one spec per dataset, values kept once a file."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.errors import InputError
from workbench.smalldata.layout import MISSING_INTEGER, length_name

_WIDER = {
    "bool": "int32",
    "int8": "int32",
    "uint8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
    "float16": "float32",
}


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset with a row per event.

    Parameters
    ----------
    name
        Path in the file, for example "ipm2/sum".
    dtype
        NumPy name, or "str" for text. Integers that could not hold -99999 are stored wider;
        uint64 is stored as int64 with its bits kept.
    shape
        Shape per event; () for a scalar. For ragged data the shape of one entry.
    unit
        UDUNITS string; "1" for a pure number.
    long_name
        One line for plots and tables.
    dims
        Names of the axes after "event". A name that is the path of a once-per-run dataset is
        attached as that axis's dimension scale.
    labels
        What the axes are called where the last part of `dims` is no name: "q"; () where it is.
    ragged
        Another number of entries in each event; the name must look like ``det/var_x/field``.
    compress
        Store with deflate and shuffle, for tables that are mostly zeros.

    Raises
    ------
    InputError
        For a name that is no path in a group, axes that do not fit the shape, and a type that
        cannot be stored.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    unit: str = "1"
    long_name: str = ""
    dims: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    ragged: bool = False
    compress: bool = False

    def __post_init__(self) -> None:
        if not self.name or self.name.startswith("/") or self.name.endswith("/"):
            raise InputError(f"dataset name {self.name!r}: give a path like 'ipm2/sum'")
        if self.ragged and not _in_var_group(self.name):
            raise InputError(
                f"{self.name}: a ragged dataset needs a name like det/var_<what>/<field>"
            )
        for names in (self.dims, self.labels):
            if names and len(names) != len(self.shape):
                raise InputError(f"{self.name}: {len(names)} axis names for shape {self.shape}")
        if self.dtype != "str" and np.dtype(self.dtype).kind not in "biuf":
            raise InputError(f"{self.name}: cannot store {self.dtype}; use numbers or 'str'")

    @property
    def is_text(self) -> bool:
        """Tell whether the values are strings."""
        return self.dtype == "str"

    @property
    def stored(self) -> np.dtype[np.generic]:
        """Type on file; for text the type of the arrays in memory."""
        return _stored(self.dtype)

    @property
    def fill(self) -> float | int | str:
        """What stands in the rows of events that lack the value."""
        if self.is_text:
            return ""
        return float("nan") if self.stored.kind == "f" else MISSING_INTEGER

    def blank(self, events: int) -> Array:
        """Return `events` rows of missing values, to be filled by the caller."""
        if self.ragged:
            return np.full(events, None, dtype=object)
        return np.full((events, *self.shape), self.fill, dtype=self.stored)

    @property
    def length_name(self) -> str:
        """Dataset of entries per event that goes with a ragged one."""
        return length_name(self.name)


@dataclass(frozen=True)
class OnceValue:
    """A value kept once a file: a run sum, a mask, a q axis, a text.

    Parameters
    ----------
    value
        Array, number, text or list of texts.
    unit
        UDUNITS string; "1" for a pure number.
    long_name
        One line for plots and tables.
    """

    value: Array | float | int | str | list[str]
    unit: str = "1"
    long_name: str = ""


@dataclass(frozen=True)
class OwnRows:
    """Datasets with rows for some of the events only, stored end to end: one per slow frame.

    Parameters
    ----------
    specs
        The datasets, of which part files have a row per event.
    rows
        The events, as merged, that have a row.
    """

    specs: tuple[DatasetSpec, ...]
    rows: Ints


@cache
def _stored(dtype: str) -> np.dtype[np.generic]:
    if dtype == "str":
        return np.dtype(object)
    return np.dtype(_WIDER.get(np.dtype(dtype).name, dtype))


def _in_var_group(name: str) -> bool:
    parts = name.split("/")
    return len(parts) >= 2 and parts[-2].startswith("var_")

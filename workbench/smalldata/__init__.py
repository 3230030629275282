"""The small-data HDF5 format: specs, part files and their merge, the reader, the checker."""

from workbench.smalldata.check import check_file
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.identity import EPOCHS
from workbench.smalldata.merge import merge_parts
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.opening import (
    DamagedFileError,
    MissingPartsError,
    NotSmallDataError,
    StillWrittenError,
    TruncatedFileError,
)
from workbench.smalldata.parts import Part, create_part
from workbench.smalldata.reader import SmallDataFile, open_file
from workbench.smalldata.specs import DatasetSpec, OnceValue
from workbench.smalldata.survey import filled_fraction

__all__ = [
    "EPOCHS",
    "DamagedFileError",
    "DatasetSpec",
    "FieldInfo",
    "MissingPartsError",
    "NotSmallDataError",
    "OnceValue",
    "Part",
    "SmallDataFile",
    "StillWrittenError",
    "TruncatedFileError",
    "check_file",
    "create_part",
    "filled_fraction",
    "merge_parts",
    "missing_rows",
    "open_file",
]

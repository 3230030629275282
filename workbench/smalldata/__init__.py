"""The small-data HDF5 format: specs, part files and their merge, the reader, the checker."""

from workbench.smalldata.merge import merge_parts
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.parts import Part, create_part
from workbench.smalldata.specs import DatasetSpec, OnceValue

__all__ = [
    "DatasetSpec",
    "OnceValue",
    "Part",
    "create_part",
    "merge_parts",
    "missing_rows",
]

"""The small-data HDF5 format: specs, part files and their merge, the reader, the checker."""

from workbench.smalldata.archived import Archived, join_archived, read_archived
from workbench.smalldata.axes import EVENT, Axes, dataset_dims, inner_dims
from workbench.smalldata.backfill import zero_filled
from workbench.smalldata.check import check_file
from workbench.smalldata.coordinates import Coordinate, axis_names, coordinates
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.identity import EPOCHS, whole_of
from workbench.smalldata.live import LiveFile, create_live, final_name, live_name
from workbench.smalldata.locks import writer_of
from workbench.smalldata.merge import Assembly, create_small_data, merge_parts
from workbench.smalldata.missing import State, missing_rows
from workbench.smalldata.opening import (
    DamagedFileError,
    MissingPartsError,
    NoPermissionError,
    NotSmallDataError,
    StillWrittenError,
    TruncatedFileError,
)
from workbench.smalldata.packed import part_times
from workbench.smalldata.parts import Part, Rows, SomeRows, create_part
from workbench.smalldata.pixel_maps import PixelMap, pixel_maps
from workbench.smalldata.presence import Presence, count_states
from workbench.smalldata.ragged import Ragged, open_ragged
from workbench.smalldata.reader import SmallDataFile, open_file
from workbench.smalldata.settings import DetectorSettings, FunctionSettings, read_settings
from workbench.smalldata.specs import DatasetSpec, OnceValue, OwnRows
from workbench.smalldata.survey import filled_fraction
from workbench.smalldata.whole import what_lacks

__all__ = [
    "EPOCHS",
    "EVENT",
    "Archived",
    "Assembly",
    "Axes",
    "Coordinate",
    "DamagedFileError",
    "DatasetSpec",
    "DetectorSettings",
    "FieldInfo",
    "FunctionSettings",
    "LiveFile",
    "MissingPartsError",
    "NoPermissionError",
    "NotSmallDataError",
    "OnceValue",
    "OwnRows",
    "Part",
    "PixelMap",
    "Presence",
    "Ragged",
    "Rows",
    "SmallDataFile",
    "SomeRows",
    "State",
    "StillWrittenError",
    "TruncatedFileError",
    "axis_names",
    "check_file",
    "coordinates",
    "count_states",
    "create_live",
    "create_part",
    "create_small_data",
    "dataset_dims",
    "filled_fraction",
    "final_name",
    "inner_dims",
    "join_archived",
    "live_name",
    "merge_parts",
    "missing_rows",
    "open_file",
    "open_ragged",
    "part_times",
    "pixel_maps",
    "read_archived",
    "read_settings",
    "what_lacks",
    "whole_of",
    "writer_of",
    "zero_filled",
]

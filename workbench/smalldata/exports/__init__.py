"""Small data for other programs: NetCDF, NeXus, TIFF and text files, whole or not at all."""

from workbench.smalldata.exports.columns import Axis, Column, Export
from workbench.smalldata.exports.hdf5_packing import pack_hdf5
from workbench.smalldata.exports.netcdf import write_netcdf
from workbench.smalldata.exports.nexus import write_nexus
from workbench.smalldata.exports.tables import write_tables
from workbench.smalldata.exports.tiff_packing import pack_tiffs
from workbench.smalldata.exports.tiff_reading import DamagedTiffError, opened_tiff
from workbench.smalldata.exports.tiffs import (
    QuotaRefusedError,
    TiffForecast,
    TiffResult,
    forecast_tiffs,
    holds_pictures,
    write_tiffs,
)

__all__ = [
    "Axis",
    "Column",
    "DamagedTiffError",
    "Export",
    "QuotaRefusedError",
    "TiffForecast",
    "TiffResult",
    "forecast_tiffs",
    "holds_pictures",
    "opened_tiff",
    "pack_hdf5",
    "pack_tiffs",
    "write_netcdf",
    "write_nexus",
    "write_tables",
    "write_tiffs",
]

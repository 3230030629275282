"""Small data for other programs: NetCDF and NeXus files, written in blocks, whole or not at all."""

from workbench.smalldata.exports.columns import Axis, Column, Export
from workbench.smalldata.exports.netcdf import write_netcdf
from workbench.smalldata.exports.nexus import write_nexus

__all__ = ["Axis", "Column", "Export", "write_netcdf", "write_nexus"]

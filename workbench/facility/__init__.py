"""Facts of the facility as data: hutches, their detectors and event codes, field roles, folders."""

from workbench.facility.folders import (
    SmallDataCandidate,
    experiment_folders,
    runs_in,
    small_data_files,
    small_data_folder,
    small_data_in,
)
from workbench.facility.hutches import DetectorFact, Hutch, StatusRule, hutch, hutch_name
from workbench.facility.meanings import FieldFact, epics_fact
from workbench.facility.roles import ROLES, RoleField, role_names, roles

__all__ = [
    "ROLES",
    "DetectorFact",
    "FieldFact",
    "Hutch",
    "RoleField",
    "SmallDataCandidate",
    "StatusRule",
    "epics_fact",
    "experiment_folders",
    "hutch",
    "hutch_name",
    "role_names",
    "roles",
    "runs_in",
    "small_data_files",
    "small_data_folder",
    "small_data_in",
]

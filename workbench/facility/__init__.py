"""Facts of the facility as data: hutches, their detectors and event codes, field roles, folders."""

from workbench.facility.folders import (
    SmallDataCandidate,
    experiment_folders,
    run_of_name,
    runs_in,
    small_data_files,
    small_data_folder,
    small_data_in,
    small_data_places,
)
from workbench.facility.hutches import DetectorFact, Hutch, StatusRule, hutch, hutch_name
from workbench.facility.links import Link, LinkState, make_links, plan_links
from workbench.facility.meanings import FieldFact, epics_fact
from workbench.facility.quota import (
    Quota,
    QuotaState,
    Usage,
    count_usage,
    results_limits,
    results_quota,
    size_text,
)
from workbench.facility.roles import ROLES, RoleField, role_names, roles
from workbench.facility.sites import (
    LOCAL,
    SITE_KEYS,
    ExperimentPlaces,
    Site,
    all_sites,
    find_experiment,
    known_experiments,
    looked_at,
    sites_of_key,
)

__all__ = [
    "LOCAL",
    "ROLES",
    "SITE_KEYS",
    "DetectorFact",
    "ExperimentPlaces",
    "FieldFact",
    "Hutch",
    "Link",
    "LinkState",
    "Quota",
    "QuotaState",
    "RoleField",
    "Site",
    "SmallDataCandidate",
    "StatusRule",
    "Usage",
    "all_sites",
    "count_usage",
    "epics_fact",
    "experiment_folders",
    "find_experiment",
    "hutch",
    "hutch_name",
    "known_experiments",
    "looked_at",
    "make_links",
    "plan_links",
    "results_limits",
    "results_quota",
    "role_names",
    "roles",
    "run_of_name",
    "runs_in",
    "sites_of_key",
    "size_text",
    "small_data_files",
    "small_data_folder",
    "small_data_in",
    "small_data_places",
]

"""Sites: which trees hold an experiment, and where results, small data and scratch lie in each."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbench.core.errors import InputError, UnknownNameError, WorkbenchError
from workbench.facility.facts import checked, known_names, read_facts
from workbench.facility.hutches import hutch_name

DATA_ROOT = "WORKBENCH_DATA_ROOT"
SITE_ROOT = "WORKBENCH_SITE_ROOT"
ARCHIVER = "WORKBENCH_ARCHIVER"
LOCAL = "local"
FFB = "ffb"
SITE_KEYS = ("s3df", FFB, "psdm", LOCAL)


class NoAccessError(WorkbenchError, PermissionError):
    """An experiment's folder that the user may not look into."""


@dataclass(frozen=True)
class Site:
    """One tree of experiment folders.

    Parameters
    ----------
    key
        What ``--site`` takes: "s3df", "ffb", "psdm" or "local".
    name
        As people call it; the folder itself for a local tree.
    folder
        Pattern of an experiment's folder, with ``{hutch}`` and ``{experiment}``.
    small_data
        Where productions on this site are written, inside that folder.
    results
        Pattern of the results folder.
    """

    key: str
    name: str
    folder: str
    small_data: str
    results: str

    def at(self, experiment: str) -> "ExperimentPlaces":
        """Return the folders of an experiment on this site, whether or not they exist."""
        hutch = hutch_name(experiment)
        folder = Path(self.folder.format(hutch=hutch, experiment=experiment))
        results = Path(self.results.format(hutch=hutch, experiment=experiment))
        return ExperimentPlaces(experiment, self, folder, results)

    def hutch_folder(self, hutch: str) -> Path:
        """Return the folder that holds all experiments of a hutch."""
        return Path(self.folder.format(hutch=hutch, experiment="x")).parent


@dataclass(frozen=True)
class ExperimentPlaces:
    """The folders of one experiment on one site.

    Parameters
    ----------
    experiment, site
        Whose, and where.
    folder
        The experiment's folder.
    results
        Its results folder: backed up, of limited size, the same for a site and its FFB.
    """

    experiment: str
    site: Site
    folder: Path
    results: Path

    @property
    def hutch(self) -> str:
        """Lower-case name of the hutch."""
        return hutch_name(self.experiment)

    @property
    def small_data(self) -> Path:
        """Where productions on this site are written."""
        return self.folder / self.site.small_data

    @property
    def scratch(self) -> Path:
        """Where large and many files may be put: no quota, no backup."""
        return self.folder / "scratch"

    @property
    def summaries(self) -> Path:
        """Where the eLog finds pages of runs, in a folder for each kind of page."""
        return self.results.parent / "stats" / "summary"

    @property
    def raw(self) -> Path:
        """Where the DAQ's files lie."""
        return self.folder / "xtc"


def all_sites() -> tuple[Site, ...]:
    """Return the facility's sites, best first; below WORKBENCH_SITE_ROOT where that is set."""
    root = os.environ.get(SITE_ROOT)
    return tuple(_below(root, site) for site in _facility()) if root else _facility()


def local_site(root: Path) -> Site:
    """Return a tree of one's own: ``root/<hutch>/<experiment>``."""
    folder = f"{_literal(str(root))}/{{hutch}}/{{experiment}}"
    return Site(LOCAL, str(root), folder, "hdf5/smalldata", f"{folder}/results")


def looked_at(root: Path | None = None) -> tuple[Site, ...]:
    """Return the sites that experiments are looked for in.

    With `root`, or the environment variable WORKBENCH_DATA_ROOT, that local tree only.
    """
    given = root or os.environ.get(DATA_ROOT)
    return (local_site(Path(given)),) if given else all_sites()


def sites_of_key(key: str, root: Path | None = None) -> tuple[Site, ...]:
    """Return the sites that ``--site`` means; empty text: those looked at.

    A local tree is `root`, WORKBENCH_DATA_ROOT, or else the current folder.

    Raises
    ------
    UnknownNameError
        For a site that LCLS does not have.
    InputError
        For a root folder with any site but the local one.
    """
    if not key:
        return looked_at(root)
    if key not in SITE_KEYS:
        raise UnknownNameError("site", key, SITE_KEYS, "what the workbench knows of LCLS")
    if key == LOCAL:
        return (local_site(Path(root or os.environ.get(DATA_ROOT) or "").absolute()),)
    if root:
        raise InputError(f"a root folder is for the site local, not for {key}; leave one away")
    return tuple(site for site in all_sites() if site.key == key)


def find_experiment(experiment: str, key: str = "", root: Path | None = None) -> ExperimentPlaces:
    """Return where an experiment is: the first site, of those asked, that has its folder.

    Raises `UnknownNameError` with names that resemble it where none has, `NoAccessError` where the
    user may not look into it.
    """
    sites = sites_of_key(key, root)
    try:
        found = [site.at(experiment) for site in sites]
    except UnknownNameError:  # no such hutch: a slip in the first letters, or another facility's
        names = known_experiments(sites)
        if not names:
            raise
        raise UnknownNameError("experiment", experiment, names, _text(sites)) from None
    for place in found:
        if place.folder.is_dir():
            _check_access(place.folder)
            return place
    names = known_experiments(sites, hutch_name(experiment))
    nowhere = f"none of them is here; set {DATA_ROOT} to a folder with HUTCH/EXPERIMENT"
    raise UnknownNameError("experiment", experiment, names, _text(sites), "" if names else nowhere)


def known_experiments(sites: tuple[Site, ...], hutch: str = "") -> list[str]:
    """Return the names of the experiments that have a folder there, of one hutch or of all."""
    hutches = (hutch,) if hutch else known_names("hutches")
    folders = {site.hutch_folder(one) for site in sites for one in hutches}
    listable = [folder for folder in folders if os.access(folder, os.R_OK | os.X_OK)]
    return sorted({path.name for folder in listable for path in folder.iterdir()})


def archiver_address(folder: Path) -> str:
    """Return the address of the archiver of slow values for data in a folder; empty for none.

    That in the environment variable WORKBENCH_ARCHIVER; else, for a folder in the tree of a site,
    the facility's.
    """
    given = os.environ.get(ARCHIVER)
    if given is not None:
        return given
    trees = (Path(site.folder.partition("{")[0]) for site in _facility())
    if any(folder.is_relative_to(tree) for tree in trees):
        return str(read_facts("", "sites")["archiver"]["address"])
    return ""


def _check_access(folder: Path) -> None:
    if not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
        raise NoAccessError(
            f"you may not look into {folder}: ask the experiment's spokesperson to add you to its "
            "group, then log in again"
        )


def _text(sites: tuple[Site, ...]) -> str:
    return ", ".join(site.name for site in sites)


@cache
def _facility() -> tuple[Site, ...]:
    return tuple(_site(entry) for entry in read_facts("", "sites")["site"])


def _site(entry: dict[str, str]) -> Site:
    needed = ("key", "name", "folder", "small_data")
    facts = checked(entry, "sites.toml, site", (*needed, "results"), needed)
    return Site(**{"results": facts["folder"] + "/results", **facts})


def _below(root: str, site: Site) -> Site:
    below = f"{_literal(root.rstrip('/'))}"
    return Site(site.key, site.name, below + site.folder, site.small_data, below + site.results)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")

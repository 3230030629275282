"""All datasets of a file with what is known of each, found in few requests and without values."""

from dataclasses import dataclass
from pathlib import Path

import h5py
from h5py import h5d, h5g, h5l, h5o

from workbench.smalldata.blocks import BlockFile
from workbench.smalldata.facts import Facts
from workbench.smalldata.fields import facts_of
from workbench.smalldata.layout import OWN_GROUPS
from workbench.smalldata.old_groups import fetch_groups
from workbench.smalldata.opening import open_ahead
from workbench.smalldata.virtual import part_names


@dataclass(frozen=True)
class Listing:
    """What a file holds.

    Parameters
    ----------
    facts
        What the file says of each dataset, sorted by name, without the file's own records.
    parts
        Part files that hold values of any of them, as the file names them.
    """

    facts: tuple[Facts, ...]
    parts: frozenset[str] = frozenset()


def list_file(path: Path) -> Listing:
    """Look at every dataset of a file through its own opening, ahead of HDF5's requests."""
    with open_ahead(path) as (h5, file):
        return list_datasets(h5, file)


def list_datasets(h5: h5py.File, file: BlockFile | None = None) -> Listing:
    """Look at every dataset of an open file.

    Parameters
    ----------
    file
        What HDF5 reads through, to be told what is looked at next.
    """
    facts: list[Facts] = []
    parts: set[str] = set()
    for name, dataset in sorted(_datasets(h5, file).items()):
        properties = dataset.get_create_plist()
        facts.append(facts_of(name, dataset, properties))
        parts |= part_names(properties)
    return Listing(tuple(facts), frozenset(parts))


def _datasets(h5: h5py.File, file: BlockFile | None) -> dict[str, h5d.DatasetID]:
    """Walk level by level, so that a whole level can be fetched together; each object once."""
    found: dict[str, h5d.DatasetID] = {}
    seen: set[int] = set()
    level: list[tuple[str, h5g.GroupID]] = [("", h5.id)]
    while level:
        links = [(at, group, *link) for at, group in level for link in _links(group)]
        if file is not None:
            file.fetch(address for *_, address in links)
        level, groups = [], []
        for at, group, link, address in links:
            name = at + link.decode("utf-8", "replace")
            if name in OWN_GROUPS or address in seen:
                continue
            seen.add(address)
            item = h5o.open(group, link)
            if isinstance(item, h5d.DatasetID):
                found[name] = item
            elif isinstance(item, h5g.GroupID):
                level.append((f"{name}/", item))
                groups.append(address)
        if file is not None:
            fetch_groups(file, groups)
    return found


def _links(group: h5g.GroupID) -> list[tuple[bytes, int]]:
    links: list[tuple[bytes, int]] = []

    def note(name: bytes, info: h5l.LinkInfo) -> None:
        if info.type == h5l.TYPE_HARD:
            links.append((name, info.u))

    group.links.iterate(note, info=True)
    return links

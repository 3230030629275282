"""What a fault is: a way to spoil a clean made-up file, with what a check must say of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.core.arrays import Ints
from workbench.smalldata.editing import Editor, edit_file
from workbench.synthetic.station import Station, station

UNVERIFIED = "unverified"


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Injected:
    """What was spoilt.

    Parameters
    ----------
    field
        Dataset or group that a finding must name; empty where it is about the file.
    count
        Number that the finding must report; None where it depends on how the check counts.
    paths
        Files to check together: the spoilt one first.
    release
        Ends what keeps the fault alive, such as a process that holds the file.
    """

    field: str
    count: int | None
    paths: tuple[Path, ...]
    release: Callable[[], None] = nothing

    def __enter__(self) -> "Injected":
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


Inject = Callable[[Path, np.random.Generator], Injected]
Place = Callable[[Station, str], bool]  # of a station and a style


def everywhere(place: Station, style: str) -> bool:
    """Tell that a fault can happen to any file."""
    del place, style
    return True


@dataclass(frozen=True)
class Fault:
    """One way in which a file can mislead.

    Parameters
    ----------
    name
        Kebab-case name.
    code
        Of the finding that the check must give where the file holds a second source to tell by.
    inject
        Spoils a clean file on disk: (path, random numbers) -> what was spoilt.
    where
        To which files it can happen.
    told
        Whether the file holds the second source; elsewhere the check must say "unverified".
    needs
        Values of `PumpProbe` with which the clean file must be made.
    """

    name: str
    code: str
    inject: Inject
    where: Place = everywhere
    told: Place = everywhere
    needs: Mapping[str, object] = field(default_factory=dict)

    def applies(self, hutch: str, generation: str, style: str) -> bool:
        """Tell whether the fault can happen to files of this hutch, generation and style."""
        return self.where(station(hutch, generation), style)

    def expected(self, hutch: str, generation: str, style: str) -> str:
        """Return the code that the check must give for such a file."""
        place = station(hutch, generation)
        return self.code if self.told(place, style) else UNVERIFIED


def station_of(path: Path) -> Station:
    """Return the station of a made-up file, by its name and its time stamps."""
    with edit_file(path) as file:
        generation = "lcls1" if file.time_name == "event_time" else "lcls2"
    return station(path.name, generation)


def group_of(name: str) -> str:
    """Return the group of a dataset."""
    return name.partition("/")[0]


def members(file: Editor, group: str) -> list[str]:
    """Return the datasets with a row per event in a group."""
    return [name for name in file.events if name.startswith(f"{group}/")]


def flags(file: Editor, beam: str) -> Ints:
    """Return where a beam is on (1) or off (0), from lightStatus or the event codes."""
    name = f"lightStatus/{beam}"
    if name in file:
        return file.read(name).astype(np.int64)
    codes = file.read("timing/eventcodes")
    return (codes[:, 137] if beam == "xray" else 1 - codes[:, 89]).astype(np.int64)


def some(rng: np.random.Generator, events: int, number: int) -> Ints:
    """Return `number` different rows, sorted."""
    chosen: Ints = np.sort(rng.choice(events, min(number, events), replace=False))
    return chosen

"""Faults of single datasets: gaps, sentinels, wrong lengths, detectors that are not there."""

from pathlib import Path

import numpy as np

from workbench.smalldata.editing import edit_file
from workbench.synthetic.dialect import MISSING_INTEGER
from workbench.synthetic.faults.base import Fault, Injected, group_of, members, some, station_of
from workbench.synthetic.station import Station

SPOILT = 40  # events
LATE = 60  # events before a detector appears
BLIND = 25  # events without known beam state


def detector_gone(path: Path, rng: np.random.Generator) -> Injected:
    """Remove every value of the first monitor; its settings and its damage flag stay."""
    del rng
    group = group_of(station_of(path).monitor("upstream"))
    with edit_file(path) as file:
        file.remove(group)
        return Injected(group, file.n_events, (path,))


def sentinel(path: Path, rng: np.random.Generator) -> Injected:
    """Write -99999 into some events of the first monitor."""
    return _spoil(path, rng, float(MISSING_INTEGER))


def not_a_number(path: Path, rng: np.random.Generator) -> Injected:
    """Write NaN into some events of the first monitor."""
    return _spoil(path, rng, np.nan)


def wrapped(path: Path, rng: np.random.Generator) -> Injected:
    """Store the number of droplets in 16 bits without sign, where -99999 becomes 31073."""
    name = f"{station_of(path).spot}/droplet_nDroplets"
    with edit_file(path) as file:
        values = file.read(name)
        values[some(rng, file.n_events, SPOILT)] = MISSING_INTEGER
        file.write(name, values.astype(np.uint16))
    return Injected(name, int((values == MISSING_INTEGER).sum()), (path,))


def entry_lost(path: Path, rng: np.random.Generator) -> Injected:
    """Drop the last entry of one field of the droplets."""
    del rng
    name = f"{station_of(path).spot}/var_droplet_sparse/data"
    with edit_file(path) as file:
        file.write(name, file.read(name)[:-1])
    return Injected(name, 1, (path,))


def never_there(path: Path, rng: np.random.Generator) -> Injected:
    """Write NaN into every event of the second monitor's reading."""
    del rng
    name = station_of(path).monitor("downstream")
    with edit_file(path) as file:
        file.write(name, np.full(file.n_events, np.nan))
        return Injected(name, file.n_events, (path,))


def constant(path: Path, rng: np.random.Generator) -> Injected:
    """Write the same number into every event of the first monitor."""
    del rng
    name = station_of(path).monitor("upstream")
    with edit_file(path) as file:
        file.write(name, np.full(file.n_events, np.nanmean(file.read(name))))
        return Injected(name, file.n_events, (path,))


def late(path: Path, rng: np.random.Generator) -> Injected:
    """Let the second monitor appear late: 0 before, as the facility's writer fills the time."""
    del rng
    group = group_of(station_of(path).monitor("downstream"))
    with edit_file(path) as file:
        for name in members(file, group):
            values = file.read(name)
            values[:LATE] = 0
            file.write(name, values)
        there = file.read(f"damage/{group}")
        there[:LATE] = 0
        file.write(f"damage/{group}", there)
    return Injected(group, LATE, (path,))


def other_name(path: Path, rng: np.random.Generator) -> Injected:
    """Call the first monitor by another name, everywhere in the file."""
    del rng
    group = group_of(station_of(path).monitor("upstream"))
    new = f"{group}_new"
    with edit_file(path) as file:
        fields = len(members(file, group))
        file.rename(group, new)
        file.rename(f"UserDataCfg/{group}", f"UserDataCfg/{new}")
        file.rename(f"damage/{group}", f"damage/{new}")
    return Injected(new, fields, (path,))


def unknown_beam(path: Path, rng: np.random.Generator) -> Injected:
    """Write -1, not known, into the X-ray flag of some events."""
    with edit_file(path) as file:
        values = file.read("lightStatus/xray")
        values[some(rng, file.n_events, BLIND)] = -1
        file.write("lightStatus/xray", values)
    return Injected("lightStatus/xray", BLIND, (path,))


def _spoil(path: Path, rng: np.random.Generator, mark: float) -> Injected:
    name = station_of(path).monitor("upstream")
    with edit_file(path) as file:
        values = file.read(name)
        values[some(rng, file.n_events, SPOILT)] = mark
        file.write(name, values)
        return Injected(name, _missing(values), (path,))


def _missing(values: np.ndarray) -> int:
    return int((np.isnan(values) | (values == MISSING_INTEGER)).sum())


def _has_status(place: Station, style: str) -> bool:
    return place.facility_status or style != "facility"


def _back_fills(place: Station, style: str) -> bool:
    return place.generation == "lcls2" and style == "facility"


VALUE_FAULTS = (
    Fault("missing-detector", "detector-missing", detector_gone),
    Fault("sentinel", "missing-values", sentinel),
    Fault("nan", "missing-values", not_a_number),
    Fault("wrapped-sentinel", "wrapped-sentinel", wrapped),
    Fault("ragged-lengths", "ragged-lengths", entry_lost),
    Fault("dead-detector", "all-missing", never_there),
    Fault("constant-monitor", "constant", constant),
    Fault("late-detector", "leading-zeros", late, _back_fills),
    Fault("renamed-detector", "renamed-detector", other_name),
    Fault("unknown-beam", "beam-state-unknown", unknown_beam, _has_status),
)

"""Faults that leave a file whole and its numbers plausible: wrong units, channels, shots, levels.

Each changes only what it says; everything else in the file stays consistent with the truth.
"""

from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools, Ints
from workbench.smalldata.editing import Editor, edit_file
from workbench.synthetic.dialect import MISSING_INTEGER
from workbench.synthetic.faults.base import (
    Fault,
    Injected,
    flags,
    members,
    station_of,
)
from workbench.synthetic.shots import TT_SLOPE
from workbench.synthetic.station import Station

LEVEL = 0.2  # of the mean signal: a dark level that is not subtracted
SHUT = 400  # events behind a closed shutter
STUCK = 500  # events
JUMP = 2.0  # ps
SMALL_JUMP = 0.5  # ps
SATURATED = 0.85  # quantile of the brightest pixels at which the detector saturates
WHOLE: dict[str, object] = {"missing": 0.0}  # a shot that one monitor lacks cannot be judged by two
WINDOW: dict[str, object] = {"scan": "lxt", "delay_first": -0.8, "delay_last": 0.8}


def picoseconds(path: Path, rng: np.random.Generator) -> Injected:
    """Write the scanned delay in ps where seconds are due."""
    del rng
    _scale(path, "scan/lxt_ttc", 1e12)
    return Injected("scan/lxt_ttc", 1, (path,))


def seconds(path: Path, rng: np.random.Generator) -> Injected:
    """Write the encoder of the delay stage in seconds where ps are due."""
    del rng
    _scale(path, "enc/lasDelay", 1e-12)
    return Injected("enc/lasDelay", 1, (path,))


def added_twice(path: Path, rng: np.random.Generator) -> Injected:
    """Write the scanned delay with the same move added a second time."""
    del rng
    count = _scale(path, "scan/lxt_ttc", 2.0)
    return Injected("scan/lxt_ttc", count, (path,))


def other_sign(path: Path, rng: np.random.Generator) -> Injected:
    """Turn the sign of the time tool's correction."""
    del rng
    with edit_file(path) as file:
        for name in _corrections(file):
            file.write(name, -file.read(name))
        return Injected(_corrections(file)[0], None, (path,))


def correction_zero(path: Path, rng: np.random.Generator) -> Injected:
    """Write 0 as the time tool's correction in every event."""
    del rng
    with edit_file(path) as file:
        for name in _corrections(file):
            file.write(name, np.zeros(file.n_events))
    return Injected("jitter", 1, (path,))


def not_calibrated(path: Path, rng: np.random.Generator) -> Injected:
    """Write the edge's position in pixels as the correction in ps."""
    del rng
    with edit_file(path) as file:
        position = "tt/FLTPOS" if "tt/FLTPOS" in file else "tt/fltpos"
        for name in _corrections(file):
            file.write(name, file.read(position))
    return Injected("jitter", 1, (path,))


def lock_jump(path: Path, rng: np.random.Generator) -> Injected:
    """Let the laser's lock jump by 2 ps in mid-run: the edge leaves the time tool's window."""
    return _jump(path, rng, JUMP)


def small_lock_jump(path: Path, rng: np.random.Generator) -> Injected:
    """Let the laser's lock jump by 0.5 ps in mid-run: the edge moves within the window."""
    return _jump(path, rng, SMALL_JUMP)


def monitors_swapped(path: Path, rng: np.random.Generator) -> Injected:
    """Exchange the readings of the two monitors, but not those of their diodes."""
    del rng
    place = station_of(path)
    return _exchange(path, place.monitor("upstream"), place.monitor("downstream"))


def flags_swapped(path: Path, rng: np.random.Generator) -> Injected:
    """Exchange the flags of X-rays and laser."""
    del rng
    return _exchange(path, "lightStatus/xray", "lightStatus/laser")


def late_by_one(path: Path, rng: np.random.Generator) -> Injected:
    """Store every value of the spot camera one event late."""
    del rng
    spot = station_of(path).spot
    with edit_file(path) as file:
        order = file.time_order
        rows = np.empty_like(order)
        rows[order] = np.concatenate([order[:1], order[:-1]])
        file.keep_rows(rows, [*members(file, spot), f"damage/{spot}"])
    return Injected(f"{spot}/signal_sum", None, (path,))


def stale_pedestal(path: Path, rng: np.random.Generator) -> Injected:
    """Raise the dark level of the signal region in every event."""
    del rng
    return _raise_level(path, 0.0)


def dark_drift(path: Path, rng: np.random.Generator) -> Injected:
    """Raise the dark level of the signal region in the second half of the run."""
    del rng
    return _raise_level(path, 0.5)


def closed_shutter(path: Path, rng: np.random.Generator) -> Injected:
    """Keep the X-rays off sample and monitors in a block of shots whose flags say on."""
    place = station_of(path)
    behind = [det.group for det in place.detectors if det.follows in {*_AT_SAMPLE}]
    with edit_file(path) as file:
        order, lit = file.time_order, flags(file, "xray") == 1
        block = order[file.n_events // 3 : file.n_events // 3 + SHUT]
        shut = block[lit[block]]
        for group in (*behind, place.spot, place.rings):
            _darken(file, group, shut, ~lit, rng)
    return Injected("lightStatus/xray", len(shut), (path,))


def encoder_stuck(path: Path, rng: np.random.Generator) -> Injected:
    """Repeat one number of the delay stage's encoder for a stretch of the run."""
    del rng
    with edit_file(path) as file:
        values, order = file.read("enc/lasDelay"), file.time_order
        start = file.n_events // 3
        start += int(np.argmax(np.isfinite(values[order[start:]])))
        stretch = order[start : start + STUCK]
        known = stretch[np.isfinite(values[stretch])]
        values[known] = values[order[start]]
        file.write("enc/lasDelay", values)
    return Injected("enc/lasDelay", len(known), (path,))


def saturated(path: Path, rng: np.random.Generator) -> Injected:
    """Hold the pixels of the spot at the top of their range."""
    del rng
    region = f"{station_of(path).spot}/peak"
    with edit_file(path) as file:
        pixels = file.read(f"{region}_area")
        brightest = file.read(f"{region}_max")
        top = np.float32(np.nanquantile(brightest, SATURATED))
        file.write(f"{region}_area", np.minimum(pixels, top))
        file.write(f"{region}_max", np.minimum(brightest, top))
        total = np.minimum(pixels, top).sum(axis=(1, 2), dtype=np.float64)
        file.write(f"{region}_sum", total)
    return Injected(f"{region}_max", int((brightest >= top).sum()), (path,))


_AT_SAMPLE = ("upstream", "downstream", "sample")


def _scale(path: Path, name: str, factor: float) -> int:
    """Multiply a dataset, and return how many events have a value."""
    with edit_file(path) as file:
        values = file.read(name)
        file.write(name, values * factor)
    return int(np.isfinite(values).sum())


def _corrections(file: Editor) -> list[str]:
    """Return the datasets with the time tool's correction in ps, the preferred one first."""
    return [name for name in ("tt/ttCorr", "tt/FLTPOS_PS", "tt/fltpos_ps") if name in file]


def _jump(path: Path, rng: np.random.Generator, jump: float) -> Injected:
    del rng
    lower = {"tt/FLTPOS": "tt/FLTPOSFWHM", "tt/fltpos": "tt/fltposfwhm"}
    with edit_file(path) as file:
        position = next(name for name in lower if name in file)
        after = file.time_order[file.n_events // 2 :]
        edge = file.read(position)
        moved = np.where(edge[after] == 0, 0.0, edge[after] + jump / TT_SLOPE)
        gone = (moved >= 1024) | (edge[after] == 0)
        edge[after] = np.where(gone, 0.0, moved)
        file.write(position, edge)
        for name in [*_corrections(file), lower[position]]:
            values = file.read(name)
            step = 0.0 if name == lower[position] else jump
            values[after] = np.where(gone, 0.0, values[after] + step)
            file.write(name, values)
        return Injected(_corrections(file)[0], None, (path,))


def _exchange(path: Path, first: str, second: str) -> Injected:
    with edit_file(path) as file:
        one, other = file.read(first), file.read(second)
        file.write(first, other)
        file.write(second, one)
    return Injected(first, None, (path,))


def _raise_level(path: Path, begin: float) -> Injected:
    name = f"{station_of(path).spot}/signal_sum"
    with edit_file(path) as file:
        values = file.read(name)
        mean = name.replace("_sum", "_mean")
        level = LEVEL * float(np.nanmean(values))
        late = file.time_order[int(begin * file.n_events) :]
        raised = values.copy()
        raised[late] += level
        file.write(name, raised)
        file.write(mean, file.read(mean) * raised / values)
        dark = (flags(file, "xray") == 0) & np.isfinite(values)
    return Injected(name, int(dark.sum()), (path,))


def _darken(file: Editor, group: str, shut: Ints, dark: Bools, rng: np.random.Generator) -> None:
    """Let a detector read in the shut events what it read in dropped shots that it was there in."""
    names = members(file, group)
    reading = next(name for name in names if name.endswith(("_sum", "/sum", "Joules")))
    there = _present(file.read(reading))
    donors, takers = np.flatnonzero(dark & there), shut[there[shut]]
    rows = np.arange(file.n_events)
    if len(donors):
        rows[takers] = rng.choice(donors, len(takers))
    file.keep_rows(rows, names)


def _present(values: Array) -> Bools:
    return np.asarray(np.isfinite(values) & (values != MISSING_INTEGER))


def _flagged(place: Station, style: str) -> bool:
    return place.facility_status or style != "facility"


def _fast_stage(place: Station, style: str) -> bool:
    del style
    return bool(place.stage)


def _second_delay(place: Station, style: str) -> bool:
    """Tell whether a slow value repeats the scanned delay."""
    del style
    return place.generation == "lcls2" or "lxt_ttc" in place.epics


PHYSICS_FAULTS = (
    Fault("ps-as-seconds", "delay-unit", picoseconds),
    Fault("seconds-as-ps", "delay-unit", seconds, _fast_stage, needs={"scan": "fast"}),
    Fault("double-counted", "delay-double-counted", added_twice, told=_second_delay),
    Fault("flipped-sign", "time-tool-slope", other_sign, needs=WINDOW),
    Fault("time-tool-zero", "time-tool-zero", correction_zero),
    Fault("time-tool-uncalibrated", "time-tool-uncalibrated", not_calibrated),
    Fault("lock-jump", "time-tool-jump", lock_jump),
    Fault("small-lock-jump", "time-tool-jump", small_lock_jump),
    Fault("swapped-monitors", "channels-swapped", monitors_swapped),
    Fault("swapped-flags", "channels-swapped", flags_swapped, _flagged),
    Fault("shot-lag", "shot-lag", late_by_one),
    Fault("stale-pedestal", "stale-pedestal", stale_pedestal),
    Fault("dark-drift", "dark-drift", dark_drift),
    Fault("closed-shutter", "flags-contradict", closed_shutter, needs=WHOLE),
    Fault("encoder-stuck", "encoder-stuck", encoder_stuck, _fast_stage, needs={"scan": "fast"}),
    Fault("saturated", "saturated", saturated),
)

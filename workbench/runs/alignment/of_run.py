"""Each check of alignment and drift, applied to one run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.errors import WorkbenchError
from workbench.facility import hutch
from workbench.runs.alignment.darks import DarkLevel, dark_level
from workbench.runs.alignment.flags import LASER, XRAY, Contradiction, compare, see_light
from workbench.runs.alignment.lags import Lag, shot_lag
from workbench.runs.alignment.saturation import (
    Saturation,
    gain_fractions,
    over_limit,
    piled_up,
    pixels_counted,
)
from workbench.runs.alignment.swaps import Monitor, Swap, compare_flags, compare_monitors
from workbench.runs.alignment.time_tool import Segment, Track, along, follow, segments
from workbench.runs.alignment.timeline import Timeline

if TYPE_CHECKING:
    from workbench.runs.run import Run

MOST_CHANNELS = 12  # regions or monitors looked at; more say the same again
MOST_FRAMES = 200  # dark frames read of a region kept as pixels
FRONT_END = ("gas_detector", "gasdet", "Em3l0BmMon", "ipm_hx2")  # upstream of the hutch's shutters
DIODES = ("peakAmplitude", "peaks", "channels")
GAIN_BITS = {"jungfrau": 14, "epix10k": 14}  # lowest bit of the gain range in a raw pixel
SURE_OF_PIXELS = ("over the limit", "pixels counted")
LIMITS = ("saturation", "Nsat", "nsat")  # parameters of a region that say where its pixels saturate


def find_lags(line: Timeline) -> list[Lag]:
    """Compare monitors, regions and flags with I0, and the laser flag with the laser's light."""
    found: list[Lag] = []
    reference = _reference(line)
    if reference:
        values = line.values(reference)
        others = [name for name in line.monitors if name != reference][:MOST_CHANNELS]
        followers = (*others, *line.region_sums[:MOST_CHANNELS])
        found += [shot_lag(values, line.values(n), names=(reference, n)) for n in followers]
        found.append(shot_lag(values, _known(line.xray), names=(reference, XRAY), signed=True))
    return [*found, *_laser_lag(line)]


def find_darks(line: Timeline) -> list[DarkLevel]:
    """Judge every region of an area detector, tile by tile, on shots without X-rays."""
    dark, lit = np.asarray(line.xray == 0), np.asarray(line.xray == 1)
    found: list[DarkLevel | None] = [
        dark_level(name, line.values(name), dark, lit) for name in line.region_sums[:MOST_CHANNELS]
    ]
    for name in _tiled(line.run)[:MOST_CHANNELS]:
        tiles = _tile_sums(line, name, dark)
        found += [dark_level(f"{name}[{k}]", tiles[:, k], dark, lit) for k in range(tiles.shape[1])]
    return [
        replace(each, unit=line.run[each.name.partition("[")[0]].unit or "")
        for each in found
        if each is not None
    ]


def find_saturation(line: Timeline) -> list[Saturation]:
    """Look at monitors, brightest pixels of regions, and counts of saturated pixels."""
    regions = sorted(n for n in line.run if n.endswith(("_max", "_nsat")) and line.holds(n))
    found = []
    for name in (*line.monitors[:MOST_CHANNELS], *regions):
        values, limit = line.values(name), _limit(line.run, name)
        if name.endswith("_nsat"):
            found.append(pixels_counted(name, values))
        else:
            top = piled_up(name, values) if limit is None else over_limit(name, values, limit)
            found.append(top)
    return found


def without_limit(line: Timeline, found: Sequence[Saturation]) -> list[str]:
    """Return area detectors of which nothing tells where their pixels saturate.

    Readings that pile up at one value would show it, but pedestals and gains of their own smear
    the tops of pixels out.
    """
    told = {one.name.split("/")[0] for one in found if one.how in SURE_OF_PIXELS}
    shown = (*line.region_sums, *(one.name for one in found if one.name.endswith("_max")))
    return sorted({name.split("/")[0] for name in shown} - told)


def unused_limits(line: Timeline, found: Sequence[Saturation]) -> list[str]:
    """Return names under ``[saturation]`` of ``experiment.toml`` that no reading belongs to."""
    read = {name for one in found for name in (one.name, one.name.split("/")[0])}
    return sorted(set(line.run.setup.saturation) - read)


def find_gain_ranges(line: Timeline) -> dict[str, dict[int, float]]:
    """Return for regions kept as raw pixels which part of the pixels is in each gain range."""
    found = {}
    for name in sorted(line.run):
        shift = next((bits for kind, bits in GAIN_BITS.items() if kind in name.lower()), 0)
        channel = line.run[name]
        raw = name.endswith("_area") and channel.per_event and channel.dtype == np.uint16
        if shift and raw and len(channel.shape) > 1:
            frames = channel.read_stored(rows=slice(None, None, max(1, len(line) // MOST_FRAMES)))
            found[name] = gain_fractions((frames >> shift).astype(np.float64).ravel())
    return found


def find_contradictions(line: Timeline) -> list[Contradiction]:
    """Compare the X-ray flag with the monitors, the laser flag with the laser's light."""
    monitors = [name for name in line.monitors if name.split("/")[0] not in FRONT_END]
    names = (monitors or line.monitors)[:MOST_CHANNELS]
    lights = [see_light(name, line.values(name), line.xray) for name in names]
    found = [compare(XRAY, line.xray, lights)]
    # The time tool sees an edge only where there are X-rays too.
    lit = np.asarray(line.xray == 1)
    seen = [(name, np.where(lit, line.values(name), np.nan)) for name in _laser_light(line)]
    laser = [see_light(name, values, line.laser) for name, values in seen]
    return [*found, compare(LASER, line.laser, laser)]


def find_swaps(line: Timeline) -> tuple[list[Swap], list[str]]:
    """Return exchanged channels, and the monitors of which the file cannot tell."""
    found: list[Swap] = []
    usual = {field.name: field.good for field in line.run.role_fields("i0")}
    monitors = [
        Monitor(name, line.values(name), _diodes(line, name), usual.get(name))
        for name in line.monitors[:MOST_CHANNELS]
    ]
    told: set[str] = set()
    for place, first in enumerate(monitors):
        for second in monitors[place + 1 :]:
            swap, could_tell = compare_monitors(first, second)
            told |= {first.name, second.name} if could_tell else set()
            found += [swap] if swap else []
    codes = by_event_codes(line.run)
    if codes is not None and _stored_flags(line.run):
        xray, laser = np.asarray(line.run.classes.xray), np.asarray(line.run.classes.laser)
        swap = compare_flags(xray, laser, codes)
        found += [swap] if swap else []
    return found, [each.name for each in monitors if each.name not in told]


def find_segments(line: Timeline) -> tuple[Track, tuple[Segment, ...]] | None:
    """Follow the time tool; None where the run has none that was calibrated."""
    try:
        position = line.run.role("jitter").read().astype(np.float64)[line.order]
    except WorkbenchError:
        return None
    both = np.asarray((line.xray == 1) & (line.laser == 1))
    if not both.any():
        both = np.asarray(line.xray != 0)
    track = follow(position - _moved(line, position), both)
    return track, segments(
        track, line.run.timestamps[line.order].astype(np.int64), line.role("event_id")
    )


def code_mismatches(line: Timeline) -> dict[str, Bools]:
    """Return for each stored flag where the event codes say otherwise, in time order."""
    codes = by_event_codes(line.run)
    if codes is None or not _stored_flags(line.run):
        return {}
    flags = {XRAY: line.xray, LASER: line.laser}
    return {
        name: np.asarray((stored >= 0) & (stored != told[line.order]))
        for (name, stored), told in zip(flags.items(), codes, strict=True)
    }


def by_event_codes(run: "Run") -> tuple[Array, Array] | None:
    """Return X-rays and laser by the hutch's rule, in file order; None where that is not known."""
    try:
        rule = hutch(run.experiment).status_rule(run.generation, run.run, run.experiment)
        if rule is None or not rule.xray or not rule.laser:
            return None
        return _lit(run, rule.xray), _lit(run, rule.laser)
    except WorkbenchError:  # no such hutch, or no event codes in the file
        return None


def _lit(run: "Run", codes: tuple[int, ...]) -> Array:
    lit = np.ones(run.n_events, dtype=np.bool_)
    for code in codes:
        present = run.code_present(abs(code))
        lit &= ~present if code > 0 else present
    return lit.astype(np.int64)


def _stored_flags(run: "Run") -> bool:
    return XRAY in run and LASER in run


def _reference(line: Timeline) -> str:
    try:
        name = line.run.role("i0").name
    except WorkbenchError:
        name = next(iter(line.monitors), "")
    return name if name and line.holds(name) else ""


def _laser_lag(line: Timeline) -> list[Lag]:
    """Compare the laser flag with the first channel that sees the laser and follows the flag."""
    flag = _known(line.laser)
    found = [
        shot_lag(line.values(light), flag, names=(light, LASER), signed=True)
        for light in _laser_light(line)
    ]
    return [lag for lag in found if lag.correlated][:1] or found[:1]


def _laser_light(line: Timeline) -> list[str]:
    """Return what sees the laser: a diode where the dictionary knows one, and the time tool."""
    return [name for role in ("laser_diode", "tt_amplitude") if (name := line.role(role))]


def _known(flags: Array) -> Floats:
    return np.where(flags >= 0, flags, np.nan).astype(np.float64)


def _diodes(line: Timeline, name: str) -> Floats | None:
    group = name.rpartition("/")[0]
    for leaf in DIODES:
        full = f"{group}/{leaf}"
        if full in line.run and len(line.run[full].shape) == 2 and full != name:
            rows = line.run[full].read().astype(np.float64)
            sums: Floats = rows.sum(axis=1)
            return sums[line.order]
    return None


def _moved(line: Timeline, position: Floats) -> Floats:
    """Return how far the time tool moves along with the nominal delay [ps], shape (event,).

    It should where its stage does not follow. Where it should not, `time_tool_slope` says so: here
    only what is left after the scan can be a jump.
    """
    try:
        nominal = line.run.delay(time_tool=False).read().astype(np.float64)[line.order]
    except WorkbenchError:
        return np.zeros(len(line))
    return along(position, nominal)


def _tiled(run: "Run") -> list[str]:
    """Return regions kept as pixels of several tiles, shape (event, tile, row, col)."""
    return sorted(
        name
        for name in run
        if name.endswith("_area") and run[name].per_event and len(run[name].shape) == 4
    )


def _tile_sums(line: Timeline, name: str, dark: Bools) -> Floats:
    """Return the sum of each tile on some dark and lit shots, NaN elsewhere, (event, tile)."""
    channel = line.run[name]
    sums = np.full(channel.shape[:2], np.nan)
    for wanted in (dark, ~dark):
        places = np.flatnonzero(wanted)
        for place in places[:: max(1, len(places) // MOST_FRAMES)].tolist():
            row = int(line.order[place])
            frame = channel.read(rows=slice(row, row + 1)).astype(np.float64)
            sums[place] = np.where(  # a dead pixel must not hide its tile
                np.isfinite(frame[0]).any(axis=(1, 2)), np.nansum(frame[0], axis=(1, 2)), np.nan
            )
    return sums


def _limit(run: "Run", name: str) -> float | None:
    """Return where a reading saturates, if the experiment says so or the producer wrote it down."""
    detector, _, leaf = name.partition("/")
    own = run.setup.saturation
    if name in own or detector in own:
        return own.get(name, own.get(detector))
    function = leaf.rpartition("_")[0]
    for parameter in LIMITS:
        for key in (f"{function}__{function}_{parameter}", parameter):
            full = f"UserDataCfg/{detector}/{key}"
            if full in run and run[full].dtype.kind in "iuf":
                value = run[full].read().ravel()
                return float(value[0]) if value.size == 1 else None
    return None

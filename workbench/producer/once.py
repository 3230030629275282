"""Values kept once a file: run sums, constants and the parameters of regions."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from workbench.core.constants import Constants
from workbench.producer.area_detector import AreaDetector
from workbench.producer.entries import PvEntry
from workbench.producer.frames import stored_constants
from workbench.producer.naming import LCLS1
from workbench.producer.plan import Job, Plan
from workbench.producer.run_sums import RunSums
from workbench.producer.variables import in_stream
from workbench.smalldata import OnceValue


def whole_constants(plan: Plan, job: Job) -> dict[str, Constants]:
    """Return all constants of the detectors as they are on file, positions of pixels included."""
    placed = stored_constants(job.constants, job.run, plan.constants, "xyz")
    return {
        name: replace(one, x=placed[name].x, y=placed[name].y, z=placed[name].z)
        for name, one in plan.constants.items()
    }


def settings(plan: Plan, job: Job, constants: Mapping[str, Constants]) -> dict[str, OnceValue]:
    """Return what is known before any event is read: constants, set-up, first slow values.

    `constants`: as `whole_constants` gives them.
    """
    values: dict[str, OnceValue] = {}
    for area in plan.areas:
        values |= _constants(area)
        values |= _positions(area, constants.get(area.name))
        values |= _set_up(area)
    if job.config.time_tool is not None:
        values |= job.config.time_tool.kept
    for column in plan.traces:
        values |= column.edge.kept(column.group)
    once = job.config.epics_once
    if job.naming == LCLS1 and not once:  # as LCLS-I keeps all where none are named
        once = tuple(PvEntry(name, name) for name in plan.raw.epics.names)
    for entry in once:
        name = in_stream(plan.raw, entry)
        if name:
            values[f"epicsOnce/{entry.alias.replace('/', '_')}"] = _first(plan, name)
    return values


def run_sums(
    plan: Plan, sums: Mapping[str, RunSums], counts: Mapping[str, Mapping[str, int]]
) -> dict[str, OnceValue]:
    """Return the run sums and how many events are in each."""
    values: dict[str, OnceValue] = {}
    for area in plan.areas:
        totals, counted = sums[area.name].finish(), counts.get(area.name, {})
        for entry in area.sums:
            output, name = entry.sum.output(area.spec), entry.sum.name
            total = totals[name]
            if entry.sum.image and area.layout is not None:
                total = area.layout.picture(total)
            values[f"Sums/{area.folder}_{name}"] = OnceValue(total, output.unit, output.long_name)
            values[f"UserDataCfg/{area.folder}/{name}__n_events"] = OnceValue(
                counted.get(f"summed_{name}", 0),
                "1",
                f"number of events in Sums/{area.folder}_{name}",
            )
    return values


def _constants(area: AreaDetector) -> dict[str, OnceValue]:
    calibration, folder = area.calibration, f"UserDataCfg/{area.folder}"
    pedestal, gain = calibration.pedestal, calibration.gain
    if calibration.table is not None:  # of all gain ranges, as today's producer keeps them
        pedestal, gain = calibration.table.pedestals, calibration.table.gains
    mask = calibration.good.astype(np.uint8)
    values = {f"{folder}/mask": OnceValue(mask, "1", "1 = use this pixel")}
    if calibration.calibrated:
        values[f"{folder}/ped"] = OnceValue(pedestal, "ADU", "mean dark value")
    if (common := calibration.common) is not None:
        unit = calibration.unit if calibration.table is not None else "ADU"
        text = "common mode taken off: 1 rows + 2 columns + 4 banks"
        values[f"{folder}/common_mode"] = OnceValue(common.bits, "1", text)
        values[f"{folder}/common_mode_cormax"] = OnceValue(common.limit, unit, "larger ones stay")
        text = "least number of pixels that a median comes from"
        values[f"{folder}/common_mode_npix_min"] = OnceValue(common.fewest, "1", text)
    if calibration.unit == "keV":
        values[f"{folder}/gain"] = OnceValue(gain, "ADU/keV", "signal of one keV")
    return values


def _positions(area: AreaDetector, constants: Constants | None) -> dict[str, OnceValue]:
    values: dict[str, OnceValue] = {}
    for axis in "xyz":
        position = getattr(constants, axis, None)
        if position is not None:
            text = f"{axis} of pixel centres in the laboratory frame"
            name = f"UserDataCfg/{area.folder}/{axis}"
            values[name] = OnceValue(position.astype(np.float32), "um", text)
    return values


def _set_up(area: AreaDetector) -> dict[str, OnceValue]:
    return {
        area.setting(task, name): OnceValue(kept.value, kept.unit, kept.long_name)
        for task in area.tasks
        for name, kept in task.reduction.settings(area.spec).items()
    }


def _first(plan: Plan, name: str) -> OnceValue:
    given, known = plan.raw.epics.read(name, plan.raw.timestamps)
    text = f"{name}, first value in the run"
    if not known.any():
        return OnceValue(np.nan, "", f"{text}: there is none")
    value = given[int(np.argmax(known))]
    return OnceValue(value if isinstance(value, str) else np.asarray(value), "", text)

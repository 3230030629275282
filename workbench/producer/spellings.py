"""Older and LCLS-I spellings of a config: read as today's where their meaning is sure, or named."""

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.core.findings import Severity
from workbench.producer.places import Places
from workbench.producer.report import Report

ROIS = "getROIs"
ROI_OF = "getROI_"  # and the name of the detector
LCLS1_NAMES = {
    "detnames", "ttCalib", "getAzIntParams", "getAzIntPyFAIParams", "getDetSums", "get_mectt",
    "getmectt", "getPhotonParams", "getDropletParams", "getDroplet2Photons", "getSvdParams",
}  # fmt: skip
GONE = {  # not read by any producer of today; what to write instead
    "getDroplet": "write get_droplet(run)",
    "getProjection_ax0": "give the region in getROIs the key 'pj': [{'axis': 0}]",
    "getProjection_ax1": "give the region in getROIs the key 'pj': [{'axis': 1}]",
    "aioParams": "name the variables in epicsPV",
    "integrating_detectors": "no producer reads this list",
    "slow_detectors": "no producer reads this list",
}


def is_lcls1(places: Places) -> bool:
    """Tell whether a config is written for LCLS-I producers, which hand over the run as a text."""
    names = {*places.functions, *places.variables}
    return bool(names & LCLS1_NAMES) and "detectors" not in names


def names_of(places: Places) -> list[str]:
    """Return the older names that are to be evaluated too."""
    per_detector = [name for name in places.functions if name.startswith(ROI_OF)]
    return [*GONE, *per_detector]


def is_empty(value: object) -> bool:
    """Tell whether a value asks for nothing; an array always asks for something."""
    return value is None or (isinstance(value, dict | list) and not value)


def as_today(values: Mapping[str, Any], listed: tuple[str, ...], report: Report) -> dict[str, Any]:
    """Return values under today's names, and regions as dictionaries; say what was translated."""
    found = dict(values)
    for name, way_out in GONE.items():
        if not is_empty(found.get(name)):
            report.skip("unknown-name", f"{name} is not read: {way_out}", name)
    regions = found.get(ROIS, {})
    if isinstance(regions, list) and len(listed) == 1:
        regions = {listed[0]: regions}
    for name in [name for name in found if name.startswith(ROI_OF)]:
        if isinstance(regions, dict) and name.removeprefix(ROI_OF) not in regions:
            regions = {**regions, name.removeprefix(ROI_OF): found[name]}
            report.spelt.setdefault(ROIS, name)
    if isinstance(regions, dict):
        regions = {detector: _dicts(detector, given, report) for detector, given in regions.items()}
    found[ROIS] = regions
    return found


def _dicts(detector: str, given: Any, report: Report) -> Any:
    """Return regions written as bare lists as dictionaries; anything else as it is."""
    bare = list(_bare(given))
    if not bare:
        return given
    made = [{"name": f"ROI_{number}", "ROI": region} for number, region in enumerate(bare)]
    names = ", ".join(str(region["name"]) for region in made)
    report.note(
        "old-spelling",
        f"bare lists of regions are read as {names}; write "
        f"[{{'name': 'ROI_0', 'ROI': {made[0]['ROI']}}}], which today's producers want",
        ROIS,
        detector,
        severity=Severity.WARNING,
    )
    return made


def _bare(given: Any) -> Iterator[Any]:
    """Yield regions that are lists of numbers only: one region, or a list of them."""
    depth = _depth(given)
    if depth in (1, 2):
        yield given
    elif depth == 3:
        yield from given


def _depth(given: Any) -> int:
    """Return how deep numbers lie in lists; 0 for anything but lists of numbers."""
    if not isinstance(given, list) or not given:
        return 0
    if all(isinstance(item, int | float) for item in given):
        return 1
    depths = {_depth(item) for item in given}
    return 1 + depths.pop() if len(depths) == 1 and 0 not in depths else 0


def check_names(places: Places, values: Mapping[str, Any], report: Report) -> None:
    """Name what Python passes over in silence: names given twice, a list that is not there."""
    for name, lines in places.repeated.items():
        report.note(
            "defined-twice",
            f"{name} is given again in line {lines[-1]}; what line {lines[0]} says is not used",
            name,
            severity=Severity.WARNING,
        )
    listed = {"detectors", "detnames"} & {*places.variables, *places.functions}
    if not listed and not all(is_empty(values.get(name)) for name in places.functions):
        text = "there is no list `detectors`: no detector's frames are reduced"
        report.note("no-detectors", text, "detectors", severity=Severity.WARNING)

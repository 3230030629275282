"""``getROIs`` of a config: dictionaries to typed regions, each problem named."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workbench.core.bounds import Bounds, BoundsError
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.producer.channel_entries import CHANNEL, FUNCTION, read_channels
from workbench.producer.children import CHILDREN, read_children
from workbench.producer.entries import EntryError, ReductionEntry
from workbench.producer.given import Given
from workbench.producer.report import Report, kind, suggestion
from workbench.reductions import Projection, Roi

ROI_KEYS = (
    "name", "ROI", "writeArea", "calcPars", "thresADU", "userMask", "proj_ax", "pj", *CHILDREN,
)  # fmt: skip
PROJECTION_KEYS = ("name", "axis", "thresADU", "mean", "singlePhoton")
OPEN_END = 10_000  # pixels: a region that ends there or later is meant to reach the edge

Shapes = Mapping[str, tuple[int, ...]]


def read_rois(
    value: object, detectors: tuple[str, ...], shapes: Shapes | None, report: Report
) -> list[ReductionEntry]:
    """Return the usable regions of all detectors; the others go to `report`.

    `shapes`: of the frames of each detector that has any; None where that is not known.
    """
    if not isinstance(value, dict):
        report.skip("wrong-type", f"getROIs must return a dict, not {kind(value)}", FUNCTION)
        return []
    entries: list[ReductionEntry] = []
    for detector, regions in value.items():
        if detector not in detectors:
            hint = suggestion(str(detector), detectors) if detectors else ""
            text = f"detector {detector!r} is not in the list `detectors`{hint}"
            report.skip("detector-not-listed", text, FUNCTION, detector)
            continue
        if shapes is not None and detector not in shapes:
            continue  # reported once, at the list of detectors
        if isinstance(regions, dict) and any(str(key).startswith(CHANNEL) for key in regions):
            entries += read_channels(detector, regions, report)
            continue
        entries += _of_detector(detector, regions, (shapes or {}).get(detector), report)
    return entries


def _of_detector(
    detector: str, regions: object, shape: tuple[int, ...] | None, report: Report
) -> Iterator[ReductionEntry]:
    listed = [regions] if isinstance(regions, dict) else regions
    if not isinstance(listed, list) or any(isinstance(item, list) for item in listed):
        text = "regions are a list of dicts like {'name': 'ROI_0', 'ROI': [[0, 10], [0, 20]]}"
        report.skip("wrong-type", f"{text}, not {kind(regions)}", FUNCTION, detector)
        return
    taken: set[str] = set()
    for position, region in enumerate(listed):
        path: tuple[str | int, ...] = (FUNCTION, detector, position)
        label = str(region.get("name", "")) if isinstance(region, dict) else ""
        try:
            name, roi = read_roi(region)
            if name in taken:
                raise EntryError(
                    "duplicate-name",
                    f"another region of {detector} is already named {name!r}; give it a name "
                    "of its own",
                    "name",
                )
            if shape is not None:
                fits(roi, shape)
        except EntryError as error:
            inner = (*path, error.key) if error.key else path
            report.skip(error.code, str(error), *inner, label=label)
        else:
            taken.add(name)
            if shape is not None and (text := cut_off(roi, shape)):
                report.note("roi-cut-off", text, *path, "ROI")
            yield ReductionEntry(detector, name, roi, FUNCTION, report.line(*path, "ROI"))


def read_roi(region: object) -> tuple[str, Roi]:
    """Return name and reduction of one dictionary, or raise `EntryError`."""
    if not isinstance(region, dict):
        raise EntryError("wrong-type", f"a region is a dict, not {kind(region)}")
    for key in region:
        _known(key, ROI_KEYS)
    given = region.get("ROI")
    name = region.get("name", "ROI")
    if not isinstance(name, str) or not name or "/" in name:
        raise EntryError("wrong-type", f"name must be a text without '/', not {name!r}", "name")
    if given is None and name == "ROI":
        name = "full"  # as today's producer does
    low, high = thresholds(region.get("thresADU"))
    return name, Roi(
        bounds=read_bounds(given),
        area=_flag(region, "writeArea", default=False),
        statistics=_flag(region, "calcPars", default=True),
        low=low,
        high=high,
        good=_mask(region.get("userMask")),
        projections=tuple(_projections(region)),
        children=read_children(Given(region, ROI_KEYS, "a region")),
    )


def cut_off(roi: Roi, shape: tuple[int, ...]) -> str:
    """Say that a region reaches beyond a detector's frames; empty where it does not."""
    ends = () if roi.bounds is None else roi.bounds.high
    if not any(size < high < OPEN_END for size, high in zip(shape, ends, strict=False)):
        return ""
    return (
        f"region {roi.bounds} reaches beyond the detector, whose shape is {shape}: what lies "
        'outside is left out; for "to the end" write 1e6'
    )


def fits(roi: Roi, shape: tuple[int, ...]) -> None:
    """Check a region against the shape of a detector's frames; raise `EntryError`."""
    try:
        roi.outputs(FrameSpec(shape, "keV", np.ones(shape, np.bool_)))
    except BoundsError as error:
        count = len(roi.bounds.low) if roi.bounds else 0
        if count == len(shape):
            raise EntryError("roi-outside", str(error), "ROI") from error
        pairs = ", ".join("[low, high]" for _ in shape)
        raise EntryError("roi-axes", f"{error}; write [{pairs}]", "ROI") from error
    except InputError as error:
        raise EntryError("projection-axis", str(error), "ROI") from error
    if roi.good is not None and roi.good.shape != shape:
        raise EntryError(
            "mask-shape",
            f"userMask has shape {roi.good.shape}, the detector {shape}: make one for the whole "
            "detector",
            "userMask",
        )


def _known(key: object, keys: tuple[str, ...]) -> None:
    if key == "ROIs":
        text = "'ROIs' is an old key that is ignored: write one dict per region, each with 'ROI'"
        raise EntryError("old-key", text, "ROIs")
    if key not in keys:
        raise EntryError(
            "unknown-key", f"unknown key {key!r}{suggestion(str(key), keys)}", str(key)
        )


def read_bounds(given: Any) -> Bounds | None:
    """Return the region of ``[[low, high], ...]``; None for all."""
    if given is None:
        return None
    pairs = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(pairs, list) or not pairs:
        raise EntryError("wrong-type", f"ROI must be [[low, high], ...], not {kind(given)}", "ROI")
    if all(_is_number(item) for item in pairs) and len(pairs) % 2 == 0:
        pairs = [pairs[axis : axis + 2] for axis in range(0, len(pairs), 2)]
    for pair in pairs:
        whole = isinstance(pair, list) and all(_is_number(end) and end == int(end) for end in pair)
        if not whole:
            text = f"ROI must be pairs of whole numbers [[low, high], ...], not {kind(given)}"
            raise EntryError("wrong-type", text, "ROI")
    try:
        return Bounds.from_pairs(pairs)
    except BoundsError as error:
        text = f"{error}; write [low, high] with 0 <= low < high"
        raise EntryError("roi-reversed", text, "ROI") from error


def thresholds(given: Any) -> tuple[float, float]:
    """Return lowest and highest value kept, written as a number or ``[low, high]``."""
    if given is None:
        return -math.inf, math.inf
    given = given.tolist() if isinstance(given, np.ndarray) else given
    if _is_number(given):
        return float(given), math.inf
    if isinstance(given, list) and len(given) == 2 and all(_is_number(end) for end in given):
        low, high = float(given[0]), float(given[1])
        if low < high:
            return low, high
    text = f"thresADU must be a number or [low, high], not {kind(given)}"
    raise EntryError("wrong-type", text, "thresADU")


def _mask(given: Any) -> Any:
    if given is None:
        return None
    try:
        mask = np.asarray(given)
    except ValueError:
        mask = np.empty(0, object)
    if mask.dtype.kind not in "biuf" or mask.ndim < 1:
        text = f"userMask must be an array of 1 (use) and 0, not {kind(given)}"
        raise EntryError("wrong-type", text, "userMask")
    return mask.astype(np.bool_)


def _flag(region: Mapping[Any, Any], key: str, *, default: bool) -> bool:
    value = region.get(key, default)
    if value not in (True, False, 0, 1, None):
        raise EntryError("wrong-type", f"{key} must be True or False, not {kind(value)}", key)
    return bool(value)


def _projections(region: Mapping[Any, Any]) -> Iterator[Projection]:
    axis = region.get("proj_ax")
    if axis is not None:
        yield _checked(Projection(_axis(axis, "proj_ax")))
    listed = region.get("pj") or []
    listed = [listed] if isinstance(listed, dict) else listed
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise EntryError("wrong-type", f"pj must be a list of dicts, not {kind(listed)}", "pj")
    names = [] if axis is None else [f"pj_ax_{abs(axis)}"]
    for item in listed:
        made = read_projection(item)
        name = made.label
        if name in names:
            raise EntryError("duplicate-name", f"two projections are named {name!r}", "pj")
        names.append(name)
        yield made


def read_projection(item: Mapping[Any, Any]) -> Projection:
    """Return the projection of one dictionary, or raise `EntryError`."""
    for key in item:
        _known(key, PROJECTION_KEYS)
    low, high = thresholds(item.get("thresADU"))
    if high != math.inf:
        raise EntryError("wrong-type", "thresADU of a projection is one number", "thresADU")
    made = Projection(
        axis=_axis(item.get("axis", -1), "axis"),
        name=str(item.get("name", "")),
        threshold=low,
        mean=_flag(item, "mean", default=False),
        single_photon=_flag(item, "singlePhoton", default=False),
    )
    return _checked(made)


def _checked(projection: Projection) -> Projection:
    if "/" in projection.name:
        raise EntryError("wrong-type", f"name of a projection {projection.name!r} holds '/'", "pj")
    return projection


def _axis(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value <= 3:
        raise EntryError("wrong-type", f"{key} must be -1, 0, 1 or 2, not {kind(value)}", key)
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

"""What may be changed in a config: one entry of one detector, in a range of runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from workbench.core.errors import InputError

Plain = Any  # Any: numbers, texts, None and lists of them, as a config writes them

ROIS = "getROIs"
AZAV = {"lcls1": "getAzIntParams", "lcls2": "get_azav"}
PYFAI = {"lcls1": "getAzIntPyFAIParams", "lcls2": "get_azav_pyfai"}
DEFAULT_NAMES = {
    ROIS: "ROI",
    **dict.fromkeys(AZAV.values(), "azav"),
    **dict.fromkeys(PYFAI.values(), "pyfai"),
}
SINGLE = ("get_azav", "get_azav_pyfai")  # one dict per detector; the others a list of dicts
FIRST_RUN, LAST_RUN = 0, 99_999
MOST_BINS = 100_000  # that a producer takes


@dataclass(frozen=True)
class Change:
    """One entry of one detector, set or removed in a range of runs.

    Parameters
    ----------
    function
        Whose result holds the entry: "getROIs", "azav" or "pyfai" (by the config's generation).
    detector
        As in the run.
    name
        Of the entry, first part of its datasets' names.
    from_run, to_run
        First and last run concerned, both included; None: open end.
    values
        Keys of the entry and their new values; other keys stay.
    mask
        Path of a mask file, relative to the config, for the key ``userMask``.
    remove
        Take the entry away instead.

    Raises
    ------
    InputError
        For an empty name or one with '/', runs out of order, and a change of nothing.
    """

    function: str
    detector: str
    name: str
    from_run: int
    to_run: int | None = None
    values: Mapping[str, Plain] = field(default_factory=dict)
    mask: str = ""
    remove: bool = False

    def __post_init__(self) -> None:
        for what in ("detector", "name"):
            text = getattr(self, what)
            if not isinstance(text, str) or not text or "/" in text:
                raise InputError(f"{what} {text!r}: give a name without '/'")
        last = LAST_RUN if self.to_run is None else self.to_run
        if not FIRST_RUN <= self.from_run <= last <= LAST_RUN:
            raise InputError(
                f"runs {self.from_run} to {self.to_run}: give a first run of {FIRST_RUN} or more "
                "that is not after the last"
            )
        if not self.remove and not self.values and not self.mask:
            raise InputError(f"{self.detector} {self.name}: there is nothing to change")

    def covers(self, run: int) -> bool:
        """Tell whether a run is concerned."""
        return self.from_run <= run and (self.to_run is None or run <= self.to_run)

    def hides(self, other: "Change") -> bool:
        """Tell whether nothing is left of an earlier change after this one."""
        inside = self.covers(other.from_run) and (
            self.to_run is None or (other.to_run is not None and other.to_run <= self.to_run)
        )
        same = (self.detector, self.name) == (other.detector, other.name)
        keys = {*other.values, *(("userMask",) if other.mask else ())}
        mine = {*self.values, *(("userMask",) if self.mask else ())}
        return inside and same and (self.remove or (not other.remove and keys <= mine))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without what is empty."""
        plain = asdict(self)
        return {key: value for key, value in plain.items() if value not in ("", {}, None, False)}


def set_roi(
    detector: str,
    name: str,
    bounds: Sequence[Sequence[int]],
    *,
    from_run: int,
    to_run: int | None = None,
    write_area: bool | None = None,
    threshold: float | Sequence[float] | None = None,
) -> Change:
    """Return the change that sets a region.

    Parameters
    ----------
    detector, name
        The entry.
    bounds
        One [low, high) per axis of the frame, in pixels.
    from_run, to_run
        First and last run concerned, both included; None: all later runs.
    write_area
        Keep the pixels of every event; None: leave as it is.
    threshold
        Pixels below count as zero, or [low, high]; in the unit of the frames. None: as it is.
    """
    values: dict[str, Plain] = {"ROI": _pairs(name, bounds)}
    if write_area is not None:
        values["writeArea"] = bool(write_area)
    if threshold is not None:
        values["thresADU"] = _numbers(threshold, f"threshold of {name}")
    return Change(ROIS, detector, name, from_run, to_run, values)


def set_azav(
    detector: str,
    *,
    from_run: int,
    to_run: int | None = None,
    name: str = "azav",
    **values: Plain,
) -> Change:
    """Return the change that sets parameters of azimuthal integration.

    Parameters
    ----------
    detector, name
        The entry.
    from_run, to_run
        First and last run concerned, both included; None: all later runs.
    values
        `center` (x, y) [um], `dis_to_sam` [mm], `eBeam` [keV], `tx`, `ty` [deg], `qbin`
        [1/angstrom], `phiBins`, `Pplane` (1 horizontal, 0 vertical), `thresADU` [unit of frames].

    Raises
    ------
    InputError
        For a parameter that azimuthal integration does not have.
    """
    plain = {key: _numbers(value, key) for key, value in values.items() if value is not None}
    unknown = sorted(set(plain) - set(AZAV_KEYS))
    if unknown:
        raise InputError(f"unknown parameter {unknown[0]!r}: use {', '.join(AZAV_KEYS)}")
    return Change("azav", detector, name, from_run, to_run, plain)


def set_poni(
    detector: str,
    path: str,
    *,
    from_run: int,
    to_run: int | None = None,
    name: str = "pyfai",
    bins: int | None = None,
    phi_bins: int | None = None,
) -> Change:
    """Return the change that makes a detector's integration by pyFAI use a geometry file.

    Parameters
    ----------
    detector, name
        The entry.
    path
        Of the ``.poni`` file.
    from_run, to_run
        First and last run concerned, both included; None: all later runs.
    bins
        Of the radial axis (``npts``); None: as it is.
    phi_bins
        Of azimuth (``npts_az``); 1: a curve for each event, not a map. None: as it is.
    """
    values: dict[str, Plain] = {"poni_file": path}
    if bins is not None:
        values["npts"] = _count(bins, "bins")
    if phi_bins is not None:
        number = _count(phi_bins, "bins of azimuth")
        values |= {"npts_az": number, "return2d": True} if number > 1 else {"return2d": False}
    return Change("pyfai", detector, name, from_run, to_run, values)


def set_mask(
    detector: str,
    name: str,
    mask: str,
    *,
    function: str = ROIS,
    from_run: int,
    to_run: int | None = None,
) -> Change:
    """Return the change that makes an entry load its mask from a file beside the config."""
    return Change(function, detector, name, from_run, to_run, mask=mask)


def remove_entry(
    detector: str,
    name: str,
    *,
    function: str = ROIS,
    from_run: int,
    to_run: int | None = None,
) -> Change:
    """Return the change that takes an entry away."""
    return Change(function, detector, name, from_run, to_run, remove=True)


AZAV_KEYS = (
    "center", "dis_to_sam", "eBeam", "tx", "ty", "qbin", "phiBins", "Pplane", "thresADU",
)  # fmt: skip


def _pairs(name: str, bounds: Any) -> list[list[int]]:  # Any: whatever the user typed
    listed = bounds.tolist() if hasattr(bounds, "tolist") else bounds
    paired = isinstance(listed, Sequence) and all(
        isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2
        for pair in listed
    )
    if not paired or not listed:
        text = "give [low, high] per axis, as [[157, 487], [294, 598]]"
        raise InputError(f"region {name}: {text}, not {bounds}")
    pairs = [[_whole(end) for end in pair] for pair in listed]
    if any(low >= high for low, high in pairs):
        text = "holds no pixel: the upper end is not included, so low must be below high"
        raise InputError(f"region {name}: {bounds} {text}")
    if min(low for low, _ in pairs) < 0:
        raise InputError(f"region {name}: pixels are counted from 0, not {bounds}")
    return pairs


def _whole(value: Any) -> int:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or int(value) != value:
        raise InputError(f"{value!r}: bounds of a region are whole pixels")
    return int(value)


def _count(value: int, what: str) -> int:
    if not 1 <= value <= MOST_BINS:
        raise InputError(f"{what}: give a number from 1 to {MOST_BINS}, not {value!r}")
    return value


def _numbers(value: Plain, what: str) -> Plain:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_numbers(item, what) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{what}: give numbers, not {value!r}")
    return value

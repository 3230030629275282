"""What is odd about the numbers of a config though something can be made with them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workbench.core.findings import Finding, Severity
from workbench.core.frames import FrameSpec
from workbench.reductions import Droplets, PhotonCounting, Reduction
from workbench.reductions.base import BAD_PIXELS

DISTANCE = (5.0, 20_000.0)  # mm, from sample to detector
PHOTON = (0.2, 100.0)  # keV; energies of photons at these lasers, harmonics included


def doubts_of(reduction: Reduction, spec: FrameSpec) -> Iterator[tuple[str, str]]:
    """Yield code and text of each finding."""
    signal = _per_photon(reduction)
    if spec.unit == "keV" and signal is not None and not PHOTON[0] <= signal <= PHOTON[1]:
        yield (
            "photon-signal",
            f"the signal of one photon is given as {signal:g}, and the frames are in keV: it looks "
            "like ADU; give the energy of the photon, and thresholds in keV",
        )


def odd_distance(distance: float, key: str, unit: str, to_mm: float) -> Iterator[tuple[str, str]]:
    """Yield code and text where a distance looks as if it were in another unit."""
    low, high = DISTANCE
    if not low <= distance * to_mm <= high:
        yield (
            "distance-unit",
            f"{key} is {distance:g} {unit}: no detector stands so near or so far; get_azav takes "
            "dis_to_sam in mm, get_azav_pyfai takes dist in m",
        )


def masked_out(reduction: Reduction, spec: FrameSpec) -> Iterator[tuple[str, str]]:
    """Yield code and text where the mask of a reduction leaves no pixel to make values of."""
    mask = reduction.settings(spec).get("mask")
    if mask is None:
        return
    bad = np.asarray(mask.value) == (1 if mask.long_name == BAD_PIXELS else 0)
    if bad.all():
        yield (
            "all-masked",
            "every pixel that it uses is marked bad, by its own mask or by the constants: its "
            "values say nothing in any event; check polarity (1 = use) and place of the mask",
        )


def uncalibrated(constants: Path | None, run: int, detector: str) -> Finding:
    """Return what is said of a detector without constants."""
    where = f"{constants} has none for run {run}" if constants else "none were given"
    text = (
        f"no constants ({where}): its frames stay raw, in ADU, with their pedestal; give a file "
        "of constants"
    )
    return Finding("no-constants", Severity.WARNING, text, detector)


def _per_photon(reduction: Reduction) -> float | None:
    if isinstance(reduction, PhotonCounting):
        return reduction.per_photon
    if isinstance(reduction, Droplets) and reduction.photons is not None:
        return reduction.photons.per_photon
    return None

"""What is odd about the numbers of a config though something can be made with them."""

from collections.abc import Iterator

from workbench.core.frames import FrameSpec
from workbench.reductions import Droplets, PhotonCounting, Reduction

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


def _per_photon(reduction: Reduction) -> float | None:
    if isinstance(reduction, PhotonCounting):
        return reduction.per_photon
    if isinstance(reduction, Droplets) and reduction.photons is not None:
        return reduction.photons.per_photon
    return None

"""Pictures of one area detector: average, noise, and which pixels are masked by what."""

import numpy as np

from workbench.plots.images import Frame, images
from workbench.plots.style import Picture, nothing
from workbench.recipes.detector_overview import AreaDetector


def detector_pictures(detector: AreaDetector) -> Picture:
    """Draw what a file holds of a detector: average per frame, dark noise, number of masks.

    The last picture counts for each pixel how many of its masks leave it out; being too noisy
    counts as one more.
    """
    shown = []
    if detector.average is not None:
        title = f"{detector.name}, mean of {detector.frames:,} frames"
        shown.append(Frame(detector.average, title, detector.unit))
    if detector.noise is not None:
        shown.append(Frame(detector.noise, f"{detector.name}, dark noise", "ADU"))
    left_out = {name: ~good for name, good in detector.good.items()}
    title = f"{detector.name}, left out by {', '.join(left_out)}"
    if detector.noisy is not None:
        title = f"{detector.name}, masks and noise above {detector.noise_high:g} ADU"
        left_out["noise"] = detector.noisy
    if left_out:
        shown.append(Frame(np.stack([*left_out.values()]).sum(axis=0), title, "masks"))
    if not shown:
        return nothing(f"{detector.name}: neither run sum nor noise nor mask is in the file")
    return images(shown)

"""ePix10ka: which gain range each pixel is in, from its configuration and the bit in its reading.

Two bits of a pixel's configuration and one of its ASIC's choose among seven ranges; in the two
switching modes the gain bit of each reading tells which half of the mode was used
(psana, UtilsEpix10ka).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.core.arrays import Ints
from workbench.core.errors import WorkbenchError

RANGES = ("FH", "FM", "FL", "AHL-H", "AML-M", "AHL-L", "AML-L")
TRBIT = 1 << 4  # where panel-wide settings keep the ASIC's bit
GAIN_BITS = 0b1100  # of a pixel's configuration
FIXED_HIGH_OR_MEDIUM, FIXED_LOW, SWITCHING = 0b1100, 0b1000, 0b0000
UNKNOWN = -1
ASIC_ROWS = 176  # some firmware sends more rows than there are pixels


class Epix10kaConfigError(WorkbenchError, ValueError):
    """Settings of an ePix10ka from which its gain ranges cannot be told."""


def range_choice(settings: Mapping[str, Any]) -> Ints:
    """Return the range of each pixel, without and with the gain bit of its reading.

    Parameters
    ----------
    settings
        Of the detector, as the raw run has them: ``asicPixelConfig`` and ``trbit``, or
        ``cbitsConfig``.

    Returns
    -------
    Shape (2, segment, row, col), or (2, row, col) for a detector of one segment: an index into
    `RANGES`, -1 for settings that stand for none.
    """
    bits = _control_bits(settings)
    high = (bits & TRBIT) != 0
    mode = bits & GAIN_BITS
    choice = np.full((2, *bits.shape), UNKNOWN, np.int64)
    choice[:, mode == FIXED_LOW] = RANGES.index("FL")
    fixed = mode == FIXED_HIGH_OR_MEDIUM
    choice[:, fixed & high] = RANGES.index("FH")
    choice[:, fixed & ~high] = RANGES.index("FM")
    switching = mode == SWITCHING
    for place, names in enumerate((("AHL-H", "AML-M"), ("AHL-L", "AML-L"))):
        choice[place, switching & high] = RANGES.index(names[0])
        choice[place, switching & ~high] = RANGES.index(names[1])
    return choice


def _control_bits(settings: Mapping[str, Any]) -> Ints:
    if "cbitsConfig" in settings:
        return np.asarray(settings["cbitsConfig"], np.int64)
    if not {"asicPixelConfig", "trbit"} <= set(settings):
        raise Epix10kaConfigError(
            "the run does not hold its settings asicPixelConfig and trbit, so its gain ranges are "
            "not known; take constants of one range (`workbench constants import --range`)"
        )
    pixels = np.asarray(settings["asicPixelConfig"], np.int64)
    asics = np.asarray(settings["trbit"], np.int64)
    if pixels.ndim < 3 or pixels.shape[:-2] != asics.shape or asics.shape[-1] != 4:
        raise Epix10kaConfigError(
            f"its settings asicPixelConfig {pixels.shape} and trbit {asics.shape} are not those of "
            "four ASICs a segment"
        )
    bits = pixels[..., :ASIC_ROWS, :] | (asics[..., np.newaxis, np.newaxis] != 0) * TRBIT
    # The origin of every ASIC is at its corner next to the middle of the panel's outer side.
    turned = bits[..., ::-1, ::-1]
    above = np.concatenate([turned[..., 2, :, :], turned[..., 1, :, :]], axis=-1)
    below = np.concatenate([bits[..., 3, :, :], bits[..., 0, :, :]], axis=-1)
    return np.concatenate([above, below], axis=-2)

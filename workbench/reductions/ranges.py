"""Gain ranges: which amplifier a pixel used, from the bits above its reading."""

from dataclasses import dataclass

UNKNOWN = -1  # range of a code that the detector does not use


@dataclass(frozen=True)
class GainBits:
    """How a detector stores gain range and reading in one number.

    Parameters
    ----------
    bits
        Number of bits of the reading; the code stands above them.
    ranges
        Range of each code, `UNKNOWN` for codes that are not used.
    names
        Of the ranges that constants are given for; for detectors whose pixels are set up one by
        one, these are more than the codes tell apart.
    """

    bits: int = 62
    ranges: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ()

    @property
    def n_ranges(self) -> int:
        """Number of gain ranges that the code tells apart."""
        return max(self.ranges) + 1


ONE_RANGE = GainBits()
# Jungfrau: bits 14 and 15 are 00, 01, 11 for its three amplifiers; 10 stands for nothing.
# (A. Mozzanica et al., Synchrotron Radiat. News 31(6), 16 (2018); psana's UtilsJungfrau.)
JUNGFRAU = GainBits(14, (0, 1, UNKNOWN, 2), ("G0", "G1", "G2"))
# ePix10ka: bit 14 chooses between two ranges, which are set for each pixel by the configuration.
EPIX10KA = GainBits(14, (0, 1, 0, 1), ("FH", "FM", "FL", "AHL-H", "AML-M", "AHL-L", "AML-L"))

"""Calibration constants of one area detector."""

from dataclasses import dataclass, replace

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import UnknownNameError

RANGED = ("pedestal", "gain", "noise")  # have a value per gain range where there are several


@dataclass(frozen=True)
class Constants:
    """Pedestal, gain, mask and geometry of one detector, in the shape of its frames.

    Parameters
    ----------
    detector
        Name in the DAQ, for example "epix_1".
    pedestal
        Mean dark value [ADU]; None where there is none: frames then stay raw.
    gain
        [ADU/keV]; None where there is none: frames then stay in ADU.
    good
        True = use; None: every pixel.
    x, y, z
        Pixel centres in the laboratory frame [um]; None without geometry.
    origin
        Where the constants came from, for the provenance record.
    noise
        Standard deviation of dark frames [ADU].
    ranges
        Names of the gain ranges, in the order of the first axis of pedestal, gain and noise, which
        then are (range, ``*frame``); empty for detectors of one range.
    """

    detector: str
    pedestal: Floats | None = None
    gain: Floats | None = None
    good: Bools | None = None
    x: Floats | None = None
    y: Floats | None = None
    z: Floats | None = None
    origin: str = ""
    noise: Floats | None = None
    ranges: tuple[str, ...] = ()

    def in_range(self, name: str) -> "Constants":
        """Return the constants of one gain range, as of a detector that has no other."""
        if name not in self.ranges:
            raise UnknownNameError("gain range", name, self.ranges, self.detector)
        place = self.ranges.index(name)
        pedestal, gain, noise = (
            None if values is None else values[place] for values in self._ranged
        )
        origin = f"{self.origin}, range {name}"
        return replace(self, pedestal=pedestal, gain=gain, noise=noise, ranges=(), origin=origin)

    @property
    def frame_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of a frame as each of the arrays has it."""
        lead = 1 if self.ranges else 0
        ranged = zip(RANGED, self._ranged, strict=True)
        shapes = {name: values.shape[lead:] for name, values in ranged if values is not None}
        others = {"good": self.good, "x": self.x, "y": self.y, "z": self.z}
        return shapes | {name: one.shape for name, one in others.items() if one is not None}

    @property
    def _ranged(self) -> tuple[Floats | None, ...]:
        return self.pedestal, self.gain, self.noise

    @property
    def unit(self) -> str:
        """Unit of frames calibrated with these constants."""
        return "keV" if self.pedestal is not None and self.gain is not None else "ADU"

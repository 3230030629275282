"""Calibration constants of one area detector."""

from dataclasses import dataclass

from workbench.core.arrays import Bools, Floats


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
    noise
        Standard deviation of the dark [ADU].
    origin
        Where the constants came from, for the provenance record.
    """

    detector: str
    pedestal: Floats | None = None
    gain: Floats | None = None
    good: Bools | None = None
    x: Floats | None = None
    y: Floats | None = None
    z: Floats | None = None
    noise: Floats | None = None
    origin: str = ""

    @property
    def unit(self) -> str:
        """Unit of frames calibrated with these constants."""
        return "keV" if self.pedestal is not None and self.gain is not None else "ADU"

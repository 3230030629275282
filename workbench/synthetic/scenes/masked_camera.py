"""A spot camera with masked and noisy pixels, and a ring camera without run sum."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.smalldata import OnceValue
from workbench.synthetic.cameras import epix_1
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.station import Station

SPREAD = 0.1  # of the noise from pixel to pixel, of its median
NOISY = 4.0  # times the median: noise of the noisy pixels
STREAM = 73  # of random numbers, beside those of the run's own cameras


@dataclass(frozen=True)
class MaskedCamera(Scene):
    """The mask of the spot camera leaves out `bad` pixels; `noisy` others read much noise.

    Parameters
    ----------
    bad
        Masked pixels.
    noise
        Median of the dark standard deviation of the pixels [ADU], which differ by `SPREAD`.
    noisy
        Pixels in use with `NOISY` times that noise.
    """

    bad: int = 1234
    noise: float = 2.5
    noisy: int = 40

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """No run sums but those of the spot camera."""
        return ("Sums/jungfrau1M*", "Sums/epix10k2M*", "Sums/Epix10kaQuad2*")

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        """Return mask and noise of the spot camera."""
        shape = epix_1().good.shape
        mask = np.ones(shape, np.uint8)
        draw = generator(spec.seed, Draw.PIXELS, spec.run, STREAM)
        mask.ravel()[draw.choice(mask.size, self.bad, replace=False)] = 0
        rms = self._noise(draw, mask)
        det = f"UserDataCfg/{place.spot}"
        return {
            f"{det}/mask": OnceValue(mask, "1", "1 where the pixel is good"),
            f"{det}/rms": OnceValue(rms, "ADU", "dark noise"),
        }

    def _noise(self, draw: np.random.Generator, mask: Array) -> Array:
        """Return the noise of every pixel [ADU], in steps of half of `SPREAD`."""
        steps = np.rint(2 * draw.standard_normal(mask.size))
        rms = self.noise * (1 + SPREAD / 2 * steps)
        used = np.flatnonzero(mask.ravel())
        rms[draw.choice(used, self.noisy, replace=False)] = NOISY * self.noise
        return rms.astype(np.float32).reshape(mask.shape)

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return what was planted."""
        del spec
        return {
            "bad_pixels": (self.bad, "1", f"pixels of {place.spot} that the mask leaves out"),
            "noisy_pixels": (
                self.noisy,
                "1",
                f"pixels of {place.spot} with {NOISY:g} times that noise",
            ),
            "noise": (self.noise, "ADU", f"median dark noise of {place.spot}"),
        }

"""Frames as the DAQ stores them: pedestal + noise + photons * ADU per photon, rounded.

Photons are exact Poisson draws in every pixel; noise is cut from a long strip at a random place,
which is cheap and as good as fresh.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Ints
from workbench.synthetic.cameras import (
    SIGNAL,
    Camera,
    Source,
    epix_1,
    even_source,
    jungfrau_1m,
    ring_source,
    signal_source,
)
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe

Words = NDArray[np.uint16]
Light = Sequence[tuple[Source, float]]  # sources and their expected photons

ADC_MAX = 0x3FFF  # ADU
STRIP = 1 << 20  # values of noise beyond one frame


class Exposures:
    """Draws the frames of both cameras for one run; memory for one frame of each."""

    def __init__(self, spec: PumpProbe) -> None:
        self._spec = spec
        self._epix = _Frames(epix_1(), spec, Draw.EPIX)
        self._jungfrau = _Frames(jungfrau_1m(), spec, Draw.JUNGFRAU)
        self._spot, self._spot_factor = signal_source()
        self._rings, self._even = ring_source(spec.photon_energy), even_source()
        self._background = spec.background_photons * int(epix_1().good[SIGNAL.slices].sum())

    def epix(self, event: int, *, relative: float, change: float) -> Words:
        """Return one epix_1 frame, (row, col) [ADU].

        Parameters
        ----------
        event
            Index in the run.
        relative
            I0 over its mean; 0 for a dark frame.
        change
            Factor of the pump on the signal.
        """
        spec = self._spec
        spot = (spec.signal_photons * change - self._background) * self._spot_factor
        even = spec.background_photons * epix_1().good.size
        return self._epix.draw(
            event, [(self._spot, spot * relative), (self._even, even * relative)]
        )

    def jungfrau(self, event: int, *, relative: float) -> Words:
        """Return one jungfrau1M frame, (segment, row, col) [ADU]; `relative` as in `epix`."""
        even = self._spec.diffuse_photons * jungfrau_1m().good.size
        rings = self._spec.ring_photons
        return self._jungfrau.draw(
            event, [(self._rings, rings * relative), (self._even, even * relative)]
        )


class _Frames:
    """Frames of one camera in one run."""

    def __init__(self, camera: Camera, spec: PumpProbe, draw: Draw) -> None:
        self._camera = camera
        self._place = (spec.seed, draw, spec.run)
        strip = generator(spec.seed, Draw.NOISE, spec.run, int(draw))
        self._strip = strip.standard_normal(camera.pedestal.size + STRIP, dtype=np.float32)
        self._pixels = np.empty(camera.pedestal.size, np.float32)

    def draw(self, event: int, light: Light) -> Words:
        seed, draw, run = self._place
        random = generator(seed, draw, run, event)
        camera, pixels = self._camera, self._pixels
        start = int(random.integers(STRIP))
        np.multiply(self._strip[start : start + pixels.size], camera.noise.ravel(), out=pixels)
        pixels += camera.pedestal.ravel()
        for source, rate in light:
            hit = _hits(random, source, int(random.poisson(rate)), pixels.size)
            np.add.at(pixels, hit, camera.adu.ravel()[hit])
        np.rint(pixels, out=pixels)
        np.clip(pixels, 0, ADC_MAX, out=pixels)
        return pixels.astype(np.uint16).reshape(camera.pedestal.shape)


def _hits(random: np.random.Generator, source: Source, number: int, size: int) -> Ints:
    if source.pixels is None:
        return random.integers(size, size=number)
    places = np.searchsorted(source.cumulated, random.random(number), side="right")
    hits: Ints = source.pixels[np.minimum(places, len(source.pixels) - 1)]
    return hits

"""What the users' cameras of a made-up run leave in the small data: regions, rings, droplets.

Values of different functions of one camera follow the same intensities but are drawn one by one:
the pixels of ``peak_area`` are not those summed in ``signal_sum``.
"""

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.bounds import Bounds
from workbench.facility import FieldFact
from workbench.smalldata import OnceValue
from workbench.synthetic.cameras import (
    BACKGROUND,
    SIGNAL,
    Camera,
    epix_1,
    expected_frame,
    jungfrau_1m,
)
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station
from workbench.synthetic.tiles import N_PHI, NOISE, Q_EDGES, ring_camera
from workbench.synthetic.truth import Counts
from workbench.synthetic.user_settings import camera_settings

PEAK = Bounds((342, 192), (358, 208))  # of the spot camera: small enough to keep its pixels
DROPLETS = 6.0  # a frame at mean I0, in a corner of the spot camera
ENTRIES = ("data", "row", "col", "tile", "npix")
FACTS = {  # leaf -> unit, meaning, axes
    "azav_azav": ("keV", "mean per pixel at this azimuth and q", ("phi", "q")),
    "peak_area": ("keV", "pixels of the region", ("row", "col")),
    "data": ("keV", "sum of the droplet", ()),
    "row": ("pixel", "centre of the droplet", ()),
    "col": ("pixel", "centre of the droplet", ()),
    "tile": ("1", "tile of the droplet", ()),
    "npix": ("pixel", "pixels of the droplet", ()),
    "droplet_nDroplets": ("1", "droplets above the threshold", ()),
    "droplet_nDroplets_all": ("1", "all droplets", ()),
}


class UserDetectors:
    """Draws what the cameras of one run left in its small data."""

    def __init__(self, spec: PumpProbe, station: Station) -> None:
        self._spec, self._station = spec, station
        self._camera = ring_camera(station.ring_shape, spec.photon_energy)
        self._background = spec.background_photons * _good_pixels(epix_1(), BACKGROUND)
        self._ring, self._ring_noise = self._ring_law()
        self._pixels, share = self._camera.bins
        self._binned = spec.ring_photons * share + spec.diffuse_photons * self._pixels
        frame = expected_frame(spec.signal_photons, spec.background_photons)
        self._peak = frame[PEAK.slices]

    def columns(self, shots: Shots) -> dict[str, Array]:
        """Return the datasets of one block; NaN where the camera was not read."""
        place = (self._spec.run, int(shots.events[0]))
        draw = generator(self._spec.seed, Draw.REDUCED, *place)
        more = generator(self._spec.seed, Draw.USER, *place)
        epix, rings = (np.asarray(read[1].all(axis=1)) for read in (shots.epix, shots.jungfrau))
        return {
            **self._regions(draw, shots, epix, rings),
            **self._area(more, shots, epix),
            **self._rings(more, shots, rings),
            **self._droplets(more, shots, epix),
        }

    def once(self, counts: Counts) -> dict[str, OnceValue]:
        """Return what is kept once a file: settings of the cameras and run sums."""
        station = self._station
        regions = {"signal": SIGNAL, "background": BACKGROUND, "peak": PEAK}
        return camera_settings(self._spec, station, regions, counts)

    def fact(self, name: str) -> FieldFact | None:
        """Return what is known of a camera's dataset; None for those of others."""
        detector, _, rest = name.partition("/")
        if detector not in {self._station.spot, self._station.rings}:
            return None
        leaf = rest.rpartition("/")[2]
        unit, meaning, dims = FACTS.get(
            leaf, ("keV", f"{leaf.rpartition('_')[2]} of the region", ())
        )
        return FieldFact(leaf, unit, meaning, dims=dims)

    def _ring_law(self) -> tuple[float, float]:
        """Return expected photons and dark noise [keV] of the sum over the ring's region."""
        spec, roi = self._spec, self._station.ring_roi
        if self._station.rings == jungfrau_1m().name:
            good = jungfrau_1m().good[roi.slices]
            inside = self._camera.share[roi.slices][good].sum()
            photons = spec.ring_photons * float(inside) + spec.diffuse_photons * int(good.sum())
            return photons, _sum_noise(jungfrau_1m(), roi, spec)
        photons = self._camera.expected(roi, spec.ring_photons, spec.diffuse_photons)
        return photons, NOISE * float(np.sqrt(np.prod(roi.shape)))

    def _regions(
        self, draw: np.random.Generator, shots: Shots, epix: Bools, rings: Bools
    ) -> dict[str, Array]:
        """Return sum and mean of every region, shape (event,) [keV]."""
        spec, station = self._spec, self._station
        relative, even = shots.i0 / spec.pulse_energy, np.ones(len(shots))
        found: dict[str, Array] = {}
        for name, bounds, rate, noise, there in (
            (
                f"{station.spot}/signal",
                SIGNAL,
                spec.signal_photons * shots.change,
                _sum_noise(epix_1(), SIGNAL, spec),
                epix,
            ),
            (
                f"{station.spot}/background",
                BACKGROUND,
                self._background * even,
                _sum_noise(epix_1(), BACKGROUND, spec),
                epix,
            ),
            (f"{station.rings}/ring", station.ring_roi, self._ring * even, self._ring_noise, rings),
        ):
            photons = draw.poisson((rate * relative)[there])
            total = np.full(len(shots), np.nan)
            total[there] = spec.photon_energy * photons + noise * draw.standard_normal(len(photons))
            found[f"{name}_sum"] = total
            found[f"{name}_mean"] = total / int(np.prod(bounds.shape))
        return found

    def _area(self, draw: np.random.Generator, shots: Shots, epix: Bools) -> dict[str, Array]:
        spec = self._spec
        relative = (shots.i0 / spec.pulse_energy * shots.change)[epix]
        photons = draw.poisson(relative[:, np.newaxis, np.newaxis] * self._peak)
        noise = _sum_noise(epix_1(), PEAK, spec) / np.sqrt(np.prod(PEAK.shape))
        pixels = np.full((len(shots), *PEAK.shape), np.nan, np.float32)
        pixels[epix] = spec.photon_energy * photons + noise * draw.standard_normal(photons.shape)
        total = pixels.sum(axis=(1, 2), dtype=np.float64)
        name = f"{self._station.spot}/peak"
        brightest = pixels.max(axis=(1, 2)).astype(np.float64)
        return {f"{name}_area": pixels, f"{name}_sum": total, f"{name}_max": brightest}

    def _rings(self, draw: np.random.Generator, shots: Shots, rings: Bools) -> dict[str, Array]:
        """Return the mean per pixel [keV] over azimuth and q; NaN in bins without pixels."""
        spec = self._spec
        relative = (shots.i0 / spec.pulse_energy)[rings]
        photons = draw.poisson(relative[:, np.newaxis, np.newaxis] * self._binned)
        noise = NOISE * np.sqrt(self._pixels) * draw.standard_normal(photons.shape)
        mean = np.full((len(shots), N_PHI, len(Q_EDGES) - 1), np.nan)
        filled = np.where(self._pixels > 0, self._pixels, np.nan)
        mean[rings] = (spec.photon_energy * photons + noise) / filled
        return {f"{self._station.rings}/azav_azav": mean}

    def _droplets(self, draw: np.random.Generator, shots: Shots, epix: Bools) -> dict[str, Array]:
        relative = shots.i0 / self._spec.pulse_energy
        counts = np.where(epix, draw.poisson(DROPLETS * relative), 0)
        total = int(counts.sum())
        flat: dict[str, Array] = {
            "data": self._spec.photon_energy * (1 + 0.02 * draw.standard_normal(total)),
            "row": draw.integers(0, 64, total),
            "col": draw.integers(0, 64, total),
            "tile": np.zeros(total, np.int64),
            "npix": draw.integers(1, 5, total),
        }
        det, ends = self._station.spot, np.cumsum(counts)
        found: dict[str, Array] = {
            f"{det}/droplet_nDroplets": np.where(epix, counts, -99999),
            f"{det}/droplet_nDroplets_all": np.where(epix, counts, -99999),
        }
        for leaf, values in flat.items():
            rows = np.empty(len(shots), dtype=object)
            rows[:] = np.split(values, ends[:-1])
            found[f"{det}/var_droplet_sparse/{leaf}"] = rows
        return found


def _good_pixels(camera: Camera, bounds: Bounds) -> int:
    return int(camera.good[bounds.slices].sum())


def _sum_noise(camera: Camera, bounds: Bounds, spec: PumpProbe) -> float:
    """Return the standard deviation of a region's dark sum [keV], rounding included."""
    good = camera.good[bounds.slices]
    gain = camera.adu[bounds.slices][good].astype(np.float64) / spec.photon_energy
    variance = camera.noise[bounds.slices][good].astype(np.float64) ** 2 + 1 / 12
    return float(np.sqrt((variance / gain**2).sum()))

"""Speckle on the spot camera: photons of partially coherent light that forgets itself in time."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.bounds import Bounds
from workbench.facility import FieldFact
from workbench.smalldata import OnceValue
from workbench.synthetic.cameras import epix_1
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import RATE, PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

REGIONS = (  # name, place, modes M
    ("near", Bounds((100, 100), (140, 140)), 2),
    ("far", Bounds((100, 300), (140, 340)), 4),
)
LARGE_SETTINGS = (  # pixel maps that speckle needs none of, 100 MB a file
    "UserDataCfg/epix10k2M/*",
    "UserDataCfg/*/[xyz]",
    *(f"UserDataCfg/*/{name}" for name in ("ix", "iy", "ped", "rms", "gain")),
)
SCATTER = 0.3  # pixel, by which a photon's found place misses the middle of its pixel
LIST = "var_droplet_droplet2phot_sparse"
_FACTS = {
    "data": ("1", "photons"),
    "row": ("pixel", "place of the photon"),
    "col": ("pixel", "place of the photon"),
    "tile": ("1", "tile of the photon"),
}


@dataclass(frozen=True)
class Speckle(Scene):
    """Speckle in two regions, "near" and "far", of contrast 1/2 and 1/4; one speckle per pixel.

    The intensity of a pixel is the mean of |E|² over M modes, each a complex Gaussian field. From
    one 1/120 s to the next a field keeps exp(-dt / relaxation_time) of itself (an
    Ornstein-Uhlenbeck process), so that g2(lag) = 1 + exp(-2 lag / relaxation_time) / M.

    Parameters
    ----------
    kbar
        Photons per pixel at mean I0.
    relaxation_time
        Time in which the field falls to 1/e [s]; 0: every shot has a field of its own.
    false_photons
        Photons per pixel and frame that are none.
    """

    kbar: float = 0.15
    relaxation_time: float = 0.0
    false_photons: float = 2e-5

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """Other regions of the cameras, and pixel maps."""
        regions = tuple(f"UserDataCfg/*/{name}__*" for name in ("signal", "background", "peak"))
        return (*regions, "Sums/*", *LARGE_SETTINGS)

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the list of photons of every frame."""
        draw = generator(spec.seed, Draw.SCENE, spec.run, int(shots.events[0]))
        there = np.flatnonzero(shots.epix[1].all(axis=1))
        relative = (shots.i0 / spec.pulse_energy)[there]
        entries: list[Array] = []
        for number, (_, bounds, _) in enumerate(REGIONS):
            intensity = _intensities(self, spec, number, draw, shots.events[there])
            rate = self.kbar * relative[:, None] * intensity + self.false_photons
            photons = draw.poisson(rate).reshape(-1, *bounds.shape)
            photons *= epix_1().good[bounds.slices]
            frame, row, col = np.nonzero(photons)
            counts = photons[frame, row, col]
            corner = np.array(bounds.low)
            found = np.stack([there[frame], row + corner[0], col + corner[1]])
            entries.append(np.repeat(found, counts, axis=1))
        event, row, col = np.concatenate(entries, axis=1)
        order = np.argsort(event, kind="stable")
        ends = np.searchsorted(event[order], np.arange(len(shots) + 1))
        blur = draw.uniform(-SCATTER, SCATTER, (2, len(event)))
        values = {
            "data": np.ones(len(event)),
            "row": row[order] + blur[0],
            "col": col[order] + blur[1],
            "tile": np.zeros(len(event), np.int64),
        }
        columns: dict[str, Array] = {}
        for leaf, flat in values.items():
            rows = np.empty(len(shots), dtype=object)
            rows[:] = np.split(flat, ends[1:-1])
            columns[f"{place.spot}/{LIST}/{leaf}"] = rows
        return columns

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        """Return the two regions as a producer config would have them."""
        del spec
        found: dict[str, OnceValue] = {}
        for name, bounds, _ in REGIONS:
            key = f"UserDataCfg/{place.spot}/{name}__{name}"
            pairs = np.array(list(zip(bounds.low, bounds.high, strict=True)))
            bad = ~epix_1().good[bounds.slices]
            found |= {
                f"{key}_ROI": OnceValue(pairs, "1", ""),
                f"{key}_bound": OnceValue(pairs, "1", ""),
                f"{key}_mask": OnceValue(bad.astype(np.uint8), "1", "1 where bad"),
                f"{key}_name": OnceValue(name, "1", ""),
            }
        return found

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and meaning of the photons' fields."""
        group, _, leaf = name.rpartition("/")
        if group != f"{place.spot}/{LIST}":
            return None
        return FieldFact(leaf, *_FACTS[leaf])

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return contrast and mean photons of both regions, and the relaxation of the first."""
        del spec, place
        found: dict[str, Planted] = {}
        lit = self.kbar + self.false_photons
        for name, _, modes in REGIONS:
            found[f"contrast_{name}"] = (1 / modes, "1", f"1 / modes, region {name}")
            found[f"kbar_{name}"] = (lit, "1", "photons per pixel at mean I0")
        if self.relaxation_time:
            found["contrast"] = (0.25, "1", "of region far, the first by name: 1 / modes")
            found["relaxation_time"] = (self.relaxation_time, "s", "field at 1/e")
            found["baseline"] = (1.0, "1", "of g2 at long lags")
        return found


def _intensities(
    scene: Speckle, spec: PumpProbe, number: int, draw: np.random.Generator, events: Array
) -> Floats:
    """Return intensities over their mean of the pixels of a region, shape (event, pixel)."""
    _, bounds, modes = REGIONS[number]
    pixels = int(np.prod(bounds.shape))
    if not scene.relaxation_time:
        return draw.gamma(modes, 1 / modes, (len(events), pixels))
    whole = _history(spec.seed, spec.run, number, spec.n_events, scene.relaxation_time)
    return np.asarray(whole[events], np.float64)


@lru_cache(maxsize=2)
def _history(seed: int, run: int, number: int, n_events: int, relaxation_time: float) -> Array:
    """Return the intensity of every pixel in every event of a run, shape (event, pixel)."""
    _, bounds, modes = REGIONS[number]
    pixels = int(np.prod(bounds.shape))
    draw = generator(seed, Draw.SCENE, run, number, n_events, 1)
    kept = np.exp(-1 / (RATE * relaxation_time))
    fresh = np.sqrt(1 - kept**2)
    field = draw.standard_normal((2, modes, pixels), np.float32)
    found = np.empty((n_events, pixels), np.float32)
    for event in range(n_events):
        found[event] = (field**2).sum(axis=(0, 1)) / (2 * modes)
        field = kept * field + fresh * draw.standard_normal(field.shape, np.float32)
    return found

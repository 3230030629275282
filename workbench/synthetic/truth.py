"""The truth of a made-up run: every planted number with unit and meaning, and what was counted."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

import numpy as np

from workbench.core.bounds import Bounds
from workbench.synthetic import integrating
from workbench.synthetic.cameras import (
    BACKGROUND,
    RING_WIDTH,
    SIGNAL,
    SPOT_CENTRE,
    epix_1,
    jungfrau_1m,
    ring_q,
    ring_radius,
)
from workbench.synthetic.dialect import TT_CALIBRATION
from workbench.synthetic.pump_probe import COUNTS_PER_JOULE, MONITORS, PumpProbe
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station
from workbench.synthetic.station import station as find_station

SENSE = "delay = nominal delay + time-tool correction; positive: the pump arrives before the X-rays"
Number = float | list[float]


@dataclass
class Counts:
    """How many events of each kind a run holds, added up block by block."""

    totals: dict[str, int] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    present: dict[str, int] = field(default_factory=dict)
    partial: dict[str, int] = field(default_factory=dict)

    def add(self, shots: Shots) -> None:
        """Count one more block."""
        both = shots.xray & shots.laser
        no_edge = shots.records["tt"]["fltpos"] == 0
        for name, events in {
            "events": np.ones(len(shots), bool),
            "on": both,
            "off": shots.xray & ~shots.laser,
            "dark": ~shots.xray,
            "laser_off": ~shots.laser,
            "time_tool_failed": both & no_edge & shots.present["tt"],
        }.items():
            self.totals[name] = self.totals.get(name, 0) + int(events.sum())
        for name, there in shots.present.items():
            self._add(name, len(shots), int(there.sum()), 0)
        for name, (due, segments) in {"epix_1": shots.epix, "jungfrau1M": shots.jungfrau}.items():
            whole, some = segments.all(axis=1), segments.any(axis=1)
            self._add(name, int(due.sum()), int(whole.sum()), int((some & ~whole).sum()))

    def rename(self, called: Mapping[str, str]) -> None:
        """Give detectors the names that a hutch has for them."""
        for kept in (self.expected, self.present, self.partial):
            given = {called.get(name, name): number for name, number in kept.items()}
            kept.clear()
            kept.update(given)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON; missing = read out, but not a single segment arrived."""
        missing = {
            name: due - self.present[name] - self.partial[name]
            for name, due in self.expected.items()
        }
        return {
            **self.totals,
            "expected": self.expected,
            "present": self.present,
            "partial": self.partial,
            "missing": missing,
        }

    def _add(self, name: str, due: int, whole: int, half: int) -> None:
        for kept, number in ((self.expected, due), (self.present, whole), (self.partial, half)):
            kept[name] = kept.get(name, 0) + number


def truth_text(
    spec: PumpProbe,
    counts: Counts,
    station: Station | None = None,
    more: Mapping[str, tuple[Number, str, str]] = MappingProxyType({}),
) -> str:
    """Return the truth file of one run; `station`: whose names it uses, XPP's with LCLS-II if None.

    `more` holds quantities of a scene, which replace those of the same name. What was counted
    keeps the names of the raw run's detectors.
    """
    station = station or find_station("xpp", "lcls2")
    content = {
        "experiment": spec.experiment,
        "run": spec.run,
        "seed": spec.seed,
        "sense": SENSE,
        "quantities": {
            name: {"value": value, "unit": unit, "meaning": meaning}
            for name, (value, unit, meaning) in {**_quantities(spec, station), **more}.items()
        },
        "assumed": station.assumed,
        "monitors": _monitors(station),
        "regions": {
            "signal": _region(station.spot, SIGNAL),
            "background": _region(station.spot, BACKGROUND),
            "ring": _region(station.rings, station.ring_roi),
        },
        "counts": counts.as_dict(),
        "spec": asdict(spec),
    }
    return json.dumps(content, indent=1) + "\n"


def _monitors(station: Station) -> dict[str, dict[str, object]]:
    joules = station.generation == "lcls2"
    scale, unit = (1.0, "J") if joules else (COUNTS_PER_JOULE, "1")
    leaf = "totalIntensityJoules" if joules else "sum"
    return {
        station.monitor(follows).partition("/")[0]: {
            "gain": scale * monitor.gain,
            "offset": scale * monitor.offset,
            "noise": scale * monitor.noise,
            "unit": unit,
            "meaning": f"{leaf} = gain * I0 [J] + offset + noise",
        }
        for follows, monitor in zip(("upstream", "downstream"), MONITORS, strict=True)
    }


def _integrated(spec: PumpProbe) -> dict[str, tuple[Number, str, str]]:
    name, pixels = integrating.NAME, math.prod(integrating.SHAPE)
    return {
        "integrated_per_i0": (
            integrating.LIGHT * pixels / spec.pulse_energy,
            "ADU/J",
            f"sum of a frame of {name}, pedestal off, over the I0 of its shots",
        ),
        "integrating_pedestal": (integrating.PEDESTAL, "ADU", f"of each pixel of {name}"),
    }


def _quantities(spec: PumpProbe, station: Station) -> dict[str, tuple[Number, str, str]]:
    background = spec.background_photons * int(epix_1().good[SIGNAL.slices].sum())
    bare = spec.signal_photons - background
    geometry = jungfrau_1m().geometry
    radius = ring_radius(spec.photon_energy)
    return {
        **(_integrated(spec) if spec.integrating_every else {}),
        "t0": (spec.t0, "ps", "delay at which pump and probe coincide"),
        "tau": (spec.tau, "ps", "decay time of the response"),
        "amplitude": (
            spec.amplitude,
            "1",
            f"{station.spot}/signal_sum relative to laser off: 1 + amplitude * response",
        ),
        "sigma": (
            float(np.hypot(spec.sigma, spec.tt_resolution)),
            "ps",
            "blur of the response over the delay corrected by the time tool",
        ),
        "sigma_pulses": (spec.sigma, "ps", "blur by the pulse lengths alone"),
        "sigma_uncorrected": (
            float(np.hypot(spec.sigma, spec.jitter)),
            "ps",
            "blur over the nominal delay, without the time tool",
        ),
        "jitter": (spec.jitter, "ps", "arrival-time jitter, standard deviation"),
        "time_tool_resolution": (spec.tt_resolution, "ps", "error of the correction, as above"),
        "tt_p0": (TT_CALIBRATION[0], "ps", "time-tool correction at pixel 0"),
        "tt_p1": (TT_CALIBRATION[1], "ps/pixel", "time-tool correction per pixel"),
        "tt_p2": (TT_CALIBRATION[2], "ps/pixel^2", "its curvature over the edge's position"),
        "amplitude_background_subtracted": (
            spec.amplitude * spec.signal_photons / bare,
            "1",
            "as amplitude, after subtraction of the scaled background region",
        ),
        "signal_per_i0": (
            spec.photon_energy * spec.signal_photons / spec.pulse_energy,
            "keV/J",
            f"{station.spot}/signal_sum per pulse energy at the sample, laser off",
        ),
        "i0_mean": (spec.pulse_energy, "J", "mean pulse energy at the sample"),
        "i0_spread": (spec.pulse_spread, "1", "relative standard deviation of the pulse energy"),
        "i0_offset": (0.0, "1", "signal without intensity, over the mean signal"),
        "i0_curvature": (0.0, "1", "bend of the signal over the intensity, over the mean signal"),
        "photon_energy": (spec.photon_energy, "keV", "energy of every photon"),
        "spot_centre": (list(SPOT_CENTRE), "pixel", "row and column of the spot on epix_1"),
        "ring_q": (ring_q().tolist(), "1/angstrom", "powder rings on jungfrau1M"),
        "ring_width_q": (RING_WIDTH, "1/angstrom", "standard deviation of each ring in q"),
        "ring_radius": (radius.tolist(), "um", "around the beam, in the plane of jungfrau1M"),
        "ring_radius_pixels": ((radius / geometry.pitch).tolist(), "pixel", "the same"),
        "beam_centre": (
            [-float(axis.min()) / geometry.pitch for axis in (geometry.x, geometry.y)],
            "pixel",
            "row and column of the beam in the assembled jungfrau1M image",
        ),
        "detector_distance": (-float(geometry.z.mean()), "um", "from sample to jungfrau1M"),
    }


def _region(detector: str, bounds: Bounds) -> dict[str, object]:
    roi = [list(pair) for pair in zip(bounds.low, bounds.high, strict=True)]
    return {"detector": detector, "roi": roi}

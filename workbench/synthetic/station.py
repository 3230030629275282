"""What stands in each hutch with each DAQ generation, as far as made-up files show it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from workbench.core.bounds import Bounds
from workbench.core.errors import InputError

HUTCHES = ("xpp", "xcs", "mec")
GENERATIONS = ("lcls1", "lcls2")


@dataclass(frozen=True)
class Detector:
    """One default detector without pixels.

    Parameters
    ----------
    group
        Folder in the file.
    kind
        What it writes: "bmmon", "ipm", "split_delay", "encoder", "ai", "adc", "spectrometer",
        "digitiser" or "camera".
    follows
        What its readings follow: "upstream" and "downstream" (the two monitors), "front" (the
        beam before the monochromator), "sample" (I0 with more noise), "laser", "idle".
    source
        Name in the DAQ.
    """

    group: str
    kind: str
    follows: str
    source: str


@dataclass(frozen=True)
class Station:
    """One hutch with one DAQ generation.

    Parameters
    ----------
    hutch, generation
        "xpp", "xcs" or "mec"; "lcls1" or "lcls2".
    assumed
        Why the names are a guess; empty where the listing of a real file or the producer's own
        list of detectors shows them.
    laser_code
        Event code of shots without laser; negative: of shots with laser.
    facility_status
        Whether the facility's writer stores lightStatus.
    spot, rings
        Names of the camera on the diffraction spot (an ePix100) and of the one on the rings.
    ring_shape
        Shape of a frame of `rings`, (tile, row, col).
    ring_roi
        The region of `rings` that the producer config asks for.
    stage
        Encoder of the delay stage, by group (LCLS-I) or name in the DAQ; empty where there is none.
    detectors
        Default detectors besides electron beam, gas detector, time tool and timing.
    epics
        Slow values of every run.
    """

    hutch: str
    generation: str
    assumed: str
    laser_code: int
    facility_status: bool
    spot: str
    rings: str
    ring_shape: tuple[int, ...]
    ring_roi: Bounds
    stage: str
    detectors: tuple[Detector, ...]
    epics: tuple[str, ...]

    def monitor(self, follows: str) -> str:
        """Return the dataset of the monitor "upstream" or "downstream"."""
        group = next(det.group for det in self.detectors if det.follows == follows)
        return f"{group}/{'sum' if self.generation == 'lcls1' else 'totalIntensityJoules'}"


def station(experiment: str, generation: str) -> Station:
    """Return the station of a made-up experiment, by its name or its hutch's.

    Raises `InputError` where the hutch or the generation is none that we make files of.
    """
    hutch = experiment[:3].lower()
    if hutch not in HUTCHES or generation not in GENERATIONS:
        raise InputError(
            f"no made-up files for experiment {experiment!r} with {generation!r}: the name begins "
            f"with {', '.join(HUTCHES)}, the generation is {' or '.join(GENERATIONS)}"
        )
    return _load(hutch, generation)


@cache
def _load(hutch: str, generation: str) -> Station:
    place = resources.files("workbench.synthetic").joinpath(
        "stations", f"{hutch}_{generation}.toml"
    )
    facts: dict[str, Any] = tomllib.loads(place.read_text(encoding="utf-8"))
    return Station(
        hutch,
        generation,
        facility_status=facts.pop("facility_status", True),
        ring_shape=tuple(facts.pop("ring_shape")),
        ring_roi=Bounds.from_pairs(facts.pop("ring_roi")),
        detectors=tuple(Detector(*entry) for entry in facts.pop("detectors")),
        epics=tuple(facts.pop("epics")),
        **facts,
    )

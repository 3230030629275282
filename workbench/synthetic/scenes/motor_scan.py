"""A motor scanned up and down through an edge or a peak, with backlash; seen by the spot camera."""

import math
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.errors import InputError
from workbench.facility import FieldFact
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import COUNTS_PER_JOULE, MONITORS, PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

KINDS = ("edge", "peak", "dip", "slope", "overlap")
READ_NOISE = 30.0  # keV, of the sum over the region
FWHM = math.sqrt(8 * math.log(2))  # standard deviations
STREAM = 71  # of random numbers, beside those of the run's own cameras


@dataclass(frozen=True)
class MotorScene(Scene):
    """A motor goes up in the first half of the steps and down in the second.

    The stage lags by half the backlash behind the set position on the way up, and is as far ahead
    on the way down: set positions of a feature differ by the backlash, up - down.

    Parameters
    ----------
    kind
        "edge" (knife edge, slit blade), "peak" (slit, lens, sample), "dip" (wire), "slope"
        (attenuator: signal proportional to the position), "overlap" (peak of the change by the
        laser alone).
    motor, unit
        Name under ``scan/`` and unit of its position.
    first, last
        Range of the set position.
    centre, width
        Of the feature on the sample [unit of the motor]; full width at half maximum.
    backlash
        [unit of the motor]
    height
        Of the feature, relative to the full signal.
    bidirectional
        Whether the motor comes back.
    photons
        Expected in the region in a shot of mean intensity at full signal.

    Raises
    ------
    InputError
        For a kind of curve that there is not.
    """

    kind: str = "edge"
    motor: str = "sam_x"
    unit: str = "mm"
    first: float = -1.0
    last: float = 1.0
    centre: float = 0.137
    width: float = 0.3
    backlash: float = 0.04
    height: float = 0.8
    bidirectional: bool = True
    photons: float = 400.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind {self.kind!r}: use {', '.join(KINDS)}")

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """The laser's delay is not scanned here."""
        return ("scan/lxt*", "scan/var0")

    def set_position(self, spec: PumpProbe, step: Array) -> Floats:
        """Return where the motor is set in a step."""
        places = spec.n_steps - spec.n_steps // 2 if self.bidirectional else spec.n_steps
        pitch = (self.last - self.first) / (places - 1)
        down = step >= places
        number = np.where(down, 2 * places - 1 - step, step)
        return np.round(self.first + pitch * number, 9)

    def true_position(self, spec: PumpProbe, step: Array) -> Floats:
        """Return where the stage is in a step."""
        places = spec.n_steps - spec.n_steps // 2 if self.bidirectional else spec.n_steps
        lag = np.where(step >= places, -1, 1) * self.backlash / 2
        return self.set_position(spec, step) - lag

    def shape(self, position: Floats) -> Floats:
        """Return the feature at positions of the stage, from 0 to 1."""
        away = (position - self.centre) / (self.width / FWHM)
        if self.kind == "edge":
            return np.array([0.5 * (1 + math.erf(one / math.sqrt(2))) for one in away])
        if self.kind == "slope":
            return (position - self.first) / (self.last - self.first)
        return np.asarray(np.exp(-(away**2) / 2))

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the motor, its readback and the signal of the spot camera."""
        shape = self.shape(self.true_position(spec, shots.step))
        if self.kind == "overlap":
            level = 1 + self.height * shape * shots.laser
        elif self.kind == "dip":
            level = 1 - self.height * shape
        else:
            level = 1 - self.height + self.height * shape
        asked = self.set_position(spec, shots.step)
        signal = spot_signal(spec, shots, self.photons * level)
        found = {f"scan/{self.motor}": asked, f"{place.spot}/signal_sum": signal}
        if place.generation == "lcls1":
            found["scan/var0"] = asked
        return found | {f"epics/{self.motor}_rbv": self.true_position(spec, shots.step)}

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and meaning of the motor and its readback."""
        del place
        if name in {f"scan/{self.motor}", "scan/var0", f"epics/{self.motor}_rbv"}:
            return FieldFact(self.motor, self.unit, f"position of {self.motor}")
        return None

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return centres in set positions, width and backlash; of a slope, the slope."""
        unit, half = self.unit, self.backlash / 2
        if self.kind == "slope":
            rise = self.height * self.photons / (self.last - self.first)
            ratio, per = over_monitor(spec, place, rise)
            said = f"of signal over {place.monitor('upstream')}"
            return {"slope": (ratio, f"{per}/{unit}", said)}
        middle = "of the feature, mean of both directions, as set"
        found: dict[str, Planted] = {
            "centre": (self.centre if self.bidirectional else self.centre + half, unit, middle),
            "centre_up": (self.centre + half, unit, "as set, motor coming from below"),
            "width": (self.width, unit, "full width at half maximum"),
        }
        if self.bidirectional:
            found["centre_down"] = (self.centre - half, unit, "as set, motor coming from above")
            found["backlash"] = (self.backlash, unit, "centre_up - centre_down")
        return found


def over_monitor(spec: PumpProbe, place: Station, photons: float) -> tuple[float, str]:
    """Return expected photons over the upstream monitor's reading, and the unit of that."""
    lcls2 = place.generation == "lcls2"
    reading = spec.pulse_energy * MONITORS[0].gain * (1.0 if lcls2 else COUNTS_PER_JOULE)
    return photons * spec.photon_energy / reading, "keV/J" if lcls2 else "keV"


def spot_signal(spec: PumpProbe, shots: Shots, photons: Floats) -> Floats:
    """Return the sum over the spot camera's region [keV]; NaN where the camera was not read.

    `photons`: expected in a shot of mean intensity, shape (event,).
    """
    draw = generator(spec.seed, Draw.REDUCED, spec.run, int(shots.events[0]), STREAM)
    expected = np.maximum(photons, 0.0) * shots.i0 / spec.pulse_energy
    seen = draw.poisson(expected) * spec.photon_energy
    signal: Floats = seen + READ_NOISE * draw.standard_normal(len(shots))
    signal[~shots.epix[1].all(axis=1)] = np.nan
    return signal

"""Split and delay: each shot goes through one branch, both or none; a motor sets the delay."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.facility import FieldFact
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import COUNTS_PER_JOULE, MONITORS, PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

FIRST, SECOND = "ai/ch02", "ai/ch03"
MOTOR = "scan/sd_delay"
CLOSED, OPEN, NOISE = 0.045, 5.05, 0.01  # V
SHARES = (0.4, 0.4, 0.15, 0.05)  # of the shots: first, second, both, none


@dataclass(frozen=True)
class SplitAndDelay(Scene):
    """Two branches with different transmission, whose shutters analog inputs 2 and 3 see.

    Monitors and signal stand behind the split. The signal of the second branch per intensity is
    `signal_ratio` of that of the first; only the second branch has a delay.

    Parameters
    ----------
    first, second
        Transmission of the branches.
    signal_ratio
        Signal over intensity, second branch over first.
    motor_first, motor_last
        Positions of the delay motor at begin and end of the scan [mm].
    noise
        Standard deviation of the inputs around the levels of open and closed [V].
    """

    first: float = 0.6
    second: float = 0.42
    signal_ratio: float = 0.8
    motor_first: float = 3.1
    motor_last: float = 7.1
    noise: float = NOISE

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """The scan of the laser, and pixel maps."""
        maps = (f"UserDataCfg/*/{name}" for name in ("[xyz]", "i[xy]", "ped", "rms", "gain"))
        return ("scan/lxt*", "scan/var0", "Sums/*", "UserDataCfg/epix10k2M/*", *maps)

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return inputs, motor, monitors and signal."""
        draw = generator(spec.seed, Draw.SCENE, spec.run, int(shots.events[0]))
        kind = draw.choice(len(SHARES), len(shots), p=SHARES)
        through = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])[kind].T
        volts = (
            CLOSED + (OPEN - CLOSED) * through + self.noise * draw.standard_normal(through.shape)
        )
        shares = np.array([[self.first], [self.second]]) * through
        i0 = shots.i0 * shares.sum(axis=0)
        photons = spec.signal_photons * (shares[0] + self.signal_ratio * shares[1])
        there = shots.epix[1].all(axis=1)
        expected = np.where(there, photons * shots.i0 / spec.pulse_energy, 0.0)
        signal = spec.photon_energy * draw.poisson(expected) + 2 * draw.standard_normal(len(shots))
        motor = np.linspace(self.motor_first, self.motor_last, len(spec.delays))[shots.step]
        found: dict[str, Array] = {
            FIRST: volts[0],
            SECOND: volts[1],
            MOTOR: np.round(motor, 6),
            f"{place.spot}/signal_sum": np.where(there, signal, np.nan),
        }
        for follows, monitor in zip(("upstream", "downstream"), MONITORS, strict=True):
            noise = monitor.noise * draw.standard_normal(len(shots))
            total = monitor.gain * i0 + monitor.offset + noise
            scale = COUNTS_PER_JOULE if place.generation == "lcls1" else 1.0
            arrived = shots.present[monitor.name]
            found[place.monitor(follows)] = np.where(arrived, scale * total, np.nan)
        return found

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and meaning of the delay's motor."""
        del place
        return FieldFact("sd_delay", "mm", "delay motor") if name == MOTOR else None

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return the ratios of the branches, which no calibration enters."""
        del spec, place
        ratio = self.second / self.first
        return {
            "intensity_ratio": (ratio, "1", "intensity of second over first branch"),
            "signal_ratio": (self.signal_ratio, "1", "signal over intensity, second over first"),
        }

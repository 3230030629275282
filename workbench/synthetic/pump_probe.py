"""What a made-up XPP pump-probe run is made with: every fact that an analysis could recover."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError

RATE = 120  # Hz, the copper linac
FIRST_SECOND = 1_137_355_200  # s since 1990: 2026-01-15 20:00 UTC, begin of run 0
SECONDS_PER_RUN = 3600  # from the begin of one run to that of the next
COUNTS_PER_JOULE = 5e9  # beam monitors of LCLS-I count in an arbitrary unit, about 1e4 a shot
REGION_PIXELS = 1600  # of the signal region
CODE_ALWAYS, CODE_XRAY, CODE_DROPPED, CODE_NO_LASER = 40, 137, 162, 89


class Scan(StrEnum):
    """How the laser delay moves: set step by step, or swept while events are taken.

    "lxt" steps the laser alone: the time tool's stage stays, so that it sees the whole delay.
    """

    STEP = "step"
    FAST = "fast"
    LXT = "lxt"


@dataclass(frozen=True)
class Monitor:
    """A beam monitor: reading = `gain` * I0 + `offset` + noise.

    Parameters
    ----------
    name
        Name in the DAQ.
    gain
        Reading per pulse energy at the sample [J/J].
    offset
        Reading without X-rays [J].
    noise
        Standard deviation of the reading, shot to shot [J].
    """

    name: str
    gain: float
    offset: float
    noise: float


MONITORS = (
    Monitor("XppSb2BmMon", gain=0.92, offset=2.0e-8, noise=8.0e-9),
    Monitor("XppSb3BmMon", gain=0.15, offset=-3.0e-9, noise=2.4e-9),
)


@dataclass(frozen=True)
class PumpProbe:
    """One run of a pump-probe experiment; the same values give the same bytes.

    Delay is positive where the pump arrives before the X-rays. The true delay of a shot is the
    nominal delay plus the arrival jitter; the time tool measures the jitter, with its resolution
    as error, and its correction is added to the nominal delay.

    Parameters
    ----------
    experiment, run, seed
        Names of the run; the seed decides every random number together with the run.
    n_events
        Events at 120 Hz, dropped shots included.
    scan
        "step": `scan/lxt_ttc` moves in steps; "fast": `enc/lasDelay` is swept to and fro; "lxt":
        `scan/lxt` moves in steps through the time tool's window (choose -1 to 1 ps).
    t0
        Delay at which pump and probe coincide [ps].
    tau
        Decay time of the response [ps].
    amplitude
        Relative change of the signal at full response; negative where the pump weakens it.
    sigma
        Standard deviation of the instrument's response: pulse lengths, not jitter [ps].
    delay_first, delay_last
        Range of the nominal delay [ps].
    n_steps
        Steps of a step scan.
    sweep_period
        Time from one end of a fast scan to the other and back [s].
    jitter
        Standard deviation of the arrival time between laser and X-rays [ps].
    tt_resolution
        Standard deviation of the time tool's error [ps].
    tt_failure
        Fraction of shots with both beams in which the edge fit fails for no visible reason; fits
        of weak edges fail always.
    photon_energy
        [keV]
    pulse_energy
        Mean energy of an X-ray pulse at the sample, I0 [J].
    pulse_spread
        Relative standard deviation of I0 (gamma distribution, as a seeded or SASE beam behind a
        monochromator).
    signal_photons
        Expected in the good pixels of the signal region, laser off, at mean I0; background
        included.
    background_photons
        Expected per pixel of epix_1 at mean I0.
    ring_photons
        Expected on the whole jungfrau1M in all rings at mean I0.
    diffuse_photons
        Expected per pixel of jungfrau1M at mean I0, besides the rings.
    camera_every, jungfrau_every
        Each camera is read in every n-th event.
    integrating_every
        Shots in each frame of an integrating camera; 0: the run has none.
    dropped_every, laser_off_every
        Every n-th shot has no X-rays, or no laser. Numbers without a common factor with the
        read-out periods give each class its share of frames.
    missing
        Fraction of events that lack a beam-line record, for each of them.
    camera_missing
        Fraction of read-outs that never arrive, for each camera.
    partial
        Fraction of jungfrau1M read-outs of which one of two segments arrives.
    """

    experiment: str = "xppsyn0126"
    run: int = 1
    n_events: int = 3000
    seed: int = 2026
    scan: Scan | str = Scan.STEP
    t0: float = 0.15
    tau: float = 0.7
    amplitude: float = 0.3
    sigma: float = 0.05
    delay_first: float = -1.0
    delay_last: float = 3.0
    n_steps: int = 41
    sweep_period: float = 10.0
    jitter: float = 0.08
    tt_resolution: float = 0.01
    tt_failure: float = 0.01
    photon_energy: float = 9.5
    pulse_energy: float = 2.0e-6
    pulse_spread: float = 0.3
    signal_photons: float = 4000.0
    background_photons: float = 0.01
    ring_photons: float = 12_000.0
    diffuse_photons: float = 0.002
    camera_every: int = 5
    jungfrau_every: int = 21
    integrating_every: int = 0
    dropped_every: int = 23
    laser_off_every: int = 8
    missing: float = 0.004
    camera_missing: float = 0.01
    partial: float = 0.02

    def __post_init__(self) -> None:
        object.__setattr__(self, "scan", _scan(self.scan))
        for name in ("n_events", "n_steps", "camera_every", "jungfrau_every"):
            _require(getattr(self, name) >= 1, name, self, "at least 1")
        for name in ("dropped_every", "laser_off_every"):
            _require(getattr(self, name) >= 2, name, self, "at least 2")
        for name in ("tau", "sigma", "sweep_period", "pulse_energy", "pulse_spread"):
            _require(getattr(self, name) > 0, name, self, "positive")
        for name in ("missing", "camera_missing", "partial", "tt_failure"):
            _require(0 <= getattr(self, name) < 1, name, self, "a fraction from 0 to below 1")
        for name in ("jitter", "tt_resolution", "background_photons", "diffuse_photons"):
            _require(getattr(self, name) >= 0, name, self, "0 or more")
        _require(self.integrating_every >= 0, "integrating_every", self, "0 or more")
        _require(0 <= self.run <= 9999, "run", self, "0 to 9999")
        _require(self.delay_last > self.delay_first, "delay_last", self, "above delay_first")
        weakest = self.signal_photons * (1 + min(self.amplitude, 0.0))
        _require(
            weakest > self.background_photons * REGION_PIXELS,
            "signal_photons",
            self,
            "more than the background in the signal region",
        )
        _require(self.amplitude > -1, "amplitude", self, "above -1: no signal is negative")

    @property
    def stem(self) -> str:
        """Begin of the names of the run's raw files."""
        return f"{self.experiment}-r{self.run:04d}"

    @property
    def begin(self) -> int:
        """Second in which the run begins, since 1990."""
        return FIRST_SECOND + self.run * SECONDS_PER_RUN

    @property
    def delays(self) -> Floats:
        """Nominal delay of each step [ps]; a fast scan has one step, at 0."""
        if self.scan is Scan.FAST:
            return np.zeros(1)
        return np.round(np.linspace(self.delay_first, self.delay_last, self.n_steps), 6)

    def step_of(self, events: Array) -> Ints:
        """Return the step in which each event, by index, is taken."""
        return (events.astype(np.int64) * len(self.delays)) // self.n_events

    def sweep(self, events: Array) -> Floats:
        """Return the position of the delay stage at each event [ps]: a triangle; 0 in steps."""
        if self.scan is not Scan.FAST:
            return np.zeros(len(events))
        phase = np.asarray(events, np.float64) / (RATE * self.sweep_period) % 1.0
        swept: Floats = np.abs(1 - 2 * phase)
        return self.delay_last + (self.delay_first - self.delay_last) * swept

    def dropped(self, events: Array) -> Bools:
        """Tell which events have no X-rays."""
        return np.asarray(events % self.dropped_every == self.dropped_every // 2)

    def laser_off(self, events: Array) -> Bools:
        """Tell which events have no laser."""
        return np.asarray(events % self.laser_off_every == self.laser_off_every // 2)


def response(delay: Floats, *, t0: float, tau: float, sigma: float) -> Floats:
    """Return the response to the pump: a step that decays, blurred by a Gaussian.

    Parameters
    ----------
    delay
        [ps], positive where the pump arrives before the X-rays.
    t0, tau, sigma
        Coincidence, decay time, standard deviation of the blur [ps].
    """
    late = delay - t0
    with np.errstate(over="ignore"):  # far before t0 the other branch is taken
        growth = np.exp(sigma**2 / (2 * tau**2) - late / tau)
    below = (sigma / tau - late / sigma) / math.sqrt(2)
    safe = below < 20  # beyond, erfc underflows and the product is 0
    folded = np.array([math.erfc(value) for value in np.where(safe, below, 0.0).ravel()])
    return np.where(safe, 0.5 * np.where(safe, growth, 0.0) * folded.reshape(late.shape), 0.0)


def _scan(value: Scan | str) -> Scan:
    try:
        return Scan(value)
    except ValueError:
        raise InputError(
            f"scan is {value!r}; use {' or '.join(map(repr, map(str, Scan)))}"
        ) from None


def _require(fine: bool, name: str, spec: PumpProbe, need: str) -> None:
    if not fine:
        raise InputError(f"{name} is {getattr(spec, name)!r}; it must be {need}")

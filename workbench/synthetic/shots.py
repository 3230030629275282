"""What happens in each shot: beams, delay, records of small detectors, which camera is read.

Shots are drawn in blocks of fixed size, each from its own generators: memory does not grow with
the run, and the first events of a run are the same however long it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints, Times
from workbench.core.clock import pack
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import (
    CODE_ALWAYS,
    CODE_DROPPED,
    CODE_NO_LASER,
    CODE_XRAY,
    MONITORS,
    RATE,
    Monitor,
    PumpProbe,
    Scan,
    response,
)

BLOCK = 1200  # events
N_CODES = 288
PULSE_OFFSET = 4_000_000_000  # number of the first pulse of a run
TT_CENTRE = 512.0  # pixel, edge of a shot without jitter
TT_SLOPE = 0.0026  # ps/pixel
TT_WEAK = 0.015  # amplitude below which no edge is fitted
BEAMLINE = ("ebeamh", "gasdet", "XppSb2BmMon", "XppSb3BmMon", "XppUsbEncoder02", "tt")

Fields = Mapping[str, Array]
_EBEAM = {  # field -> (mean, standard deviation), units of the beam-line records
    "ebeamCharge": (0.18, 0.002),
    "ebeamL3Energy": (10_400.0, 2.0),
    "ebeamLTUPosX": (0.02, 0.01),
    "ebeamLTUPosY": (-0.01, 0.01),
    "ebeamLUTAngX": (0.0, 0.001),
    "ebeamLTUAngY": (0.0, 0.001),
    "ebeamPkCurrBC2": (3200.0, 60.0),
    "ebeamEnergyBC2": (-355.0, 0.1),
    "ebeamPkCurrBC1": (220.0, 3.0),
    "ebeamEnergyBC1": (-230.0, 0.1),
    "ebeamUndPosX": (0.0, 0.005),
    "ebeamUndPosY": (0.0, 0.005),
    "ebeamUndAngX": (0.0, 0.0005),
    "ebeamUndAngY": (0.0, 0.0005),
    "ebeamXTCAVAmpl": (0.0, 0.01),
    "ebeamXTCAVPhase": (0.0, 0.05),
    "ebeamDumpCharge": (1.1e9, 1.2e7),
    "ebeamPhotonEnergy": (0.0, 3.0),  # around the photon energy of the run
    "ebeamLTU250": (1.2, 0.05),
    "ebeamLTU450": (-0.8, 0.05),
}


@dataclass(frozen=True)
class Shots:
    """A block of consecutive shots; every array has the first axis event.

    Parameters
    ----------
    events, timestamps, step
        Index in the run, time stamp, step of the scan.
    xray, laser
        Which beams were sent.
    i0
        Energy of the X-ray pulse at the sample [J]; 0 for dropped shots.
    nominal, stage
        Delay as set, and the position of the delay stage [ps].
    delay
        True delay of the shot, jitter included [ps].
    change
        Factor on the signal: 1 + amplitude * response; 1 without laser.
    records
        Detector without pixels -> field -> values, with the DAQ's names and order.
    present
        As `records`: True where the detector's record arrived.
    epix, jungfrau
        True where the camera was due, shape (event,), and where each of its segments arrived,
        shape (event, segment).
    """

    events: Ints
    timestamps: Times
    step: Ints
    xray: Bools
    laser: Bools
    i0: Floats
    nominal: Floats
    stage: Floats
    delay: Floats
    change: Floats
    records: Mapping[str, Fields]
    present: Mapping[str, Bools]
    epix: tuple[Bools, Bools]
    jungfrau: tuple[Bools, Bools]

    def __len__(self) -> int:
        return len(self.events)


def blocks(spec: PumpProbe) -> Iterator[Shots]:
    """Yield the run's shots, block by block."""
    for number in range(-(-spec.n_events // BLOCK)):
        yield _block(spec, number)


def event_times(spec: PumpProbe, events: Ints) -> Times:
    """Return the time stamps of events by index: 120 Hz from one second after the begin."""
    after = (events.astype(np.int64) * 1_000_000_000 + RATE // 2) // RATE
    return pack(spec.begin + 1 + after // 1_000_000_000, after % 1_000_000_000)


def _block(spec: PumpProbe, number: int) -> Shots:
    events = np.arange(number * BLOCK, min((number + 1) * BLOCK, spec.n_events))
    size, place = len(events), (spec.run, number)
    beam = generator(spec.seed, Draw.BEAM, *place)
    xray, laser = ~spec.dropped(events), ~spec.laser_off(events)
    relative = beam.gamma(spec.pulse_spread**-2, spec.pulse_spread**2, BLOCK)[:size] * xray
    jitter = spec.jitter * beam.standard_normal(BLOCK)[:size]
    step = spec.step_of(events)
    nominal, stage = spec.delays[step], spec.sweep(events)
    delay = nominal + stage + jitter
    pumped = response(delay, t0=spec.t0, tau=spec.tau, sigma=spec.sigma) * laser
    seen = jitter + nominal if spec.scan is Scan.LXT else jitter
    epix, jungfrau = _cameras(spec, events, place)
    present = generator(spec.seed, Draw.PRESENCE, *place)
    return Shots(
        events=events,
        timestamps=event_times(spec, events),
        step=step,
        xray=xray,
        laser=laser,
        i0=relative * spec.pulse_energy,
        nominal=nominal,
        stage=stage,
        delay=delay,
        change=1 + spec.amplitude * pumped,
        records={
            "timing": _timing(event_times(spec, events), events, xray, laser),
            **_beamline(spec, relative, stage, place),
            "tt": _time_tool(spec, relative, seen, xray & laser, place),
        },
        present={
            "timing": np.ones(size, bool),
            **{name: (present.random(BLOCK) >= spec.missing)[:size] for name in BEAMLINE},
        },
        epix=epix,
        jungfrau=jungfrau,
    )


def event_codes(xray: Bools, laser: Bools) -> Bools:
    """Return which codes come with each event, shape (event, 288)."""
    codes = np.zeros((len(xray), N_CODES), dtype=bool)
    codes[:, CODE_ALWAYS] = True
    codes[:, CODE_XRAY] = xray
    codes[:, CODE_DROPPED] = ~xray
    codes[:, CODE_NO_LASER] = ~laser
    return codes


def _timing(stamps: Times, events: Ints, xray: Bools, laser: Bools) -> dict[str, Array]:
    size = len(events)

    def zeros(kind: str, *shape: int) -> Array:
        return np.zeros((size, *shape), kind)

    bits = np.packbits(event_codes(xray, laser), axis=1, bitorder="little")
    return {
        "pulseId": (events + PULSE_OFFSET).astype(np.uint64),
        "timeStamp": stamps,
        "fixedRates": zeros("uint8", 10),
        "acRates": zeros("uint8", 6),
        "timeSlot": zeros("uint8") + 1,
        "timeSlotPhase": zeros("uint16"),
        "ebeamPresent": xray.astype(np.uint8),
        "ebeamDestn": zeros("uint8"),  # means nothing for the copper linac
        "ebeamCharge": zeros("uint16"),
        "ebeamEnergy": zeros("uint16", 4),
        "xWavelength": zeros("uint16", 2),
        "dmod5": (events % 5).astype(np.uint16),
        "mpsLimits": zeros("uint8", 16),
        "mpsPowerClass": zeros("uint8", 16),
        "sequenceValues": bits.view("<u2"),
        "inhibitCounts": zeros("uint32", 8),
    }


def _beamline(
    spec: PumpProbe, relative: Floats, stage: Floats, place: tuple[int, int]
) -> dict[str, Fields]:
    draw = generator(spec.seed, Draw.RECORDS, *place)
    size = len(relative)

    def normal() -> Floats:
        return draw.standard_normal(BLOCK)[:size]

    ebeam: dict[str, Array] = {"damageMask": np.zeros(size, np.uint32)}
    ebeam |= {name: mean + spread * normal() for name, (mean, spread) in _EBEAM.items()}
    ebeam["ebeamPhotonEnergy"] += 1e3 * spec.photon_energy
    front = 1.5 * relative * (1 + 0.05 * normal())  # mJ, before the monochromator
    gas = {
        name: share * front + 0.004 * normal()
        for name, share in zip(
            ("f11ENRC", "f12ENRC", "f21ENRC", "f22ENRC", "f63ENRC", "f64ENRC"),
            (1.0, 0.99, 0.62, 0.61, 0.0, 0.0),
            strict=True,
        )
    }
    encoder = np.zeros((size, 4))
    encoder[:, 0] = stage + 0.001 * normal()  # ps, the stage's read-out error
    x, y = 12e-6 * normal(), 9e-6 * normal()  # m, beam position
    monitors = {
        monitor.name: _monitor(spec, monitor, relative, (x, y), (normal(), normal()))
        for monitor in MONITORS
    }
    return {
        "ebeamh": ebeam,
        "gasdet": gas,
        **monitors,
        "XppUsbEncoder02": {"encoder_values": encoder},
    }


def _monitor(
    spec: PumpProbe,
    monitor: Monitor,
    relative: Floats,
    position: tuple[Floats, Floats],
    noise: tuple[Floats, Floats],
) -> dict[str, Array]:
    total = monitor.gain * spec.pulse_energy * relative + monitor.offset + monitor.noise * noise[0]
    x, y = position
    peaks = np.zeros((len(total), 16))
    volts = total / monitor.gain * 1e5  # four diodes around the target share 0.2 V
    for channel, tilt in enumerate((x, -x, y, -y)):
        peaks[:, channel] = volts * (1 + tilt / 1e-3)
    peaks[:, 4:] = 1e-4 * noise[1][:, np.newaxis]  # unused inputs
    return {
        "totalIntensityJoules": total,
        "xPositionMeters": x,
        "yPositionMeters": y,
        "peakAmplitude": peaks,
        "peakTime": np.full((len(total), 16), 103, np.uint16),
    }


def _time_tool(
    spec: PumpProbe, relative: Floats, seen: Floats, both: Bools, place: tuple[int, int]
) -> dict[str, Array]:
    draw = generator(spec.seed, Draw.TIME_TOOL, *place)
    size = len(relative)
    normal = draw.standard_normal((4, BLOCK))[:, :size]
    uniform = draw.random((2, BLOCK))[:, :size]
    edge = np.where(both, 0.06 * relative * np.exp(0.15 * normal[0]), 0.004 * np.abs(normal[0]))
    correction = seen + spec.tt_resolution * normal[1]
    found = both & (edge >= TT_WEAK) & (uniform[0] >= spec.tt_failure)
    found &= np.abs(correction) < TT_CENTRE * TT_SLOPE  # the edge is on the camera
    return {
        "ampl": edge,
        "fltpos": np.where(found, TT_CENTRE + correction / TT_SLOPE, 0.0),
        "fltpos_ps": np.where(found, correction, 0.0),
        "fltposfwhm": np.where(found, 95 + 8 * normal[2], 0.0),
        "amplnxt": edge * (0.1 + 0.4 * uniform[1]),
        "refampl": 1 + 0.05 * normal[3],
    }


def _cameras(
    spec: PumpProbe, events: Ints, place: tuple[int, int]
) -> tuple[tuple[Bools, Bools], tuple[Bools, Bools]]:
    draw = generator(spec.seed, Draw.PRESENCE, *place, 1)
    lost_epix, lost_jungfrau, half = draw.random((3, BLOCK))[:, : len(events)]
    due = events % spec.camera_every == 0
    epix = due & (lost_epix >= spec.camera_missing)
    due_jungfrau = events % spec.jungfrau_every == 0
    whole = due_jungfrau & (lost_jungfrau >= spec.camera_missing)
    segments = np.stack([whole, whole], axis=1)
    halves = np.flatnonzero(whole & (half < spec.partial))
    segments[halves, halves % 2] = False
    return (due, epix[:, np.newaxis]), (due_jungfrau, segments)

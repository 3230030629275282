"""What the default detectors of a station read in each shot, in the terms of either DAQ generation.

Each detector draws from its own sequence, so that one more of them changes no other.
"""

from collections.abc import Callable, Mapping

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import COUNTS_PER_JOULE, MONITORS, PumpProbe
from workbench.synthetic.shots import BLOCK, Fields, Shots
from workbench.synthetic.station import Detector, Station

RECORDS = {"upstream": MONITORS[0].name, "downstream": MONITORS[1].name}  # in `Shots.records`
VOLTS = 0.8  # of a diode at mean intensity
LASER_ON, LASER_OFF = 5.05, 0.045  # V, the laser's diode
SPECTRUM = 256  # pixels; the real spectrometer has 2048
WAVEFORM = 64  # samples
SPLIT_DELAY = ("dcc", "dco", "do", "t1d", "dd", "dci", "di", "t4d")  # channels 8 to 15

Normal = Callable[[], Floats]


def readings(spec: PumpProbe, station: Station, shots: Shots) -> dict[str, tuple[Fields, Bools]]:
    """Return for each default detector its fields and where its record arrived."""
    return {
        det.group: _reading(spec, station, det, index, shots)
        for index, det in enumerate(station.detectors)
    }


def _reading(
    spec: PumpProbe, station: Station, det: Detector, index: int, shots: Shots
) -> tuple[Fields, Bools]:
    place = (spec.run, int(shots.events[0]) // BLOCK, index)
    draw, size = generator(spec.seed, Draw.STATION, *place), len(shots)
    arrived = np.asarray((draw.random(BLOCK) >= spec.missing)[:size])

    def normal() -> Floats:
        return draw.standard_normal(BLOCK)[:size]

    name = RECORDS.get(det.follows)
    if name is not None:
        record = shots.records[name]
        fields = record if station.generation == "lcls2" else _counts(record)
        return fields, shots.present[name]
    return _KINDS[det.kind](_intensity(spec, det, shots, normal), normal, station), arrived


def _intensity(spec: PumpProbe, det: Detector, shots: Shots, normal: Normal) -> Floats:
    """Return what a detector sees, relative to the mean of a shot with beam; laser: 0 or 1."""
    relative = shots.i0 / spec.pulse_energy
    seen: dict[str, Floats] = {
        "front": relative * (1 + 0.05 * normal()),
        "sample": relative * (1 + 0.02 * normal()) + 0.005 * normal(),
        "laser": shots.laser * (1 + 0.01 * normal()),
        "idle": np.zeros(len(shots)),
    }
    return seen[det.follows]


def _bmmon(seen: Floats, normal: Normal, station: Station) -> Fields:
    total = 2e-6 * seen + 5e-9 * normal()
    peaks = np.zeros((len(seen), 16))
    peaks[:, :4] = 0.05 * seen[:, np.newaxis]
    peaks[:, 4:] = 1e-4 * normal()[:, np.newaxis]
    record: dict[str, Array] = {
        "totalIntensityJoules": total,
        "xPositionMeters": 12e-6 * normal(),
        "yPositionMeters": 9e-6 * normal(),
        "peakAmplitude": peaks,
        "peakTime": np.full((len(seen), 16), 103, np.uint16),
    }
    return record if station.generation == "lcls2" else _counts(record)


def _counts(record: Mapping[str, Array]) -> Fields:
    """Return a monitor's record as LCLS-I has it: counts, mm."""
    return {
        "sum": record["totalIntensityJoules"] * COUNTS_PER_JOULE,
        "peaks": record["peakAmplitude"] * 1e4,
        "xpos": record["xPositionMeters"] * 1e3,
        "ypos": record["yPositionMeters"] * 1e3,
    }


def _ipm(seen: Floats, normal: Normal, station: Station) -> Fields:
    del station
    x, y = 0.01 * normal(), 0.01 * normal()
    tilts = np.stack([x, -x, y, -y], axis=1)
    channels = VOLTS / 4 * seen[:, np.newaxis] * (1 + tilts) + 2e-3
    return {"sum": channels.sum(axis=1), "channels": channels}


def _split_delay(seen: Floats, normal: Normal, station: Station) -> Fields:
    record = dict(_bmmon(seen, normal, station))
    peaks = record["peaks"]
    peaks[:, 8:] = 0.3 * seen[:, np.newaxis]
    named = {name: peaks[:, 8 + place] for place, name in enumerate(SPLIT_DELAY)}
    return {"sum": record["sum"], "peaks": peaks, **named}


def _encoder(seen: Floats, normal: Normal, station: Station) -> Fields:
    del seen, station
    return {"ch0": 12.5 + 1e-3 * normal()}


def _ai(seen: Floats, normal: Normal, station: Station) -> Fields:
    del station
    volts = {f"ch{channel:02d}": 1e-3 * normal() for channel in range(16)}
    volts["ch03"] = LASER_OFF + (LASER_ON - LASER_OFF) * seen + 1e-3 * normal()
    return volts


def _adc(seen: Floats, normal: Normal, station: Station) -> Fields:
    del seen, station
    return {f"ch{channel}": 1e-3 * normal() for channel in range(8)}


def _spectrometer(seen: Floats, normal: Normal, station: Station) -> Fields:
    del station
    centre = SPECTRUM / 2 + 6 * normal()
    away = np.arange(SPECTRUM) - centre[:, np.newaxis]
    light = 400 * seen[:, np.newaxis] * np.exp(-(away**2) / 800) + 30
    return {"hproj": light.astype(np.float32)}


def _digitiser(seen: Floats, normal: Normal, station: Station) -> Fields:
    del station
    pulse = np.exp(-np.maximum(np.arange(WAVEFORM) - 20, 0) / 10.0) * (np.arange(WAVEFORM) >= 20)
    height = 900 * seen + 4 * normal()
    traces = 1000 + height[:, np.newaxis] * pulse
    return {"raw_0": np.rint(traces).astype(np.int32)}


def _camera(seen: Floats, normal: Normal, station: Station) -> Fields:
    del station
    com = np.stack([40 + 0.5 * normal(), 60 + 0.5 * normal()], axis=1)
    total = 5e5 * seen + 200 * normal()
    return {"ROI_0_sum": total, "ROI_0_max": total / 900, "ROI_0_com": com}


_KINDS: Mapping[str, Callable[[Floats, Normal, Station], Fields]] = {
    "bmmon": _bmmon,
    "ipm": _ipm,
    "split_delay": _split_delay,
    "encoder": _encoder,
    "ai": _ai,
    "adc": _adc,
    "spectrometer": _spectrometer,
    "digitiser": _digitiser,
    "camera": _camera,
}

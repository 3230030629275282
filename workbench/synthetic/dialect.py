"""The datasets of a made-up run but those of its cameras, as either DAQ generation names them."""

import zlib

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.clock import EPICS_EPOCH
from workbench.synthetic.pump_probe import (
    CODE_ALWAYS,
    CODE_DROPPED,
    CODE_XRAY,
    RATE,
    PumpProbe,
    Scan,
)
from workbench.synthetic.readings import RECORDS, readings
from workbench.synthetic.records import scanned_name, slow_record, step_record
from workbench.synthetic.shots import N_CODES, TT_CENTRE, TT_SLOPE, Shots
from workbench.synthetic.station import Station

MISSING_INTEGER = -99999
FIDUCIALS = 0x1FFE0  # the counter at 360 Hz begins again after 131,040
FIRST_FIDUCIAL = 4711  # the second and the counter begin independently
TT_CALIBRATION = (-TT_CENTRE * TT_SLOPE, TT_SLOPE, 0.0)  # ps, ps/pixel, ps/pixel^2
RATE_CODES = {40: 1, 41: 2, 42: 4, 43: 12, 44: 24, 45: 120, 46: 240, 140: 1, 141: 2, 150: 1}
# Event code -> every how many of 120 shots a second it comes, roughly.

_EBEAM = {  # LCLS-I leaf -> field of the LCLS-II record
    "charge": "ebeamCharge",
    "dump_charge": "ebeamDumpCharge",
    "L3_energy": "ebeamL3Energy",
    "photon_energy": "ebeamPhotonEnergy",
    "pk_curr_bc2": "ebeamPkCurrBC2",
    "LTU_pos_x": "ebeamLTUPosX",
    "LTU_pos_y": "ebeamLTUPosY",
    "LTU_ang_x": "ebeamLUTAngX",
    "LTU_ang_y": "ebeamLTUAngY",
    "und_pos_x": "ebeamUndPosX",
    "und_pos_y": "ebeamUndPosY",
    "und_ang_x": "ebeamUndAngX",
    "und_ang_y": "ebeamUndAngY",
    "XTCAV_ampl": "ebeamXTCAVAmpl",
    "XTCAV_phase": "ebeamXTCAVPhase",
    "LTU_250": "ebeamLTU250",
    "LTU_450": "ebeamLTU450",
}
_TIME_TOOL = ("fltpos", "fltpos_ps", "ampl", "fltposfwhm", "refampl", "amplnxt")

Columns = dict[str, Array]


def columns(spec: PumpProbe, station: Station, shots: Shots) -> Columns:
    """Return every dataset of one block; NaN or -99999 where the detector is not in the event."""
    sides = _lcls1 if station.generation == "lcls1" else _lcls2
    found = sides(spec, station, shots) | {
        "lightStatus/xray": shots.xray.astype(np.int64),
        "lightStatus/laser": shots.laser.astype(np.int64),
        "scan/varStep": shots.step,
    }
    for group, (fields, arrived) in readings(spec, station, shots).items():
        found |= {f"{group}/{leaf}": blanked(values, arrived) for leaf, values in fields.items()}
    found |= {
        f"damage/{name}": here.astype(np.int64)
        for name, here in presence(spec, station, shots).items()
    }
    return found | _slow(spec, station, shots)


def presence(spec: PumpProbe, station: Station, shots: Shots) -> dict[str, Bools]:
    """Return where each detector's record arrived, by its name in ``damage``."""
    there = {name: shots.present[record] for record, name in record_names(station).items() if name}
    for group, (_, arrived) in readings(spec, station, shots).items():
        source = next(det.source for det in station.detectors if det.group == group)
        there[group] = arrived
        there[source.replace("-", "_")] = arrived
    cameras = {
        station.spot: shots.epix[1].all(axis=1),
        station.rings: shots.jungfrau[1].all(axis=1),
    }
    return there | {name: np.asarray(here) for name, here in cameras.items()}


def record_names(station: Station) -> dict[str, str]:
    """Return for each record of `Shots` the detector's name in ``damage``; empty: none there."""
    monitors = {
        record: next(det.group for det in station.detectors if det.follows == follows)
        for follows, record in RECORDS.items()
    }
    if station.generation == "lcls1":
        beam = {"timing": "evr0", "ebeamh": "EBeam", "gasdet": "FEEGasDetEnergy"}
        return {**beam, **monitors, "XppUsbEncoder02": station.stage, "tt": ""}
    same = {name: name for name in ("timing", "ebeamh", "gasdet", "tt")}
    return {**same, **monitors, "XppUsbEncoder02": station.stage}


def blanked(values: Array, present: Bools) -> Array:
    """Return values as stored: NaN, or the integers' sentinel, where not present."""
    narrow = np.int32 if values.dtype.itemsize <= 2 else np.int64
    keep = values.dtype if values.dtype == np.float32 else np.dtype(np.float64)
    kept: Array = values.astype(keep if values.dtype.kind == "f" else narrow)
    kept[~present] = np.nan if kept.dtype.kind == "f" else MISSING_INTEGER
    return kept


def _lcls2(spec: PumpProbe, station: Station, shots: Shots) -> Columns:
    timing = shots.records["timing"]
    codes = np.zeros((len(shots), N_CODES), dtype=np.int64)
    for code, there in beam_codes(station, shots).items():
        codes[:, code] = there
    found: Columns = {
        "timestamp": shots.timestamps.astype(np.int64),
        "timing/eventcodes": codes,
        "timing/pulseId": timing["pulseId"].astype(np.int64),
        "timing/destination": timing["ebeamDestn"].astype(np.int32),
        "scan/step_value": shots.step.astype(np.float32),
    }
    for group in ("ebeamh", "gasdet", "tt"):
        there = shots.present[group]
        for leaf, values in shots.records[group].items():
            found[f"{group}/{leaf}"] = blanked(values, there)
    return found | _stage(spec, station, shots)


def _lcls1(spec: PumpProbe, station: Station, shots: Shots) -> Columns:
    stamps = shots.timestamps.astype(np.int64) + (EPICS_EPOCH << 32)
    fiducials = (shots.events * (360 // RATE) + FIRST_FIDUCIAL) % FIDUCIALS
    found: Columns = {"event_time": stamps, "fiducials": fiducials.astype(np.int64)}
    codes = beam_codes(station, shots) | {
        code: shots.events % every == 0 for code, every in RATE_CODES.items()
    }
    found |= {f"evr/code_{code}": there.astype(np.int64) for code, there in codes.items()}
    beam, there = shots.records["ebeamh"], shots.present["ebeamh"]
    found |= {f"ebeam/{leaf}": blanked(beam[name], there) for leaf, name in _EBEAM.items()}
    for name, values in shots.records["gasdet"].items():
        leaf = f"{name[0]}_{name[1:3]}_{name[3:]}"
        found[f"gas_detector/{leaf}"] = blanked(values, shots.present["gasdet"])
    found |= _phase_cavity(shots)
    edge, there = shots.records["tt"], shots.present["tt"]
    found |= {f"tt/{leaf.upper()}": blanked(edge[leaf], there) for leaf in _TIME_TOOL}
    found["tt/ttCorr"] = blanked(_correction(edge["fltpos"]), there)
    if spec.scan is not Scan.FAST:
        found["scan/var0"] = _scanned(spec, shots)
    return found | _stage(spec, station, shots)


def beam_codes(station: Station, shots: Shots) -> dict[int, Bools]:
    """Return the event codes that tell of the beams, with the shots that they come with."""
    code = station.laser_code
    off, on = (code, code - 1) if code > 0 else (1 - code, -code)
    return {
        CODE_ALWAYS: np.ones(len(shots), bool),
        CODE_XRAY: shots.xray,
        CODE_DROPPED: ~shots.xray,
        off: ~shots.laser,
        **({on: shots.laser} if station.generation == "lcls1" or code < 0 else {}),
    }


def _correction(position: Array) -> Floats:
    constant, slope, square = TT_CALIBRATION
    corrected: Floats = constant + slope * position + square * position**2
    return np.where(position == 0, 0.0, corrected)


def _phase_cavity(shots: Shots) -> Columns:
    """Return charges [pC] and arrival times [ps] that follow the bunch charge."""
    beam, there = shots.records["ebeamh"], shots.present["ebeamh"]
    charge = 1e3 * beam["ebeamCharge"]
    wander = 0.02 * beam["ebeamUndPosX"] / 0.005
    values = {
        "charge1": charge,
        "charge2": 0.98 * charge,
        "fit_time_1": 0.4 + wander,
        "fit_time_2": -0.7 + wander,
    }
    return {f"phase_cav/{leaf}": blanked(column, there) for leaf, column in values.items()}


def _stage(spec: PumpProbe, station: Station, shots: Shots) -> Columns:
    found: Columns = {}
    if station.stage:
        encoder = shots.records["XppUsbEncoder02"]["encoder_values"][:, 0]
        found["enc/lasDelay"] = blanked(encoder, shots.present["XppUsbEncoder02"])
    if spec.scan is not Scan.FAST:
        found[f"scan/{scanned_name(spec)}"] = _scanned(spec, shots)
    return found


def _scanned(spec: PumpProbe, shots: Shots) -> Floats:
    steps, where = np.unique(shots.step, return_inverse=True)
    delays = np.array([step_record(spec, step)[scanned_name(spec)] for step in steps.tolist()])
    return np.asarray(delays[where])


def _slow(spec: PumpProbe, station: Station, shots: Shots) -> Columns:
    """Return the EPICS values: updated once a second and at the begin of each step."""
    begins = -(-shots.step * spec.n_events // len(spec.delays))  # first event of each one's step
    updates = np.maximum(shots.events // RATE * RATE, begins)  # the event of the last slow update
    events, place = np.unique(updates, return_inverse=True)
    then = zip(spec.step_of(events).tolist(), events.tolist(), strict=True)
    records = [slow_record(spec, step, event) for step, event in then]
    known = {name: np.array([record[name] for record in records]) for name in records[0]}
    names = [*known, *station.epics] if station.generation == "lcls2" else station.epics
    return {f"epics/{name}": _slow_value(spec, name, known, events)[place] for name in names}


def _slow_value(spec: PumpProbe, name: str, known: dict[str, Array], events: Ints) -> Array:
    if name in known:
        return known[name]
    if name == "lxt_vitara":
        return known["lxt"]
    if name.startswith("dccm_E"):
        return np.full(len(events), 1e3 * spec.photon_energy)  # eV
    if name in {"lom_E", "lom_EC"}:
        return np.full(len(events), spec.photon_energy)  # keV
    # A motor that stands: any position, the same in every run.
    return np.full(len(events), zlib.crc32(name.encode()) % 100_000 / 1000 - 50)

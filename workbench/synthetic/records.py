"""Record types of the made-up XPP run: which stream holds what, with the DAQ's names."""

from collections.abc import Mapping
from typing import Any

from workbench.core.arrays import Array
from workbench.sources.xtc2_writer import Names
from workbench.synthetic import integrating
from workbench.synthetic.cameras import epix_1, jungfrau_1m
from workbench.synthetic.pump_probe import PumpProbe, Scan
from workbench.synthetic.shots import Shots

Record = Mapping[str, Any]  # field -> number, text or array, as the field is declared

STREAMS = (  # detectors without pixels, by the data stream that holds them
    ("timing", "scan"),
    ("ebeamh", "gasdet", "XppSb2BmMon", "XppSb3BmMon"),
    ("XppUsbEncoder02", "tt", "epics"),
)
EPIX_STREAM = len(STREAMS)
JUNGFRAU_STREAM = EPIX_STREAM + 1  # and the next one: a stream for each segment
SLOW_FIELDS = ("lxt", "lxt_ttc", "txt", "att_T", "ccm_E", "sample_T")
_TYPES = {  # detector -> dettype, algorithm, version, serial number
    "timing": ("ts", "raw", (2, 1, 0), "xppts"),
    "scan": ("scan", "raw", (2, 0, 0), ""),
    "ebeamh": ("ebeamh", "raw", (2, 0, 0), "ebeamh"),
    "gasdet": ("gasdet", "raw", (1, 0, 0), "gasdet"),
    "XppSb2BmMon": ("bmmon", "raw", (1, 0, 0), "bmmon"),
    "XppSb3BmMon": ("bmmon", "raw", (1, 0, 0), "bmmon"),
    "XppUsbEncoder02": ("usdusb", "raw", (1, 0, 0), "usdusb"),
    "tt": ("opal", "ttfex", (2, 1, 0), "opal_tt"),
    "epics": ("epics", "raw", (2, 0, 0), ""),
}


def streams(sample: Shots) -> tuple[tuple[str, ...], ...]:
    """Return the detectors of each stream without pixels; more monitors are beside the usual."""
    usual = {name for stream in STREAMS for name in stream}
    more = [name for name in sample.records if name not in usual]
    return tuple((*stream, *more) if "gasdet" in stream else stream for stream in STREAMS)


def all_names(spec: PumpProbe, sample: Shots, called: Mapping[str, str]) -> list[list[Names]]:
    """Return the record types of every stream.

    `sample` shows the types of the fields, `called` what the hutch calls detectors.
    """
    fields = {det: _declared(record) for det, record in sample.records.items()}
    fields["epics"] = dict.fromkeys(SLOW_FIELDS, ("float64", 0))
    fields["scan"] = {"step_value": ("float32", 0), "step_docstring": ("str", 1)}
    if spec.scan is not Scan.FAST:
        fields["scan"] = {scanned_name(spec): ("float64", 0), **fields["scan"]}
    small = [
        [_names(det, fields[det], called.get(det, det)) for det in stream]
        for stream in streams(sample)
    ]
    pixels = {"raw": ("uint16", 2)}
    spot, serial = called.get("epix_1", "epix_1"), epix_1().serials[0]
    epix = Names(spot, "epix100", "raw", (2, 0, 1), 0, serial, pixels)
    panel = {"raw": ("uint16", 3), "frame_cnt": ("uint64", 0), "timestamp": ("uint64", 0)}
    segments = [
        [Names("jungfrau1M", "jungfrau", "raw", (0, 2, 0), number, serial, panel)]
        for number, serial in enumerate(jungfrau_1m().serials)
    ]
    slow = [[integrating.NAMES]] if spec.integrating_every else []
    return [*small, [epix], *segments, *slow]


def step_record(spec: PumpProbe, step: int) -> Record:
    """Return the scan's values in one step."""
    record: dict[str, Any] = {"step_value": float(step), "step_docstring": f'{{"step": {step}}}'}
    if spec.scan is not Scan.FAST:
        record[scanned_name(spec)] = _seconds(spec, step)
    return record


def scanned_name(spec: PumpProbe) -> str:
    """Return the delay that a step scan sets: with the time tool's stage, or of the laser alone."""
    return "lxt" if spec.scan is Scan.LXT else "lxt_ttc"


def slow_record(spec: PumpProbe, step: int, event: int) -> Record:
    """Return the EPICS values at one event; delays in seconds, as the control system has them."""
    drift = 0.2 * (event / (event + 36_000))  # K, towards the end of a warm-up of minutes
    delay = _seconds(spec, step)
    together = 0.0 if spec.scan is Scan.LXT else delay  # laser and time-tool stage in one
    values = (delay, together, together, 0.35, spec.photon_energy, 295.0 + drift)
    return dict(zip(SLOW_FIELDS, values, strict=True))


def _seconds(spec: PumpProbe, step: int) -> float:
    return round(float(spec.delays[step]) * 1e-12, 18)


def _names(det: str, fields: Mapping[str, tuple[str, int]], called: str) -> Names:
    kind, alg, version, serial = _TYPES.get(det, _TYPES["XppSb2BmMon"])
    return Names(called, kind, alg, version, 0, serial, fields)


def _declared(record: Mapping[str, Array]) -> dict[str, tuple[str, int]]:
    return {name: (str(values.dtype), values.ndim - 1) for name, values in record.items()}

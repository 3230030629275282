"""Writes down what psana reads in XTC2 files; run by the python of psana's own environment.

usage: psana_dump.py TARGETS.json

TARGETS.json is a list of {"kind", "path", "output", ...}; each output gets one JSON object a line.
kind "datagrams": every datagram of one file; "config" names the file with the Configure of a later
chunk. kind "file" and "folder": runs, steps and events as psana builds them; a folder needs "run".
kind "digitizers": what psana unpacks of the packed records of "detector", read by "algorithm".
kind "diodes": the waveforms of a monitor of diodes, "detector".
"""

import json
import os
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import psana.psexp.ds_base
from psana import DataSource, dgram

Digest = dict[str, Any]

# The list of files in the logbook at SLAC; without it psana looks into the folder.
psana.psexp.ds_base.DataSourceBase._get_file_info_from_db = lambda self, run: {}


def digest(value: Any) -> str:
    """One line that two readers give alike only for the same type, shape and value."""
    if isinstance(value, np.ndarray):
        crc = zlib.crc32(np.ascontiguousarray(value).tobytes())
        return f"{value.dtype.name} {list(value.shape)} {crc:08x}"
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, int):
        return f"int {value}"
    if isinstance(value, float):
        return f"float {value.hex()}"
    if is_enum(value):
        labels = {str(number): str(label) for number, label in sorted(value.names.items())}
        return f"enum {value.value} {json.dumps(labels)}"
    raise TypeError(f"a psana value of type {type(value)}")


def is_enum(value: Any) -> bool:
    return isinstance(getattr(value, "names", None), dict) and hasattr(value, "value")


def leaves(container: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Field names, joined by '.', with the digest of each value."""
    for name, value in vars(container).items():
        if name == "_xtc":  # damage bits of the record
            yield f"{prefix}*damage", digest(value.damage)
        elif hasattr(value, "__dict__") and not is_enum(value):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", digest(value)


def records(datagram: Any) -> Digest:
    """All values of one datagram under detector/segment/algorithm/field."""
    found = {}
    for det, segments in vars(datagram).items():
        if det.startswith("_") or det == "software":
            continue
        for segment, algorithms in segments.items():
            for alg, container in vars(algorithms).items():
                if alg != "_xtc":
                    found |= dict(leaves(container, f"{det}/{segment}/{alg}/"))
    return found


def types(configuration: Any) -> Digest:
    """Type number and rank of every described field, under the same names."""
    found = {}
    for det, segments in vars(configuration.software).items():
        for segment, algorithms in segments.items():
            for alg, entry in vars(algorithms).items():
                if alg in ("dettype", "detid"):
                    found[f"{det}/{segment}/{alg}"] = entry
                    continue
                found[f"{det}/{segment}/{alg}"] = ".".join(map(str, entry.version))
                found |= dict(described(entry, f"{det}/{segment}/{alg}/"))
    return found


def described(entry: Any, prefix: str) -> Iterator[tuple[str, list[int]]]:
    for name, field in vars(entry).items():
        if hasattr(field, "_rank"):
            yield f"{prefix}{name}", [field._type, field._rank]
        if hasattr(field, "__dict__"):
            yield from described(field, f"{prefix}{name}.")


def datagrams(path: str, config: str | None = None, **_: Any) -> Iterator[Digest]:
    handle = os.open(config or path, os.O_RDONLY)
    configuration = dgram.Dgram(file_descriptor=handle)
    with open(path, "rb") as file:  # noqa: PTH123
        view = memoryview(file.read())
    offset = 0
    while offset + 24 <= len(view):
        size = 12 + int.from_bytes(view[offset + 20 : offset + 24], "little")
        if offset + size > len(view):
            break
        if offset == 0 and config is None:
            one = configuration
            yield {"types": types(one)}
        else:
            one = dgram.Dgram(view=view, config=configuration, offset=offset)
        yield {
            "service": one.service(),
            "time": one.timestamp(),
            "offset": offset,
            "size": size,
            "fields": records(one),
        }
        if offset and one.service() == 2:  # a new Configure replaces the descriptions
            configuration = one
            yield {"types": types(one)}
        offset += size
    yield {"left": len(view) - offset}
    os.close(handle)


def source(path: str, exp: str | None, run: int | None, **more: Any) -> Any:
    if exp is None:
        return DataSource(files=[path], skip_calib_load="all", **more)
    return DataSource(exp=exp, run=run, dir=path, skip_calib_load="all", **more)


def slow_values(run: Any, event: Any) -> Digest:
    """EPICS and scan values at an event, as psana looks them up."""
    found = {}
    for store in ("epics", "scan"):
        for name, _ in run.esm.stores[store].env_info:
            value = run.esm.stores[store].values([event], name)[0]
            found[f"{store}/{name}"] = None if value is None else digest(value)
    return found


def runs(path: str, exp: str | None = None, run: int | None = None, **_: Any) -> Iterator[Digest]:
    for one in source(path, exp, run).runs():
        yield {
            "experiment": one.expt,
            "number": one.runnum,
            "begin": one.timestamp,
            "detectors": sorted(one.detnames),
            "serials": {det: info.uniqueid for det, info in one.dm.configinfo_dict.items()},
            "segments": {
                det: info.sorted_segment_ids for det, info in one.dm.configinfo_dict.items()
            },
            "epicsinfo": list(one.epicsinfo),
            "epics": [name for name, _ in one.esm.stores["epics"].env_info],
            "scan": [name for name, _ in one.esm.stores["scan"].env_info],
        }
        for event in one.events():
            fields: Digest = {}
            for (det, alg), segments in event._det_segments.items():
                for segment, container in segments.items():
                    if alg != "_xtc":
                        fields |= dict(leaves(container, f"{det}/{segment}/{alg}/"))
            yield {"event": event.timestamp, "fields": fields, "slow": slow_values(one, event)}
    for one in source(path, exp, run).runs():
        for step in one.steps():
            times = [event.timestamp for event in step.events()]
            configs: Digest = {}
            for configuration in one.configs:
                configs |= records(configuration)
            yield {"step": step.evt.timestamp, "events": times, "config": configs}


def batches(path: str, exp: str, run: int, intg_det: str, **_: Any) -> Iterator[Digest]:
    for one in source(path, exp, run, intg_det=intg_det, batch_size=1).runs():
        for event in one.events():
            yield {"event": event.timestamp, "end": bool(event.EndOfBatch())}


def digitizers(path: str, detector: str, algorithm: str, **_: Any) -> Iterator[Digest]:
    """What psana makes of a digitizer's records: waveforms, windows, windows laid out."""
    for one in source(path, None, None).runs():
        reader = getattr(one.Detector(detector), algorithm)
        for event in one.events():
            found: dict[int, Digest] = {}
            for kind in ("waveforms", "padded"):
                for segment, given in (getattr(reader, kind)(event) or {}).items():
                    (channel,) = given.keys() - {"times"}
                    found.setdefault(segment, {})[kind] = digest(given[channel])
                    found[segment]["times"] = given["times"].tolist()
            for segment, given in (reader.peaks(event) or {}).items():
                ((starts, windows),) = given.values()
                found.setdefault(segment, {})["starts"] = [int(start) for start in starts]
                found[segment]["windows"] = [digest(window) for window in windows]
            status = reader.fex_status(event) if hasattr(reader, "fex_status") else None
            for segment, given in (status or {}).items():
                ((_, baselines),) = given.values()
                found[segment]["baselines"] = [one.tolist() for one in baselines]
            yield {"event": event.timestamp, "segments": found}


def diodes(path: str, detector: str, **_: Any) -> Iterator[Digest]:
    """The waveforms of all diodes of a monitor, as psana stacks them."""
    for one in source(path, None, None).runs():
        reader = one.Detector(detector).raw
        for event in one.events():
            waves = reader.raw_all(event)
            yield {"event": event.timestamp, "waves": None if waves is None else digest(waves)}


KINDS = {
    "datagrams": datagrams,
    "file": runs,
    "folder": runs,
    "batches": batches,
    "digitizers": digitizers,
    "diodes": diodes,
}

if __name__ == "__main__":
    with open(sys.argv[1]) as plan:  # noqa: PTH123
        targets = json.load(plan)
    for target in targets:
        with open(target["output"], "w") as output:  # noqa: PTH123
            try:
                for line in KINDS[target["kind"]](
                    **{key: value for key, value in target.items() if key not in ("kind", "output")}
                ):
                    output.write(json.dumps(line) + "\n")
            except Exception as error:  # noqa: BLE001 what psana refuses is an answer too
                output.write(json.dumps({"refused": f"{type(error).__name__}: {error}"}) + "\n")

"""Writes small data with psana's own writer; run by the python of psana's own environment.

usage: psana_writer.py PLAN.json, alone or under mpiexec

PLAN.json: {"path", "exp", "run", "times", "output", "record", "intg_det"}. Beside the file that
psana writes, every process keeps in the folder "record" what it gave to the writer: one npz with,
for each field, the time stamps of the events and the values (end to end, with their lengths, for
variable data).
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psana.psexp.ds_base
from psana import DataSource

psana.psexp.ds_base.DataSourceBase._get_file_info_from_db = lambda self, run: {}

Given = dict[str, Any]


class Record:
    """What was given to the writer, by field."""

    def __init__(self) -> None:
        self.events: list[tuple[int, Given]] = []
        self.frames: list[tuple[int, Given]] = []

    def save(self, path: Path) -> None:
        columns = {"times": np.array([time for time, _ in self.events], np.uint64)}
        columns["frames"] = np.array([time for time, _ in self.frames], np.uint64)
        for group, rows in (("", self.events), ("intg/", self.frames)):
            for name in sorted({name for _, given in rows for name in given}):
                kept = [(time, np.asarray(given[name])) for time, given in rows if name in given]
                columns[f"{group}{name}@times"] = np.array([time for time, _ in kept], np.uint64)
                if "var_" in name:
                    columns[f"{group}{name}@lengths"] = np.array([len(v) for _, v in kept])
                    filled = [value for _, value in kept if len(value)]
                    columns[f"{group}{name}@flat"] = np.concatenate(filled)
                else:
                    columns[f"{group}{name}@values"] = np.array([value for _, value in kept])
        np.savez(path, **columns)


def values(time: int, number: int) -> Given:
    """Values of one event; they follow from its time stamp alone, whoever works it."""
    draw = np.random.default_rng(time)
    given: Given = {
        "det/energy": float(draw.normal(9500, 10)),
        "det/narrow": np.float32(draw.normal()),
        "det/count": int(draw.integers(0, 1000)),
        "det/pulse_id": int(draw.integers(1 << 60, 1 << 62)),  # no float holds it
        "det/image": draw.normal(size=(2, 3)),
        "det/frame": draw.integers(0, 60000, (2, 2)).astype(np.uint16),
    }
    if draw.random() < 0.7:
        given["gaps/float"] = float(draw.normal())
        given["gaps/int"] = int(draw.integers(-50, 50))
        given["gaps/int32"] = np.int32(draw.integers(-50, 50))
        given["gaps/array"] = draw.normal(size=4).astype(np.float32)
    if number >= 4:  # absent at the start: the writer fills up with zeros
        given["late/float"] = float(draw.normal())
        given["late/int"] = int(draw.integers(1, 50))
        given["late/array"] = draw.normal(size=(2, 2))
    for detector in ("gaps", "late"):
        given[f"damage/{detector}"] = int(any(name.startswith(detector) for name in given))
    hits = int(draw.integers(0, 4))
    if draw.random() < 0.8:
        given["det/var_hits/adu"] = draw.normal(size=hits)
        given["det/var_hits/row"] = draw.integers(0, 700, hits).astype(np.uint16)
        given["det/var_peaks/xy"] = draw.normal(size=(hits, 2))
    given["feespec/var_peakPos"] = draw.normal(size=int(draw.integers(1, 3)))
    if number == 5:  # in one part file only
        given["rare/value"] = 42.5
        given["rare/number"] = 7
        given["rare/var_few/x"] = np.array([1.0, 2.0])
    return given


def nested(given: Given) -> dict[str, Any]:
    """Fields by group, as producers give them to the writer."""
    tree: dict[str, Any] = {}
    for name, value in given.items():
        *folders, leaf = name.split("/")
        here = tree
        for folder in folders:
            here = here.setdefault(folder, {})
        here[leaf] = value
    return tree


def write(plan: dict[str, Any]) -> None:
    """Read the run, give values to psana's writer, keep a record."""
    intg = plan.get("intg_det")
    more = {"intg_det": intg, "batch_size": 1} if intg else {"batch_size": plan["batch"]}
    source = DataSource(
        exp=plan["exp"], run=plan["run"], dir=plan["path"], skip_calib_load="all", **more
    )
    writer = source.smalldata(filename=plan["output"], batch_size=1 if intg else 5)
    record = Record()
    order = {time: number for number, time in enumerate(plan["times"])}
    for run in source.runs():
        total, count = 0.0, 0
        for event in run.events():
            time = int(event.timestamp)
            given = values(time, order[time])
            writer.event(event, nested(given))
            record.events.append((time, given))
            total, count = total + given["det/energy"], count + 1
            if intg and event.EndOfBatch():
                frame = {f"{intg}/sum": total, f"{intg}/count": count}
                frame[f"{intg}/ROI_0_area"] = np.full((2, 3), total)
                if order[time] > 8:  # absent at the start
                    frame[f"{intg}/late"] = float(order[time])
                if order[time] == len(order) - 2:  # in one part file only
                    frame[f"{intg}/rare"] = 3.5
                writer.event(event, nested(frame), align_group="intg")
                record.frames.append((time, frame))
                total, count = 0.0, 0
    if writer.summary:
        whole = writer.sum(np.ones((2, 3)))
        writer.save_summary(nested({"Sums/det_calib": whole, "UserDataCfg/det/azav__azav_q": Q}))
    writer.done()
    if record.events:
        record.save(Path(plan["record"]) / f"given_{record.events[0][0]}.npz")


Q = np.linspace(0.1, 3.0, 8)

if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text()))

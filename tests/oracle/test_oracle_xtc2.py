"""Runs of psana's own test files as psana and we build them: events, steps, slow values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparing import NOT_DATA, Tally, by_field, digest
from psana_files import EXPERIMENT, FILE_NUMBER, INTEGRATING, NO_RUN, OLD, TOY

from workbench.sources import Xtc2Error, open_raw
from workbench.sources.base import RawRun

Lines = list[dict[str, Any]]
FLOORS = {  # folder or file -> values compared at least
    "test_data/chunking": 1234,
    "test_data/fakesteps": 159,
    "test_data/intg_det": 311,
    "test_data/mixed_rate": 7523,
    "test_data/multi-seg-epics": 286,
    TOY.format("fakesteps", 0): 103,
    TOY.format("fakesteps", 1): 48,
    TOY.format("intg_det", 0): 130,
    TOY.format("intg_det", 1): 46,
    TOY.format("intg_det", 2): 25,
    TOY.format("mixed_rate", 0): 8119,
    TOY.format("mixed_rate", 1): 787,
    TOY.format("multi-seg-epics", 0): 178,
    TOY.format("multi-seg-epics", 1): 161,
    "test_data/detector/test_epix_calib.xtc2": 1201,
    "test_data/detector/test_jungfrau05M_calib.xtc2": 84,
    "test_hsd.xtc2": 2156,
}


@pytest.mark.parametrize("name", FLOORS)
def test_a_run_equals_psanas(name: str, xtc2_data: Path, psana_runs: dict[str, Lines]) -> None:
    head, *lines = psana_runs[name]
    assert "refused" not in head
    raw = open_raw(xtc2_data / name)
    events = [line for line in lines if "event" in line]
    steps = [line for line in lines if "step" in line]
    tally = Tally()
    check_run(tally, raw, head)
    tally.check("time stamps", raw.timestamps.tolist(), [line["event"] for line in events])
    check_events(tally, raw, events)
    for kind in ("epics", "scan"):
        check_slow(tally, raw, kind, events)
    check_steps(tally, raw, steps)
    tally.verify(name, FLOORS[name])


def check_run(tally: Tally, raw: Any, head: Mapping[str, Any]) -> None:
    if head["experiment"] is None:  # no runinfo: we take the file name
        named = EXPERIMENT in raw.files[0].name
        tally.check("experiment", raw.experiment, EXPERIMENT if named else "")
        tally.check("number", raw.number, FILE_NUMBER if named else 0)
    else:
        tally.check("experiment", raw.experiment, head["experiment"])
        tally.check("number", raw.number, head["number"])
        tally.check("begin", raw.begin_time, head["begin"])
    for kind, store in (("epics", raw.epics), ("scan", raw.scan)):
        tally.check(f"{kind} names", list(store.names), sorted(set(head[kind])))
    for name, told in head["epicsinfo"]:
        tally.check(f"{name} is", raw.epics_names.get(name, ""), first_column(told))
    for det in sorted({*head["detectors"]} - {"epicsinfo"}):  # those psana has a class for
        tally.check(f"{det} serial", raw.serials[det], head["serials"][det])
        tally.check(f"{det} segments", list(raw.segments[det]), sorted(set(head["segments"][det])))


def first_column(text: str) -> str:
    return text.replace(",", "\n").split("\n")[0]


def check_events(tally: Tally, raw: RawRun, events: Lines) -> None:
    names = {
        f"{det}.{alg}.{name}": field
        for det, algs in raw.detectors.items()
        for alg, fields in algs.items()
        for name, field in fields.items()
    }
    for index, line in enumerate(events):
        theirs = by_field(line["fields"])
        event = raw.event(index)
        tally.check(f"{index}: unknown fields", sorted(theirs.keys() - names.keys()), [])
        check_presence(tally, raw, index, theirs, sorted(names))
        for name, field in names.items():
            check_field(tally, f"event {index} {name}", raw, event, name, field, theirs)


def check_presence(
    tally: Tally, raw: RawRun, index: int, theirs: Mapping[str, Mapping[int, str]], names: list[str]
) -> None:
    """Compare whether a detector is in an event: whole, in part, or not at all."""
    for det, configured in raw.segments.items():
        own = [set(theirs.get(name, {})) for name in names if name.startswith(f"{det}.")]
        whole = all(segments == {*configured} for segments in own)
        tally.check(f"event {index} {det}: present", bool(raw.present(det)[index]), whole)
        some = not whole and any(own)
        tally.check(f"event {index} {det}: partial", bool(raw.partial(det)[index]), some)


def check_field(
    tally: Tally, what: str, raw: RawRun, event: Any, name: str, field: Any, theirs: Any
) -> None:
    det, alg, _ = name.split(".", 2)
    expected = theirs.get(name, {})
    segments = event.segments(name)
    ours = {number: digest(value, field.labels) for number, value in segments.items()}
    tally.check(f"{what}: segments", sorted(ours), sorted(expected))
    for number, line in expected.items():
        tally.check(f"{what} segment {number}", ours.get(number), line)
    whole = event[name]
    configured = raw.segments[det]
    tally.check(
        f"{what}: present",
        bool(raw.read([name], event.index, event.index + 1).present[f"{det}.{alg}"][0]),
        sorted(expected) == list(configured),
    )
    if sorted(expected) != list(configured):
        tally.check(f"{what}: all segments or no value", whole, None)
    elif len(configured) == 1:
        tally.check(what, digest(whole, field.labels), expected[configured[0]])
    else:
        for row, number in enumerate(configured):
            one = whole[row]
            if np.ndim(one) == 2 and field.rank == 3:  # as psana, without the axis of one panel
                one = one[np.newaxis]
            tally.check(f"{what} row {row}", digest(one, field.labels), expected[number])


def check_slow(tally: Tally, raw: RawRun, kind: str, events: Lines) -> None:
    store = raw.epics if kind == "epics" else raw.scan
    for name in store.names:
        values, known = store.read(name, raw.timestamps)
        labels = store.field(name).labels
        for index, line in enumerate(events):
            ours = digest(values[index], labels) if known[index] else None
            tally.check(f"event {index} {kind} {name}", ours, line["slow"][f"{kind}/{name}"])


def check_steps(tally: Tally, raw: RawRun, steps: Lines) -> None:
    """Compare steps; one that begins within another, psana counts to the outer one."""
    ours, begins = raw.steps, [line["step"] for line in steps]
    tally.check("steps", [time for time in ours.times.tolist() if time in begins], begins)
    outer = np.searchsorted(np.array(begins, np.uint64), ours.times, side="right") - 1
    for number, line in enumerate(steps):
        own = np.flatnonzero(outer == number)
        events = [np.arange(ours.first[step], ours.last[step]) for step in own]
        inside = np.concatenate(events)
        times = raw.timestamps[inside].tolist()
        tally.check(f"step {number}: events", times, line["events"])
        expected = np.repeat(own, [len(part) for part in events])
        numbers = ours.number_of(inside)
        tally.check(f"step {number}: numbers", numbers.tolist(), expected.tolist())
        if len(inside):
            check_config(tally, raw, int(inside[-1]), f"step {number}", line["config"])


def check_config(
    tally: Tally, raw: RawRun, event: int, where: str, config: Mapping[str, str]
) -> None:
    """Compare the settings of every detector at the last event of a step."""
    settings: dict[str, Mapping[str, Any]] = {}
    for name, values in by_field(config).items():
        det, alg, leaf = name.split(".", 2)
        if "config" not in alg.lower() or det in NOT_DATA:
            continue
        if det not in settings:
            settings[det] = raw.config(det, event)
        ours = settings[det][leaf]
        lines = [values[number] for number in sorted(values)]
        for one, line in zip([ours] if len(lines) == 1 else ours, lines, strict=True):
            if line.startswith("enum "):
                tally.check(f"{where} {name}", f"enum {int(one)}", " ".join(line.split()[:2]))
            else:
                tally.check(f"{where} {name}", digest(one), line)


def test_an_integrating_detector_ends_psanas_batches(
    xtc2_data: Path, psana_runs: dict[str, Lines]
) -> None:
    folder, det = INTEGRATING
    groups = open_raw(xtc2_data / folder).integrated_by(det)
    ends = np.diff(groups, append=groups[-1]) > 0
    assert ends.tolist() == [line["end"] for line in psana_runs["batches"]]


def test_psana_finds_no_run_where_none_begins(
    xtc2_data: Path, psana_runs: dict[str, Lines]
) -> None:
    assert psana_runs[NO_RUN] == []
    raw = open_raw(xtc2_data / NO_RUN)  # its values are compared datagram by datagram
    assert raw.n_events == 1325
    assert raw.experiment == ""
    assert any("run" in finding.message for finding in raw.findings)


def test_the_layout_of_2018_is_refused_by_both(
    xtc2_data: Path, psana_runs: dict[str, Lines]
) -> None:
    assert list(psana_runs[OLD][-1]) == ["refused"]
    with pytest.raises(Xtc2Error, match=OLD):
        open_raw(xtc2_data / OLD)

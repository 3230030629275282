"""Small-data files made of psana's own test files: every value in them is psana's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparing import Tally, by_field, digest
from psana_files import EXPERIMENT, NO_RUN, OLD, TOY

from workbench.core.errors import WorkbenchError
from workbench.producer import ProduceRequest, ProduceResult, produce
from workbench.smalldata import SmallDataFile, open_file
from workbench.sources import open_raw

Lines = list[dict[str, Any]]
FRAMES = {"jungfrau": "raw", "epixquad": "raw"}  # detectors whose whole frames we ask for
CHUNKS = TOY.format("chunking", 0)  # we follow the chunks of one file, psana those of a folder
FLOORS = {  # folder or file -> values compared at least
    "test_data/chunking": 425,
    "test_data/fakesteps": 46,
    "test_data/intg_det": 57,
    "test_data/mixed_rate": 1965,
    "test_data/multi-seg-epics": 110,
    TOY.format("fakesteps", 0): 35,
    TOY.format("fakesteps", 1): 17,
    TOY.format("intg_det", 0): 21,
    TOY.format("intg_det", 1): 9,
    TOY.format("intg_det", 2): 6,
    TOY.format("mixed_rate", 0): 2805,
    TOY.format("mixed_rate", 1): 245,
    TOY.format("multi-seg-epics", 0): 79,
    TOY.format("multi-seg-epics", 1): 64,
    "test_data/detector/test_epix_calib.xtc2": 12,
    "test_data/detector/test_jungfrau05M_calib.xtc2": 16,
    "test_hsd.xtc2": 257,
    TOY.format("chunking", 0): 423,
    "test_timetool.xtc2": 1327,
}
REFUSED = {  # file -> what the refusal says
    OLD: "LCLS-II DAQ of 2019 or later",
    "test_data/chunking/data-r0001-s000-c001.xtc2": "later chunk without the first",
}
LARGE = {"epixquad.raw.aux"}  # no frames, and too large to be kept unasked
PACKED = {"xpphsd.hsd.chan00"}  # unpacked in the file: test_oracle_digitizers
UNPACKED = ("xpphsd/var_", "xpphsd/unpacked_")


def make(path: Path, output: Path) -> ProduceResult:
    raw = open_raw(path)
    number = raw.number if raw.file_number is None else raw.file_number
    frames = tuple(det for det in FRAMES if det in raw.detectors)
    name = raw.experiment or "unknown"
    return produce(ProduceRequest(name, number, path, output, detectors=frames))


def events_of(name: str, psana_runs: Mapping[str, Lines]) -> Lines:
    """psana's events; of a file without BeginRun, which are no run to it, the bare datagrams."""
    if name == NO_RUN:
        bare = [line for line in psana_runs["datagrams"] if line.get("service") == 12]
        return [{"event": line["time"], "fields": line["fields"], "slow": {}} for line in bare]
    lines = psana_runs["test_data/chunking" if name == CHUNKS else name]
    return [line for line in lines if "event" in line]


@pytest.mark.parametrize("name", FLOORS)
def test_every_produced_value_is_psanas(
    name: str, xtc2_data: Path, psana_runs: dict[str, Lines], tmp_path: Path
) -> None:
    events = events_of(name, psana_runs)
    segments = dict(open_raw(xtc2_data / name).segments)  # equal psana's: test_oracle_xtc2
    result = make(xtc2_data / name, tmp_path)
    tally = Tally()
    with open_file(result.output) as file:
        stamps = [line["event"] for line in events]
        tally.check("time stamps", file.read("timestamp").tolist(), stamps)
        compared = {"timestamp", *check_detectors(tally, file, events, segments)}
        compared |= check_slow(tally, file, events)
        compared |= check_presence(tally, file, events, segments)
        if name not in {NO_RUN, CHUNKS}:
            steps = [line for line in psana_runs[name] if "step" in line]
            check_steps(tally, file, steps)
        left = {one for one in file.names if not one.startswith("UserDataCfg/")} - compared
        if name == "test_hsd.xtc2":  # their records, unpacked: test_oracle_digitizers
            left = {one for one in left if not one.startswith(UNPACKED)}
        assert left <= {"scan/varStep"}, "values that psana does not have"
    if name == NO_RUN:
        assert "no-begin-run" in {finding.code for finding in result.findings}
    tally.verify(name, FLOORS[name])


def check_detectors(
    tally: Tally, file: SmallDataFile, events: Lines, segments: Mapping[str, tuple[int, ...]]
) -> set[str]:
    rows = [by_field(line["fields"]) for line in events]
    fields = sorted({name for row in rows for name in row})
    compared = set()
    for name in fields:
        det, alg, leaf = name.split(".", 2)
        shared = sum(other.startswith(f"{det}.") and other.endswith(f".{leaf}") for other in fields)
        dataset = f"{det}/{alg}_{leaf}" if shared > 1 else f"{det}/{leaf}"
        found = datasets_of(file, dataset, segments[det], frames=FRAMES.get(det) == leaf)
        if not found:
            assert name in LARGE | PACKED, f"{name} is not in the file"
            continue
        for one, position in found.items():
            compared |= {one, one.replace("/data", "_len")} if "/var_" in one else {one}
            values, fill = file.read(one), file.info(one).fill
            for index, row in enumerate(rows):
                lines = [row.get(name, {}).get(number) for number in segments[det]]
                check_row(tally, f"event {index} {one}", values[index], fill, lines, position)
    return compared


def datasets_of(
    file: SmallDataFile, dataset: str, segments: tuple[int, ...], *, frames: bool
) -> dict[str, int | None]:
    """Datasets of one field, and which segment each holds; None: all."""
    group, _, leaf = dataset.rpartition("/")
    several = {f"{group}/var_{leaf}_{number}/data": at for at, number in enumerate(segments)}
    one: dict[str, int | None] = {
        f"{group}/full_area" if frames else dataset: None,
        f"{group}/var_{leaf}/data": None,
        **several,
    }
    return {name: at for name, at in one.items() if name in file.names}


def check_row(
    tally: Tally, what: str, row: Any, fill: Any, lines: list[str | None], position: int | None
) -> None:
    """Compare one event's row with the digests of its segments; incomplete ones are missing."""
    if None in lines:
        missing = row is None or bool(np.all(is_fill(row, fill)))
        tally.check(f"{what}: missing", missing, True)
    elif position is not None:
        tally.check(what, as_stored(row, lines[position]), lines[position])
    elif len(lines) == 1:
        tally.check(what, as_stored(row, lines[0]), lines[0])
    else:
        for at, line in enumerate(lines):
            tally.check(f"{what} row {at}", as_stored(row[at], line), line)


def is_fill(row: Any, fill: Any) -> Any:
    array = np.asarray(row)
    return np.isnan(array) if array.dtype.kind == "f" else array == fill


def as_stored(value: Any, line: str | None) -> str | None:
    """Digest of a small-data value in the type it had in the raw file: files widen integers."""
    assert line is not None
    kind, _, rest = line.partition(" ")
    if kind == "text":
        return digest(str(value))
    if kind == "enum":
        return f"enum {int(value)} {rest.partition(' ')[2]}"
    if kind == "int":
        return f"int {int(value) % 2**64}" if int(value) < 0 <= int(rest) else f"int {int(value)}"
    if kind == "float":
        return digest(float(value))
    shape = tuple(int(length) for length in rest[1 : rest.index("]")].split(", "))
    stored = np.asarray(value)
    narrow = stored.astype(kind)
    assert np.array_equal(narrow.astype(stored.dtype), stored), "a value that its type cannot hold"
    squeezed = tuple(length for length in shape if length != 1)
    same = tuple(length for length in narrow.shape if length != 1) == squeezed
    return digest(narrow.reshape(shape)) if same else digest(narrow)


def check_slow(tally: Tally, file: SmallDataFile, events: Lines) -> set[str]:
    names = sorted({name for line in events for name in line["slow"]})
    for name in names:
        values, fill = file.read(name), file.info(name).fill
        for index, line in enumerate(events):
            check_row(
                tally, f"event {index} {name}", values[index], fill, [line["slow"][name]], None
            )
    return set(names)


def check_presence(
    tally: Tally, file: SmallDataFile, events: Lines, segments: Mapping[str, tuple[int, ...]]
) -> set[str]:
    """Compare damage/<det>: 1 where all segments of all that is in the run are there."""
    rows = [by_field(line["fields"]) for line in events]
    for det, numbers in segments.items():
        fields = {name for row in rows for name in row if name.startswith(f"{det}.")}
        whole = [
            int(all(sorted(row.get(name, {})) == list(numbers) for name in fields)) for row in rows
        ]
        tally.check(f"damage/{det}", file.read(f"damage/{det}").tolist(), whole)
    return {f"damage/{det}" for det in segments}


def check_steps(tally: Tally, file: SmallDataFile, steps: Lines) -> None:
    """Compare which events share a step; psana counts a step within another to the outer one."""
    stamps, number = file.read("timestamp"), file.read("scan/varStep")
    seen = []
    for line in steps:
        inside = np.unique(number[np.isin(stamps, np.array(line["events"], np.int64))])
        tally.check(f"step {line['step']}", len(inside), 1)
        seen += inside.tolist()
    tally.check("steps in order", seen, sorted(set(seen)))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_produced_is_refused_with_the_reason(
    name: str, xtc2_data: Path, tmp_path: Path
) -> None:
    with pytest.raises(WorkbenchError, match=REFUSED[name]):
        produce(ProduceRequest(EXPERIMENT, 14, xtc2_data / name, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_index_file_is_refused_with_the_way_out(xtc2_data: Path, tmp_path: Path) -> None:
    for path in (xtc2_data / "test_data").rglob("*.smd.xtc2"):
        with pytest.raises(WorkbenchError, match="index of a data file; give the data file"):
            produce(ProduceRequest(EXPERIMENT, 14, path, tmp_path))


def test_no_file_is_forgotten(xtc2_data: Path) -> None:
    known = {*FLOORS, *REFUSED}
    for path in xtc2_data.rglob("*.xtc*"):
        name = str(path.relative_to(xtc2_data))
        assert name in known or name.endswith(".smd.xtc2")

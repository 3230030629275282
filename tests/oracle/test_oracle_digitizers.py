"""Packed records of digitizers, unpacked by psana and by us: waveforms, windows, their places."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparing import Tally, digest

from workbench.producer.frames import frame_fields
from workbench.sources import RawRun, open_raw
from workbench.sources.digitizers import digitizer_of, waveforms
from workbench.sources.xtc2_writer import Names, Xtc2Writer

Lines = list[dict[str, Any]]
Ask = Callable[[list[dict[str, Any]]], list[Lines]]
EVENTS = 60
LEVELS = (1000, 3000)  # of the windows; psana puts their mean between them
RECORD = {"eventHeader": ("uint32", 1), "chan00": ("uint8", 1)}
SETTINGS = {
    f"user.{name}": ("uint32", 0) for name in ("raw.gate_ns", "fex.gate_ns", "fex.ymin", "fex.ymax")
}
CORRECTED = {"user.fex.corr.baseline": ("uint32", 0)}  # in version 3.0.0


def stream(number: int, words: np.ndarray[Any, Any]) -> bytes:
    """One stream of a record: its header, then 16-bit words."""
    return np.array([len(words), number << 24, 0, 0], "<u4").tobytes() + words.tobytes()


def windows(rng: np.random.Generator, length: int) -> np.ndarray[Any, Any]:
    """Groups of four: samples, or with the top bit numbers that add up to samples left out."""
    groups, place = [], 0
    while place < length:
        count = int(rng.integers(0, 9))
        if rng.random() < 0.5:
            groups.append(rng.integers(0, 1 << 12, (count, 4)))
            place += 4 * count
        else:
            left_out = rng.integers(0, 40, 4)
            groups.append((left_out | 1 << 15)[np.newaxis])
            place += int(left_out.sum())
    words = np.concatenate([np.empty((0, 4), int), *groups]).astype("<u2").ravel()
    return words[: len(words) - 4 * int(place - length > 40)]


def write(folder: Path, version: tuple[int, int, int], more: dict[str, Any]) -> Path:
    """A run of two digitizers of one version that are read out for 700 and 350 ns."""
    rng = np.random.default_rng(11)
    path = folder / "xpptest-r0022-s000-c000.xtc2"
    names = [
        Names("hsd", "hsd", alg, version, segment, f"serial{segment}", fields)
        for alg, fields in (("raw", RECORD), ("config", SETTINGS | more))
        for segment in (0, 1)
    ]
    settings = {
        2 + segment: {
            "user.raw.gate_ns": gate,
            "user.fex.gate_ns": gate,
            "user.fex.ymin": LEVELS[0],
            "user.fex.ymax": LEVELS[1],
            **dict.fromkeys(more, 16384),
        }
        for segment, gate in enumerate((700, 350))
    }
    with Xtc2Writer(path, names) as writer:
        writer.configure(30 << 32, settings)
        writer.begin_run((30 << 32) + 1, experiment="xpptest", run=22)
        writer.begin_step((30 << 32) + 2)
        writer.enable((30 << 32) + 3)
        for event in range(EVENTS):
            records = {}
            for segment, length in enumerate((4160, 2080)):
                kinds = int(rng.integers(1, 4))
                given = rng.integers(0, 1 << 12, length).astype("<u2")
                parts = [stream(0, given)] if kinds & 1 else []
                parts += [stream(1, windows(rng, length - 400))] if kinds & 2 else []
                bytes_ = np.frombuffer(b"".join(parts), np.uint8)
                header = np.array([kinds << 20 | 1 << 24, 0], np.uint32)
                records[segment] = {"eventHeader": header, "chan00": bytes_}
            writer.event((31 << 32) + event, records)
        writer.end_run(40 << 32)
    return path


def compare(raw: RawRun, detector: str, lines: Lines, filler: int, floor: int) -> None:
    digitizer = digitizer_of(raw, detector)
    assert digitizer is not None
    tally = Tally()
    tally.check("time stamps", raw.timestamps.tolist(), [line["event"] for line in lines])
    ((_, frames),) = waveforms(raw, digitizer, size=raw.n_events)
    _, unpacked = digitizer.unpack(raw.read([digitizer.algorithm]))
    for row, (segment, one) in enumerate(zip(digitizer.segments, unpacked, strict=True)):
        waves = np.split(one.waves, one.wave_ends[:-1])
        one, baselines = one.without_baselines() if digitizer.corrected else (one, None)
        starts = np.split(one.starts, one.window_ends[:-1])
        values = np.split(one.values, np.cumsum(one.widths)[:-1])
        for event, line in enumerate(lines):
            where, theirs = f"event {event} segment {segment}", line["segments"][str(segment)]
            whole = digest(waves[event]) if len(waves[event]) else None
            tally.check(f"{where} waveform", whole, theirs.get("waveforms"))
            tally.check(f"{where} starts", starts[event].tolist(), theirs.get("starts", []))
            first, last = one.window_ends[event] - len(starts[event]), one.window_ends[event]
            samples = [digest(value) for value in values[first:last]]
            tally.check(f"{where} windows", samples, theirs.get("windows", []))
            times = digitizer.times(row)
            assert np.allclose(times, theirs["times"], rtol=1e-12, atol=0)
            laid = frames[event, row, : len(times)].astype(np.float64)
            if baselines is not None:
                sent = [baselines[event].tolist()] if len(starts[event]) else []
                tally.check(f"{where} baselines", sent, theirs["baselines"])
            if baselines is not None and whole is None:
                tally.check(f"{where} frame", bool(np.isnan(laid).all()), True)
            elif whole is None:
                laid = digest(np.where(np.isnan(laid), filler, laid))
                tally.check(f"{where} laid out", laid, theirs["padded"])
            else:
                tally.check(f"{where} frame", laid.tolist(), waves[event].tolist())
    tally.verify(detector, floor)


def test_a_real_run_of_digitizers_is_unpacked_as_psana_does(
    xtc2_data: Path, ask_psana: Ask
) -> None:
    path = xtc2_data / "test_hsd.xtc2"
    target = {"kind": "digitizers", "path": str(path), "detector": "xpphsd", "algorithm": "hsd"}
    (lines,) = ask_psana([target])
    compare(open_raw(path), "xpphsd", lines, 1050, 84 * 2 * 4 + 1)


@pytest.mark.parametrize(
    ("version", "more", "checks"), [((2, 0, 0), {}, 4), ((3, 0, 0), CORRECTED, 5)]
)
def test_records_of_later_versions_are_unpacked_as_psana_does(
    tmp_path: Path, ask_psana: Ask, version: Any, more: dict[str, Any], checks: int
) -> None:
    written = write(tmp_path, version, more)
    target = {"kind": "digitizers", "path": str(written), "detector": "hsd", "algorithm": "raw"}
    (lines,) = ask_psana([target])
    compare(open_raw(written), "hsd", lines, sum(LEVELS) // 2, EVENTS * 2 * checks + 1)


def test_waveforms_of_eight_diodes_are_stacked_as_psana_does(
    tmp_path: Path, ask_psana: Ask
) -> None:
    rng = np.random.default_rng(4)
    fields = {f"raw_{diode}": ("uint16", 1) for diode in range(8)}
    path = tmp_path / "xpptest-r0023-s000-c000.xtc2"
    other = Names("rix_fim0", "wave8", "fex", (0, 0, 1), fields={"integral_0": ("int32", 0)})
    with Xtc2Writer(
        path, [Names("rix_fim0", "wave8", "raw", (0, 0, 1), fields=fields), other]
    ) as run:
        run.configure(30 << 32)
        run.begin_run((30 << 32) + 1, experiment="xpptest", run=23)
        for event in range(12):
            waves = {name: rng.integers(0, 1 << 14, 60).astype(np.uint16) for name in fields}
            records = {0: waves, 1: {"integral_0": event}}
            run.event((31 << 32) + event, records if event % 5 else {1: records[1]})
        run.end_run(40 << 32)
    target = {"kind": "diodes", "path": str(path), "detector": "rix_fim0"}
    (lines,) = ask_psana([target])
    raw, tally = open_raw(path), Tally()
    field = frame_fields(raw)["rix_fim0"]
    found = {
        int(event): digest(frame)
        for events, frames in field.read(raw, size=5)
        for event, (frame,) in zip(events, frames, strict=True)
    }
    for event, line in enumerate(lines):
        tally.check(f"event {event}", found.get(event), line["waves"])
    tally.verify("diodes", 12)

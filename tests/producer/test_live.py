"""Runs that are produced while they are taken."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.errors import InputError, NotThereError
from workbench.producer import LiveState, ProduceRequest, produce
from workbench.runs import Run, open_run
from workbench.sources import RunStalledError, open_raw
from workbench.sources.xtc2.run import Xtc2Run

ROOT = Path(__file__).parents[2]
LOST = Path(__file__).with_name("lost_signal.py")
PATIENCE = 60.0  # s
EVENTS, ROLLOVER = 600, 330


@pytest.fixture(scope="module")
def whole(make_run: Any, module_folder: ModuleFolder) -> Any:
    return make_run(module_folder("whole"), events=EVENTS, rollover=ROLLOVER)


@pytest.fixture(scope="module")
def offline(whole: Any, module_folder: ModuleFolder) -> dict[str, Any]:
    return content(produce(whole.request(module_folder("offline"))).output)


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            found[name] = item[()]
        found[f"{name}@"] = {key: str(item.attrs[key]) for key in item.attrs}

    with h5py.File(path) as h5:
        h5.visititems(note)
    return found


def assert_same(path: Path, expected: dict[str, Any]) -> None:
    found = content(path)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


class Taking:
    """The run as it is taken by another process, so far as that is told."""

    def __init__(self, whole: Any, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        words = [Path(__file__).with_name("growing_run.py"), whole.folder, folder]
        self._process = subprocess.Popen(
            [sys.executable, *map(str, words)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def up_to(self, share: float) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{share}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "there\n"

    def __enter__(self) -> "Taking":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        assert self._process.returncode == 0


def wait_for(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def request(whole: Any, folder: Path, output: Path, **changes: Any) -> ProduceRequest:
    given: dict[str, Any] = whole.request(output, live=True).__dict__
    return ProduceRequest(**(given | {"xtc": folder, "patience": PATIENCE} | changes))


def command(whole: Any, folder: Path, output: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "workbench", "produce", "--experiment", "xpplx1234", "--run", "7",
        "--xtc", str(folder), "--config", str(whole.config), "--constants", str(whole.constants),
        "--output", str(output), "--live", "--json", *more,
    ]  # fmt: skip


def test_rows_arrive_while_a_run_is_taken_and_the_file_is_the_same_in_the_end(
    whole: Any, offline: dict[str, Any], tmp_path: Path
) -> None:
    live, target = tmp_path / "xpplx1234_Run0007.live.h5", tmp_path / "xpplx1234_Run0007.h5"
    process = subprocess.Popen(
        command(whole, tmp_path / "raw", tmp_path), cwd=ROOT, text=True, stdout=subprocess.PIPE
    )
    with Taking(whole, tmp_path / "raw") as taking:
        taking.up_to(0.1)
        wait_for(live.exists)
        run = open_run(tmp_path, 7, live=True)
        for share in (0.3, 0.5, 0.7, 0.9):
            taking.up_to(share)
            before = run.n_events
            run = wait_for(partial(longer, run, before))
            check_rows(run, whole)
        taking.up_to(1)
        told = json.loads(process.communicate()[0])
    assert process.returncode == 0
    assert told["n_events"] == told["live"]["n_events"] == EVENTS
    behind = told["live"]["mean_behind"], told["live"]["worst_behind"]
    assert 0 < behind[0] <= behind[1] < PATIENCE  # by the clock it depends on the machine's load
    assert_same(target, offline)
    finished = run.refresh()  # the same object goes on with the file that the run became
    assert (finished.path, finished.n_events) == (target, EVENTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", target.name]


def test_every_look_at_a_run_brings_the_rows_of_all_events_that_are_whole_by_then(
    whole: Any, tmp_path: Path
) -> None:
    """Data come only between two looks here, so the lag is counted in looks, whatever the load."""
    folder, shares = tmp_path / "raw", iter((0.35, 0.5, 0.65, 0.8, 0.95, 1.0))
    rows: list[tuple[int, int]] = []

    def on_disk() -> int:
        return open_raw(folder, run=7).growth.complete  # type: ignore[attr-defined]

    with Taking(whole, folder) as taking:
        taking.up_to(0.2)
        there = [on_disk()]

        def look(state: LiveState) -> None:
            rows.append((state.n_events, there[-1]))
            if (share := next(shares, None)) is not None:
                taking.up_to(share)
                there.append(on_disk())

        produce(request(whole, folder, tmp_path), live=look)
    assert [written for written, _ in rows[: len(there)]] == there
    assert rows[-1][0] == EVENTS
    assert len(set(there)) == len(there)  # each time there was something to catch up with


def longer(run: Run, before: int) -> Run | None:
    """Return the run if it has grown since."""
    fresh = run.refresh()
    return fresh if fresh.n_events > before else None


def check_rows(run: Run, whole: Any) -> None:
    last = run.n_events - 1
    np.testing.assert_array_equal(run.timestamps, whole.stamps[: run.n_events])
    if last >= 0:
        np.testing.assert_array_equal(run["wave/var_trace/data"].read()[last], whole.waves[last])
        assert run["log/text"].read()[last] == f"shot {last}"
        np.testing.assert_array_equal(run["timing/pulseId"].read(), 10 + np.arange(run.n_events))


def test_a_stopped_production_goes_on_from_what_it_had_finished(
    whole: Any, offline: dict[str, Any], tmp_path: Path
) -> None:
    live = tmp_path / "xpplx1234_Run0007.live.h5"
    process = subprocess.Popen(
        command(whole, tmp_path / "raw", tmp_path), cwd=ROOT, stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with Taking(whole, tmp_path / "raw") as taking:
        taking.up_to(0.8)
        wait_for(lambda: list(tmp_path.glob(".*.parts/*/*/unit_00000.done")))
        process.send_signal(signal.SIGTERM)
        assert "--resume" in process.communicate(timeout=120)[1]
        assert process.returncode == 128 + signal.SIGTERM
        taking.up_to(1)
    assert open_run(live).n_events >= 256  # what came in is there to be read
    result = produce(request(whole, tmp_path / "raw", tmp_path, resume=True))
    assert result.resumed == EVENTS
    assert_same(result.output, offline)
    assert not live.exists()


def test_a_stop_that_comes_where_python_loses_it_ends_the_following_of_a_run(
    whole: Any, offline: dict[str, Any], tmp_path: Path
) -> None:
    words = command(whole, tmp_path / "raw", tmp_path, "--patience", "20")[3:]
    with Taking(whole, tmp_path / "raw") as taking:
        taking.up_to(0.8)
        line = [sys.executable, str(LOST), str(tmp_path), *words]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
        assert "Exception ignored in: <function ask" in done.stderr
        assert "--resume" in done.stderr
        assert done.returncode == 128 + signal.SIGTERM
        taking.up_to(1)
    result = produce(request(whole, tmp_path / "raw", tmp_path, resume=True))
    assert result.resumed == EVENTS
    assert_same(result.output, offline)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", result.output.name]


def test_units_of_a_file_with_older_names_count_as_done_too(whole: Any, tmp_path: Path) -> None:
    plain = produce(whole.request(tmp_path / "plain", naming="lcls1")).output
    result = produce(request(whole, whole.folder, tmp_path / "live", naming="lcls1"))
    assert result.resumed == EVENTS
    assert_same(result.output, content(plain))


def test_a_run_that_does_not_go_on_is_given_up_by_name_and_its_rows_stay(
    whole: Any, tmp_path: Path
) -> None:
    states: list[LiveState] = []
    with Taking(whole, tmp_path / "raw") as taking:
        taking.up_to(0.4)
        wanted = request(whole, tmp_path / "raw", tmp_path, patience=1.5)
        with pytest.raises(RunStalledError, match=r"no EndRun; waiting for .*inprogress") as told:
            produce(wanted, live=states.append)
    assert told.value.waits_for is not None
    assert states[-1].waits_for == told.value.waits_for.name
    live = open_run(tmp_path / "xpplx1234_Run0007.live.h5")
    assert live.n_events == states[-1].n_events > 0
    assert states[-1].seen > live.n_events  # another stream is ahead


def test_workers_catch_up_with_a_run_that_was_taken_before(
    whole: Any, offline: dict[str, Any], tmp_path: Path
) -> None:
    states: list[LiveState] = []
    wanted = request(whole, whole.folder, tmp_path, workers=2)
    result = produce(wanted, live=states.append)
    assert [state.n_events for state in states] == [EVENTS]
    assert_same(result.output, offline)


def test_a_detector_that_comes_late_begins_the_rows_anew(
    whole: Any, offline: dict[str, Any], tmp_path: Path
) -> None:
    late = sorted(whole.folder.glob("*-s001-*.xtc2"))
    folder = tmp_path / "raw"
    folder.mkdir()
    for path in whole.folder.glob("*-s000-*.xtc2"):
        (folder / path.name).write_bytes(path.read_bytes())
    last = folder / f"{late[0].name}.inprogress"
    states: list[LiveState] = []

    def arrive(state: LiveState) -> None:
        states.append(state)
        if len(states) == 1:  # so far all is well: the run seems to have one stream
            last.write_bytes(late[0].read_bytes()[:-40])
        elif last.exists():
            last.write_bytes(late[0].read_bytes())
            last.rename(folder / late[0].name)

    (folder / "xpplx1234-r0007-s000-c001.xtc2").rename(tmp_path / "kept")
    (folder / "xpplx1234-r0007-s000-c001.xtc2.inprogress").write_bytes(
        (tmp_path / "kept").read_bytes()[:-40]
    )

    def finish(state: LiveState) -> None:
        arrive(state)
        going = folder / "xpplx1234-r0007-s000-c001.xtc2.inprogress"
        if len(states) == 3 and going.exists():
            going.write_bytes((tmp_path / "kept").read_bytes())
            going.rename(folder / "xpplx1234-r0007-s000-c001.xtc2")

    result = produce(request(whole, folder, tmp_path), live=finish)
    assert result.live is not None
    assert result.live.restarts == 1
    assert "live-file-anew" in {finding.code for finding in result.findings}
    assert_same(result.output, offline)


def test_events_are_complete_once_every_stream_has_gone_past_them(
    whole: Any, tmp_path: Path
) -> None:
    for path in whole.folder.glob("*.xtc2"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    late = next(tmp_path.glob("*-s001-*.xtc2"))
    late.write_bytes(late.read_bytes()[: late.stat().st_size // 2])
    raw = open_raw(tmp_path, run=7)
    assert isinstance(raw, Xtc2Run)
    assert raw.n_events == EVENTS
    had = np.flatnonzero(whole.has_tiles | whole.partial_tiles)
    there = int(np.count_nonzero(raw.present("tiles") | raw.partial("tiles")))
    assert raw.growth.complete == had[there - 1]  # the last one could still get another segment
    assert raw.growth.waits_for == late
    assert not raw.growth.ended


@pytest.mark.parametrize(
    ("changes", "told"), [({"strict": True}, "config check"), ({"patience": 0.0}, "above 0 s")]
)
def test_what_cannot_be_followed_is_refused(
    whole: Any, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        request(whole, tmp_path, tmp_path, **changes)


def test_one_file_cannot_be_followed(whole: Any, tmp_path: Path) -> None:
    file = next(whole.folder.glob("*.xtc2"))
    with pytest.raises(InputError, match="give the folder"):
        produce(request(whole, file, tmp_path))


def test_a_run_of_lcls1_is_refused_at_once_and_says_what_reads_it(
    whole: Any, tmp_path: Path
) -> None:
    (tmp_path / "e1234-r0007-s00-c00.xtc.inprogress").touch()
    with pytest.raises(InputError, match=r"LCLS-I .*facility's own producer.*cannot be followed"):
        produce(request(whole, tmp_path, tmp_path / "out", patience=60.0))
    with pytest.raises(NotThereError, match="of LCLS-I can be opened when"):
        open_run(tmp_path, 7, live=True)

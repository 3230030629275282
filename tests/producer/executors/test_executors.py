"""Each executor for real: Dask, MPI and Slurm give the local file, whatever dies meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.producer import ProduceRequest, produce
from workbench.synthetic import PumpProbe, write_raw_run

pytestmark = pytest.mark.executors

ROOT = Path(__file__).parents[3]
SLURM_SCRIPT = Path(__file__).with_name("slurm.sh")
MPIEXEC = Path(sys.executable).with_name("mpiexec")
SLURM = "slurm:workers=2,memory=1GB,time=00:10:00"
PATIENCE = 120.0  # s
EVENTS = 2300  # units of work: four of 256 events, then longer ones
SHOTS, EVERY = 600, 25  # of the run with an integrating camera; a frame spans two units of work


def wait_for(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def processes() -> dict[int, tuple[int, bytes]]:
    """Return parent and command line of each process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status, line = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
            except OSError:
                continue  # ended while we looked
            found[int(entry.name)] = int(status.rpartition(")")[2].split()[1]), line
    return found


def below(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that these have started."""
    every = processes()
    found = [one for one, (parent, _) in every.items() if parent == pid]
    return [*found, *(deeper for one in found for deeper in below(one))]


def having(word: bytes, pids: list[int] | None = None) -> list[int]:
    every = processes()
    return [pid for pid in (every if pids is None else pids) if word in every.get(pid, (0, b""))[1]]


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            found[name] = item[()]

    with h5py.File(path) as h5:
        h5.visititems(note)
    return found


def assert_same(first: Path, second: Path) -> None:
    one, two = content(first), content(second)
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name], err_msg=name)


def command(made: Any, output: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "workbench", "produce", "--experiment", "xpplx1234", "--run", "7",
        "--xtc", str(made.folder), "--config", str(made.config), "--constants",
        str(made.constants), "--output", str(output), "--json", *more,
    ]  # fmt: skip


def under_mpi(made: Any, output: Path, *more: str) -> list[str]:
    return [str(MPIEXEC), "-n", "3", *command(made, output, "--executor", "mpi", *more)]


def completed(line: list[str], expected: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == expected, done.stderr
    return done


@pytest.fixture(scope="module")
def long_run(make_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_run(tmp_path_factory.mktemp("long"), events=EVENTS)


@pytest.fixture(scope="module")
def alone(long_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return produce(long_run.request(tmp_path_factory.mktemp("alone"))).output


@pytest.fixture(scope="module")
def slow_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a run with an integrating camera, and the file that one process makes of it."""
    spec = PumpProbe(
        "xpplx1234", 7, n_events=SHOTS, n_steps=2, camera_every=50, jungfrau_every=100,
        missing=0.05, integrating_every=EVERY,
    )  # fmt: skip
    made = write_raw_run(spec, tmp_path_factory.mktemp("slow"))
    return made, produce(slow_request(made, tmp_path_factory.mktemp("slow_alone"))).output


def slow_request(made: Any, output: Path, **more: Any) -> ProduceRequest:
    settings = {"config": made.config, "constants": made.constants}
    return ProduceRequest("xpplx1234", 7, made.folder, output, **(settings | more))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slurm")
    script = ["bash", str(SLURM_SCRIPT)]
    nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    before = dict(os.environ)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        subprocess.run([*script, "up", str(folder)], check=True, timeout=60, **nothing)
        yield
    finally:
        subprocess.run([*script, "down", str(folder)], check=True, timeout=60, **nothing)
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def dask_address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield f"dask:{cluster.scheduler_address}"


def dask_workers() -> list[int]:
    return having(b"spawn_main", below(os.getpid()))


def slurm_workers() -> list[int]:
    """Return both processes of one job: that which watches, and that which works."""
    nannies = having(b"distributed.cli.dask_worker")
    pythons = [pid for pid in nannies if having(b"spawn_main", below(pid))]
    return [*pythons[-1:], *below(pythons[-1])] if pythons else []


def test_a_running_dask_cluster_gives_the_same_file(
    long_run: Any, alone: Path, dask_address: str, tmp_path: Path
) -> None:
    result = produce(long_run.request(tmp_path, executor=dask_address))
    assert_same(result.output, alone)
    assert list(tmp_path.iterdir()) == [result.output]


@pytest.mark.parametrize(("executor", "workers"), [
    ("local:2", lambda: having(b"forkserver", below(os.getpid()))[1:]),
    ("dask:local:2", dask_workers),
    (SLURM, slurm_workers),
])  # fmt: skip
def test_workers_killed_in_the_middle_cost_nothing_but_time(
    executor: str, workers: Callable[[], list[int]], long_run: Any, alone: Path, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    if executor.startswith("slurm"):
        request.getfixturevalue("slurm")
    killed: list[int] = []

    def kill_once(done: int, total: int) -> None:
        if not killed and done < total:
            killed.extend(workers())
            kill(killed)

    result = produce(long_run.request(tmp_path, executor=executor), kill_once)
    assert killed
    assert_same(result.output, alone)
    assert list(tmp_path.iterdir()) == [result.output]


def test_a_job_that_slurm_refuses_is_named_at_once(
    slurm: None, long_run: Any, tmp_path: Path
) -> None:
    request = long_run.request(tmp_path, executor="slurm:partition=nowhere")
    with pytest.raises(InputError, match="invalid partition specified: nowhere"):
        produce(request)
    assert list(tmp_path.iterdir()) == []


def test_mpi_runs_on_three_processes_and_gives_the_same_file(
    long_run: Any, alone: Path, tmp_path: Path
) -> None:
    size = "from mpi4py import MPI; print(MPI.COMM_WORLD.Get_size())"
    sizes = completed([str(MPIEXEC), "-n", "3", sys.executable, "-c", size]).stdout
    assert "".join(sizes.split()) == "333"
    done = completed(under_mpi(long_run, tmp_path))
    told = json.loads(done.stdout)  # of the first process alone
    assert told["n_events"] == EVENTS
    assert_same(Path(told["output"]), alone)
    assert list(tmp_path.iterdir()) == [Path(told["output"])]


def test_a_process_killed_under_mpi_leaves_parts_from_which_it_is_resumed(
    long_run: Any, alone: Path, tmp_path: Path
) -> None:
    with subprocess.Popen(under_mpi(long_run, tmp_path), cwd=ROOT) as running:
        wait_for(lambda: list(tmp_path.glob(".*.parts/*/plan.pickle")))
        ranks = {rank_of(pid): pid for pid in having(b"workbench", below(running.pid))}
        wait_for(lambda: list(tmp_path.glob(".*.parts/*/unit_*.done")))
        os.kill(ranks[b"0"], signal.SIGSTOP)  # so that it cannot end before
        kill([ranks[b"1"]])
        assert running.wait(PATIENCE) != 0
    assert not (tmp_path / alone.name).exists()
    told = json.loads(completed(under_mpi(long_run, tmp_path, "--resume")).stdout)
    assert told["resumed"] > 0
    assert_same(tmp_path / alone.name, alone)
    assert list(tmp_path.iterdir()) == [tmp_path / alone.name]


def rank_of(pid: int) -> bytes:
    pairs = (Path("/proc") / str(pid) / "environ").read_bytes().split(b"\0")
    return dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair).get(b"PMI_RANK", b"")


@pytest.mark.parametrize("executor", ["local:2", "dask:local:2", SLURM, "mpi"])
def test_frames_of_an_integrating_camera_are_the_same_wherever_their_events_are_worked(
    executor: str, slow_run: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made, alone = slow_run
    if executor == "mpi":
        output = Path(json.loads(completed(under_mpi(made, tmp_path)).stdout)["output"])
    else:
        if executor == SLURM:
            request.getfixturevalue("slurm")
        output = produce(slow_request(made, tmp_path, executor=executor)).output
    assert_same(output, alone)
    values = content(output)
    shots = values["XppSb3BmMon/totalIntensityJoules"].reshape(-1, EVERY)
    for frame, row in enumerate(shots):
        added = 0.0
        for shot in row[~np.isnan(row)]:
            added += shot
        assert values["intg/archon/XppSb3BmMon_sum_totalIntensityJoules"][frame] == added
    assert len(values["intg/archon/all_sum"]) == SHOTS // EVERY
    assert list(tmp_path.iterdir()) == [output]


def test_one_process_is_no_mpi_program(long_run: Any, tmp_path: Path) -> None:
    refused = completed(command(long_run, tmp_path, "--executor", "mpi"), expected=1)
    assert "needs at least two processes" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_terminated_production_is_resumed(long_run: Any, alone: Path, tmp_path: Path) -> None:
    line = command(long_run, tmp_path, "--executor", "local:2")
    with subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: list(tmp_path.glob(".*.parts/*/unit_*.done")))
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):
            running.send_signal(number)
        _, talk = running.communicate(timeout=PATIENCE)
    assert running.returncode == 128 + signal.SIGTERM
    assert "add --resume" in talk
    assert "Traceback" not in talk
    told = json.loads(completed([*line, "--resume"]).stdout)
    assert told["resumed"] > 0
    assert_same(tmp_path / alone.name, alone)


def test_a_terminated_mpi_program_ends_and_is_resumed(
    long_run: Any, alone: Path, tmp_path: Path
) -> None:
    line = under_mpi(long_run, tmp_path)
    with subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: list(tmp_path.glob(".*.parts/*/unit_*.done")))
        running.terminate()  # all its processes get it
        _, talk = running.communicate(timeout=PATIENCE)
    assert running.returncode == 128 + signal.SIGTERM
    assert "add --resume" in talk
    assert json.loads(completed(under_mpi(long_run, tmp_path, "--resume")).stdout)["resumed"] > 0
    assert_same(tmp_path / alone.name, alone)


SCRIPT = """
from pathlib import Path
from workbench.producer import ProduceRequest, produce

request = ProduceRequest("xpplx1234", 7, Path({xtc!r}), Path({output!r}), executor={executor!r})
print(produce(request).n_events)
"""


@pytest.mark.parametrize("executor", ["local:2", "dask:local:2"])
def test_a_script_may_produce_on_its_top_level(
    executor: str, long_run: Any, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    text = SCRIPT.format(xtc=str(long_run.folder), output=str(tmp_path), executor=executor)
    script.write_text(text)
    assert completed([sys.executable, str(script)]).stdout == f"{EVENTS}\n"


def test_no_scheduler_at_an_address_is_said(long_run: Any, tmp_path: Path) -> None:
    request: ProduceRequest = long_run.request(tmp_path, executor="dask:tcp://127.0.0.1:1")
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        produce(request)
    assert list(tmp_path.iterdir()) == []

"""Workers of others: Dask, Slurm (by way of Dask) and MPI, each as an executor with its rules."""

import atexit
import logging
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from functools import cache
from typing import Any

from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.core.local_workers import without_main
from workbench.core.workers import LostWorkerError, Team, Workers

CONNECT = 10.0  # s, for a Dask scheduler to answer
EMPTY = 60.0  # s without a single worker, until a running Dask cluster is given up
# A range whose worker died twice fails; a worker gets no more than it works at, so that no range
# is blamed for a death while it waited.
RULES = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.deploy.lost-worker-timeout": "5s",
}


def check_cluster(crew: Workers) -> None:
    """Raise an error that says what is missing for such workers, before any work is prepared."""
    for module in ("dask", "distributed", *(("dask_jobqueue",) if crew.kind == "slurm" else ())):
        load(module, f"--executor {crew.kind}", crew.kind)
    if crew.kind == "slurm":
        _sbatch()


@contextmanager
def cluster_team(crew: Workers) -> Generator[Team]:
    """Give the workers for the length of a ``with`` block."""
    if crew.kind == "mpi":
        yield Team(mpi_executor(), (), lasting=True)
        return
    dask, distributed = (
        load(module, f"--executor {crew.kind}", crew.kind) for module in ("dask", "distributed")
    )
    with dask.config.set(RULES), _client(crew, distributed) as client:
        lost = (distributed.scheduler.KilledWorker, CancelledError)
        yield Team(client.get_executor(), lost, check=_watch(crew, client))


@contextmanager
def _client(crew: Workers, distributed: Any) -> Generator[Any]:
    if crew.address:
        place = "scheduler_file" if crew.address.endswith(".json") else "address"
        try:
            client = distributed.Client(**{place: crew.address}, timeout=CONNECT)
        except (OSError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at {crew.address} ({error}); give the address that "
                "it printed, such as dask:tcp://host:8786, or start workers here: dask:local:4"
            ) from None
        with client:
            yield client
        return
    start = _slurm if crew.kind == "slurm" else _here
    with start(crew, distributed) as cluster, distributed.Client(cluster) as client:
        yield client


@contextmanager
def _here(crew: Workers, distributed: Any) -> Generator[Any]:
    rules = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None}
    with (
        without_main(),  # also when a worker that died is replaced
        distributed.LocalCluster(
            n_workers=crew.count, processes=True, silence_logs=logging.ERROR, **rules
        ) as cluster,
    ):
        yield cluster


@contextmanager
def _slurm(crew: Workers, distributed: Any) -> Generator[Any]:  # noqa: ARG001 - as `_here`
    jobqueue = load("dask_jobqueue", "--executor slurm", "slurm")
    given = crew.options
    cluster: Any = jobqueue.SLURMCluster(
        queue=given["partition"] or None,
        account=given["account"] or None,
        walltime=given["time"],
        memory=given["memory"],
        interface=given["interface"] or None,
        cores=1,
        processes=1,
        job_extra_directives=["--output=/dev/null"],
        scheduler_options={"dashboard_address": ":0"},
        silence_logs=logging.ERROR,
    )
    with cluster:
        _try(cluster.job_script())
        cluster.adapt(minimum=crew.count, maximum=crew.count)  # lost jobs are sent again
        yield cluster


def _try(script: str) -> None:
    """Ask Slurm whether it would take a job; it would be sent again and again otherwise."""
    asked = subprocess.run(  # noqa: S603 - the site's own command
        [_sbatch(), "--test-only"], input=script, capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise InputError(
            f"Slurm refuses the workers' job: {asked.stderr.strip()}; change the options after "
            "--executor slurm:"
        )


def _sbatch() -> str:
    found = shutil.which("sbatch")
    if found is None:
        raise InputError(
            "--executor slurm: there is no sbatch here; go to a node that has Slurm, or use local:N"
        )
    return found


def _watch(crew: Workers, client: Any) -> Callable[[], None]:
    """Return what to ask while nothing comes back."""
    seen = time.monotonic()

    def check() -> None:
        nonlocal seen
        if client.status != "running":
            raise LostWorkerError(
                f"the Dask scheduler of {crew} is gone; what was finished is kept"
            )
        if crew.kind == "slurm" or client.nthreads():  # jobs may wait in the queue for hours
            seen = time.monotonic()
        elif time.monotonic() - seen > EMPTY:
            raise LostWorkerError(
                f"the Dask cluster of {crew} has had no worker for {EMPTY:g} s; start some with "
                "`dask worker ADDRESS`"
            )

    return check


@cache
def mpi_executor() -> Executor:
    """Return the executor of this MPI program; processes but the first work until that one ends."""
    purpose = "--executor mpi"
    try:
        world = load("mpi4py.MPI", purpose, "mpi").COMM_WORLD
    except RuntimeError as error:  # mpi4py is there, but no MPI library
        raise InputError(f"{purpose}: mpi4py finds no MPI library ({error})") from error
    if world.Get_size() < 2:
        raise InputError(
            f"{purpose} needs at least two processes of one MPI program, this one is alone: start "
            "it as `mpiexec -n 3 workbench produce ... --executor mpi`, with the mpiexec of the "
            "MPI that mpi4py uses"
        )
    group = load("mpi4py.futures", purpose, "mpi").MPICommExecutor(world, root=0)
    if world.Get_rank():  # ``mpiexec`` hands a signal to all: the first process ends the others
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    executor: Executor | None = group.__enter__()
    if executor is None:
        raise SystemExit(0)  # the first process is done, so there is nothing left to work at
    atexit.register(group.__exit__, None, None, None)
    return executor

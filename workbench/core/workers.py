"""Who works when work is fanned out: processes here, Dask, MPI or Slurm, as a short text."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from workbench.core.errors import InputError, WorkbenchError, near

FORMS = (
    "local:N, dask:ADDRESS, dask:local:N, mpi, or slurm:workers=N,partition=NAME,account=NAME,"
    "time=HH:MM:SS,memory=4GB,interface=NAME"
)
SLURM_OPTIONS = {
    "workers": "4",
    "partition": "",
    "account": "",
    "time": "01:00:00",
    "memory": "4GB",
    "interface": "",
}


class LostWorkerError(WorkbenchError, RuntimeError):
    """A work unit whose worker died twice, or workers that are all gone; the text names both."""


@dataclass(frozen=True)
class Workers:
    """Who works, and how many.

    Parameters
    ----------
    kind
        "local", "dask", "mpi" or "slurm".
    count
        Processes to start; 0 where that is not ours to say (a running Dask cluster, MPI).
    address
        Of a running Dask scheduler, or its JSON file.
    options
        Of Slurm: partition, account, time, memory, interface.
    """

    kind: str
    count: int = 0
    address: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Workers":
        """Read what a user wrote; raises `InputError` that lists what can be written."""
        kind, _, rest = text.partition(":")
        if kind == "local":
            return cls("local", _count(rest, text))
        if kind == "dask" and rest.startswith("local:"):
            return cls("dask", _count(rest.removeprefix("local:"), text))
        if kind == "dask" and rest:
            return cls("dask", address=rest)
        if text == "mpi":
            return cls("mpi")
        if kind == "slurm":
            options = {**SLURM_OPTIONS, **_pairs(rest, text)}
            return cls("slurm", _count(options.pop("workers"), text), options=options)
        raise InputError(f"executor {text!r} is not known; write {FORMS}")

    @property
    def alone(self) -> bool:
        """Whether the work is done in this very process."""
        return self.kind == "local" and self.count <= 1

    def __str__(self) -> str:
        if self.kind == "slurm":
            given = {"workers": str(self.count), **self.options}
            return "slurm:" + ",".join(f"{key}={value}" for key, value in given.items() if value)
        if self.kind == "dask" and not self.address:
            return f"dask:local:{self.count}"
        return ":".join(part for part in (self.kind, self.address, str(self.count or "")) if part)


@dataclass(frozen=True)
class Team:
    """Workers that are ready.

    Parameters
    ----------
    executor
        Takes the work.
    lost
        What a future raises whose worker is gone for good.
    again
        Whether new workers should be tried once more then.
    lasting
        Whether the workers, and what they are at, outlive the team.
    check
        Called when nothing has come back for a while; raises `LostWorkerError` if nothing will.
    end
        Called when there is no more work; the workers may end while other things are done.
    """

    executor: Executor
    lost: tuple[type[BaseException], ...]
    again: bool = False
    lasting: bool = False
    check: Callable[[], None] = lambda: None
    end: Callable[[], object] = lambda: None


def _count(text: str, whole: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise InputError(
            f"executor {whole!r}: the number of workers is a whole number from 1, not {text!r}; "
            f"write {FORMS}"
        )
    return int(text)


def _pairs(text: str, whole: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in text.split(",") if text else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if key not in SLURM_OPTIONS:
            close = near(key, SLURM_OPTIONS)
            hint = f"did you mean {close[0]!r}?" if close else f"write {FORMS}"
            raise InputError(f"executor {whole!r}: unknown option {key!r}; {hint}")
        if not equals or not value:
            raise InputError(f"executor {whole!r}: option {key!r} has no value; write {key}=VALUE")
        pairs[key] = value
    return pairs

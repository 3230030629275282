"""What a production is asked for, and what it tells when it is done."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workbench.core.errors import InputError
from workbench.core.findings import Finding
from workbench.core.workers import Workers
from workbench.facility import archiver_address
from workbench.producer.entries import Skipped
from workbench.producer.naming import LCLS2, NAMINGS

Progress = Callable[[int, int], None]  # events done, events in the run


@dataclass(frozen=True)
class ProduceRequest:
    """One run to produce.

    Parameters
    ----------
    experiment
        For example "xpplx1234".
    run
        Run number; that in the file names.
    xtc
        Folder of the raw run, or one of its files.
    output
        Folder for the small-data file.
    config
        Producer config; None keeps every scalar and the frames of `detectors` only.
    constants
        File of calibration constants; None leaves frames raw, in ADU.
    detectors
        Detectors whose whole frames are stored as ``<detector>/full_area``.
    workers
        Processes here; 1 works in this one.
    executor
        Who works, instead of `workers` processes here: as `core.workers.Workers.parse` reads it.
    resume
        Take what a production that was stopped has finished, if config, constants and run are
        the same.
    naming
        Names of the datasets: "lcls2" as this DAQ has them, "lcls1" as older analysis code wants
        them.
    strict
        Refuse instead of skipping bad entries.
    replace
        Replace a file that an earlier production wrote.
    live
        Follow a run that is still being taken: `xtc` is the folder that its files grow in.
    patience
        How long such a run may stand still before it is given up [s].
    command
        Text for the provenance record: how this was started.
    source
        Who reads the raw run: "xtc2", our own reader, or "psana".
    archiver
        Address of the archiver that is asked for the control-system variables of `epicsPV`; "" or
        "none": nobody is; None: the one that `facility.archiver_address` has for `xtc`. That of
        ``experiment.toml``, which belongs to runs, is handed over: `runs.find_archiver` has it.

    Raises
    ------
    InputError
        For settings that exclude each other (workers and executor, live and strict, live and
        another source), a naming that there is not, and a patience that is not positive.
    """

    experiment: str
    run: int
    xtc: Path
    output: Path
    config: Path | None = None
    constants: Path | None = None
    detectors: tuple[str, ...] = ()
    workers: int = 1
    executor: str = ""
    resume: bool = False
    naming: str = LCLS2
    strict: bool = False
    replace: bool = False
    live: bool = False
    patience: float = 300.0
    command: str = "workbench.producer.produce"
    source: str = "xtc2"
    archiver: str | None = None

    def __post_init__(self) -> None:
        if self.executor and self.workers != 1:
            raise InputError(
                f"both {self.workers} workers and the executor {self.executor!r} are asked for: "
                f"write local:{self.workers} for processes here"
            )
        if self.naming not in NAMINGS:
            raise InputError(f"naming {self.naming!r}: it is one of {', '.join(NAMINGS)}")
        if self.live and self.strict:
            raise InputError(
                "strict judges a run as a whole, of which live has only the beginning: check the "
                "config first, with workbench config check"
            )
        if self.live and self.source != "xtc2":
            raise InputError(
                f"{self.source} reads runs that are finished: leave out live, or the source"
            )
        if not self.patience > 0:
            raise InputError(f"patience of {self.patience} s: give a time above 0 s")
        object.__setattr__(self, "xtc", Path(self.xtc).absolute())  # as workers elsewhere see it
        object.__setattr__(self, "output", Path(self.output).absolute())
        _ = self.crew

    @property
    def crew(self) -> Workers:
        """Who works."""
        return Workers.parse(self.executor) if self.executor else Workers("local", self.workers)

    @property
    def asked(self) -> str:
        """Address of the archiver that is asked; empty for none."""
        if self.archiver is None:
            return archiver_address(self.xtc)
        return "" if self.archiver == "none" else self.archiver

    @property
    def target(self) -> Path:
        """The small-data file."""
        return self.output / f"{self.experiment}_Run{self.run:04d}.h5"


@dataclass(frozen=True)
class LiveState:
    """How far a live file has come.

    Parameters
    ----------
    n_events
        Its rows.
    seen
        Events in the raw files so far, some of them perhaps not whole yet.
    behind
        From the newest event in the raw files to the newest row, with the time that it took to
        get there [s].
    waits_for
        The raw file that holds the others back; empty where none does.
    """

    n_events: int
    seen: int
    behind: float
    waits_for: str = ""


@dataclass(frozen=True)
class LiveReport:
    """What following a run came to.

    Parameters
    ----------
    n_events
        Rows that could be read along.
    worst_behind, mean_behind
        How far the live file was behind [s], as in `LiveState`.
    restarts
        How often it was begun anew: what is in the run turned out to be something else.
    """

    n_events: int = 0
    worst_behind: float = 0.0
    mean_behind: float = 0.0
    restarts: int = 0


@dataclass(frozen=True)
class ProduceResult:
    """What was produced.

    Parameters
    ----------
    output
        The small-data file.
    n_events
        Its number of events.
    seconds
        How long it took [s].
    failures
        Events per detector and state: present, absent, partial, damaged, uncalibrated,
        other_gain, error_<reduction>.
    findings
        What the user should know.
    skipped
        What was asked for and is not in the file.
    resumed
        Events that a production which was stopped, or that followed the run, had finished.
    live
        What following the run came to; None where it was over before.
    """

    output: Path
    n_events: int
    seconds: float
    failures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    resumed: int = 0
    live: LiveReport | None = None

    @property
    def events_per_s(self) -> float:
        """Rate of the whole production [1/s]."""
        return self.n_events / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {
            "output": str(self.output),
            "n_events": self.n_events,
            "resumed": self.resumed,
            "live": None if self.live is None else asdict(self.live),
            "events_per_s": round(self.events_per_s, 1),
            "failures": {name: dict(counts) for name, counts in self.failures.items()},
            "findings": [finding.as_dict() for finding in self.findings],
            "skipped": [entry.as_dict() for entry in self.skipped],
        }

"""Writes a whole made-up experiment: a step-scan run and a fast-scan run with one config."""

from dataclasses import dataclass, replace
from pathlib import Path

from workbench.synthetic.pump_probe import PumpProbe, Scan
from workbench.synthetic.raw import RawFiles, write_raw_run


@dataclass(frozen=True)
class ExperimentFiles:
    """What was written for one experiment.

    Parameters
    ----------
    folder
        The experiment's folder; raw data, constants, config and truths lie in its `xtc`.
    runs
        Run number -> what was written for it.
    """

    folder: Path
    runs: dict[int, RawFiles]


def write_experiment(folder: Path, spec: PumpProbe | None = None) -> ExperimentFiles:
    """Write two raw runs into ``<folder>/xtc``: a step scan, and a fast scan as the next run.

    Parameters
    ----------
    folder
        Is made where it does not exist.
    spec
        The step-scan run; the fast-scan run differs in scan and run number only.
    """
    step = replace(spec or PumpProbe(), scan=Scan.STEP)
    fast = replace(step, scan=Scan.FAST, run=step.run + 1)
    raw = Path(folder) / "xtc"
    runs = {one.run: write_raw_run(one, raw) for one in (step, fast)}
    return ExperimentFiles(Path(folder), runs)

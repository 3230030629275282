"""What a run holds, in numbers: events of each class, detectors in them, the spread of I0."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.binning import Measured, Parameter, relative_spread
from workbench.core.errors import WorkbenchError
from workbench.core.table import Table
from workbench.runs.protocol import AnyRun

CLASSES = ("all", "on", "off", "dark")


@dataclass(frozen=True)
class RunSummary:
    """What was counted and measured in one run.

    Parameters
    ----------
    label
        Of the run.
    events
        Events of each class: all, on (X-rays and laser), off (X-rays alone), dark (no X-rays).
    present
        Events with each detector.
    parameters
        "i0_spread" [1]: standard deviation of I0 over its mean; without it, `message` says why.
    state, message
        "measured", or "no-i0" with the reason.
    """

    label: str
    events: Mapping[str, int]
    present: Mapping[str, int]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    state: str = "measured"
    message: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """All counts, by the names that the truth has for them."""
        classes = {f"events_{name}": count for name, count in self.events.items()}
        return classes | {f"present_{name}": count for name, count in self.present.items()}

    @property
    def table(self) -> Table:
        """Counts as shares of the events, then what was measured."""
        total = max(self.events["all"], 1)
        rows: list[tuple[str, float, str]] = [
            (name.replace("_", " ", 1), count, f"{count / total:.1%} of the events")
            for name, count in self.counts.items()
        ]
        for name, one in self.parameters.items():
            unit = "" if one.unit == "1" else f" {one.unit}"
            rows.append((name, one.value, f"± {one.error:.2g}{unit}"))
        notes = (self.message,) if self.message else ()
        return Table(("what", "number", ""), tuple(rows), self.label, notes)

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def run_summary(run: AnyRun) -> RunSummary:
    """Count events and detectors of a run, and measure how much its intensity varies.

    The dark mean is subtracted from I0 first; `relative_spread` has the formula of the error. The
    noise of the monitor is part of the spread. A run whose I0 is not known or does not vary is
    counted all the same.
    """
    masks = {"all": np.ones(run.n_events, bool)} | {
        name: getattr(run.classes, name) for name in CLASSES[1:]
    }
    events = {name: int(np.count_nonzero(mask)) for name, mask in masks.items()}
    present = {name: counts.get("present", 0) for name, counts in presence_counts(run).items()}
    try:
        measured = Measured({"i0_spread": _spread(run)}, label=run.label)
    except WorkbenchError as error:
        return RunSummary(run.label, events, present, state="no-i0", message=str(error))
    return RunSummary(run.label, events, present, measured.parameters)


def presence_counts(run: AnyRun) -> Mapping[str, Mapping[str, int]]:
    """Return events per detector and state: as the writer counted, else by the damage flags."""
    return run.failures or _counted_by_flags(run)


def _counted_by_flags(run: AnyRun) -> dict[str, dict[str, int]]:
    counts = {}
    for name in run.infos:
        if name.startswith("damage/"):
            there = int(np.count_nonzero(run[name].read() == 1))
            counts[name.removeprefix("damage/")] = {
                "present": there,
                "absent": run.n_events - there,
            }
    return counts


def _spread(run: AnyRun) -> Parameter:
    reading = run.role("i0").read().astype(np.float64)
    dark = reading[run.classes.dark & np.isfinite(reading)]
    lit = (run.classes.on | run.classes.off) & np.isfinite(reading)
    return relative_spread(reading[lit] - (dark.mean() if dark.size else 0.0))

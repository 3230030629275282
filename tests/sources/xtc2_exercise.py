"""Use everything that a reader of raw runs offers; called on files that may be broken."""

from pathlib import Path

import numpy as np

from workbench.core.errors import WorkbenchError
from workbench.sources import raw_runs


def exercise(path: Path) -> str:
    """Open all runs at a path and read all there is; return "fine" or the refusal's text."""
    try:
        for run in raw_runs(path):
            assert all(str(finding) for finding in run.findings)
            names = [*run.detectors]
            for stack in run.stacks(names, size=16):
                check_stack(stack)
            for index in {0, run.n_events - 1} - {-1} if run.n_events else ():
                event = run.event(index)
                for name in event:
                    there = event.segments(name)
                    assert event[name] is None or there
            for name in names:
                run.config(name)
                assert run.present(name).shape == run.partial(name).shape == (run.n_events,)
                assert len(run.integrated_by(name)) == run.n_events
            run.steps.number_of(np.arange(run.n_events))
            for store in (run.epics, run.scan):
                for name in store.names:
                    values, known = store.read(name, run.timestamps[:16])
                    assert len(values) == len(known) == min(16, run.n_events)
    except WorkbenchError as error:
        return f"{type(error).__name__}: {error}"
    return "fine"


def check_stack(stack) -> None:
    for name, values in stack.arrays.items():
        assert len(values) == len(stack)
        if values.dtype != object:
            np.asarray(values).sum()
        assert any(name.startswith(f"{alg}.") for alg in stack.present)
    for states in (stack.present, stack.partial, stack.damaged):
        assert all(len(state) == len(stack) for state in states.values())

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
                event, stack = run.event(index), run.read(names, index, index + 1)
                for name in event:
                    there = event.segments(name)
                    assert event[name] is None or there
                    check_value(event[name], stack[name][0])
            for name, field in fields_of(run).items():
                if not field.variable and field.dtype != "str":
                    for events, frames in run.frames(name, size=5):
                        check_frames(run, name, events, frames)
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


def fields_of(run) -> dict:
    return {
        f"{det}.{alg}.{name}": field
        for det, algs in run.detectors.items()
        for alg, fields in algs.items()
        for name, field in fields.items()
    }


def check_value(one, in_stack) -> None:
    """What an event gives is what a stack of it holds."""
    if isinstance(one, np.ndarray | np.generic) and one.dtype != object:
        assert (one.dtype, one.shape) == (in_stack.dtype, in_stack.shape)
        assert one.tobytes() == in_stack.tobytes()
    elif isinstance(one, str):
        assert one == in_stack


def check_frames(run, name, events, frames) -> None:
    assert len(events) == len(frames) <= 5
    first = run.event(int(events[0]))[name]
    whole = frames[0][0] if len(frames[0]) == 1 else np.stack(frames[0])
    assert whole.reshape(np.shape(first)).tobytes() == np.asarray(first).tobytes()


def check_stack(stack) -> None:
    for name, values in stack.arrays.items():
        assert len(values) == len(stack)
        if values.dtype != object:
            np.asarray(values).sum()
        assert any(name.startswith(f"{alg}.") for alg in stack.present)
    for states in (stack.present, stack.partial, stack.damaged):
        assert all(len(state) == len(stack) for state in states.values())

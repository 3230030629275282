"""Producing a run while it is still being taken: its rows can be read along until it ends."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.core import clock
from workbench.core.findings import Finding, Severity
from workbench.producer.assemble import Begun, assemble, job_of
from workbench.producer.config import ProducerConfig
from workbench.producer.growing import GrowingWork, forget, keep_done
from workbench.producer.identity import facts_of, fingerprint, signature
from workbench.producer.plan import make_plan, shapes_of
from workbench.producer.request import (
    LiveReport,
    LiveState,
    ProduceRequest,
    ProduceResult,
    Progress,
)
from workbench.producer.workspace import parts_folder
from workbench.sources import Look, watch

Tell = Callable[[LiveState], None]


def produce_live(
    request: ProduceRequest, begun: Begun, progress: Progress, tell: Tell
) -> ProduceResult:
    """Follow a run to its end, then produce its file, using what is done already.

    The file is the one that a production after the run gives: what was worked along counts only
    where plan and time stamps are still the same at the end.
    """
    looks = watch(request.xtc, request.run, patience=request.patience)
    first = next(look for look in looks if look.growth.complete or look.growth.ended)
    config = _config(request, first)
    facts = {**facts_of(request, config, first.raw), "raw files": _streams(first)}
    with parts_folder(request.target, facts, resume=request.resume) as folder:
        with _Follower(request, folder, tell) as follower:
            follower.begin(first, config)
            follower.take(first)
            for look in looks:
                follower.take(look)
            follower.finish()
        result = assemble(
            request,
            begun,
            follower.config,
            follower.look.raw,
            place=folder,
            progress=progress,
            units=follower.units,
            findings=follower.findings,
        )
    return replace(result, live=follower.report)


class _Follower:
    """Takes one look at the run after the other; begins anew where it is not what it seemed."""

    def __init__(self, request: ProduceRequest, folder: Path, tell: Tell) -> None:
        self._request = request
        self._folder = folder
        self._tell = tell
        self._signature = ""
        self._lags: list[float] = []
        self._restarts = -1
        self._stack = ExitStack()
        self.findings: list[Finding] = []

    def __enter__(self) -> "_Follower":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin(self, look: Look, config: ProducerConfig) -> None:
        """Begin a live file, with the rows that a production which was stopped had finished."""
        self._stack.close()
        self.config, self._signature = config, signature(look.raw)
        self._restarts += 1
        shapes = shapes_of(look.raw)  # a detector may be late: its first record says what it gives
        job = job_of(self._request, config)
        job = replace(job, detectors=tuple(name for name in job.detectors if name in shapes))
        plan = make_plan(job, look.raw)
        self.units = self._folder / fingerprint([self._signature, config.hash])[:16]
        self.units.mkdir(exist_ok=True)
        self._work = self._stack.enter_context(
            GrowingWork(self._request, job, plan, units=self.units, place=self._folder)
        )
        self._work.resume(look.growth.complete)

    def take(self, look: Look) -> None:
        """Work what is complete by now."""
        if signature(look.raw) != self._signature or not self._work.goes_on_in(look.raw):
            self.begin(look, _config(self._request, look))
        self.look = look
        self._work.advance(look.raw, look.growth.complete)
        state = self._state(look)
        self._lags.append(state.behind)
        self._tell(state)

    def finish(self) -> None:
        """Finish the last unit; forget all units that the whole run would give otherwise."""
        look = self.look
        if look.growth.complete == look.raw.n_events:
            self._work.close_unit(look.raw.n_events)
        late = any(finding.code == "out-of-order" for finding in look.raw.findings)
        whole = make_plan(job_of(self._request, self.config), look.raw)
        if late or whole.part_specs != self._work.plan.part_specs:
            forget(self.units)  # events may have come after what was worked by then
        else:
            keep_done(self._work.plan, look.raw.n_events, self.units, run=self._request.run)
        if self._restarts:
            text = "records of a new kind came after the first events; rows were made again"
            self.findings.append(
                Finding("live-file-anew", Severity.INFO, text, count=self._restarts)
            )

    @property
    def report(self) -> LiveReport:
        """What following the run came to."""
        mean = sum(self._lags) / max(1, len(self._lags))
        worst = max(self._lags, default=0.0)
        rounded = (round(worst, 3), round(mean, 3))
        return LiveReport(self._work.done, *rounded, max(0, self._restarts))

    def _state(self, look: Look) -> LiveState:
        stamps, done = look.raw.timestamps, self._work.done
        behind = 0.0
        if done < len(stamps):
            last = stamps[[max(0, done - 1), -1]]
            behind = float(np.diff(clock.nanoseconds(last))[0]) / 1e9
        behind += time.monotonic() - look.noticed
        waits_for = look.growth.waits_for
        return LiveState(done, len(stamps), behind, waits_for.name if waits_for else "")


def _config(request: ProduceRequest, look: Look) -> ProducerConfig:
    if request.config is None:
        return ProducerConfig(run=request.run)
    return ProducerConfig.load(request.config, request.run, shapes=lambda: shapes_of(look.raw))


def _streams(look: Look) -> list[str]:
    """Return what does not change of a run's files while it is taken."""
    return [str(look.raw.files[0].parent), look.raw.experiment, str(look.raw.number)]

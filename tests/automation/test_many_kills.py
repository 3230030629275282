"""Watchers killed at any moment, many times, while runs appear and are produced again."""

import multiprocessing
import random
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.automation.conftest import EXPERIMENT, REPORT, Site
from workbench.automation import Judge, Task, Watcher
from workbench.automation.making import Job, Made

KILLS = 120
FORK = multiprocessing.get_context("fork")  # a new watcher within a few milliseconds


def watch(root: Path) -> None:
    """Watch until killed, with reports that take 20 ms."""
    task = Task(EXPERIMENT, Site(root).pages, "t", "T", root, settle=0.05, patience=1.0)
    judge = Judge(task.settle, task.patience, examine=lambda path: [])
    Watcher(task, make, judge, lambda event: None).run(0.01)


def make(job: Job, beat: Callable[[], None]) -> Made:
    time.sleep(0.02)
    beat()
    return Made(REPORT.format(name=job.file.name, text=job.file.read_text()))


def begun(root: Path) -> BaseProcess:
    process = FORK.Process(target=watch, args=(root,))
    process.start()
    return process


def look(site: Site, seen: dict[tuple[int, str], set[float]]) -> None:
    """Note when each page was made from which content; each that is there must be whole."""
    for run in site.pages.runs():
        text, record = site.text(run), site.pages.record(run)
        assert record is not None
        assert text.endswith("</html>\n")
        again = site.pages.record(run)
        if again == record:  # it was not replaced between the two readings
            content = text.partition(": ")[2].partition("</p>")[0]
            seen.setdefault((run, content), set()).add(record.made)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_when_each_production_gets_one_right_page(site: Site, seed: int) -> None:
    draw = random.Random(seed)
    wanted: dict[int, str] = {}
    seen: dict[tuple[int, str], set[float]] = {}
    watchers = [begun(site.root) for _ in range(3)]
    try:
        for kill in range(KILLS):
            if kill % 4 == 0:
                run = draw.randrange(1, 40)
                wanted[run] = f"production {kill} of {run}"
                site.file(run, wanted[run])
            end = time.monotonic() + draw.uniform(0.0, 0.15)
            while time.monotonic() < end:
                look(site, seen)
                time.sleep(0.002)
            victim = draw.randrange(len(watchers))
            watchers[victim].kill()
            watchers[victim].join()
            watchers[victim] = begun(site.root)
        end = time.monotonic() + 60
        while not all(wanted[run] in site.text(run) for run in wanted if run in site.pages.runs()):
            assert time.monotonic() < end
            look(site, seen)
            time.sleep(0.01)
        while site.pages.runs() != sorted(wanted):
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(1.5)  # for links, and for whatever should not happen
        look(site, seen)
    finally:
        for one in watchers:
            one.kill()
            one.join()
    assert {run: wanted[run] for run in site.pages.runs()} == wanted
    for run, content in wanted.items():
        assert content in site.text(run)
    assert {key: len(made) for key, made in seen.items() if len(made) > 1} == {}
    site.check_links()

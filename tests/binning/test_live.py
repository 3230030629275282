"""A run that is looked at while it is taken."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.binning import Live, on_off
from workbench.binning.live_sums import TREND_BLOCKS, Moments, Shots, Trend
from workbench.core.errors import InputError
from workbench.runs import DelayError, Run, cut, open_run
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data

EVENTS, LAST = 3600, 900
EDGES = np.arange(-1, 3.05, 0.2)
SIGNAL = "epix_1/signal_sum"
GOOD = cut("i0", 2e-7, None)
WRONG = {"delay": {"source": "scan/lxt_ttc", "unit": "mm"}}


@pytest.fixture(scope="module")
def finished(module_folder: ModuleFolder) -> Run:
    folder = module_folder("live")
    (folder / "live").mkdir()
    return open_run(write_small_data(PumpProbe(n_events=EVENTS, n_steps=21), folder))


class Growing:
    """The live file, written by another process so far as it is told."""

    def __init__(self, finished: Run) -> None:
        line = [sys.executable, str(Path(__file__).with_name("growing_file.py")), finished.path]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(line, text=True, **pipes)
        self.folder = finished.path.parent / "live"

    def up_to(self, what: int | str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "there\n"

    def open(self) -> Run:
        return open_run(self.folder, 1, live=True)


@pytest.fixture
def growing(finished: Run) -> Iterator[Growing]:
    one = Growing(finished)
    yield one
    one.process.communicate()
    for path in one.folder.iterdir():
        path.unlink()


def test_a_run_that_grows_is_shown_as_on_off_shows_it_so_far_and_in_the_end(
    growing: Growing, finished: Run
) -> None:
    growing.up_to(40)
    live = Live(growing.open(), {"delay": EDGES}, SIGNAL, GOOD, last=LAST)
    assert live.refresh().why == "40 shots so far"
    for events in (700, 2900, 3300):
        growing.up_to(events)
        snapshot = live.refresh()
        assert (snapshot.n_events, snapshot.waiting, snapshot.ended) == (events, 0, False)
        recent, whole = snapshot.sides
        assert (recent.n_shots, whole.n_shots) == (min(events, LAST), events)
        on = finished.classes.on[:events]
        assert (
            whole.position.count[0] == on.sum() - np.isnan(live_edges(finished)[:events][on]).sum()
        )
        if events in {700, 2900}:  # decided from all shots so far
            assert_as_on_off(whole, finished.part(0, events))
    growing.up_to("end")
    snapshot = live.refresh()
    assert snapshot.ended
    assert_as_on_off(snapshot.sides[1], finished)
    again = Live(live.run, {"delay": EDGES}, SIGNAL, GOOD, last=LAST).refresh()
    np.testing.assert_array_equal(again.sides[0].on.value, snapshot.sides[0].on.value)


def live_edges(run: Run) -> np.ndarray:
    values = run.channel("tt_position").read()
    return np.where(values == 0, np.nan, values)


def assert_as_on_off(side, run: Run) -> None:
    expected = on_off(run, {"delay": EDGES}, SIGNAL, GOOD)
    np.testing.assert_array_equal(side.on.count, expected["on_count"])
    assert side.off.count[0] == expected["off_count"]
    for name, values in (
        ("on", side.on.value), ("on_error", side.on.error), ("off", side.off.value[0]),
        ("off_error", side.off.error[0]), ("relative", side.change.value),
        ("relative_error", side.change.error), ("relative_error_common", side.change.common),
    ):  # fmt: skip
        np.testing.assert_allclose(values, expected[name], rtol=1e-9, err_msg=name)


def test_the_last_shots_are_judged_by_the_rules_of_the_whole_run(finished: Run) -> None:
    snapshot = Live(finished, {"delay": EDGES}, SIGNAL, last=LAST).refresh()
    some = slice(EVENTS - LAST, EVENTS)
    classes, dark = finished.classes, finished.classes.dark
    monitor, signal = finished.channel("i0").read(), finished[SIGNAL].read()
    i0, light = monitor - np.nanmean(monitor[dark]), signal - np.nanmean(signal[dark])
    delay = finished.delay().read()
    recent = snapshot.sides[0]
    for number in range(len(EDGES) - 1):
        inside = (delay >= EDGES[number]) & (delay < EDGES[number + 1]) & classes.on & (i0 > 0)
        inside = np.flatnonzero((inside & np.isfinite(light))[some]) + some.start
        assert recent.on.count[number] == len(inside)
        if len(inside):
            ratio = light[inside].sum() / i0[inside].sum()
            assert recent.on.value[number] == pytest.approx(ratio, rel=1e-9)
    lit = (classes.on | classes.off)[some] & np.isfinite(monitor[some])
    assert recent.i0.mean[0] == pytest.approx(monitor[some][lit].mean())
    assert recent.i0.spread[0] == pytest.approx(monitor[some][lit].std(ddof=1))
    there = finished["damage/jungfrau1M"].read()[some] == 1
    assert recent.present["jungfrau1M"] == there.mean()


def test_what_a_refresh_lacks_time_or_data_for_is_told_and_made_up_for_later(
    growing: Growing, finished: Run
) -> None:
    growing.up_to(2000)
    run = growing.open()
    live = Live(run, {"delay": EDGES}, SIGNAL, GOOD, last=LAST, budget=1e-12)
    snapshot = live.refresh()
    assert (snapshot.waiting, snapshot.sides[1].n_shots) == (2000, 0)
    assert snapshot.sides[0].n_shots == LAST  # the last ones are never behind
    wrong = Live(run, {"delay": EDGES}, SIGNAL, **WRONG).refresh()
    assert wrong.sides is None
    assert "which is no time" in wrong.why
    growing.up_to("end")
    snapshot = live.refresh()
    assert snapshot.waiting == 0
    assert_as_on_off(snapshot.sides[1], finished)


def test_a_trend_holds_every_value_in_bounded_memory_whatever_the_order() -> None:
    random = np.random.default_rng(5)
    values = random.normal(3e-6, 1e-7, 90_000)
    values[random.random(len(values)) < 0.1] = np.nan
    seconds = np.arange(len(values)) / 120
    trend = Trend()
    for first, last in ((50, 400), (0, 50), (60_000, 90_000), (400, 60_000)):
        events = np.arange(first, last)
        nothing = np.zeros(0, np.int64)
        shots = Shots(
            events, seconds[events], *(nothing,) * 6, np.zeros(0, bool), {}
        )  # fmt: skip
        trend.add(shots, values[events])
    time, mean, spread = trend.points
    size = 512  # 90,000 events over 200 blocks, as a power of 2
    assert len(time) == -(-len(values) // size) <= TREND_BLOCKS
    for number in range(len(time)):
        block = slice(number * size, (number + 1) * size)
        known = np.isfinite(values[block])
        assert time[number] == pytest.approx(seconds[block][known].mean())
        assert mean[number] == pytest.approx(values[block][known].mean(), rel=1e-12)
        assert spread[number] == pytest.approx(values[block][known].std(ddof=1), rel=1e-9)


def test_moments_of_nothing_change_nothing() -> None:
    some, none = Moments.of(np.array([1.0, 2.0, np.nan])), Moments.of(np.zeros(0))
    assert some.merged(none) == none.merged(some) == Moments(2, 1.5, 0.5)
    assert np.isnan(none.spread).all()


def test_what_cannot_be_shown_is_refused(finished: Run) -> None:
    with pytest.raises(DelayError, match="which is no time"):
        Live(finished, {"delay": EDGES}, SIGNAL, **WRONG).refresh()
    with pytest.raises(InputError, match="no number per shot"):
        Live(finished, {"delay": EDGES}, "timing/eventcodes")
    with pytest.raises(InputError, match="one axis"):
        Live(finished, {}, SIGNAL)
    with pytest.raises(InputError, match="at least 1 shot"):
        Live(finished, {"delay": EDGES}, SIGNAL, last=0)

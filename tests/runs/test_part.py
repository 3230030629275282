"""Some events of a run, as a run of their own."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.errors import InputError
from workbench.runs import Run, cut, laser_on, open_run
from workbench.runs.delay import delay_rule
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data

FIRST, LAST = 130, 410


@pytest.fixture(scope="module", params=["ours", "facility"])
def run(request: pytest.FixtureRequest, module_folder: ModuleFolder) -> Run:
    folder = module_folder(request.param)
    spec = PumpProbe(n_events=600, n_steps=5, missing=0.05)
    return open_run(write_small_data(spec, folder, style=request.param))


def test_a_part_reads_as_these_events_of_the_run_do(run: Run) -> None:
    part = run.part(FIRST, LAST)
    some = slice(FIRST, LAST)
    assert (len(part), part.n_events) == (LAST - FIRST, LAST - FIRST)
    np.testing.assert_array_equal(part.timestamps, run.timestamps[some])
    for name in (*list(run.infos)[::5], "tt/fltpos", "epix_1/signal_sum", "timing/eventcodes"):
        channel, whole = part[name], run[name]
        if run.infos[name].kind != "event":
            continue
        assert channel.shape == (LAST - FIRST, *whole.shape[1:])
        np.testing.assert_array_equal(channel.read(), whole.read(rows=some), err_msg=name)
        np.testing.assert_array_equal(channel.missing, whole.missing[some], err_msg=name)
    every_third = np.arange(len(run)) % 3 == 0
    field = "timing/eventcodes"
    np.testing.assert_array_equal(
        part[field].read(where=every_third[some]), run[field].read(where=every_third, rows=some)
    )
    good = cut("i0", 1e-6, None) & laser_on()
    np.testing.assert_array_equal(part.mask(good, of="on"), run.mask(good, of="on")[some])
    again = part.part(10, 50)
    np.testing.assert_array_equal(again.timestamps, run.timestamps[FIRST + 10 : FIRST + 50])


@pytest.mark.parametrize("scan", ["step", "fast", "lxt"])
def test_the_rule_of_a_delay_gives_each_part_the_delay_that_it_has_in_the_run(
    scan: str, tmp_path: Path
) -> None:
    ends = (-0.5, 0.5) if scan == "lxt" else (-1.0, 3.0)
    spec = PumpProbe(
        n_events=600, n_steps=5, scan=scan, delay_first=ends[0], delay_last=ends[1], missing=0.05
    )
    run = open_run(write_small_data(spec, tmp_path))
    for given in ({}, {"time_tool": False}, {"sign": -1, "t0": 0.25}):
        rule, whole = delay_rule(run, **given), run.delay(**given)
        assert rule.why == whole.why
        for first, last in ((0, 600), (0, 7), (250, 420)):
            found = rule.of(run.part(first, last))
            np.testing.assert_allclose(found, whole.read()[first:last], rtol=1e-12, atol=1e-12)


def test_what_belongs_to_the_whole_run_is_not_answered_by_a_part(run: Run) -> None:
    part = run.part(FIRST, LAST)
    for ask in (part.presence, part.refresh, lambda: part.ragged("epix_1/x")):
        with pytest.raises(InputError, match="ask the whole run"):
            ask()
    assert part.failures == {}

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.runs import DelayError, FewEventsError, RoleError, open_run

Write = Callable[..., Path]
N = 200
RNG = np.random.default_rng(3)
STEP = np.arange(N) // 20
JITTER = 0.1 * RNG.standard_normal(N)
NO_EDGE = np.arange(N) % 17 == 0


def columns(**more: Any) -> dict[str, Any]:
    fltpos = np.where(NO_EDGE, 0.0, 512 + 300 * JITTER)
    return {
        "lightStatus/xray": np.ones(N, int),
        "lightStatus/laser": np.ones(N, int),
        "scan/varStep": STEP,
        "scan/lxt_ttc": (STEP * 0.2e-12, "s"),
        "tt/fltpos_ps": (np.where(NO_EDGE, 0.0, JITTER), "ps"),
        "tt/fltpos": (fltpos, "pixel"),
        **more,
    }


def without(name: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in columns(**more).items() if key != name}


def test_a_step_scan_in_seconds_and_the_time_tool_in_ps_add_up_in_ps(write: Write) -> None:
    delay = open_run(write(columns())).delay()
    np.testing.assert_allclose(delay.read()[~NO_EDGE], (STEP * 0.2 + JITTER)[~NO_EDGE], atol=1e-12)
    assert delay.unit == "ps"
    assert "1e+12 x scan/lxt_ttc [s] + tt/fltpos_ps [ps]" in delay.why
    assert "pump arrives before the X-rays" in delay.why


def test_shots_without_an_edge_have_no_delay_and_are_counted(write: Write) -> None:
    delay = open_run(write(columns())).delay()
    assert np.isnan(delay.read()[NO_EDGE]).all()
    assert any(f"no value in {NO_EDGE.sum()} of {N}" in warning for warning in delay.warnings)


def test_sign_and_time_zero_can_be_forced_and_are_said(write: Write) -> None:
    delay = open_run(write(columns())).delay(sign=-1, t0=0.3)
    np.testing.assert_allclose(
        delay.read()[~NO_EDGE], (STEP * 0.2 - JITTER - 0.3)[~NO_EDGE], atol=1e-12
    )
    assert "- tt/fltpos_ps" in delay.why
    assert "0.3 ps" in delay.why
    with pytest.raises(DelayError, match="sign"):
        open_run(write(columns())).delay(sign=2)


def test_without_time_tool_only_the_nominal_delay_counts(write: Write) -> None:
    np.testing.assert_allclose(
        open_run(write(columns())).delay(time_tool=False).read(), STEP * 0.2, atol=1e-12
    )


def test_the_encoder_serves_where_the_scan_does_not_move(write: Write) -> None:
    position = np.linspace(-1, 1, N)
    made = without("scan/lxt_ttc") | {"enc/lasDelay": (position, "ps")}
    delay = open_run(write(made)).delay()
    np.testing.assert_allclose(delay.read()[~NO_EDGE], (position + JITTER)[~NO_EDGE])
    both = columns() | {"enc/lasDelay": (np.zeros(N), "ps")}
    assert "scan/lxt_ttc" in open_run(write(both)).delay().why


def test_a_second_moving_source_is_named_not_added(write: Write) -> None:
    """Adding lxt_ttc on top of a scan of it counts the delay twice, as today's tool does."""
    run = open_run(write(columns(**{"epics/lxt_ttc": (STEP * 0.2e-12, "s")})))
    np.testing.assert_allclose(run.delay(time_tool=False).read(), STEP * 0.2, atol=1e-12)
    assert any(
        "epics/lxt_ttc" in other and "not added" in other for other in run.delay().alternatives
    )


def test_where_the_time_tool_sees_the_axis_move_the_step_is_not_counted_twice(
    write: Write,
) -> None:
    small = STEP * 0.02
    seen = small + JITTER
    made = without("scan/lxt_ttc") | {
        "scan/lxt": (small * 1e-12, "s"),
        "tt/fltpos_ps": (np.where(NO_EDGE, 0.0, seen), "ps"),
    }
    delay = open_run(write(made)).delay()
    constant = np.nanmedian(np.where(NO_EDGE, np.nan, small - seen))
    np.testing.assert_allclose(delay.read()[~NO_EDGE], (seen + constant)[~NO_EDGE], atol=1e-12)
    assert "moves without the time tool's stage" in delay.why
    assert delay.why.startswith("delay = tt/fltpos_ps [ps] + ")
    assert not any("should follow" in warning for warning in delay.warnings)


@pytest.mark.parametrize(("follows", "says"), [(0.0, "moves by 0.0"), (-1.0, "moves by -1.0")])
def test_a_time_tool_that_should_follow_the_scan_and_does_not_is_told(
    write: Write, follows: float, says: str
) -> None:
    made = without("scan/lxt_ttc") | {
        "scan/lxt": (STEP * 0.2e-12, "s"),
        "tt/fltpos_ps": (np.where(NO_EDGE, 0.0, follows * STEP * 0.2 + 0.01 * JITTER), "ps"),
    }
    run = open_run(write(made))
    assert any(says in warning and "should follow" in warning for warning in run.delay().warnings)
    assert not any("should follow" in one for one in run.delay(time_tool=False).warnings)


@pytest.mark.parametrize("unit", ["mm", "V", "pixel"])
def test_units_that_are_no_time_are_refused(write: Write, unit: str) -> None:
    made = without("scan/lxt_ttc") | {"scan/lxt_ttc": (STEP * 0.2, unit)}
    with pytest.raises(DelayError, match=f"scan/lxt_ttc is in {unit}"):
        open_run(write(made)).delay()


def test_seconds_called_ps_and_ps_called_seconds_are_refused_unless_forced(write: Write) -> None:
    seconds = without("scan/lxt_ttc") | {"enc/lasDelay": (np.linspace(-1e-12, 1e-12, N), "ps")}
    run = open_run(write(seconds))
    with pytest.raises(DelayError, match="look like s"):
        run.delay()
    forced = run.delay(source="enc/lasDelay", unit="s", time_tool=False)
    np.testing.assert_allclose(forced.read(), np.linspace(-1, 1, N))
    assert "as forced" in forced.why
    picoseconds = without("scan/lxt_ttc") | {"scan/lxt_ttc": (STEP * 0.2, "s")}
    with pytest.raises(DelayError, match="look like ps"):
        open_run(write(picoseconds)).delay()


def test_a_slow_source_is_used_with_a_warning_and_refused_if_it_moves_within_steps(
    write: Write,
) -> None:
    made = without("scan/lxt_ttc") | {"epics/lxt_ttc": (STEP * 0.2e-12, "s")}
    delay = open_run(write(made)).delay()
    assert any("not matched to the event" in warning for warning in delay.warnings)
    lagging = np.roll(STEP, 5) * 0.2e-12
    made = without("scan/lxt_ttc") | {"epics/lxt_ttc": (lagging, "s")}
    run = open_run(write(made))
    with pytest.raises(DelayError, match="within scan steps"):
        run.delay()
    assert run.delay(source="epics/lxt_ttc").warnings


def test_an_uncalibrated_time_tool_is_refused_not_added_as_zero(write: Write) -> None:
    made = columns() | {"tt/fltpos_ps": (np.zeros(N), "ps")}
    with pytest.raises(DelayError, match="never varies"):
        open_run(write(made)).delay()


def test_a_run_without_events_is_said_to_have_none_before_the_time_tool_is_blamed(
    write: Write,
) -> None:
    empty = open_run(write({name: _rows(one, 0) for name, one in columns().items()}))
    for asked in (empty.delay, lambda: empty.delay(time_tool=False), lambda: empty.role("jitter")):
        with pytest.raises(FewEventsError, match=r"has no events.*look at run\.check\(\)"):
            asked()


def test_one_event_is_too_few_to_say_that_the_time_tool_never_varies(write: Write) -> None:
    one = {name: _rows(each, 2, first=1) for name, each in columns().items()}
    assert open_run(write(one)).delay().read() == pytest.approx(JITTER[1:2])


def _rows(column: Any, last: int, first: int = 0) -> Any:
    if isinstance(column, tuple):
        return column[0][first:last], column[1]
    return column[first:last]


def test_runs_without_delay_or_time_tool_say_what_was_looked_for(write: Write) -> None:
    with pytest.raises(RoleError, match="scan/lxt_ttc"):
        open_run(write({"lightStatus/xray": np.ones(4, int)})).delay()
    made = {name: value for name, value in columns().items() if not name.startswith("tt/")}
    with pytest.raises(RoleError, match="time_tool=False"):
        open_run(write(made)).delay()


def test_a_wrong_time_tool_sign_or_compensation_is_a_finding(write: Write) -> None:
    moving = columns() | {"tt/fltpos_ps": (np.where(NO_EDGE, 0.0, 0.5 * STEP * 0.2 + JITTER), "ps")}
    codes = {finding.code for finding in open_run(write(moving)).check()}
    assert "time-tool-slope" in codes
    assert "time-tool-slope" not in {f.code for f in open_run(write(columns())).check()}

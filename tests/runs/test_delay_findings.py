from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.findings import Finding, Severity
from workbench.runs import DelayError, open_run
from workbench.runs.delay_findings import delay_findings, slope_of
from workbench.runs.nominal import unit_by_spread

Write = Callable[..., Path]
N = 600
RNG = np.random.default_rng(11)
STEP = np.arange(N) // 60
JITTER = 0.1 * RNG.standard_normal(N)
NO_EDGE = np.arange(N) % 17 == 0
SWEEP = np.linspace(-2.0, 2.0, N) + 0.001 * RNG.standard_normal(N)


def columns(**more: Any) -> dict[str, Any]:
    return {
        "lightStatus/xray": np.ones(N, int),
        "lightStatus/laser": np.ones(N, int),
        "scan/varStep": STEP,
        "scan/lxt_ttc": (STEP * 0.2e-12, "s"),
        "tt/fltpos_ps": (np.where(NO_EDGE, 0.0, JITTER), "ps"),
        "tt/fltpos": (np.where(NO_EDGE, 0.0, 512 + 300 * JITTER), "pixel"),
        **more,
    }


def sweep(**more: Any) -> dict[str, Any]:
    """Return a fast scan: the encoder moves, the slow read-out follows."""
    made = columns(**{"enc/lasDelay": (SWEEP, "ps"), "epics/lxt_ttc": (SWEEP * 1e-12, "s"), **more})
    return {name: value for name, value in made.items() if not name.startswith("scan/")}


def found(write: Write, made: dict[str, Any], **options: Any) -> dict[str, Finding]:
    findings = delay_findings(open_run(write(made, **options)))
    keys = {(finding.code, finding.field) for finding in findings}
    assert len(keys) == len(findings)
    return {finding.code: finding for finding in findings}


@pytest.mark.parametrize("made", [columns(), sweep()], ids=["step", "sweep"])
def test_a_clean_run_has_nothing_above_info(write: Write, made: dict[str, Any]) -> None:
    codes = found(write, made)
    assert {finding.severity for finding in codes.values()} == {Severity.INFO}
    assert codes["time-tool-zero"].count == NO_EDGE.sum()
    assert "sign (+1) cannot be told" in codes["unverified"].message


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        ("enc/lasDelay", SWEEP * 1e-12, "ps"),  # s called ps
        ("enc/lasDelay", SWEEP * 1e3, "ps"),  # fs called ps: only the slow read-out tells
        ("enc/lasDelay", -SWEEP, "ps"),  # the wrong way round
        ("enc/lasDelay", SWEEP, "mm"),  # no time at all
        ("epics/lxt_ttc", SWEEP, "s"),  # ps called s
    ],
)
def test_a_wrong_unit_or_direction_is_named(
    write: Write, name: str, values: np.ndarray, unit: str
) -> None:
    codes = found(write, sweep(**{name: (values, unit)}))
    assert codes["delay-unit"].severity is Severity.WARNING
    assert name in str(codes["delay-unit"])


def test_a_move_that_was_added_twice_is_named(write: Write) -> None:
    """A scan of lxt with lxt_ttc on top, as today's tool stores it."""
    made = columns(**{"epics/lxt_ttc": (STEP * 0.2e-12, "s")})
    made["scan/lxt_ttc"] = (STEP * 0.4e-12, "s")
    twice = found(write, made)["delay-double-counted"]
    assert (twice.severity, twice.field, twice.count) == (Severity.WARNING, "scan/lxt_ttc", N)
    assert "scan/lxt_ttc moves twice as far as epics/lxt_ttc" in twice.message
    stored = found(write, columns(delay=(STEP * 0.4, "ps")), run=15)
    assert "delay moves twice as far as scan/lxt_ttc" in stored["delay-double-counted"].message


def test_a_delay_without_a_second_source_says_that_nothing_verifies_it(write: Write) -> None:
    told = delay_findings(open_run(write(columns())))
    [alone] = [f for f in told if f.code == "unverified" and f.field == "scan/lxt_ttc"]
    assert (alone.severity, alone.count) == (Severity.INFO, N)
    followed = columns(**{"epics/lxt_ttc": (STEP * 0.2e-12, "s")})
    told = delay_findings(open_run(write(followed, run=15)))
    assert [f.field for f in told if f.code == "unverified"] == ["tt/fltpos_ps"]


def test_an_encoder_that_stops_in_a_sweep_is_found_with_its_events(write: Write) -> None:
    stuck = SWEEP.copy()
    stuck[250:450] = stuck[250]
    finding = found(write, sweep(**{"enc/lasDelay": (stuck, "ps")}))["encoder-stuck"]
    assert (finding.severity, finding.count, finding.field) == (
        Severity.WARNING,
        200,
        "enc/lasDelay",
    )
    assert "from the 251th in time" in finding.message


def test_an_encoder_that_never_moves_is_a_warning_only_where_it_would_be_used(
    write: Write,
) -> None:
    still = (np.full(N, 3.0), "ps")
    assert found(write, sweep(**{"enc/lasDelay": still}))["encoder-stuck"].severity == "warning"
    parked = found(write, columns(**{"enc/lasDelay": still}), run=15)
    assert parked["encoder-stuck"].severity == "info"


def test_an_encoder_that_rests_exactly_in_a_step_scan_is_not_stuck(write: Write) -> None:
    made = columns(**{"enc/lasDelay": (np.repeat(np.arange(3.0), N // 3), "ps")})
    assert "encoder-stuck" not in found(write, made)


def test_corrections_of_exactly_zero_are_counted_and_never_a_time(write: Write) -> None:
    zeros = np.where(np.arange(N) % 4 < 3, 0.0, JITTER)
    made = {k: v for k, v in columns().items() if k != "tt/fltpos"}
    run = open_run(write(made | {"tt/fltpos_ps": (zeros, "ps")}))
    finding = {f.code: f for f in delay_findings(run)}["time-tool-zero"]
    assert (finding.severity, finding.count) == (Severity.WARNING, 450)
    assert np.isnan(run.delay().read()).sum() == 450
    np.testing.assert_allclose(run.delay().read()[3::4], (STEP * 0.2 + JITTER)[3::4], atol=1e-12)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full(N, 0.7), "never varies (0.7)"),
        (512 + 300 * JITTER, "repeats the edge position"),
        (150 * JITTER, "spreads over 4"),
        (JITTER * 1e-3, "another one"),
        (np.full(N, np.nan), "was never measured"),
    ],
)
def test_an_uncalibrated_time_tool_is_a_finding_not_a_number(
    write: Write, values: np.ndarray, reason: str
) -> None:
    made = columns(**{"tt/fltpos_ps": (values, "ps")})
    zero = "(0)" in reason
    finding = found(write, made)["time-tool-zero" if zero else "time-tool-uncalibrated"]
    assert finding.severity is Severity.WARNING
    assert reason in finding.message
    run = open_run(write(made, run=15))
    with pytest.raises(DelayError, match=r"experiment\.toml"):
        run.delay()
    assert run.delay(time_tool=False).unit == "ps"


def test_a_correction_that_is_zero_in_every_event_is_refused(write: Write) -> None:
    made = columns(**{"tt/fltpos_ps": (np.zeros(N), "ps")})
    assert found(write, made)["time-tool-zero"].severity is Severity.WARNING
    with pytest.raises(DelayError, match=r"tt/fltpos_ps never varies \(0\)"):
        open_run(write(made, run=15)).delay()


def test_an_uncalibrated_correction_gives_way_to_a_calibrated_one(write: Write) -> None:
    made = {k: v for k, v in columns().items() if not k.startswith("tt/")}
    made |= {"tt/ttCorr": np.zeros(N), "tt/FLTPOS_PS": JITTER, "tt/FLTPOS": 512 + 300 * JITTER}
    path = write(made)
    import h5py

    with h5py.File(path, "a") as h5:
        h5.attrs["generation"] = "lcls1"
        h5["event_time"] = h5["timestamp"][:]
        del h5["timestamp"]
    run = open_run(path)
    np.testing.assert_allclose(run.role("jitter").read(), JITTER)
    assert "passed over: tt/ttCorr never varies (0)" in run.role("jitter").why
    [finding] = [f for f in delay_findings(run) if f.code == "time-tool-uncalibrated"]
    assert (finding.severity, finding.field) == (Severity.INFO, "tt/ttCorr")


@pytest.mark.parametrize(
    ("slope", "expected"), [(1.0, False), (0.99, False), (-1.0, True), (0.5, True), (0.0, True)]
)
def test_the_time_tool_must_see_an_uncompensated_delay_move_one_to_one(
    write: Write, slope: float, expected: bool
) -> None:
    small = STEP * 0.05
    made = {k: v for k, v in columns().items() if k != "scan/lxt_ttc"}
    made |= {"scan/lxt": (small * 1e-12, "s"), "tt/fltpos_ps": (slope * small + JITTER, "ps")}
    codes = found(write, made)
    assert ("time-tool-slope" in codes) is expected
    assert "unverified" not in codes
    if slope == -1:
        assert "use run.delay(sign=-1)" in codes["time-tool-slope"].message


def test_a_stage_that_does_not_follow_is_named(write: Write) -> None:
    made = columns(**{"tt/fltpos_ps": (JITTER + 0.5 * STEP * 0.2, "ps")})
    finding = found(write, made)["time-tool-slope"]
    assert finding.severity is Severity.WARNING
    assert "moves by 0.5" in finding.message


def test_the_slope_and_its_error_are_those_of_a_straight_line() -> None:
    x = RNG.standard_normal(4000)
    y = 0.3 * x + 0.5 * RNG.standard_normal(4000)
    slope = slope_of(y, x, np.ones(4000, bool))
    assert slope is not None
    expected, covariance = np.polyfit(x, y, 1, cov=True)
    assert slope.value == pytest.approx(expected[0], rel=1e-9)
    assert slope.error == pytest.approx(np.sqrt(covariance[0, 0]), rel=0.1)
    assert slope_of(y, np.ones(4000), np.ones(4000, bool)) is None


@pytest.mark.parametrize(
    ("spread", "unit"),
    [
        (1.0, "ps"),
        (2e-9, "ps"),
        (1e-9, "s"),
        (3e-13, "s"),
        (1.1e-15, "s"),
        (1e-15, "ps"),
        (0, "ps"),
    ],
)
def test_the_spread_of_an_encoder_tells_seconds_from_picoseconds(spread: float, unit: str) -> None:
    values = np.where(np.arange(10) % 2 == 0, spread, -spread)
    assert unit_by_spread(values) == unit
    assert unit_by_spread(np.append(values, np.nan)) == unit


@pytest.mark.parametrize("factor", [1.0, 1e-12])
def test_an_encoder_without_a_stored_unit_is_read_in_the_unit_of_its_time(
    write: Write, factor: float
) -> None:
    made = sweep()
    made["enc/lasDelay"] = SWEEP * factor
    run = open_run(write(made))
    delay = run.delay(time_tool=False)
    np.testing.assert_allclose(delay.read(), SWEEP, rtol=1e-9)
    told = [f for f in delay_findings(run) if f.code == "delay-unit"]
    assert [f.severity for f in told] == ([] if factor == 1 else [Severity.INFO])
    assert any("as its spread tells" in warning for warning in delay.warnings) is (factor != 1)


def test_a_run_without_delay_or_time_tool_has_no_findings(write: Write) -> None:
    assert delay_findings(open_run(write({"lightStatus/xray": np.ones(4, int)}))) == []

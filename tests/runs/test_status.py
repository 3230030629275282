from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.runs import Run, cut, open_run, open_runs
from workbench.runs.cuts import Between
from workbench.runs.roles import RoleError

Write = Callable[..., Path]
N = 8
XRAY = np.array([1, 1, 0, 1, 1, 0, 1, 1], dtype=bool)
LASER = np.array([1, 0, 1, 0, 1, 0, 1, 1], dtype=bool)


def as_lcls1(path: Path) -> Run:
    with h5py.File(path, "a") as h5:
        h5.attrs["generation"] = "lcls1"
        h5["event_time"] = h5["timestamp"][:]
        del h5["timestamp"]
    return open_run(path)


def codes(requests: dict[int, np.ndarray]) -> np.ndarray:
    table = np.zeros((N, 288), np.int64)
    table[:, 40] = 1  # comes with every pulse
    for code, present in requests.items():
        table[:, code] = present
    return table


@pytest.mark.parametrize(
    ("experiment", "laser_code", "laser_present"),
    [
        ("xpplx1234", 89, ~LASER),  # a drop marker
        ("xcslx1234", 89, ~LASER),
        ("meclx1234", 182, LASER),  # a request
        ("mfxlx1234", 203, LASER),
    ],
)
def test_without_light_status_event_codes_tell_by_the_rule_of_the_hutch(
    write: Write, experiment: str, laser_code: int, laser_present: np.ndarray
) -> None:
    table = codes({137: XRAY, laser_code: laser_present})
    run = open_run(write({"timing/eventcodes": table}, experiment=experiment))
    np.testing.assert_array_equal(run.classes.on, XRAY & LASER)
    np.testing.assert_array_equal(run.classes.off, XRAY & ~LASER)
    np.testing.assert_array_equal(run.classes.dark, ~XRAY)
    assert "event codes [-137]" in run.classes.why
    assert ("assumed" in run.classes.why) is (experiment[:3] != "mfx")


def test_what_no_file_stores_serves_as_role_all_the_same(write: Write) -> None:
    table = codes({137: XRAY, 89: ~LASER})
    paths = [write({"timing/eventcodes": table}, run=number) for number in (1, 2)]
    run, runs = open_run(paths[0]), open_runs(paths)
    for role, truth in (("xray", XRAY), ("laser", LASER)):
        channel = run.role(role)
        assert channel.name == role
        np.testing.assert_array_equal(channel.read(), truth)
        assert "event codes [-137]" in channel.why
        np.testing.assert_array_equal(run.mask(cut(role, 1)), truth)
        np.testing.assert_array_equal(runs.role(role).read(), np.tile(truth, 2))
    unknown = open_run(write({"timing/eventcodes": 0 * table}, run=3))
    with pytest.raises(RoleError, match=r"nothing serves as laser .*event codes"):
        unknown.role("laser")


def test_an_event_without_any_code_or_without_the_timing_detector_is_unknown(write: Write) -> None:
    table = codes({137: XRAY, 89: ~LASER})
    table[1] = 0
    table[3] = -99999
    run = open_run(write({"timing/eventcodes": table}))
    assert np.flatnonzero(run.classes.unknown).tolist() == [1, 3]


def test_a_stored_unknown_stays_unknown(write: Write) -> None:
    xray = np.array([1, 0, -1, -99999, 1, 1, 1, 1])
    run = open_run(write({"lightStatus/xray": xray, "lightStatus/laser": np.ones(N, int)}))
    assert np.flatnonzero(run.classes.unknown).tolist() == [2, 3]
    assert run.classes.why == "lightStatus/xray and lightStatus/laser"


def test_superconducting_beam_goes_by_its_destination(write: Write) -> None:
    destination = np.where(XRAY, 4, 2).astype(np.int64)
    destination[6] = -99999
    made = {
        "timing/destination": destination,
        "timing/eventcodes": codes({273: ~LASER, 137: ~XRAY}),  # 137 means nothing there
    }
    run = open_run(write(made, experiment="rixlx1234"))
    known = np.arange(N) != 6
    np.testing.assert_array_equal(run.classes.on, XRAY & LASER & known)
    np.testing.assert_array_equal(run.classes.off, XRAY & ~LASER & known)
    assert "timing/destination is 4" in run.classes.why
    tmo = open_run(write(made, experiment="tmolx1234"))
    assert (tmo.classes.laser == -1).all()
    assert "no event code is published" in tmo.classes.why
    np.testing.assert_array_equal(tmo.classes.dark, ~XRAY & known)


def test_the_older_generation_goes_by_a_column_for_each_code(write: Write) -> None:
    made = {
        "evr/code_40": np.ones(N, int),
        "evr/code_137": XRAY.astype(int),
        "evr/code_91": (~LASER).astype(int),
    }
    run = as_lcls1(write(made))
    np.testing.assert_array_equal(run.classes.on, XRAY & LASER)
    np.testing.assert_array_equal(run.classes.dark, ~XRAY)
    assert "assumed" not in run.classes.why


def test_a_code_that_was_never_recorded_leaves_its_beam_unknown(write: Write) -> None:
    """As in xpptut15 run 252, which has no code 137."""
    run = as_lcls1(write({"evr/code_40": np.ones(N, int), "evr/code_91": np.zeros(N, int)}))
    assert (run.classes.xray == -1).all()
    assert (run.classes.laser == 1).all()
    assert "no evr/code_137 in the file" in run.classes.why
    assert run.classes.unknown.all()


def test_codes_given_by_the_experiment_come_before_stored_flags(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "experiment.toml").write_text("version = 1\n[status]\nlaser = [-203, 204]\n")
    made: dict[str, Any] = {
        "lightStatus/xray": np.ones(N, int),
        "lightStatus/laser": np.ones(N, int),
        "timing/eventcodes": codes({203: LASER, 204: np.arange(N) == 0}),
    }
    run = open_run(write(made))
    np.testing.assert_array_equal(run.classes.on, LASER & (np.arange(N) != 0))
    assert "event codes [-203, 204]" in run.classes.why
    np.testing.assert_array_equal(run.role("laser").read(), LASER & (np.arange(N) != 0))
    assert run.role("xray").name == "lightStatus/xray"


def time_tool() -> dict[str, Any]:
    return {
        "lightStatus/xray": np.ones(N, int),
        "lightStatus/laser": LASER.astype(int),
        "tt/ampl": np.array([0.1, 0.1, 0.1, 0.1, 0.001, 0.1, 0.1, 0.5]),
        "tt/fltposfwhm": np.array([100.0, 9, 100, 9, 100, 9, 300, 100]),
        "ipm/x": np.arange(float(N)),
    }


def test_default_cuts_judge_the_time_tool_in_laser_on_shots_only(write: Write) -> None:
    run = open_run(write(time_tool()))
    kept = run.mask(run.default_cuts())
    assert np.flatnonzero(~kept).tolist() == [4, 6, 7]
    assert run.default_cuts().parts == (
        Between("tt/ampl", 0.005, 0.19, "on"),
        Between("tt/fltposfwhm", 60.0, 250.0, "on"),
    )


def test_the_experiment_changes_adds_and_removes_default_cuts(write: Write, tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(
        'version = 1\n[channels]\nx = "ipm/x"\n[good]\ntt_amplitude = [0.0, inf]\n'
        "tt_width = [-inf, inf]\nx = [3, 7]\n"
    )
    run = open_run(write(time_tool()))
    assert run.default_cuts().parts == (
        Between("tt/ampl", 0.0, None, "on"),
        Between("x", 3.0, 7.0, "all"),
    )
    assert np.flatnonzero(run.mask(run.default_cuts())).tolist() == [3, 4, 5, 6]


def test_without_a_time_tool_no_event_is_lost(write: Write) -> None:
    run = open_run(write({"lightStatus/xray": np.ones(N, int)}))
    assert run.mask(run.default_cuts()).all()
    assert run.mask(run.default_cuts() & run.default_cuts()).all()


def test_usual_ranges_of_other_roles_come_on_request(write: Write) -> None:
    made = time_tool() | {"ipm4/sum": np.full(N, 5e3), "ipm4/peaks": np.ones((N, 16))}
    run = as_lcls1(write(made, experiment="xcslx1234"))
    assert run.default_cuts(["i0"]).parts == (Between("ipm4/sum", 2e3, 3e4, "all"),)

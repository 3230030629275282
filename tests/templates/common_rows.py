"""Rows of the templates of all hutches."""

from pathlib import Path

from tests.templates.matrix import Place, Row
from workbench.batch import BatchItem
from workbench.synthetic.scenes import GridScene, MaskedCamera, MotorScene
from workbench.synthetic.station import station


def spot_signal(place: Place) -> dict[str, str | float | bool | None]:
    return {"signal": f"{station(*place).spot}/signal_sum"}


def spot_camera(place: Place) -> dict[str, str | float | bool | None]:
    return {"detector": station(*place).spot}


def what_is_missing_is_named(item: BatchItem, place: Place) -> None:
    assert item.results["not_in_the_file"]["value"] == "nothing"
    assert "run sum, noise, stored pixels" in Path(item.report).read_text()  # of the ring camera
    frames = item.results[f"frames_{station(*place).spot}"]["value"]
    assert frames == item.results["frames"]["value"]


def second_monitor(place: Place) -> dict[str, str | float | bool | None]:
    return {**spot_signal(place), "source": station(*place).monitor("downstream")}


def the_better_monitor_is_found(item: BatchItem, place: Place) -> None:
    smaller_noise = station(*place).monitor("upstream")
    assert item.results["monitor"]["value"] == smaller_noise
    for name in ("i0_offset", "i0_curvature"):
        assert (item.results[name]["error"] or 1.0) < 0.05


def no_detector_is_late(item: BatchItem, place: Place) -> None:
    del place
    assert item.results["late_detectors"]["value"] == "none"
    assert item.results["flags_against_light"]["value"] == 0


def every_event_is_counted(item: BatchItem, place: Place) -> None:
    del place
    counts = [item.results[f"events_{name}"]["value"] for name in ("all", "on", "off", "dark")]
    assert counts[0] == 1200
    assert all(isinstance(count, int) and count > 0 for count in counts)
    assert item.results["i0_spread"]["error"] < 0.02
    assert item.results["detectors"]["value"] >= 7
    assert item.results["warnings"]["value"] == 0


ROWS = {
    "common/run_summary": Row(
        faults=(
            "truncated",
            "missing-part",
            "locked",
            "growing",
            "zero-events",
            "one-event",
            "unsorted",
            "changed-region",
            "renamed-detector",
            "missing-detector",
            "wrapped-sentinel",
            "ragged-lengths",
            "saturated",
        ),
        made={"n_events": 1200},
        check=every_event_is_counted,
    ),
    "common/i0_study": Row(
        faults=(
            "constant-monitor",
            "stale-pedestal",
            "dark-drift",
            "dead-detector",
            "duplicate-events",
            "sentinel",
            "nan",
        ),
        given=spot_signal,
        check=the_better_monitor_is_found,
    ),
    "common/motor_scan": Row(
        faults=("shot-lag", "dark-drift"),
        scene=MotorScene(kind="edge"),
        made={"camera_every": 1, "n_events": 2400},
        given=spot_signal,
    ),
    "common/custom_variable": Row(
        faults=("dead-detector", "renamed-detector"),
        made={"camera_every": 1, "n_events": 2400},
        given=second_monitor,
    ),
    "common/detector_overview": Row(
        faults=("missing-detector", "saturated"),
        scene=MaskedCamera(),
        made={"n_events": 1200},
        given=spot_camera,
        check=what_is_missing_is_named,
    ),
    "common/grid_scan": Row(
        faults=("stale-pedestal", "zero-events"),
        scene=GridScene(),
        made={"camera_every": 1, "n_events": 2400, "n_steps": 99},
        given=spot_signal,
    ),
    "common/timing_check": Row(
        faults=(
            "shot-lag",
            "swapped-flags",
            "swapped-monitors",
            "closed-shutter",
            "unknown-beam",
            "late-detector",
        ),
        check=no_detector_is_late,
    ),
}

"""Integrating detectors and archived slow values: data with time axes of their own."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from workbench.core.errors import InputError, UnknownNameError
from workbench.runs import open_run
from workbench.smalldata.check import inspect_file

N, PER_FRAME = 103, 10  # the last three events are in no frame
SECONDS = np.arange(N)
STAMPS = (SECONDS + 1_000_000_000).astype(np.int64) << 32
LAST = STAMPS[PER_FRAME - 1 :: PER_FRAME]  # a frame carries the time of its last event


def write(path: Path, datasets: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as h5:
        for name, values in datasets.items():
            h5[name] = values
    return path


@pytest.fixture
def integrating(tmp_path: Path) -> Callable[..., Path]:
    def make(order: np.ndarray | None = None, **more: Any) -> Path:
        values = np.arange(N, dtype=np.float64)
        values[15] = np.nan
        fast: dict[str, Any] = {"timestamp": STAMPS, "gmd/energy": values}
        fast["det/row"] = np.stack([values, 2 * values], axis=1)
        if order is not None:  # parts one after the other
            fast = {name: column[order] for name, column in fast.items()}
        frames = {"intg/timestamp": LAST, "intg/andor/full_area": np.ones((10, 2, 3))}
        return write(tmp_path / "rixlx1234_Run0014.h5", {**fast, **frames, **more})

    return make


BOUNDS = {
    "intg/andor/count": np.full(10, PER_FRAME),
    "intg/andor/timestamp_min": STAMPS[: 10 * PER_FRAME : PER_FRAME],
    "intg/andor/timestamp_max": LAST,
}


@pytest.mark.parametrize("bounds", [{}, BOUNDS], ids=["by time", "by stored bounds"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_fast_events_are_found_in_their_frame(
    integrating: Callable[..., Path], bounds: dict[str, Any], shuffled: bool
) -> None:
    order = np.random.default_rng(1).permutation(N) if shuffled else np.arange(N)
    run = open_run(integrating(order, **bounds))
    andor = run.integrating("andor")
    expected = np.where(np.arange(N) < 100, np.arange(N) // PER_FRAME, -1)[order]
    np.testing.assert_array_equal(andor.frame_of_event, expected)
    np.testing.assert_array_equal(order[andor.events(3)], np.arange(30, 40))
    np.testing.assert_array_equal(andor.linked, np.full(10, PER_FRAME))
    assert not andor.mismatched.any()


def test_sums_over_the_events_of_a_frame_leave_gaps_out(integrating: Callable[..., Path]) -> None:
    andor = open_run(integrating()).integrating("andor")
    found = andor.sum("gmd/energy")
    brute = [sum(v for v in range(10 * f, 10 * f + 10) if v != 15) for f in range(10)]
    np.testing.assert_array_equal(found.total, brute)
    np.testing.assert_array_equal(found.count, [10, 9, *[10] * 8])
    assert found.mean[1] == pytest.approx(brute[1] / 9)
    np.testing.assert_array_equal(andor.sum("det/row").total[:, 1], 2 * np.array(brute))


def test_a_frame_that_lost_events_is_named(integrating: Callable[..., Path]) -> None:
    counts = BOUNDS["intg/andor/count"].copy()
    counts[4] = 12
    andor = open_run(integrating(**{**BOUNDS, "intg/andor/count": counts})).integrating("andor")
    np.testing.assert_array_equal(np.flatnonzero(andor.mismatched), [4])
    assert "1 frames count another number" in andor.why


def test_events_between_two_stored_frames_belong_to_none(integrating: Callable[..., Path]) -> None:
    first = BOUNDS["intg/andor/timestamp_min"].copy()
    first[2] = STAMPS[25]
    bounds = {**BOUNDS, "intg/andor/timestamp_min": first}
    andor = open_run(integrating(**bounds)).integrating("andor")
    np.testing.assert_array_equal(andor.events(2), np.arange(25, 30))
    assert (andor.frame_of_event[20:25] == -1).all()


def test_fields_of_frames_are_channels_with_their_own_rows(
    integrating: Callable[..., Path],
) -> None:
    andor = open_run(integrating()).integrating("andor")
    assert list(andor) == ["full_area"]
    assert andor["full_area"].read().shape == (10, 2, 3)
    np.testing.assert_array_equal(andor.timestamps, LAST.astype(np.uint64))
    with pytest.raises(UnknownNameError, match="andor"):
        open_run(integrating()).integrating("andr")


@pytest.mark.parametrize(
    ("generation", "key", "epoch"), [("lcls1", "event_time", 0), ("lcls2", "timestamp", 631152000)]
)
def test_archived_values_are_found_at_events_of_both_epochs(
    tmp_path: Path, generation: str, key: str, epoch: int
) -> None:
    unix = datetime(2024, 3, 5, 12, 0, 0, tzinfo=UTC).timestamp()
    times = np.array([0.0, 10.0, 20.0]) + unix
    values = np.array([1.0, 3.0, 7.0])
    moments = np.array([-1.0, 0.0, 5.0, 10.0, 15.5, 20.0, 30.0]) + unix - epoch
    seconds = np.floor(moments).astype(np.int64)
    stamps = (seconds << 32) | np.rint((moments - seconds) * 1e9).astype(np.int64)
    shuffled = np.array([2, 0, 1])
    pairs = np.stack([times, values], axis=1)[shuffled]
    path = write(
        tmp_path / "mfxlx1234_Run0014.h5", {key: stamps, "epics_archiver/MFX_LAS_DLY": pairs}
    )
    run = open_run(path)
    assert run.generation == generation
    slow = run.archived("MFX:LAS:DLY")
    assert len(slow) == 3
    nan = np.nan
    np.testing.assert_array_equal(slow.at(run.timestamps), [nan, 1, 1, 3, 3, 7, 7])
    linear = slow.at(run.timestamps, "linear")
    np.testing.assert_allclose(linear, [nan, 1, 2, 3, 5.2, 7, 7], rtol=1e-12)


def test_archived_values_stored_at_the_events_are_a_field(tmp_path: Path) -> None:
    datasets = {"timestamp": STAMPS, "epics_archiver/lxt": np.arange(N)[:, None].astype(float)}
    run = open_run(write(tmp_path / "mfxlx1234_Run0014.h5", datasets))
    with pytest.raises(InputError, match="read it as a field"):
        run.archived("lxt")
    assert run["epics_archiver/lxt"].read(rows=slice(3, 4)).item() == 3
    with pytest.raises(UnknownNameError, match="did you mean lxt"):
        run.archived("lxtt")


LATE = 12  # frames before the second camera appeared
MANY = 60


@pytest.fixture
def late(tmp_path: Path) -> Callable[..., Path]:
    """A second camera that joins after some frames: the writer fills its past with 0."""

    def make(**more: np.ndarray) -> Path:
        draw = np.random.default_rng(5)
        columns = {
            "full_sum": draw.normal(size=MANY),
            "full_max": draw.integers(3, 900, MANY),
            "full_area": draw.normal(size=(MANY, 2, 3)),
            "count": np.full(MANY, PER_FRAME),
        }
        for values in columns.values():
            values[:LATE] = 0
        columns |= more
        fast = (np.arange(MANY * PER_FRAME) + 1_000_000_000) << 32
        early = {"intg/andor/full_sum": draw.normal(size=MANY)}
        frames = {f"intg/archon/{name}": values for name, values in columns.items() if len(values)}
        times = {"timestamp": fast, "intg/timestamp": fast[PER_FRAME - 1 :: PER_FRAME]}
        return write(tmp_path / "rixlx1234_Run0014.h5", {**times, **early, **frames})

    return make


def test_zeros_before_a_camera_appeared_are_no_frames(late: Callable[..., Path]) -> None:
    path = late()
    run = open_run(path)
    archon = run.integrating("archon")
    for name in ("full_sum", "full_max", "full_area"):
        values = archon[name].read()
        assert np.isnan(values[:LATE]).all(), name
        assert not np.isnan(values[LATE:]).any(), name
        assert archon[name].missing.tolist() == [True] * LATE + [False] * (MANY - LATE)
        assert not archon[name].read_stored()[:LATE].any()
    assert not archon["count"].missing.any()
    assert not run["intg/andor/full_sum"].missing.any()
    with xr.open_dataset(path, engine="smalldata") as data:
        assert int(data["intg/archon/full_sum"].isnull().sum()) == LATE
    (finding,) = [each for each in inspect_file(path) if each.code == "leading-zeros"]
    assert (finding.field, finding.count, finding.severity) == ("intg/archon", LATE, "info")
    assert f"0 in {LATE} frames at the start" in finding.message


def test_zeros_of_frames_without_another_field_to_tell_stay_and_are_named(
    late: Callable[..., Path],
) -> None:
    alone = {"full_sum": np.empty(0), "full_max": np.empty(0)}
    path = late(**alone)
    assert not open_run(path)["intg/archon/full_area"].missing.any()
    (finding,) = [each for each in inspect_file(path) if each.code == "leading-zeros"]
    assert (finding.field, finding.count) == ("intg/archon/full_area", LATE)
    assert finding.severity == "warning"
    assert "for want of proof" in finding.message

"""States of values: measured, missing in one of four ways, absent, damaged, undecidable."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.runs import open_run
from workbench.smalldata import State, count_states, open_file, zero_filled
from workbench.smalldata.check import inspect_file
from workbench.smalldata.missing import states, undecidable_rows

N = 60
Foreign = Callable[..., Path]


def counts_of(found: np.ndarray) -> dict[State, int]:
    return {state: int((found == state).sum()) for state in State if (found == state).any()}


@pytest.mark.parametrize(
    ("dtype", "mark", "state"),
    [
        ("int64", -99999, State.SENTINEL),
        ("int32", -99999, State.SENTINEL),
        ("float64", -99999, State.SENTINEL),
        ("float32", np.nan, State.MISSING),
        ("uint16", 31073, State.WRAPPED),
        ("int16", 31073, State.WRAPPED),
        ("uint32", 4294867297, State.WRAPPED),
        ("uint64", 18446744073709451617, State.WRAPPED),
    ],
)
@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_each_type_has_its_mark(
    dtype: str, mark: float, state: State, shape: tuple[int, ...]
) -> None:
    values = np.ones((5, *shape), dtype=dtype)
    values[[1, 4]] = mark
    assert counts_of(states(values)) == {State.PRESENT: 3, state: 2}


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_eight_bits_are_named_undecidable(dtype: str) -> None:
    values = np.array([97, 3, 97, 0], dtype=dtype)
    assert counts_of(states(values)) == {State.PRESENT: 4}
    np.testing.assert_array_equal(undecidable_rows(values), [True, False, True, False])


def test_one_bad_pixel_does_not_make_a_frame_missing() -> None:
    frames = np.ones((3, 2, 2))
    frames[1, 0, 0] = np.nan
    frames[2] = np.nan
    assert counts_of(states(frames)) == {State.PRESENT: 2, State.MISSING: 1}


def test_damage_explains_gaps_and_distrusts_values() -> None:
    values = np.array([1.0, np.nan, 2.0, np.nan])
    flagged = np.array([False, False, True, True])  # damage == 0
    expected = [State.PRESENT, State.MISSING, State.DAMAGED, State.ABSENT]
    np.testing.assert_array_equal(states(values, flagged=flagged), expected)


@pytest.fixture
def late(write_foreign: Foreign) -> Callable[..., Path]:
    """Give a function that writes a detector that first appears in event 20."""

    def make(name: str = "xpplx1234_Run0014.h5", **more: Any) -> Path:
        draw = np.random.default_rng(3)
        values = draw.normal(size=N)
        values[:20] = 0
        counts = draw.integers(1, 9, N)
        counts[:20] = 0
        image = draw.normal(size=(N, 2, 3)).astype(np.float32)
        image[:20] = 0
        datasets = {"timestamp": np.arange(N) << 32, "det/value": values, "det/count": counts}
        datasets |= {"det/image": image, "scan/motor": np.repeat([0.0, 1.0, 2.0], N // 3)}
        datasets |= {"epics/slow": np.repeat([0.0, 5.0, 6.0], N // 3), **more}
        return write_foreign(name, datasets)

    return make


def test_zeros_before_a_detector_appeared_are_missing(late: Callable[..., Path]) -> None:
    run = open_run(late())
    for name in ("det/value", "det/count", "det/image"):
        assert np.isnan(run[name].read()[:20]).all(), name
        assert not np.isnan(run[name].read()[20:]).any(), name
        assert run[name].missing.sum() == 20
        assert not run[name].read_stored()[:20].any()
    assert run.presence("det/count").as_dicts()[0]["filled with 0"] == 20


def test_statistics_leave_the_filling_out(late: Callable[..., Path]) -> None:
    run = open_run(late())
    stored = run["det/value"].read_stored()
    sums = [np.nansum(values) for _, values in run["det/value"].iter_stacks(size=7)]
    weights = [np.isfinite(values).sum() for _, values in run["det/value"].iter_stacks(size=7)]
    assert sum(weights) == 40
    assert sum(sums) / sum(weights) == pytest.approx(stored[20:].mean(), rel=1e-12)


def test_slow_quantities_that_start_at_zero_keep_it(late: Callable[..., Path]) -> None:
    run = open_run(late())
    for name in ("scan/motor", "epics/slow"):
        assert not np.isnan(run[name].read()).any()
        assert run[name].missing.sum() == 0


def test_damage_decides_about_zeros_at_the_start(late: Callable[..., Path]) -> None:
    flag = np.ones(N, dtype=np.int64)
    flag[:5] = 0
    path = late(**{"damage/det": flag})
    with open_file(path) as file:
        assert zero_filled(file, "det/value").sum() == 5
        found = count_states(file, "det/value")
    assert found.counts[State.ABSENT] == 5
    assert found.zeros_at_start == 15  # the other zeros are values for all that is known


def test_a_few_zeros_prove_nothing_and_are_counted(write_foreign: Foreign) -> None:
    values = np.random.default_rng(3).normal(size=N)
    values[:3] = 0
    run = open_run(
        write_foreign("xpplx1234_Run0014.h5", {"timestamp": np.arange(N), "det/value": values})
    )
    assert not np.isnan(run["det/value"].read()).any()
    assert "0 in 3 events at the start" in str(run.presence("det"))


def test_lcls1_files_have_no_filling(late: Callable[..., Path]) -> None:
    path = late("xpplx1234_Run0015.h5")
    with h5py.File(path, "r+") as h5:
        h5.move("timestamp", "event_time")
    run = open_run(path)
    assert run["det/value"].missing.sum() == 0


def test_each_part_has_its_own_filling(tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    parts = []
    for part in range(2):
        values = draw.normal(size=30)
        values[: 12 - part] = 0
        parts.append(values)
        with h5py.File(tmp_path / f"part{part}.h5", "w") as h5:
            h5["timestamp"] = np.arange(30) + 30 * part
            h5["det/value"] = values
    path = tmp_path / "xpplx1234_Run0014.h5"
    with h5py.File(path, "w") as h5:
        for name, dtype in (("timestamp", "i8"), ("det/value", "f8")):
            layout = h5py.VirtualLayout((60,), dtype)
            for part in range(2):
                source = h5py.VirtualSource(str(tmp_path / f"part{part}.h5"), name, (30,))
                layout[30 * part : 30 * part + 30] = source
            h5.create_virtual_dataset(name, layout)
    gone = open_run(path)["det/value"].missing
    np.testing.assert_array_equal(np.flatnonzero(gone), [*range(12), *range(30, 41)])


def test_integers_with_gaps_come_masked_in_their_type(write_foreign: Foreign) -> None:
    counts = np.arange(N, dtype=np.int32)
    counts[[2, 5]] = -99999
    path = write_foreign("xpplx1234_Run0014.h5", {"event_time": np.arange(N), "det/n": counts})
    channel = open_run(path)["det/n"]
    masked = channel.read(masked=True)
    assert masked.dtype == np.int32
    np.testing.assert_array_equal(np.flatnonzero(masked.mask), [2, 5])
    assert masked.sum() == sum(range(N)) - 7
    assert channel.read().dtype == np.float64
    assert np.nansum(channel.read()) == masked.sum()
    part = channel.read(rows=slice(4, 8), masked=True)
    np.testing.assert_array_equal(part.mask, [False, True, False, False])


def test_images_are_masked_as_a_whole(write_foreign: Foreign) -> None:
    frames = np.ones((4, 2, 3), dtype=np.uint16)
    frames[1] = 31073
    path = write_foreign("xpplx1234_Run0014.h5", {"event_time": np.arange(4), "det/f": frames})
    masked = open_run(path)["det/f"].read(masked=True)
    assert masked.shape == (4, 2, 3)
    assert masked.mask[1].all()
    assert masked.mask.sum() == 6


def test_large_integers_never_become_float_unasked(write_foreign: Foreign) -> None:
    pulses = np.arange(N) + (1 << 60)
    gaps = pulses.copy()
    gaps[7] = -99999
    datasets = {"event_time": np.arange(N), "det/pulse": pulses, "det/gappy": gaps}
    run = open_run(write_foreign("xpplx1234_Run0014.h5", datasets))
    assert run["det/pulse"].read().dtype == np.int64
    np.testing.assert_array_equal(run["det/pulse"].read(), pulses)
    with pytest.raises(InputError, match=r"2\*\*53.*masked=True"):
        run["det/gappy"].read()
    with pytest.raises(InputError, match=r"2\*\*53"):
        list(run["det/pulse"].iter_stacks())
    masked = run["det/gappy"].read(masked=True)
    np.testing.assert_array_equal(masked.compressed(), np.delete(pulses, 7))


def test_sentinels_in_float_fields_never_reach_a_mean(write_foreign: Foreign) -> None:
    values = np.ones(N)
    values[3] = -99999
    image = np.ones((N, 2, 2), dtype=np.float32)
    image[4] = -99999
    datasets = {"event_time": np.arange(N), "det/x": values, "det/image": image}
    run = open_run(write_foreign("xpplx1234_Run0014.h5", datasets))
    assert np.nanmean(run["det/x"].read()) == 1
    assert np.isnan(run["det/x"].read()[3])
    assert np.isnan(run["det/image"].read()[4]).all()
    for _, stack in run["det/image"].iter_stacks(size=10):
        assert np.nanmin(stack) == 1


def test_presence_counts_every_state_and_adds_up(write_foreign: Foreign) -> None:
    wrapped = np.ones(N, dtype=np.uint16)
    wrapped[:4] = 31073
    narrow = np.full(N, 97, dtype=np.uint8)
    nan = np.ones(N)
    nan[:7] = np.nan
    flag = np.ones(N, dtype=np.int64)
    flag[:2] = 0
    flag[-1] = 0
    datasets = {
        "event_time": np.arange(N),
        "a/wrapped": wrapped,
        "a/narrow": narrow,
        "pips-diode-air/x": nan,
        "damage/pips_diode_air": flag,
    }
    run = open_run(write_foreign("meclx1234_Run0014.h5", datasets))
    table = run.presence("a", "pips-diode-air/x")
    rows = {row["field"]: row for row in table.as_dicts()}
    assert rows["a/wrapped"]["wrapped -99999"] == 4
    assert rows["pips-diode-air/x"]["absent"] == 2
    assert rows["pips-diode-air/x"]["NaN"] == 5
    assert rows["pips-diode-air/x"]["damaged"] == 1
    assert any("97 in 8 bits" in note and f"{N} events" in note for note in table.notes)
    for row in rows.values():
        assert sum(v for k, v in row.items() if k not in {"field", "events"}) == row["events"]  # type: ignore[misc]
    assert len(run.presence()) == 5
    with pytest.raises(UnknownNameError):
        run.presence("b")


def test_no_entries_where_the_detector_was_absent_are_absent_not_damaged(
    write_foreign: Foreign,
) -> None:
    flag = (np.arange(N) % 2).astype(np.int64)
    datasets = {
        "event_time": np.arange(N),
        "cam/var_hits/adu": np.ones(2 * int(flag.sum())),
        "cam/var_hits_len": 2 * flag,
        "damage/cam": flag,
    }
    run = open_run(write_foreign("xpplx1234_Run0014.h5", datasets))
    for row in run.presence("cam").as_dicts():
        assert (row["measured"], row["absent"], row["damaged"]) == (flag.sum(), N - flag.sum(), 0)


def test_too_many_97_in_8_bits_are_told_and_ordinary_ones_are_not(write_foreign: Foreign) -> None:
    counts = np.random.default_rng(1).integers(90, 105, 1000).astype(np.uint8)
    spoilt, image = counts.copy(), np.ones((1000, 2, 2), np.int8)
    spoilt[::9] = 97
    image[5] = 97
    datasets = {"event_time": np.arange(1000), "a/x": counts, "a/y": spoilt, "a/z": image}
    path = write_foreign("xpplx1234_Run0014.h5", datasets)
    found = {one.field: one for one in inspect_file(path) if one.code == "unverified"}
    assert set(found) == {"a/y", "a/z"}
    assert found["a/y"].count == (spoilt == 97).sum()
    assert found["a/z"].count == 1

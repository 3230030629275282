from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.runs import Run, find_pairs, open_run
from workbench.runs.several import Runs

Write = Callable[..., Path]
N = 240
RNG = np.random.default_rng(3)
SECONDS = np.sort(RNG.choice(np.arange(0, 200_000), N, replace=False)) / 1000.0
SECONDS[120:] += 60  # the beam was lost for a minute
LASER = (RNG.random(N) < 0.7).astype(int)
XRAY = (RNG.random(N) < 0.9).astype(int)
STEP = np.arange(N) // 50
SIGNAL = RNG.standard_normal(N)
SIGNAL[RNG.choice(N, 15, replace=False)] = np.nan
CURVES = SIGNAL[:, None] * np.arange(1, 6) + RNG.standard_normal((N, 5))
SHUFFLED = np.random.default_rng(4).permutation(N)  # as the parts of LCLS-II lie end to end


def made(write: Write, *, order: np.ndarray = SHUFFLED) -> Run:
    columns = {
        "lightStatus/xray": XRAY,
        "lightStatus/laser": LASER,
        "scan/varStep": STEP,
        "s": SIGNAL,
        "curve": CURVES,
    }
    path = write({name: values[order] for name, values in columns.items()})
    whole = SECONDS.astype(np.int64)
    parts = np.round((SECONDS - whole) * 1e9).astype(np.int64)
    with h5py.File(path, "r+") as h5:
        h5["timestamp"][:] = (((whole + 1_137_355_200) << 32) | parts)[order]
    return open_run(path)


def brute(on: int, k: int, within: float, steps: np.ndarray) -> list[int]:
    """Partners of one on shot, by looking at every off shot."""
    off = np.flatnonzero((XRAY == 1) & (LASER == 0) & (steps == steps[on]))
    ranked = sorted(off, key=lambda event: (round(abs(SECONDS[event] - SECONDS[on]), 6), event))
    return [int(event) for event in ranked[:k] if abs(SECONDS[event] - SECONDS[on]) <= within]


@pytest.mark.parametrize(("k", "within"), [(1, 100.0), (4, 3.0), (10, 8.0)])
@pytest.mark.parametrize("stepped", [True, False])
def test_the_nearest_off_shots_equal_a_loop_over_all_of_them(
    write: Write, k: int, within: float, stepped: bool
) -> None:
    run = made(write)
    steps = STEP if stepped else np.zeros(N, int)
    step = None if stepped else "s"
    if not stepped:  # a channel that is the same everywhere
        run = run.with_channel("s", type(run["s"]).from_values("s", np.ones(N), unit="1"))
    pairs = find_pairs(run, nearest=k, within=within, step=step)
    found = {
        SHUFFLED[on]: [SHUFFLED[event] for event in off[off >= 0]]
        for on, off in zip(pairs.on, pairs.off, strict=True)
    }
    dropped = 0
    for on in np.flatnonzero((XRAY == 1) & (LASER == 1)):
        expected = brute(int(on), k, within, steps)
        dropped += not expected
        assert sorted(found.get(on, [])) == sorted(expected)
    counts = dict(pairs.counts.rows)
    assert counts["without any: dropped"] == dropped == len(pairs.unpaired)
    np.testing.assert_allclose(pairs.weight.sum(axis=1), 1)
    assert counts["laser-on shots"] == len(pairs.on) + dropped


def test_references_of_numbers_and_curves_equal_a_loop(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(write)
    pairs = find_pairs(run, nearest=3, within=5.0)
    monkeypatch.setattr("workbench.runs.channel.BLOCK_BYTES", 5 * 8 * 7)  # seven curves at a time
    for name, values in (("s", SIGNAL), ("curve", CURVES)):
        found = pairs.references(run[name])
        for on, reference in zip(SHUFFLED[pairs.on], found, strict=True):
            partners = values[brute(int(on), 3, 5.0, STEP)]
            measured = partners[np.isfinite(partners).reshape(len(partners), -1).all(axis=1)]
            expected = measured.mean(axis=0) if len(measured) else np.nan
            np.testing.assert_allclose(reference, expected, rtol=1e-12)


def test_interleaved_references_cancel_a_linear_drift_exactly(write: Write) -> None:
    run = made(write)
    run = run.with_channel(
        "drift", type(run["s"]).from_values("drift", 3 + 0.1 * SECONDS[SHUFFLED], unit="1")
    )
    pairs = find_pairs(run, pairing="interleaved")
    np.testing.assert_allclose(
        pairs.references(run["drift"]), run["drift"].read()[pairs.on], rtol=1e-9
    )
    nearest = find_pairs(run, nearest=2)
    assert abs(nearest.references(run["drift"]) - run["drift"].read()[nearest.on]).max() > 0.01


def test_interleaved_partners_are_the_ones_before_and_after(write: Write) -> None:
    run = made(write)
    pairs = find_pairs(run, pairing="interleaved", within=4.0)
    off = np.flatnonzero((XRAY == 1) & (LASER == 0))
    expected = {}
    for on in np.flatnonzero((XRAY == 1) & (LASER == 1)):
        same = off[STEP[off] == STEP[on]]
        before, after = same[same < on], same[same > on]
        if len(before) and len(after):
            pair = (before[-1], after[0])
            if max(abs(SECONDS[list(pair)] - SECONDS[on])) <= 4.0:
                expected[on] = pair
    found = {
        SHUFFLED[on]: tuple(SHUFFLED[row]) for on, row in zip(pairs.on, pairs.off, strict=True)
    }
    assert found == expected


def test_rows_in_time_order_give_the_same_pairs_as_rows_in_any_order(write: Write) -> None:
    mixed = find_pairs(made(write))
    sorted_rows = find_pairs(made(write, order=np.arange(N)))
    np.testing.assert_array_equal(SHUFFLED[mixed.on], sorted_rows.on)
    np.testing.assert_allclose(mixed.weight, sorted_rows.weight)
    assert mixed.counts.rows == sorted_rows.counts.rows


def test_a_run_without_off_shots_pairs_nothing_and_says_how_many_were_dropped(write: Write) -> None:
    run = made(write)
    pairs = find_pairs(run, off=np.zeros(N, bool))
    assert len(pairs.on) == 0
    assert dict(pairs.counts.rows)["without any: dropped"] == int(run.classes.on.sum())
    assert pairs.references(run["curve"]).shape == (0, 5)


def test_wrong_requests_are_refused_by_name(write: Write) -> None:
    run = made(write)
    with pytest.raises(InputError, match="nearest, interleaved"):
        find_pairs(run, pairing="next")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="positive"):
        find_pairs(run, nearest=0)
    with pytest.raises(InputError, match="one value per event"):
        find_pairs(run, step="curve")


def test_partners_of_several_runs_belong_to_the_same_run(write: Write) -> None:
    status = {"lightStatus/xray": np.ones(20, int), "lightStatus/laser": np.arange(20) % 2}
    paths = [write({**status, "s": np.arange(20.0) + run}, run=run) for run in (3, 4)]
    both = Runs([open_run(path) for path in paths])
    pairs = find_pairs(both, nearest=3)  # the made-up runs carry the same times
    index = both.run_index
    assert (index[pairs.off] == index[pairs.on][:, None]).all()
    assert len(pairs.on) == 20

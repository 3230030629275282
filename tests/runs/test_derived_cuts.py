import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import theilslopes

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError
from workbench.runs import (
    CutError,
    Run,
    cut,
    cut_correlation,
    cut_function,
    cut_histogram,
    cut_histograms,
    cut_percentile,
    cut_running_median,
    equals,
    median_channel,
    open_run,
)
from workbench.runs.cuts import AroundMedian, Between, NearLine
from workbench.runs.lines import fit_line
from workbench.runs.medians import running_median

Write = Callable[..., Path]
N = 600
RNG = np.random.default_rng(5)
EVENT = np.arange(N)
XRAY = (EVENT % 10 != 0).astype(int)
LASER = (EVENT % 3 != 0).astype(int)
I0 = np.where(XRAY == 1, RNG.gamma(9, 1 / 9, N), 0.0)
SIGNAL = 2 + 5 * I0 + 0.2 * RNG.standard_normal(N)
SIGNAL[5::50] += 4.0  # shots that do not follow
IMAGES = RNG.poisson(2.0, (N, 3, 4)).astype(float)
IMAGES[7] = np.nan
IMAGES[8, 1] = np.nan


@pytest.fixture
def run(write: Write) -> Run:
    i0 = I0.copy()
    i0[11] = np.nan
    return open_run(
        write(
            {
                "lightStatus/xray": XRAY,
                "lightStatus/laser": LASER,
                "XppSb2BmMon/totalIntensityJoules": (i0, "J"),
                "det/sum": (SIGNAL, "keV"),
                "det/area": (IMAGES, "keV"),
                "dio/channels": np.stack([I0, -I0, EVENT % 2], axis=1),
                "flag": EVENT % 4 == 0,
            }
        )
    )


ON = (XRAY == 1) & (LASER == 1)


@pytest.mark.parametrize("how", ["sum", "mean", "max"])
def test_a_cut_on_an_area_sums_what_was_measured_of_each_event(run: Run, how: str) -> None:
    expected = []
    for image in IMAGES:
        there = image[np.isfinite(image)]
        expected.append(bool(there.size) and getattr(np, how)(there) >= 2.5)
    np.testing.assert_array_equal(run.mask(cut("det/area", 2.5, reduce=how)), expected)  # type: ignore[arg-type]
    assert not run.mask(~cut("det/area", 2.5, reduce=how))[7]  # type: ignore[arg-type]  # missing


def test_a_cut_can_take_one_element_of_a_list_and_a_boolean_field(run: Run) -> None:
    np.testing.assert_array_equal(run.mask(cut("dio/channels", None, -1, reduce=1)), I0 > 1)
    np.testing.assert_array_equal(run.mask(equals("dio/channels", 1, reduce=2)), EVENT % 2 == 1)
    np.testing.assert_array_equal(run.mask(equals("flag", True)), EVENT % 4 == 0)
    assert str(cut("dio/channels", 1, reduce=2)) == "1 <= dio/channels[2]"


def test_arrays_and_elements_that_give_no_number_are_refused_with_the_way_out(run: Run) -> None:
    with pytest.raises(CutError, match='reduce="sum"'):
        run.mask(cut("det/area", 1))
    with pytest.raises(CutError, match="no element 3"):
        run.mask(cut("dio/channels", 1, reduce=3))
    with pytest.raises(CutError, match="array of numbers"):
        run.mask(cut("det/sum", 1, reduce="sum"))
    with pytest.raises(CutError, match="sum, mean, max"):
        cut("det/area", 1, reduce="median")  # type: ignore[arg-type]


def test_percentiles_of_a_base_class_become_numbers_that_know_where_they_come_from(
    run: Run,
) -> None:
    frozen = cut_percentile("i0", 5, 95, of="on").freeze(run)
    base = I0[ON & (EVENT != 11)]
    low, high = np.percentile(base, [5, 95])
    assert isinstance(frozen, Between)
    assert (frozen.low, frozen.high) == (low, high)
    assert frozen.field == "XppSb2BmMon/totalIntensityJoules"
    assert f"percentiles 5 to 95 of {len(base)} on events of xpplx1234 run 14" in str(frozen)
    assert Between.from_dict(frozen.to_dict()) == frozen
    np.testing.assert_array_equal(run.mask(frozen), (low <= I0) & (high > I0) & (EVENT != 11))


def test_an_open_percentile_keeps_the_largest_value(run: Run) -> None:
    kept = run.mask(cut_percentile("i0", 50, None, of="on"), of="on")
    assert kept[np.nanargmax(np.where(ON, I0, 0))]
    with pytest.raises(CutError, match="not everything"):
        cut_percentile("i0", of="on")
    with pytest.raises(CutError, match="percentiles"):
        cut_percentile("i0", 60, 40, of="on")


def test_an_unfrozen_cut_is_frozen_for_each_run_and_the_tally_tells_the_numbers(run: Run) -> None:
    made = cut_percentile("i0", 5, None, of="on") & cut("det/sum", 3)
    np.testing.assert_array_equal(run.mask(made), run.mask(made.freeze(run)))
    row = run.tally(made).as_dicts()[1]
    low = np.percentile(I0[ON & (EVENT != 11)], 5)
    assert str(row["cut"]).startswith(f"{low:g} <= ")
    assert "percentiles 5 to 100" in str(row["cut"])
    assert made.freeze(run).freeze(run) == made.freeze(run)


def test_numbers_frozen_in_one_run_stay_in_another(run: Run, write: Write) -> None:
    other = open_run(
        write({"lightStatus/xray": XRAY, "lightStatus/laser": LASER, "x": 10 * I0}, run=15)
    )
    frozen = cut_percentile("det/sum", 10, 90, of="on").freeze(run)
    assert frozen.freeze(other) == frozen


def test_too_few_events_of_the_base_class_are_named(write: Write) -> None:
    lone = open_run(
        write(
            {"lightStatus/xray": np.ones(4), "lightStatus/laser": np.ones(4), "x": np.arange(4.0)}
        )
    )
    with pytest.raises(CutError, match="only 0 events of class 'dark'"):
        lone.mask(cut_percentile("x", 5, 95, of="dark"))


def test_the_correlation_filter_rejects_the_shots_that_do_not_follow(run: Run) -> None:
    made = cut_correlation("det/sum", "i0", sigmas=5, of="on")
    frozen = made.freeze(run)
    assert isinstance(frozen, NearLine)
    assert abs(frozen.slope - 5) < 0.1
    assert abs(frozen.intercept - 2) < 0.1
    assert 0.15 < frozen.sigma < 0.25
    away = SIGNAL - frozen.intercept - frozen.slope * I0
    expected = (np.abs(away) < 5 * frozen.sigma) & (EVENT != 11)
    np.testing.assert_array_equal(run.mask(made), expected)
    assert not run.mask(made)[5::50].any()
    assert f"< 5 * {frozen.sigma:.4g} (robust line of" in str(run.tally(made).rows[1][0])


def brute_median(values: Array, seconds: Array, base: Bools, n: int, *, centred: bool) -> Array:
    """Median by loops: n usable base events before, or n // 2 on each side and itself."""
    found = np.full(len(values), np.nan)
    order = np.argsort(seconds, kind="stable")
    for place, event in enumerate(order):

        def walk(step: int, wanted: int, place: int = place, event: int = event) -> list[float]:
            got: list[float] = []
            last, at = seconds[event], place + step
            while 0 <= at < len(order) and len(got) < wanted:
                if abs(seconds[order[at]] - last) > 10:
                    break
                last = seconds[order[at]]
                if base[order[at]] and np.isfinite(values[order[at]]):
                    got.append(values[order[at]])
                at += step
            return got

        used = walk(-1, n // 2 if centred else n)
        if centred:
            own = [values[event]] if base[event] and np.isfinite(values[event]) else []
            used += own + walk(1, n // 2)
        if len(used) >= 5:
            found[event] = np.median(used)
    return found


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("n", [6, 9])
def test_running_medians_equal_a_loop_over_events(centred: bool, n: int) -> None:
    rng = np.random.default_rng(n)
    seconds = np.cumsum(rng.choice([1, 2, 30], 120, p=[0.8, 0.17, 0.03]))
    rng.shuffle(seconds)  # rows in no order, as parts end to end
    values = rng.standard_normal(120)
    values[rng.choice(120, 20)] = np.nan
    base = rng.random(120) < 0.7
    stamps = seconds.astype(np.uint64) << np.uint64(32)
    found = running_median(values, stamps, events=n, base=base, centred=centred)
    np.testing.assert_array_equal(found, brute_median(values, seconds, base, n, centred=centred))


def test_a_median_cut_follows_drift_and_keeps_its_width_as_a_number(write: Write) -> None:
    drift = 10 + np.linspace(0, 8, N)
    values = drift + 0.1 * RNG.standard_normal(N)
    values[300] += 2
    run = open_run(write({"lightStatus/xray": XRAY, "lightStatus/laser": LASER, "x": values}))
    made = cut_running_median("x", sigmas=6, events=30, centred=True)
    frozen = made.freeze(run)
    assert isinstance(frozen, AroundMedian)
    assert 0.4 < frozen.width < 0.8  # 6 sigma of 0.1
    lost = np.flatnonzero(~run.mask(made))
    np.testing.assert_array_equal(lost, [300])
    first = run.tally(cut_running_median("x", width=1.0, events=30)).as_dicts()[1]
    assert first["missing"] == 5  # nothing before them to compare with


def test_a_running_median_is_a_channel_that_says_what_it_is(run: Run) -> None:
    channel = median_channel(run, "det/sum", events=30, of="on")
    stamps = np.arange(N) / 120
    expected = brute_median(SIGNAL, stamps, ON, 30, centred=False)
    np.testing.assert_array_equal(channel.read(), expected)
    assert channel.unit == "keV"
    assert "30 on events before each" in channel.why


def test_medians_need_either_a_width_or_sigmas() -> None:
    for arguments in ({}, {"width": 1.0, "sigmas": 2.0}):
        with pytest.raises(CutError, match="either width or sigmas"):
            cut_running_median("x", **arguments)  # type: ignore[arg-type]
    with pytest.raises(CutError, match="at least 5"):
        cut_running_median("x", width=1.0, events=3)
    with pytest.raises(CutError, match="positive"):
        cut_running_median("x", width=0.0)


def test_the_robust_line_stands_a_fifth_of_wild_shots_and_equals_theil_sen_closely() -> None:
    rng = np.random.default_rng(3)
    x = rng.gamma(9, 1 / 9, 400)
    y = 1 + 3 * x + 0.1 * rng.standard_normal(400)
    clean = fit_line(x, y, "robust")
    slope, intercept, *_ = theilslopes(y, x)
    assert abs(clean.slope - slope) < 0.01
    assert abs(clean.intercept - intercept) < 0.015
    wild = rng.choice(400, 80, replace=False)
    x[wild], y[wild] = x[wild] + 3, rng.uniform(-5, 0, 80)  # far in both directions
    robust, least = fit_line(x, y, "robust"), fit_line(x, y, "linear")
    assert abs(robust.slope - 3) < 0.06
    assert abs(least.slope - 3) > 1
    np.testing.assert_allclose(least.slope, np.polyfit(x, y, 1)[0])
    np.testing.assert_allclose(least.intercept, np.polyfit(x, y, 1)[1])


def test_slopes_of_the_robust_line_scatter_hardly_more_than_least_squares() -> None:
    rng = np.random.default_rng(4)
    slopes = {"robust": [], "linear": []}  # type: dict[str, list[float]]
    for _ in range(150):
        x = rng.uniform(0, 1, 200)
        y = x + 0.3 * rng.standard_normal(200)
        for method, found in slopes.items():
            found.append(fit_line(x, y, method).slope)  # type: ignore[arg-type]
    assert abs(np.mean(slopes["robust"]) - 1) < 0.02
    assert np.std(slopes["robust"]) < 1.1 * np.std(slopes["linear"])


def test_intensities_without_spread_give_no_line() -> None:
    with pytest.raises(InputError, match="differ in intensity"):
        fit_line(np.ones(50), np.arange(50.0), "robust")
    line = fit_line(np.arange(50.0), 2 * np.arange(50.0), "robust")
    assert (line.slope, line.sigma) == (2.0, 0.0)


def bright(image: Array, intensity: Array) -> Bools:
    return np.asarray((image[:, 0, 0] > 2) & (intensity > 0.5))


def number(image: Array) -> Array:
    return image[:, 0, 0]


def spoil(signal: Array) -> Bools:
    signal[:] = 0
    return np.ones(len(signal), bool)


class Judge:
    def method(self, signal: Array) -> Bools:
        return np.asarray(signal > 1)


def test_a_function_judges_arrays_and_missing_values_stay_missing(run: Run) -> None:
    made = cut_function(bright, "det/area", "i0")
    expected = (IMAGES[:, 0, 0] > 2) & (I0 > 0.5)
    expected[11] = False
    np.testing.assert_array_equal(run.mask(made), expected)
    assert not run.mask(~made)[[7, 11]].any()
    again = made.from_dict(made.to_dict())
    assert again == made
    np.testing.assert_array_equal(run.mask(again), expected)


def test_functions_that_could_not_be_found_again_are_refused() -> None:
    def inner(signal: Array) -> Bools:
        return np.asarray(signal > 0)

    with pytest.raises(CutError, match="a lambda has no name"):
        cut_function(lambda signal: signal > 0, "det/sum")
    with pytest.raises(CutError, match="inside another function"):
        cut_function(inner, "det/sum")
    with pytest.raises(CutError, match="no function"):
        cut_function(functools.partial(bright), "det/sum")
    with pytest.raises(CutError, match="something else"):
        cut_function(Judge().method, "det/sum")
    with pytest.raises(CutError, match="module:function"):
        cut_function("bright", "det/sum")
    with pytest.raises(CutError, match="name the channels"):
        cut_function(bright)


def test_a_function_of_the_session_is_refused_with_where_to_write_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(number, "__module__", "__main__")
    with pytest.raises(CutError, match=r"my_cuts\.py"):
        cut_function(number, "det/sum")


def test_a_function_that_is_gone_or_returns_no_booleans_is_named(run: Run) -> None:
    with pytest.raises(CutError, match=r"no_such_module.*beside the notebook"):
        run.mask(cut_function("no_such_module:judge", "det/sum"))
    with pytest.raises(CutError, match="600 booleans"):
        run.mask(cut_function(number, "det/area"))


def test_a_function_cannot_change_the_data(run: Run) -> None:
    with pytest.raises(ValueError, match="read-only"):
        run.mask(cut_function(spoil, "det/sum"))
    np.testing.assert_array_equal(run["det/sum"].read(), SIGNAL)


def test_histograms_of_a_selection_count_before_and_after_each_cut(run: Run) -> None:
    made = cut_percentile("i0", 10, 90, of="on") & ~cut("det/sum", None, 4) & equals("flag", True)
    intensity, signal = cut_histograms(run, made, of="on")
    low, high = np.percentile(I0[ON & (EVENT != 11)], [10, 90])
    others = ON & (SIGNAL >= 4) & (EVENT % 4 == 0)
    inside = others & (low <= I0) & (high > I0) & (EVENT != 11)
    assert (intensity.low, intensity.high) == (low, high)
    assert intensity.after.sum() == inside.sum()
    counted = intensity.before.sum() + intensity.missing + intensity.outside
    assert counted == others.sum()
    expected, _ = np.histogram(I0[inside], intensity.edges)
    np.testing.assert_array_equal(intensity.after, expected)
    assert (signal.low, signal.high) == (None, 4.0)
    assert signal.after[signal.edges[1:] <= 4].sum() == 0
    assert signal.text == "det/sum"


def test_a_cut_that_judges_no_number_has_no_histogram(run: Run) -> None:
    assert cut_histograms(run, equals("flag", True)) == ()
    with pytest.raises(InputError, match="could be drawn"):
        cut_histogram(run, equals("flag", True))

import sys

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binned_statistic, norm

from tests.pulls import SEEDS, assert_as_stated, pulls_of
from workbench.binning import (
    FitError,
    Measured,
    fit_kinetics,
    step_decay,
    step_decay_in_bins,
    verdict,
    verdict_on,
)
from workbench.binning.parameter import Parameter
from workbench.binning.widths import likely
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.extras import MissingToolError
from workbench.runs import Quantity, Truth
from workbench.synthetic import PumpProbe
from workbench.synthetic.pump_probe import response

EDGES = np.linspace(-1, 3, 61)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2
PLANTED = {"t0": 0.15, "tau": 0.7, "sigma": 0.06}


def curve(amplitude: float = 0.3, offset: float = 0.01) -> np.ndarray:
    return offset + amplitude * step_decay_in_bins(EDGES[:-1], EDGES[1:], **PLANTED)


def test_exact_data_give_the_planted_numbers_back() -> None:
    fit = fit_kinetics(CENTRES, curve(), np.full(60, 1e-3), width=EDGES[1] - EDGES[0], unit="1")
    assert fit.converged
    assert fit.t0.value == pytest.approx(0.15, abs=1e-6)
    assert fit.tau.value == pytest.approx(0.7, abs=1e-5)
    assert fit.amplitude.value == pytest.approx(0.3, abs=1e-6)
    assert fit.sigma.value == pytest.approx(0.06, abs=1e-5)
    assert fit.offset.value == pytest.approx(0.01, abs=1e-6)
    assert fit.chi2 < 1e-3
    assert fit.dof == 55
    np.testing.assert_allclose(fit.curve([0.3]), 0.01 + 0.3 * step_decay(0.3, **PLANTED), rtol=1e-4)


@pytest.mark.parametrize("amplitude", [-0.4, 1e-6, 2e5])
def test_sign_and_scale_of_the_signal_need_no_guess(amplitude: float) -> None:
    rng = np.random.default_rng(4)
    error = 0.03 * abs(amplitude)
    values = curve(amplitude, 3 * amplitude) + error * rng.standard_normal(60)
    fit = fit_kinetics(CENTRES, values, np.full(60, error), width=EDGES[1] - EDGES[0])
    assert fit.converged
    for name, planted in {**PLANTED, "amplitude": amplitude, "offset": 3 * amplitude}.items():
        entry = fit.parameters[name]
        assert abs(entry.value - planted) < 4 * entry.error


def test_errors_scale_with_the_stated_errors_and_never_with_chi2() -> None:
    rng = np.random.default_rng(1)
    values = curve() + 0.01 * rng.standard_normal(60)
    width = EDGES[1] - EDGES[0]
    honest = fit_kinetics(CENTRES, values, np.full(60, 0.01), width=width)
    timid = fit_kinetics(CENTRES, values, np.full(60, 0.03), width=width)
    assert timid.tau.error == pytest.approx(3 * honest.tau.error, rel=1e-2)
    assert timid.chi2 == pytest.approx(honest.chi2 / 9, rel=1e-3)


@SEEDS
def test_pulls_of_gaussian_data_have_unit_width(seeds: int) -> None:
    rng = np.random.default_rng(8)
    pulls = []
    for _ in range(seeds):
        values = curve() + 0.01 * rng.standard_normal(60)
        fit = fit_kinetics(CENTRES, values, np.full(60, 0.01), width=EDGES[1] - EDGES[0])
        pulls.append(pulls_of(fit.parameters, PLANTED))
    assert_as_stated(pulls, list(PLANTED))


def test_shots_in_bins_bring_no_bias_that_a_run_of_12000_events_could_see() -> None:
    """What is left without noise, with shots placed evenly instead of drawn."""
    spec = PumpProbe()
    many, some = (norm.ppf((np.arange(number) + 0.5) / number) for number in (200, 25))
    true = np.add.outer(spec.delays, spec.jitter * many).ravel()
    signal = response(true, t0=spec.t0, tau=spec.tau, sigma=spec.sigma)
    delay = np.add.outer(true, spec.tt_resolution * some).ravel()
    both, edges = [np.repeat(signal, len(some)), delay], np.arange(-1.1, 3.15, 0.1)
    values, mean = binned_statistic(delay, both, "mean", edges).statistic
    spread = binned_statistic(delay, delay, "std", edges).statistic
    error = np.full(len(mean), 0.0025 / spec.amplitude)  # of a bin of such a run
    fit = fit_kinetics(mean, values, error, width=np.sqrt(12) * spread)
    sigma = np.hypot(spec.sigma, spec.tt_resolution)
    truth = {"t0": spec.t0, "tau": spec.tau, "amplitude": 1.0, "sigma": sigma}
    assert np.abs(pulls_of(fit.parameters, truth)).max() < 0.15


def test_noise_alone_is_no_signal() -> None:
    noise = 0.01 * np.random.default_rng(3).standard_normal(60)
    fit = fit_kinetics(CENTRES, noise, np.full(60, 0.01))
    assert fit.state == "no-signal"
    assert not fit.converged


def test_a_step_that_never_decays_leaves_the_decay_time_undetermined() -> None:
    rng = np.random.default_rng(2)
    values = 0.3 * step_decay(CENTRES, t0=0.1, tau=1e6, sigma=0.05)
    fit = fit_kinetics(CENTRES, values + 0.01 * rng.standard_normal(60), np.full(60, 0.01))
    assert fit.state in {"degenerate", "not-converged"}
    assert "decay time" in fit.message or "determine" in fit.message or "gave up" in fit.message


def noisy(values: np.ndarray, error: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return values + error * rng.standard_normal(len(values)), np.full(len(values), error)


def test_a_determined_fit_reports_every_number_and_nothing_else() -> None:
    fit = fit_kinetics(CENTRES, *noisy(curve(), 0.005, 5), width=EDGES[1] - EDGES[0])
    assert fit.undetermined == {}
    assert [row["parameter"] for row in fit.report.as_dicts()] == [
        "t0",
        "tau",
        "amplitude",
        "sigma",
        "offset",
    ]
    assert fit.report.as_dicts()[0]["value"] == str(fit.t0)


def test_time_zero_outside_the_data_is_named_without_a_number() -> None:
    values = 0.3 * np.exp(-(CENTRES + 3) / 2.0)  # the decay of a step before the first bin
    fit = fit_kinetics(CENTRES, *noisy(values, 0.001, 1))
    assert not fit.converged
    rows = {row["parameter"]: row for row in fit.report.as_dicts()}
    assert {"t0", "amplitude"} & set(fit.undetermined)
    for name in fit.undetermined:
        assert rows[name]["value"] == "not determined"


def test_a_decay_far_longer_than_the_window_is_only_a_lower_limit() -> None:
    values = 0.3 * step_decay(CENTRES, t0=0.1, tau=40.0, sigma=0.1)
    fit = fit_kinetics(CENTRES, *noisy(values, 1e-4, 2))
    assert fit.state == "degenerate"
    assert "decay time" in fit.undetermined["tau"]
    assert "longer than the 2.8" in fit.undetermined["tau"]
    assert abs(fit.t0.value - 0.1) < 4 * fit.t0.error


def test_a_decay_faster_than_the_response_leaves_only_a_combination() -> None:
    values = 3.0 * step_decay(CENTRES, t0=0.1, tau=0.02, sigma=0.3)
    fit = fit_kinetics(CENTRES, *noisy(values, 0.002, 3))
    assert not fit.converged
    assert {"tau", "amplitude"} <= set(fit.undetermined)
    assert "correlated" in fit.message or "not determined" in fit.message


def test_a_response_too_narrow_to_be_seen_is_an_upper_limit_and_spoils_nothing_else() -> None:
    values = 0.01 + 0.3 * step_decay_in_bins(EDGES[:-1], EDGES[1:], t0=0.15, tau=0.7, sigma=0.002)
    fit = fit_kinetics(CENTRES, *noisy(values, 0.01, 4), width=EDGES[1] - EDGES[0])
    assert fit.converged
    assert set(fit.undetermined) == {"sigma"}
    limit = float(fit.undetermined["sigma"].split("below ")[1].split()[0])
    assert 0.005 < limit < 0.05  # bins are 0.067 ps wide
    assert fit.report.as_dicts()[3]["value"] == "not determined"
    assert abs(fit.tau.value - 0.7) < 4 * fit.tau.error


def test_upper_limits_of_the_response_hold_as_often_as_they_should() -> None:
    """At 2 errors a response of 0.02 ps lies above its limit, or is missed, rarely."""
    wrong = 0
    shape = step_decay_in_bins(EDGES[:-1], EDGES[1:], t0=0.15, tau=0.7, sigma=0.02)
    for seed in range(12):
        fit = fit_kinetics(CENTRES, *noisy(0.3 * shape, 0.01, seed), width=EDGES[1] - EDGES[0])
        assert set(fit.undetermined) <= {"sigma"}  # an unsure width takes nothing with it
        reason = fit.undetermined.get("sigma")
        if reason is None:
            wrong += abs(fit.sigma.value - 0.02) > 3 * fit.sigma.error
        else:
            wrong += float(reason.split("below ")[1].split()[0]) < 0.02
    assert wrong <= 2


def test_without_a_signal_no_number_is_reported() -> None:
    noise = 0.01 * np.random.default_rng(3).standard_normal(60)
    fit = fit_kinetics(CENTRES, noise, np.full(60, 0.01))
    assert set(fit.undetermined) == set(fit.parameters)
    assert all(row["value"] == "not determined" for row in fit.report.as_dicts())


def test_a_response_narrower_than_the_bins_is_held_and_said() -> None:
    values = 0.3 * step_decay(CENTRES, t0=0.1, tau=0.7, sigma=1e-5)
    rng = np.random.default_rng(6)
    fit = fit_kinetics(CENTRES, values + 0.003 * rng.standard_normal(60), np.full(60, 0.003))
    assert np.isfinite(fit.chi2)
    assert abs(fit.tau.value - 0.7) < 4 * fit.tau.error


def test_time_zero_is_unsure_by_what_the_width_may_be() -> None:
    """Bins as wide as the response cannot tell its width, on which time zero depends."""
    low, high = np.arange(-1, 3, 0.2), np.arange(-0.8, 3.2, 0.2)
    shape = 0.3 * step_decay_in_bins(low, high, t0=0.11, tau=0.7, sigma=0.05)
    pulls = []
    for seed in range(8):
        fit = fit_kinetics((low + high) / 2, *noisy(shape, 0.012, seed), width=0.2)
        assert fit.converged
        truth = {"t0": 0.11, "sigma": 0.05}
        pulls.append(pulls_of(fit.parameters, truth))
    assert np.abs(pulls).max() < 4


@pytest.mark.parametrize("seen", [1.6, 2.0, 3.0, 6.0])
def test_a_width_that_is_just_seen_is_neither_too_small_nor_too_sure(seen: float) -> None:
    """Data that tell the square of a width, planted `seen` errors from 0, over what noise does."""
    widths = np.linspace(1e-3, np.sqrt(seen + 6), 400)
    pulls = []
    for noise in norm.ppf((np.arange(200) + 0.5) / 200):
        weights = likely(widths, (widths**2 - (seen + noise)) ** 2)
        mean = weights @ widths
        pulls.append((mean - np.sqrt(seen)) / np.sqrt(weights @ (widths - mean) ** 2))
    assert abs(np.mean(pulls)) < 0.1  # -0.4 where every width is equally likely beforehand
    assert np.std(pulls) == pytest.approx(1, abs=0.1)


def test_too_few_bins_are_refused_with_their_number() -> None:
    with pytest.raises(FitError, match="6 usable bins"):
        fit_kinetics(CENTRES[:6], curve()[:6], np.full(6, 0.1))
    errors = np.full(60, 0.1)
    errors[5:] = np.nan
    with pytest.raises(FitError, match="55 left out"):
        fit_kinetics(CENTRES, curve(), errors)
    with pytest.raises(FitError, match="error of each value"):
        fit_kinetics(CENTRES, curve())


def dataset(common: float = 0.0) -> xr.Dataset:
    shots = np.full(60, 50)
    shots[::7] = 3  # too few to be used
    values = curve()
    values[::7] = 99.0
    return xr.Dataset(
        {
            "relative": ("delay", values, {"units": "1", "count": "on_count"}),
            "relative_error": ("delay", np.full(60, 0.01)),
            "relative_error_common": ("delay", common * (1 + values)),
            "on_count": ("delay", shots),
        },
        coords={
            "delay": CENTRES,
            "delay_mean": ("delay", CENTRES),
            "delay_std": ("delay", np.full(60, (EDGES[1] - EDGES[0]) / np.sqrt(12))),
        },
    )


def test_bins_with_few_shots_are_left_out_and_counted() -> None:
    fit = fit_kinetics(dataset())
    assert fit.left_out == 9
    assert "9 of 60 bins left out" in fit.message
    assert abs(fit.amplitude.value - 0.3) < 0.1 * fit.amplitude.error


def test_the_common_error_of_the_off_shots_widens_offset_and_amplitude_only() -> None:
    alone, both = fit_kinetics(dataset()), fit_kinetics(dataset(common=0.05))
    assert both.offset.error == pytest.approx(np.hypot(alone.offset.error, 0.05 * 1.01), rel=1e-3)
    shared = (
        0.05 * alone.amplitude.value
    )  # 0.3 within a tenth of its error, as the test before says
    assert both.amplitude.error == pytest.approx(np.hypot(alone.amplitude.error, shared), rel=1e-3)
    difference = dataset()
    difference["relative_error_common"][:] = 0.05  # as of a difference: the same in every bin
    same = fit_kinetics(difference)
    assert same.offset.error == pytest.approx(np.hypot(alone.offset.error, 0.05), rel=1e-3)
    assert same.amplitude.error == pytest.approx(alone.amplitude.error, rel=1e-6)
    assert both.t0.error == pytest.approx(alone.t0.error, rel=1e-6)


def test_a_wrong_variable_is_named_with_those_that_would_do() -> None:
    with pytest.raises(UnknownNameError, match="relative"):
        fit_kinetics(dataset(), "relativ")


def test_the_verdict_compares_what_the_truth_knows() -> None:
    fit = fit_kinetics(CENTRES, curve(), np.full(60, 0.01), width=EDGES[1] - EDGES[0])
    truth = Truth({"t0": Quantity(0.15, "ps"), "tau": Quantity(7.0, "ps"), "q": Quantity(1, "1")})
    table = verdict(fit, truth)
    rows = {row["quantity"]: row for row in table.as_dicts()}
    assert set(rows) == {"t0", "tau"}
    assert rows["t0"]["within 3 errors"] is True
    assert rows["tau"]["within 3 errors"] is False
    assert rows["tau"]["pull"] == pytest.approx((fit.tau.value - 7) / fit.tau.error)
    assert "<table>" in table._repr_html_()
    assert (table.as_planted, table.notes[-1]) == (False, "as planted: no")


def test_a_verdict_declares_its_answer_as_a_result_of_the_notebook() -> None:
    counts = {"late detectors": 0, "jumps": 2}
    assert verdict_on(counts, {"late detectors": 0, "jumps": 2}).as_planted is True
    off = verdict_on(counts, {"late detectors": 0, "jumps": 1})
    assert off.as_planted is False
    (declared,) = off._repr_mimebundle_().values()
    assert (declared["name"], declared["value"]) == ("as_planted", False)
    nothing = verdict_on(counts, {})
    assert nothing.as_planted is None
    assert "not known" in str(nothing)


def test_numbers_without_a_fit_need_an_error_for_a_verdict() -> None:
    truth = Truth({"spread": Quantity(0.3, "1")})
    mine = Measured({"spread": Parameter(0.31, 0.01, "1")})
    assert verdict(mine, truth).as_planted is True
    assert str(mine) == "spread = 0.310 ± 0.010"
    with pytest.raises(InputError, match="spread has no positive error"):
        Measured({"spread": Parameter(float("nan"), float("nan"), "1")})


def test_without_lmfit_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lmfit", None)
    with pytest.raises(MissingToolError, match=r"needs lmfit.*lcls-workbench\[notebooks\]"):
        fit_kinetics(CENTRES, curve(), np.full(60, 0.01))


def test_a_parameter_is_shown_with_the_digits_of_its_error() -> None:
    assert str(Parameter(0.30068, 0.0041, "1")) == "0.3007 ± 0.0041"
    assert str(Parameter(0.1539, 0.0031, "ps")) == "0.1539 ± 0.0031 ps"

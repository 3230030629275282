"""Components and global fit of difference curves: planted kinetics come back, noise is named."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import workbench as wb
from workbench.binning import edges_by_width
from workbench.core.errors import InputError
from workbench.recipes import (
    Difference,
    GlobalFit,
    azimuthal,
    components,
    difference_curves,
    fit_global,
    legendre,
    window,
)
from workbench.runs import Run
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.pump_probe import response

DELAYS = np.arange(-0.95, 3, 0.1)
T0, SIGMA, TAU = 0.15, 0.06, 0.7
NO_SUCH_FILE = {"missing-part", "late-detector", "seconds-as-ps", "encoder-stuck", "flipped-sign"}


def measure(run: Run) -> Difference:
    averages = azimuthal(run)
    (curve,), light = legendre(run, averages), window(run, averages, 1.5, 3.5)
    run = run.with_channel("delay", run.delay())
    cuts = wb.xray_on() & wb.cut("i0", 0, None)
    return difference_curves(run, curve, light, edges_by_width(-0.8, 2.5, 0.15), cuts)


def analyse(run: Run) -> GlobalFit:
    return fit_global(measure(run), [1.0])


def drawn(seed: int, strength: float = 1.0, common: float = 0.3) -> Difference:
    """Return a matrix of two planted curves and noise, computed with the synthetic response."""
    rng = np.random.default_rng(seed)
    q = np.linspace(0.5, 3.5, 40)
    curves = strength * np.array([np.sin(4 * q), 0.7 * np.cos(3 * q)])
    fine = DELAYS[:, None] + np.linspace(-0.045, 0.045, 10)  # mean over each bin
    early = response(fine, t0=T0, tau=TAU, sigma=SIGMA).mean(axis=1)
    lasting = response(fine, t0=T0, tau=1e6, sigma=SIGMA).mean(axis=1)
    made = np.outer(early, curves[0]) + np.outer(lasting, curves[1])
    error = 0.1 * rng.uniform(0.7, 1.5, len(DELAYS))[:, None] * (0.5 + q / 3.5)
    shared = common * 0.1 * (0.5 + q / 3.5) * rng.standard_normal(len(q))
    return Difference(
        DELAYS,
        fine,
        q,
        made + error * rng.standard_normal(made.shape) + shared,
        error,
        np.broadcast_to(common * 0.1 * (0.5 + q / 3.5), made.shape),
        np.ones((len(DELAYS), len(DELAYS))),
        None,
        np.ones_like(q),
        np.zeros_like(q),
        np.full(len(DELAYS), 1e6),
        "1",
        "all laser-off shots together",
        "",
    )


def test_pulls_over_many_matrices_are_those_of_honest_errors() -> None:
    truth, pulls, chi2 = np.array([T0, SIGMA, TAU]), [], []
    for seed in range(20):
        fit = fit_global(drawn(seed), [1.5])
        assert fit.state == "converged"
        found = list(fit.parameters.values())
        pulls.append(
            [(one.value - made) / one.error for one, made in zip(found, truth, strict=True)]
        )
        chi2.append(fit.chi2 / fit.dof)
        curves = np.array([np.sin(4 * fit.difference.q), 0.7 * np.cos(3 * fit.difference.q)])
        assert 0.75 < ((fit.curves - curves) / fit.errors).std() < 1.3
    spread = np.std(pulls, axis=0)
    assert ((spread > 0.65) & (spread < 1.4)).all()
    assert (np.abs(np.mean(pulls, axis=0)) < 3 / np.sqrt(20)).all()
    assert np.mean(chi2) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("strength", "number"), [(0.0, 0), (1.0, 2)])
def test_components_that_stand_out_are_those_planted(strength: float, number: int) -> None:
    found = [components(drawn(seed, strength), draws=60).significant for seed in range(12)]
    assert np.mean(np.array(found) == number) > 0.9
    parts = components(drawn(3), draws=60)
    whole = np.einsum("kt,kq->tq", parts.courses[:2], parts.curves[:2])
    away = (whole - drawn(3).value) / np.hypot(drawn(3).error, drawn(3).common)
    assert away.std() < 1.05
    assert parts.smooth[0] > 0.9
    assert abs(parts.smooth[3]) < 0.5


def test_noise_alone_has_no_kinetics() -> None:
    states = {fit_global(drawn(seed, strength=0.0), [1.0]).state for seed in range(6)}
    assert states <= {"no-signal", "not-converged"}


def test_a_missing_decay_and_shared_off_shots_are_told() -> None:
    data = drawn(1, strength=2.0)
    assert fit_global(data, [1.0], lasting=False).state == "poor-fit"
    paired = replace(data, reference="the 10 laser-off shots nearest in time")
    assert "nearest 0" in fit_global(paired, [1.0]).message
    few = replace(
        data, **{k: getattr(data, k)[:5] for k in ("delay", "low", "high", "value", "error")}
    )
    with pytest.raises(InputError, match="at least 8 bins are needed"):
        fit_global(few, [1.0])
    with pytest.raises(InputError, match="positive"):
        fit_global(data, [-1.0])


def test_planted_kinetics_come_back_from_a_run(liquid: Run) -> None:
    found = measure(liquid)
    fit, truth = fit_global(found, [1.0]), liquid.truth
    assert truth is not None
    assert fit.state == "converged"
    for name, one in fit.parameters.items():
        assert abs(one.value - float(np.asarray(truth[name].value))) < 4 * one.error, name
    second = np.asarray(truth["curve_2"].value)
    first = np.asarray(truth["curve_1"].value) - second
    assert fit.names == ("tau_1", "lasting")
    assert 0.6 < np.nanstd((fit.curves - [first, second]) / fit.errors) < 1.4
    assert components(found).significant == 2


@pytest.mark.faults
@pytest.mark.parametrize("name", [name for name in FAULTS if name not in NO_SUCH_FILE])
def test_a_faulty_run_gives_true_kinetics_a_finding_or_a_refusal(
    name: str, liquid: Run, meet: Callable[..., str]
) -> None:
    meet(name, liquid.path, analyse)

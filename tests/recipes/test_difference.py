"""Difference scattering: curves, window, difference, against brute force and planted truth."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import workbench as wb
from workbench.binning import edges_by_width
from workbench.core.errors import InputError
from workbench.recipes import (
    Azimuthal,
    DifferenceError,
    azimuthal,
    difference_curves,
    legendre,
    window,
)
from workbench.runs import Channel, Run
from workbench.synthetic.pump_probe import response

FIELD = "jungfrau1M/azav_azav"
EDGES = edges_by_width(-0.8, 2.5, 0.15)
BY_HAND = np.array([-0.8, 0.0, 1.0, 2.5])


def test_curves_and_window_are_the_sums_over_pixels(liquid: Run) -> None:
    averages = azimuthal(liquid, FIELD)
    (curve,), light = legendre(liquid, averages), window(liquid, averages, 1.5, 2.5)
    stored = liquid[FIELD].read()
    pixels = np.asarray(liquid.settings["jungfrau1M"].functions["azav"]["norm"])
    lit = np.where(pixels > 0, stored * pixels, 0)
    np.testing.assert_allclose(
        curve.read(), lit.sum(axis=1) / pixels.sum(axis=0), rtol=1e-12, atol=1e-12
    )
    inside = (averages.q >= 1.5) & (averages.q < 2.5)
    total = lit[:, :, inside].sum(axis=(1, 2)) / pixels[:, inside].sum()
    np.testing.assert_allclose(light.read(), total, rtol=1e-12, atol=1e-12)
    assert (curve.unit, light.unit) == ("keV", "keV")
    assert np.isnan(light.read()[liquid[FIELD].missing]).all()


def test_isotropic_and_anisotropic_parts_are_told_apart(liquid: Run) -> None:
    averages, rng = azimuthal(liquid, FIELD), np.random.default_rng(1)
    assert averages.photon_energy is not None
    phi = np.arange(12) * np.pi / 6
    flat, turned = rng.normal(size=(2, 3, len(averages.q)))
    axis = 0.4
    theta = np.arcsin(averages.q * 12.39841984 / averages.photon_energy / 4 / np.pi)
    within = np.deg2rad(np.arange(-14.95, 15, 0.1))  # an azimuth is 30 deg wide
    around = np.mean(np.cos(phi[:, None] + within - axis) ** 2, axis=1)
    squared = np.cos(theta) ** 2 * around[:, None]
    made = flat[:, None] + turned[:, None] * 0.5 * (3 * squared - 1)
    pixels = rng.integers(1, 90, made.shape[1:]).astype(float)
    pixels[3, :7], made[:, 3, :7] = 0, np.nan  # behind the beam stop
    channel = Channel.from_values("azav", made, unit="keV")
    planted = replace(averages, channel=channel, phi=phi, pixels=pixels, direction=None)
    s0, s2 = legendre(liquid, planted, (0, 2), axis=axis)
    np.testing.assert_allclose(s0.read(), flat, atol=1e-5)
    np.testing.assert_allclose(s2.read(), turned, atol=1e-5)


def test_a_ring_seen_in_one_direction_has_no_anisotropic_part(liquid: Run) -> None:
    averages = azimuthal(liquid, FIELD)
    pixels = averages.pixels.copy()
    pixels[1:, 5] = 0
    for part in legendre(liquid, replace(averages, pixels=pixels), (0, 2)):
        assert np.isnan(part.read()[:, 5]).all()
        assert np.isfinite(part.read()[:, 6]).sum() > 2000


def test_the_difference_is_that_of_sums_done_by_hand(liquid: Run) -> None:
    averages = azimuthal(liquid, FIELD)
    (curve,), light = legendre(liquid, averages), window(liquid, averages, 1.5, 3.5)
    found = difference_curves(liquid, curve, light, BY_HAND, nearest=0)
    signal, norm, delay = curve.read(), light.read(), liquid.delay().read()
    lit = liquid["lightStatus/xray"].read() == 1
    pumped = liquid["lightStatus/laser"].read() == 1
    signal = signal - np.nanmean(signal[~lit], axis=0)
    norm = norm - np.nanmean(norm[~lit])
    off = lit & ~pumped & (norm > 0)
    level = signal[off].sum(axis=0) / norm[off].sum()
    for row, (low, high) in enumerate(pairwise(BY_HAND)):
        on = lit & pumped & (norm > 0) & (delay >= low) & (delay < high)
        by_hand = signal[on].sum(axis=0) / norm[on].sum() - level
        np.testing.assert_allclose(found.value[row], by_hand, atol=1e-12)
        assert found.shots[row] == on.sum()


@pytest.mark.parametrize("nearest", [0, 8])
def test_planted_curves_come_back_within_their_errors(liquid: Run, nearest: int) -> None:
    averages = azimuthal(liquid, FIELD)
    (curve,), light = legendre(liquid, averages), window(liquid, averages, 1.5, 3.5)
    found = difference_curves(liquid, curve, light, EDGES, wb.xray_on(), nearest=nearest)
    truth = liquid.truth
    assert truth is not None
    first, second = (np.asarray(truth[name].value) for name in ("curve_1", "curve_2"))
    t0, sigma, tau = (float(np.asarray(truth[n].value)) for n in ("t0", "sigma", "tau"))
    early = response(found.delay, t0=t0, tau=tau, sigma=sigma)
    lasting = response(found.delay, t0=t0, tau=1e6, sigma=sigma)
    made = early[:, None] * first + (lasting - early)[:, None] * second
    quiet = np.abs(found.delay - t0) > 0.2  # a bin at the rise is not described by its mean delay
    pull = ((found.value - made) / found.total)[quiet]
    assert 0.9 < pull.std() < 1.1
    assert abs(pull.mean()) < 0.1
    assert "scattering" in found.message or "not selected" in found.message


def test_what_cannot_be_made_is_said(liquid: Run) -> None:
    averages = azimuthal(liquid, FIELD)
    with pytest.raises(InputError, match=r"no bin of .* lies in the window 7 to 8"):
        window(liquid, averages, 7, 8)
    with pytest.raises(InputError, match=r"azimuthal averages are \(event, phi, q\)"):
        azimuthal(liquid, "epix_1/signal_sum")
    with pytest.raises(InputError, match=r"q of .* is not in the file"):
        azimuthal(liquid, "epix_1/peak_area")
    with pytest.raises(InputError, match="isotropic part is 0"):
        legendre(liquid, averages, (1,))
    (curve,), light = legendre(liquid, averages), window(liquid, averages, 1.5, 3.5)
    with pytest.raises(DifferenceError, match=r"no bin of delay holds 5 laser-on shots"):
        difference_curves(liquid, curve, light, np.linspace(0, 1, 3001), nearest=0)


def test_averages_over_the_full_circle_have_one_azimuth(liquid: Run) -> None:
    averages = azimuthal(liquid, FIELD)
    flat = Channel.from_values("pyfai", np.ones((4, len(averages.q))), unit="keV")
    one = Azimuthal(flat, averages.q, np.zeros(1), np.ones((1, len(averages.q))), None)
    (curve,) = legendre(liquid, one)
    np.testing.assert_array_equal(curve.read(), np.ones((4, len(averages.q))))
    with pytest.raises(InputError, match="does not say the photon energy"):
        legendre(liquid, one, (0, 2))

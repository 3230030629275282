"""Peak tracking: moments against brute force, planted motion back, harmonics kept out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated, pulls_of
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.binning import Parameter, edges_by_width, fit_kinetics, on_off
from workbench.core.errors import InputError
from workbench.recipes import (
    TrackingError,
    find_peak,
    fit_oscillation,
    fit_track,
    position_window,
    track_peak,
)
from workbench.runs import Channel, Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import DiffractionPeak

AREA = "epix_1/peak_area"
EDGES = edges_by_width(-0.8, 3.2, 0.1)
CUTS = wb.xray_on() & wb.cut("i0", 0, None)
SPEC = PumpProbe(
    n_events=2400,
    camera_every=1,
    amplitude=-0.3,
    delay_first=-0.8,
    delay_last=3.2,
    n_steps=41,
    missing=0.0,
)


@pytest.fixture(scope="module")
def scan(module_folder: ModuleFolder) -> Run:
    file = write_small_data(SPEC, module_folder("peak"), scene=DiffractionPeak())
    return wb.open_run(file)


@dataclass(frozen=True)
class Both:
    parameters: dict[str, Parameter]
    state: str
    message: str


def analyse(run: Run) -> Both:
    run = run.with_channel("delay", run.delay())
    peak = find_peak(run, AREA)
    track = track_peak(run, peak, EDGES, CUTS)
    fit = fit_track(track, response=0.051)
    kinetics = fit_kinetics(on_off(run, {"delay": EDGES}, peak.intensity, CUTS), "relative")
    state = fit.state if fit.state != "converged" else kinetics.state
    return Both({**fit.parameters, **kinetics.parameters}, state, "")


def test_moments_are_sums_over_pixels_above_the_plane_of_the_ring(scan: Run) -> None:
    peak = find_peak(scan, AREA)
    pixels = scan[AREA].read(rows=slice(0, 40)).astype(float)
    rows, cols = np.indices(peak.spot.shape)
    row, col = rows - peak.centre[0], cols - peak.centre[1]
    design = np.stack([np.ones(row.shape), row, col], axis=-1)
    for event, picture in enumerate(pixels):
        plane = np.linalg.lstsq(design[peak.ring], picture[peak.ring], rcond=None)[0]
        above = np.where(peak.spot, picture - design @ plane, 0.0)
        by_hand = [(above * arm).sum() for arm in (1, row, col, row**2, col**2)]
        found = [one.read(rows=slice(event, event + 1))[0] for one in peak.moments]
        np.testing.assert_allclose(found, by_hand, rtol=1e-9, atol=1e-6)
    assert peak.centre == pytest.approx((7.5, 7.5), abs=0.05)


def test_a_background_with_a_slope_leaves_nothing(scan: Run) -> None:
    rows, cols = np.indices((16, 16))
    flat = np.broadcast_to(3.0 + 0.2 * rows - 0.4 * cols, (scan.n_events, 16, 16))
    spot = 50 * np.exp(-((rows - 7.5) ** 2 + (cols - 7.5) ** 2) / 4)
    lit = (scan["lightStatus/xray"].read() == 1)[:, None, None]
    shown = Channel.from_values("area", lit * (flat + spot), unit="keV", select=scan.mask)
    bare = Channel.from_values("area", lit * (0 * flat + spot), unit="keV", select=scan.mask)
    found = []
    for one in (shown, bare):
        peak = find_peak(scan, one)
        light, row, col, rows_, cols_ = (moment.read()[lit.ravel()][0] for moment in peak.moments)
        away = (row / light, col / light)
        spread = (rows_ + cols_) / light - away[0] ** 2 - away[1] ** 2
        found.append((light, peak.centre[0] + away[0], peak.centre[1] + away[1], spread))
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert found[0][1:] == pytest.approx((7.5, 7.5, 4.0), rel=2e-3)  # variance 2 along each


def test_centre_and_width_are_ratios_of_sums_done_by_hand(scan: Run) -> None:
    run = scan.with_channel("delay", scan.delay())
    peak = find_peak(run, AREA)
    track = track_peak(run, peak, np.array([-0.8, 0.0, 1.0, 3.2]), CUTS)
    values = np.stack([one.read() for one in peak.moments])
    dark = scan["lightStatus/xray"].read() == 0
    values = values - np.nanmean(values[:, dark], axis=1)[:, None]
    delay = run["delay"].read()
    chosen = run.mask(CUTS, of="on") & np.isfinite(values).all(axis=0) & (delay >= 0) & (delay < 1)
    total = values[:, chosen].sum(axis=1)
    row, col = total[1:3] / total[0]
    assert track.row[1] == pytest.approx(peak.centre[0] + row, abs=1e-9)
    variance = ((total[3] + total[4]) / total[0] - row**2 - col**2) / 2
    assert track.width[1] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert track.shots[1] == chosen.sum()
    rng, drawn = np.random.default_rng(1), []
    for _ in range(300):  # the bootstrap knows nothing of formulas
        some = values[:, rng.choice(np.flatnonzero(chosen), chosen.sum())].sum(axis=1)
        means = some[1:] / some[0]
        drawn.append((means[0], np.sqrt((means[2] + means[3] - means[0] ** 2 - means[1] ** 2) / 2)))
    spread = np.std(drawn, axis=0)
    assert (track.row_error[1], track.width_error[1]) == pytest.approx(tuple(spread), rel=0.15)


def test_planted_motion_and_kinetics_come_back(scan: Run) -> None:
    found, truth = analyse(scan), scan.truth
    assert truth is not None
    assert found.state == "converged"
    for name, one in found.parameters.items():
        if name in truth:
            assert abs(one.value - float(np.asarray(truth[name].value))) < 4 * one.error, name


@SEEDS
def test_pulls_of_the_oscillation_are_those_of_honest_errors(seeds: int) -> None:
    t0, frequency, damping, shift, swing, blur = 0.15, 1.25, 1.5, 0.25, 0.2, 0.05
    centre = np.arange(-0.75, 3.2, 0.1)

    def displaced(u: float) -> float:
        fading = np.exp(-u / damping) * np.cos(2 * np.pi * frequency * u)
        return float(shift - swing * fading) if u > 0 else 0.0

    def blurred(t: float) -> float:
        inside = quad(
            lambda s: displaced(t - t0 - s) * np.exp(-0.5 * (s / blur) ** 2),
            -5 * blur,
            5 * blur,
            points=[min(max(t - t0, -5 * blur), 5 * blur)],
        )
        return float(inside[0]) / (blur * np.sqrt(2 * np.pi))

    fine = centre[:, None] + (np.arange(6) - 2.5) / 60
    made = np.vectorize(blurred)(fine).mean(axis=1)
    error, pulls = np.full(centre.shape, 0.01), []
    truth = {"t0": t0, "frequency": frequency, "damping": damping, "shift": shift, "swing": swing}
    for seed in range(seeds):
        values = made + error * np.random.default_rng(seed).normal(size=len(made))
        fit = fit_oscillation(centre - 0.05, centre + 0.05, values, error, response=blur)
        assert fit.state == "converged"
        pulls.append(pulls_of(fit.parameters, truth))
    assert_as_stated(pulls, list(truth))


def test_steps_and_noise_are_no_oscillation() -> None:
    centre, rng = np.arange(-1, 3, 0.1), np.random.default_rng(4)
    error = np.full(centre.shape, 0.01)
    noise = fit_oscillation(centre, centre, error * rng.normal(size=40), error)
    assert noise.state in {"no-signal", "no-oscillation"}
    step = fit_oscillation(
        centre, centre, 0.3 * (centre > 0.2) + error * rng.normal(size=40), error
    )
    assert step.state in {"no-oscillation", "degenerate"}
    with pytest.raises(InputError, match="at least 9 bins"):
        fit_oscillation(centre[:5], centre[:5], centre[:5], error[:5])


def test_harmonics_and_their_light_are_kept_out_by_an_energy_window(tmp_path: Path) -> None:
    weak = DiffractionPeak(photons=4.0, diffuse=0.01, harmonic=0.02)
    spec = PumpProbe(n_events=1200, camera_every=1, n_steps=4)
    run = wb.open_run(write_small_data(spec, tmp_path, scene=weak))
    read = [find_peak(run, AREA), find_peak(run, AREA, photon_energy=9.5, energy_width=2.0)]
    off = run.mask(of="off")
    spread = [np.nanstd(one.intensity.read(where=off)) for one in read]
    assert spread[1] < 0.8 * spread[0]  # what was thrown out was noise
    light = np.nanmean(read[1].intensity.read(where=off))
    assert light == pytest.approx(4.0 * 9.5, rel=0.15)


def test_what_cannot_be_tracked_is_said(scan: Run) -> None:
    with pytest.raises(TrackingError, match=r"pixels of a region are \(event, row, col\)"):
        find_peak(scan, "epix_1/signal_sum")
    with pytest.raises(TrackingError, match="change the radii"):
        find_peak(scan, AREA, ring=(30.0, 31.0))
    run = scan.with_channel("delay", scan.delay())
    peak = find_peak(run, AREA)
    with pytest.raises(TrackingError, match="no bin of delay holds 5000 laser-on shots"):
        track_peak(run, peak, EDGES, CUTS, fewest=5000)
    track = track_peak(run, peak, EDGES, CUTS, fewest=45)
    assert "bins with fewer than 45 shots dropped" in track.message
    window = position_window(scan, "position_x", 1e-5)
    kept = scan.mask(window, of="on").sum() / scan.mask(of="on").sum()
    assert 0.5 < kept < 0.7  # 12 um wide, Gaussian: erf(10 / 12 / sqrt 2) = 0.595
    with pytest.raises(InputError, match="'row' or 'col'"):
        fit_track(track, "height")


@pytest.mark.faults
@pytest.mark.parametrize("name", met("peak"))
def test_a_faulty_run_gives_true_numbers_a_finding_or_a_refusal(
    name: str, scan: Run, meet: Meet
) -> None:
    meet("peak", name, scan.path, analyse, (SPEC, DiffractionPeak()))

"""Liquid scattering: both parts, axis and kinetics against planted truth; faults; refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.pulls import assert_honest
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench import plots
from workbench.binning import edges_by_width, verdict
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.recipes import (
    Azimuthal,
    LiquidFit,
    azimuth_course,
    azimuthal,
    fit_liquid,
    legendre,
    liquid_curves,
    window,
)
from workbench.reductions import Azimuthal as Averages
from workbench.reductions import Setup, scattering_from_positions
from workbench.runs import Channel, Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import LiquidScattering
from workbench.synthetic.station import station
from workbench.synthetic.tiles import Q_EDGES, ring_camera

AXIS, WINDOW, EARLY = 20.0, (0.7, 1.2), (0.3, 1.3)
EDGES = edges_by_width(-0.8, 2.5, 0.15)
CUTS = wb.xray_on() & wb.cut("i0", 0, None)
SCENE = LiquidScattering(anisotropy=0.02, axis=AXIS, azimuths=12)
SPEC = PumpProbe(
    experiment="xcssyn0126",
    n_events=1500,
    jungfrau_every=1,
    n_steps=11,
    delay_first=-0.6,
    delay_last=2.4,
    missing=0.0,
)
NUMBERS = ("t0", "sigma", "tau_1", "tau_aniso", "anisotropy", "axis")


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("turned")
    return wb.open_run(write_small_data(SPEC, folder, scene=SCENE))


def analyse(run: Run, *, axis: float = AXIS, nearest: int = 0) -> LiquidFit:
    averages = azimuthal(run)
    light = window(run, averages, 1.5, 3.5)
    run = run.with_channel("delay", run.delay())
    course = azimuth_course(run, averages, light, WINDOW, EARLY, CUTS, axis=axis)
    curves = liquid_curves(run, averages, light, EDGES, CUTS, axis=axis, nearest=nearest)
    return fit_liquid(curves, course, [1.0], q=WINDOW)


def pulls_of(fit: LiquidFit, run: Run) -> list[float]:
    truth = run.truth
    assert truth is not None
    found = ((fit.parameters[name], truth[name].value) for name in NUMBERS)
    return [(one.value - float(np.asarray(made))) / one.error for one, made in found]


@pytest.mark.parametrize("nearest", [0, 20])
def test_both_parts_and_the_axis_come_back_as_planted(turned: Run, nearest: int) -> None:
    fit, truth = analyse(turned, nearest=nearest), turned.truth
    assert truth is not None
    assert fit.state == "converged"
    assert set(NUMBERS) <= set(fit.parameters)
    assert verdict(fit, truth).as_planted
    planted = np.asarray(truth["curve_aniso"].value)
    assert 0.8 < np.std((fit.anisotropic.curves[0] - planted) / fit.anisotropic.errors[0]) < 1.2
    lasting = np.asarray(truth["curve_2"].value)
    decaying = np.asarray(truth["curve_1"].value) - lasting
    away = (fit.isotropic.curves - [decaying, lasting]) / fit.isotropic.errors
    assert 0.8 < away.std() < 1.35
    assert fit.course.chi2 < fit.course.dof + 4 * np.sqrt(2 * fit.course.dof)
    assert (fit.course.dof, len(fit.course.phi)) == (9, 12)
    kinetics = plots.liquid_kinetics(fit, (1.9, 2.2), WINDOW)
    shown = kinetics.axes[0].get_legend_handles_labels()[1]
    assert shown[0].endswith(f"decay {fit.parameters['tau_1']}")


def test_the_wave_around_the_circle_is_that_of_sums_done_by_hand(turned: Run) -> None:
    averages = azimuthal(turned)
    light = window(turned, averages, 1.5, 3.5)
    run = turned.with_channel("delay", turned.delay())
    course = azimuth_course(run, averages, light, WINDOW, EARLY, wb.xray_on(), axis=AXIS)
    stored, pixels = turned["epix10k2M/azav_azav"].read(), averages.pixels
    inside = (averages.q >= WINDOW[0]) & (averages.q < WINDOW[1])
    counted = pixels[:, inside]
    around = (stored[:, :, inside] * counted).sum(axis=2) / counted.sum(axis=1)
    lit, pumped = (turned[f"lightStatus/{one}"].read() == 1 for one in ("xray", "laser"))
    norm = light.read() - np.nanmean(light.read()[~lit])
    around = around - np.nanmean(around[~lit], axis=0)
    delay = run["delay"].read()
    on = lit & pumped & (norm > 0) & (delay >= EARLY[0]) & (delay < EARLY[1])
    off = lit & ~pumped & (norm > 0)
    by_hand = [around[some].sum(axis=0) / norm[some].sum() for some in (on, off)]
    np.testing.assert_allclose(course.value, by_hand[0] - by_hand[1], atol=1e-12)


def test_a_wrong_axis_is_told_and_the_right_one_found(turned: Run) -> None:
    fit = analyse(turned, axis=AXIS - 30)
    assert fit.state == "other-axis"
    assert "give the axis found" in fit.message
    assert abs(fit.parameters["axis"].value - AXIS) < 4 * fit.parameters["axis"].error
    crossed = analyse(turned, axis=AXIS + 88).course
    assert crossed.strength.value < 0  # the other sign belongs to the other axis
    assert abs(crossed.axis.value - AXIS - 90) < 4 * crossed.axis.error


def test_an_isotropic_liquid_shows_no_anisotropy(liquid: Run) -> None:
    fit = analyse(liquid, axis=0.0)
    assert fit.state == "no-anisotropy"
    assert fit.course.state == "undetermined"  # four azimuths do not see waves of each direction
    assert fit.isotropic.state == "converged"


def test_the_second_order_of_a_bin_is_the_mean_over_its_pixels() -> None:
    place = station("xcs", "lcls1")
    camera = ring_camera(place.ring_shape, SPEC.photon_energy)
    pixels, second = SCENE.bins(SPEC, place)
    sector, ring = 6, 17  # around 180 deg
    away = np.mod(camera.phi - np.deg2rad(165), 2 * np.pi)
    inside = (away < np.deg2rad(30)) & (camera.q >= Q_EDGES[ring]) & (camera.q < Q_EDGES[ring + 1])
    half = np.arcsin(camera.q[inside] * 12.398419843 / SPEC.photon_energy / (4 * np.pi))
    cosine = np.cos(half) * np.cos(camera.phi[inside] - np.deg2rad(AXIS))
    assert pixels[sector, ring] == inside.sum()
    np.testing.assert_allclose(second[sector, ring], np.mean(1.5 * cosine**2 - 0.5), rtol=1e-9)


def test_what_cannot_be_split_is_refused_with_the_way_out(turned: Run) -> None:
    averages = azimuthal(turned)
    light = window(turned, averages, 1.5, 3.5)
    flat = Channel.from_values("pyfai", np.ones((4, len(averages.q))), unit="keV")
    one = Azimuthal(flat, averages.q, np.zeros(1), np.ones((1, len(averages.q))), 9.5)
    with pytest.raises(InputError, match="phiBins"):
        liquid_curves(turned, one, light, EDGES)
    with pytest.raises(InputError, match="does not say the photon energy"):
        azimuth_course(turned, replace(averages, photon_energy=None), light, WINDOW, EARLY)
    with pytest.raises(InputError, match="lies in the window 7 to 8"):
        azimuth_course(turned, averages, light, (7.0, 8.0), EARLY)
    run = turned.with_channel("delay", turned.delay())
    with pytest.raises(InputError, match="no laser-on shot"):
        azimuth_course(run, averages, light, WINDOW, (90.0, 91.0), CUTS)


def test_masks_that_cut_through_azimuths_bias_neither_part(liquid: Run) -> None:
    """Pixel by pixel: S0 and S2 of each ring, seen through wedges, a gap and a beam stop's arm."""
    row, col = np.indices((240, 240)) * 400.0
    setup = Setup((-44_000.0, -52_000.0), 60.0, 9.5, horizontal=1.0)
    seen = scattering_from_positions(-col, -row, np.zeros(row.shape), setup)
    degrees = np.rad2deg(seen.phi)
    good = (np.abs(degrees - 33) > 12) & (np.abs(degrees - 176) > 7) & (np.abs(row - 60_000) > 3000)
    reduction = Averages(seen, np.linspace(0.8, 3.6, 57), np.linspace(0, 2 * np.pi, 13))
    spec = FrameSpec(row.shape, "keV", good)
    ring = np.clip(np.digitize(seen.radial, reduction.radial_edges) - 1, 0, 55)
    planted = 3 + np.cos(np.arange(56.0)), 0.5 + 0.1 * np.sin(np.arange(56.0))
    half = np.arcsin(seen.radial * 12.398419843 / 9.5 / (4 * np.pi))
    cosine = np.cos(half) * np.cos(seen.phi - np.deg2rad(AXIS))
    frame = seen.norm * (planted[0][ring] + planted[1][ring] * (3 * cosine**2 - 1) / 2)
    values = reduction.reduce(frame[np.newaxis], spec)["azav"]
    channel = Channel.from_values("azav", np.repeat(values, len(liquid), axis=0), unit="keV")
    told = {name: one.value for name, one in reduction.settings(spec).items()}
    wave = told["cos2phi"] + 1j * told["sin2phi"]
    averages = Azimuthal(channel, told["q"], told["phiVec"], told["norm"], 9.5, wave)
    assert (np.ptp(averages.pixels, axis=0) > 0.3 * averages.pixels.max(axis=0)).all()
    off = {}
    for name, one in (("known", averages), ("even", replace(averages, direction=None))):
        parts = [part.read()[0] for part in legendre(liquid, one, (0, 2), axis=np.deg2rad(AXIS))]
        off[name] = [np.abs(part / truth - 1) for part, truth in zip(parts, planted, strict=True)]
    assert np.max(off["known"]) < 1e-3
    assert np.median(off["even"][1]) > 0.02


def test_azimuths_that_do_not_fix_the_parts_give_nan_and_a_named_state(turned: Run) -> None:
    averages, run = azimuthal(turned), turned.with_channel("delay", turned.delay())
    light = window(turned, averages, 1.5, 3.5)
    inside, pixels = averages.inside(*WINDOW), averages.pixels.copy()
    pixels[np.ix_([0, 1, 3, 4, 5, 6, 7, 9, 10, 11], np.flatnonzero(inside)[:4])] = 0
    curves = liquid_curves(run, replace(averages, pixels=pixels), light, EDGES, CUTS, axis=AXIS)
    assert np.flatnonzero(curves.undetermined).tolist() == np.flatnonzero(inside)[:4].tolist()
    for part in (curves.isotropic, curves.anisotropic):
        lost = np.isnan(part.value).all(axis=0)
        np.testing.assert_array_equal(lost, curves.undetermined)
    course = azimuth_course(run, averages, light, WINDOW, EARLY, CUTS, axis=AXIS)
    fit = fit_liquid(curves, course, [1.0], q=WINDOW)
    assert fit.state == "undetermined"
    assert "undetermined, NaN, at 4 of 60 q" in fit.message
    pixels = averages.pixels.copy()
    pixels[[0, 1, 4, 5, 6, 7, 10, 11]] = 0
    few = replace(averages, pixels=pixels)
    course = azimuth_course(run, few, light, WINDOW, EARLY, CUTS, axis=AXIS)
    assert course.state == "undetermined"
    assert np.isnan([course.axis.value, course.strength.value]).all()
    alike = replace(averages, direction=0 * averages.wave)
    with pytest.raises(InputError, match="do not tell S0 and S2 apart"):
        liquid_curves(run, alike, light, EDGES)


def test_a_file_that_does_not_say_where_pixels_lie_is_told_so(turned: Run) -> None:
    averages, run = azimuthal(turned), turned.with_channel("delay", turned.delay())
    light = window(turned, averages, 1.5, 3.5)
    known = liquid_curves(run, averages, light, EDGES, CUTS, axis=AXIS)
    even = replace(averages, direction=None)
    told = liquid_curves(run, even, light, EDGES, CUTS, axis=AXIS)
    assert known.message == ""
    assert "evenly filled" in told.message


@pytest.mark.long
def test_pulls_over_many_runs_are_those_of_honest_errors(tmp_path: Path) -> None:
    pulls: dict[int, list[list[float]]] = {0: [], 20: []}
    for seed in range(144):
        made = replace(SPEC, seed=5000 + seed, n_events=2400)
        file = write_small_data(made, tmp_path / "run.h5", scene=SCENE)
        run = wb.open_run(file)
        for nearest, found in pulls.items():
            found.append(pulls_of(analyse(run, nearest=nearest), run))
        file.unlink()
    for found in pulls.values():
        assert_honest(found, NUMBERS)


@pytest.mark.faults
@pytest.mark.parametrize("name", met("liquid_scattering"))
def test_a_faulty_run_gives_true_numbers_a_finding_or_a_refusal(
    name: str, turned: Run, meet: Meet
) -> None:
    meet("liquid_scattering", name, turned.path, analyse, (SPEC, SCENE))

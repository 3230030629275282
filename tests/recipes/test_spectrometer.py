"""Spectrometer pictures: background, energy axis, elastic and inelastic lines, faults."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.recipes import (
    ElasticInelastic,
    Pictures,
    SpectrumError,
    dispersion,
    fit_elastic,
    line_spectrum,
    pictures_of,
)
from workbench.recipes.line_fit import scale_of
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import XrtsShots
from workbench.synthetic.scenes.xrts_shots import FOIL

EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
WHOLE = EVERY | {"missing": 0.0, "camera_missing": 0.0, "partial": 0}
FIELD = "epix100a_2_bxrts/xrts_area"
SPEC = PumpProbe(experiment="mecsyn0126", run=2, n_events=2, **WHOLE)
FWHM = 2 * np.sqrt(2 * np.log(2))
PLANTED = {
    "elastic_energy": 9500.0, "elastic_fwhm": 5 * FWHM, "inelastic_shift": 42.0,
    "inelastic_fwhm": 15 * FWHM, "inelastic_ratio": 0.7,
}  # fmt: skip


def drawn(seed: int, scene: XrtsShots, *, turned: bool = False) -> Pictures:
    draw = np.random.default_rng(seed)
    light = scene._light(SPEC)
    frame = 9.5 * draw.poisson(light) + 0.35 * draw.standard_normal(light.shape)
    return Pictures("xrts", "run", "keV", (frame.T if turned else frame)[np.newaxis], (1,))


@SEEDS
def test_planted_lines_are_recovered_within_errors_that_are_those_of_their_scatter(
    seeds: int,
) -> None:
    pulls = []
    for seed in range(seeds):
        axis = dispersion(line_spectrum(drawn(seed, XrtsShots(foil=True)), photon=9.5), FOIL)
        spectrum = axis.over_energy(line_spectrum(drawn(seed + 500, XrtsShots()), photon=9.5))
        fit = fit_elastic(spectrum, axis_error=axis.error)
        assert fit.state == "fitted"
        pulls.append([(fit.parameters[name].value - value) / fit.parameters[name].error
                      for name, value in PLANTED.items()]
                     + [(axis.slope.value - 1.2) / axis.slope.error])  # fmt: skip
    assert_as_stated(pulls, [*PLANTED, "dispersion"])


def test_a_sum_over_the_band_is_that_of_plain_numpy_less_the_background() -> None:
    pictures = drawn(1, XrtsShots())
    found = line_spectrum(pictures, photon=9.5, band=(20, 35), background=(0, 10, 45, 60))
    page = pictures.frames[0]
    level = np.concatenate([page[:10], page[45:]]).mean(axis=0)
    np.testing.assert_allclose(found.value, page[20:35].sum(axis=0) - 15 * level)
    turned = line_spectrum(drawn(1, XrtsShots(), turned=True), photon=9.5, along="rows",
                           band=(20, 35), background=(0, 10, 45, 60))  # fmt: skip
    np.testing.assert_array_equal(turned.value, found.value)
    good = np.ones(page.shape, bool)
    good[25, :] = False  # a dead row counts as the mean of the others
    masked = line_spectrum(replace(pictures, good=good), photon=9.5, band=(20, 35),
                           background=(0, 10, 45, 60))  # fmt: skip
    rest = page[[*range(20, 25), *range(26, 35)]].mean(axis=0)
    np.testing.assert_allclose(masked.value, 15 * (rest - level))


def test_a_camera_that_looks_from_the_other_side_gives_the_same_energies() -> None:
    foil, shot = drawn(3, XrtsShots(foil=True)), drawn(4, XrtsShots())
    plain, turned = [], []
    for kept, flip, rising in ((plain, 1, True), (turned, -1, False)):
        known, seen = (replace(one, frames=one.frames[:, :, ::flip]) for one in (foil, shot))
        axis = dispersion(line_spectrum(known, photon=9.5), FOIL, rising=rising)
        fit = fit_elastic(axis.over_energy(line_spectrum(seen, photon=9.5)))
        kept += [fit.parameters[name].value for name in PLANTED]
    np.testing.assert_allclose(plain, turned, rtol=1e-3)


def test_without_an_energy_axis_the_numbers_are_called_pixels() -> None:
    fit = fit_elastic(line_spectrum(drawn(5, XrtsShots()), photon=9.5))
    shift = fit.parameters["inelastic_shift_pixel"]
    assert shift.unit == "pixel"
    assert abs(shift.value - 35.0) < 4 * shift.error


def test_errors_of_lines_grow_where_chance_would_not_have_their_chi2_and_never_shrink() -> None:
    for dof in (5, 40, 300):
        rare = stats.chi2.ppf(0.99, dof)
        assert scale_of(0.99 * rare, dof) == 1.0
        assert scale_of(1.01 * rare, dof) == 1.01 * rare / dof  # of the variances
        assert scale_of(0.1 * dof, dof) == 1.0


def test_what_is_not_there_gets_no_number() -> None:
    dark = fit_elastic(line_spectrum(drawn(6, XrtsShots(photons=0.0)), photon=9.5, band=(20, 35)))
    assert (dark.state, dark.parameters) == ("no signal", {})
    alone = fit_elastic(line_spectrum(drawn(7, XrtsShots(ratio=0.0)), photon=9.5))
    assert alone.state in {"no inelastic", "no fit"}
    assert not [name for name in alone.parameters if name.startswith("inelastic")]
    flat = line_spectrum(drawn(6, XrtsShots(photons=0.0)), photon=9.5, band=(20, 35))
    with pytest.raises(SpectrumError, match="no line within 12 pixels"):
        dispersion(flat, FOIL)
    with pytest.raises(SpectrumError, match="two lines of different energy"):
        dispersion(flat, (9442.3,))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"band": (50, 20)}, "band is first and one after the last"),
        ({"band": (0, 60)}, "leaves no background"),
        ({"background": (0, 10, 20)}, "pairs"),
        ({"span": (0, 301)}, "within 0 to 300"),
        ({"along": "energy"}, "along is 'columns' or 'rows'"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(SpectrumError, match=words):
        line_spectrum(drawn(1, XrtsShots()), photon=9.5, **wrong)


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    folder = module_folder("xrts")
    return write_small_data(SPEC, folder, generation="lcls1", scene=XrtsShots())


def fitted(run: Run) -> ElasticInelastic:
    return fit_elastic(line_spectrum(pictures_of(run, FIELD), photon=9.5))


@pytest.mark.faults
@pytest.mark.parametrize("name", met("spectrometer"))
def test_a_faulty_file_gives_the_lines_or_says_why_not(name: str, file: Path, meet: Meet) -> None:
    meet("spectrometer", name, file, fitted, (SPEC, XrtsShots()))

"""Line-outs of powder rings: real LaB6 frames, planted rings, pulls of positions, faults."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated
from tests.recipes.conftest import Meet
from tests.recipes.judging import judge, met
from workbench import binning
from workbench.binning import Parameter
from workbench.core.arrays import Array
from workbench.core.errors import WorkbenchError
from workbench.recipes import (
    LineOutError,
    NoPictureError,
    Pattern,
    PeakError,
    check_calibrant,
    compare_patterns,
    find_peaks,
    fit_peak,
    geometry_of,
    line_out,
    other_pictures,
    picture_fields,
    pictures_of,
    poni_geometry,
    tiff_pictures,
)
from workbench.regions import Calibrant, Poni, calibrant, write_poni
from workbench.runs import Run, truth_path
from workbench.smalldata.editing import edit_file
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import PowderShots

from ..producer.test_real_rings import GAP_MASK, LINE, PIXEL, SHAPE, WAVELENGTH, authors, stem

EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
WHOLE = EVERY | {"missing": 0.0, "camera_missing": 0.0, "partial": 0}
RINGS = "Epix10kaQuad2/full_area"
ENERGY, HC = 9.5, 12.398419843320026  # keV, keV angstrom


def powder_shots(run: int, *, driven: bool) -> tuple[PumpProbe, PowderShots]:
    spec = PumpProbe(experiment="mecsyn0126", run=run, n_events=1, **WHOLE)
    return spec, PowderShots(driven=driven)


@pytest.fixture(scope="module")
def shots(module_folder: ModuleFolder) -> Path:
    folder = module_folder("powder")
    for run, driven in ((1, False), (2, True)):
        spec, scene = powder_shots(run, driven=driven)
        write_small_data(spec, folder, generation="lcls1", scene=scene)
    return folder


@pytest.mark.parametrize("number", LINE)
def test_rings_of_real_lab6_frames_lie_where_the_table_has_them(
    data_folder: Path, tmp_path: Path, number: int
) -> None:
    poni, _ = authors(data_folder, number)
    write_poni(tmp_path / "arm.poni", poni)
    pictures = tiff_pictures(stem(data_folder, number).with_suffix(".tif"))
    geometry = poni_geometry(pictures, tmp_path / "arm.poni", horizontal=None)
    pattern = line_out(pictures, geometry, bins=1000, good=GAP_MASK == 0)
    check = check_calibrant(pattern, calibrant("LaB6"), half_width=0.25)
    line = np.rad2deg(calibrant("LaB6").angles(HC / 0.8856)[LINE[number]])
    at = int(np.abs(check.expected - line).argmin())
    assert check.peaks[at].state == "found"
    assert abs(check.residuals[at]) < 0.006  # as the header's rounded numbers allow
    assert 0 < check.peaks[at].two_theta.error < 0.002


def test_a_pattern_by_poni_is_that_of_pyfai(data_folder: Path, tmp_path: Path) -> None:
    poni, _ = authors(data_folder, 25)
    write_poni(tmp_path / "arm.poni", poni)
    pictures = tiff_pictures(stem(data_folder, 25).with_suffix(".tif"))
    geometry = poni_geometry(pictures, tmp_path / "arm.poni", horizontal=1.0)
    found = line_out(pictures, geometry, bins=500, good=GAP_MASK == 0)
    theirs = AzimuthalIntegrator(
        poni.distance, poni.poni1, poni.poni2, *poni.rotations, wavelength=WAVELENGTH,
        detector=Detector(PIXEL, PIXEL, max_shape=SHAPE),
    ).integrate1d(
        pictures.frames[0], 500, unit="2th_deg", mask=GAP_MASK, polarization_factor=1.0,
        method=("no", "histogram", "cython"), correctSolidAngle=True,
        radial_range=tuple(np.asarray(found.two_theta)[[0, -1]] + np.array([-0.5, 0.5])
                           * np.diff(found.two_theta)[0]),
    )  # fmt: skip
    np.testing.assert_allclose(found.two_theta, theirs.radial, atol=1e-6)
    both = np.isfinite(found.value) & (theirs.count > 0)
    ratio = found.value[both] / theirs.intensity[both]
    assert abs(np.median(ratio) - 1) < 1e-4
    assert np.mean(np.abs(ratio - 1) < 0.02) > 0.97  # pixels on an edge of a bin may change sides


def test_planted_rings_and_strain_are_recovered(shots: Path) -> None:
    run = wb.open_run(shots, 2)
    assert picture_fields(run)[0] == RINGS
    pictures = pictures_of(run)
    geometry = geometry_of(run, pictures)
    driven = line_out(pictures, geometry)
    before = line_out(other_pictures(run, RINGS, "1", "before"), geometry)
    compared = compare_patterns(before, driven)
    (row,) = binning.verdict(compared, run.truth).as_dicts()
    assert row["quantity"] == "strain"
    assert row["within 3 errors"]
    assert compared.parameters["strain"].error < 3e-4
    assert len(compared.pairs) == 4  # the fifth ring is cut by the corners
    planted = np.array(run.truth["ring_two_theta"].value)[:4]
    found = np.array([new.two_theta.value for _, new in compared.pairs])
    errors = np.array([new.two_theta.error for _, new in compared.pairs])
    assert (np.abs(found - planted) < 4 * errors).all()
    check = check_calibrant(before, calibrant("LaB6"), half_width=0.6)
    assert check.rms < 0.02
    assert [peak.state for peak in check.peaks][:4] == ["found"] * 4
    with pytest.raises(PeakError, match="has no ring between"):
        check_calibrant(before, Calibrant("none", (0.5,)))


def test_a_poni_of_the_assembled_picture_gives_the_same_rings_as_the_file(
    shots: Path, tmp_path: Path
) -> None:
    run = wb.open_run(shots, 1)
    pictures = pictures_of(run)
    x, y, z = pictures.positions
    shape, pitch = pictures.layout.shape, 100e-6
    # The picture's rows run against x of the laboratory or along it; find the beam by nearness.
    rows, cols = pictures.layout.rows, pictures.layout.cols
    matrix = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)
    row, col = (
        float(np.linalg.lstsq(matrix, axis.ravel() + 0.5, rcond=None)[0][2])
        for axis in (rows, cols)
    )
    poni = Poni(float(z.mean()) * 1e-6, row * pitch, col * pitch, 0, 0, 0,
                1e-10 * HC / ENERGY, pitch, pitch, shape)  # fmt: skip
    write_poni(tmp_path / "quad.poni", poni)
    geometry = poni_geometry(pictures, tmp_path / "quad.poni")
    stored = geometry_of(run, pictures)
    away = np.abs(geometry.scattering.radial - stored.scattering.radial)
    assert away.max() < 0.06  # deg: a picture places pixels to half a pixel
    peaks = find_peaks(line_out(pictures, geometry))
    truth = np.array(run.truth["ring_two_theta"].value)[:4]
    np.testing.assert_allclose([one.two_theta.value for one in peaks][:4], truth, atol=0.03)
    write_poni(tmp_path / "other.poni", replace(poni, shape=(10, 10)))
    with pytest.raises(LineOutError, match="calibrate on that picture"):
        geometry_of(run, pictures, str(tmp_path / "other.poni"))
    write_poni(tmp_path / "dark.poni", replace(poni, wavelength=None))
    with pytest.raises(LineOutError, match="has no wavelength"):
        geometry_of(run, pictures, str(tmp_path / "dark.poni"))


def made(seed: int, *, strain: float = 0.0, height: float = 30.0) -> Pattern:
    """A pattern of three Gaussian lines with known errors."""
    draw = np.random.default_rng(seed)
    x = np.linspace(10, 40, 700)
    spacing = np.array([4.0, 2.8, 2.3]) * (1 + strain)
    lines = np.rad2deg(2 * np.arcsin(HC / ENERGY / (2 * spacing)))
    y = 5 + 0.02 * x + sum(height * np.exp(-((x - line) ** 2) / (2 * 0.15**2)) for line in lines)
    error = np.full(x.size, 0.8)
    label = "driven" if strain else "before"
    return Pattern(label, x, y + error * draw.standard_normal(x.size), error, "keV", ENERGY)


@SEEDS
def test_errors_of_positions_and_strain_are_those_of_their_scatter(seeds: int) -> None:
    lines = np.rad2deg(2 * np.arcsin(HC / ENERGY / (2 * np.array([4.0, 2.8, 2.3]))))
    pulls = []
    for seed in range(seeds):
        peaks = find_peaks(made(seed), half_width=0.6)
        assert len(peaks) == 3
        places = [(one.two_theta.value - line) / one.two_theta.error
                  for one, line in zip(peaks, lines, strict=True)]  # fmt: skip
        driven = find_peaks(made(seed + 1000, strain=-0.02), half_width=0.6)
        found = compare_patterns(made(seed), made(seed), peaks=(peaks, driven)).parameters["strain"]
        pulls.append([*places, (found.value + 0.02) / found.error])
    assert_as_stated(pulls, ("first ring", "second ring", "third ring", "strain"))


def test_noise_gives_no_peak_and_a_lost_line_no_partner() -> None:
    flat = made(1, height=0.0)
    assert find_peaks(flat) == []
    assert fit_peak(flat, 20.0, 0.6).state in {"no signal", "at the edge", "no fit"}
    assert fit_peak(flat, 90.0, 0.6).state == "no pixels"
    found = compare_patterns(made(1), flat)
    assert (found.state, len(found.only_reference), found.parameters) == (
        "nothing to compare",
        3,
        {},
    )
    far = compare_patterns(made(1), made(2, strain=-0.05), largest_shift=0.3)
    assert (len(far.pairs), len(far.only_reference)) == (0, 3)
    empty = replace(flat, value=np.full(700, np.nan))
    with pytest.raises(PeakError, match="no bins with pixels"):
        find_peaks(empty)


def test_runs_and_files_without_pictures_are_refused_by_name(shots: Path, tmp_path: Path) -> None:
    run = wb.open_run(shots, 1)
    with pytest.raises(NoPictureError, match="no picture per event"):
        pictures_of(run, "Epix10kaQuad2/ring_sum")
    with pytest.raises(WorkbenchError, match="did you mean"):
        pictures_of(run, "Epix10kaQuad2/full_aera")
    with pytest.raises(WorkbenchError, match="has shots 1 to 1"):
        pictures_of(run, shots=[2])
    with pytest.raises(LineOutError, match="does not say where epix100a_2_bxrts stands"):
        geometry_of(run, pictures_of(run, "epix100a_2_bxrts/peak_area"))
    (tmp_path / "a.tif").write_text("no TIFF")
    with pytest.raises(NoPictureError, match="no TIFF file that can be read"):
        tiff_pictures(tmp_path / "a.tif")


def rings(run: Run) -> SimpleNamespace:
    pictures = pictures_of(run, RINGS)
    peaks = find_peaks(line_out(pictures, geometry_of(run, pictures)))
    found = {f"ring {number}": peak.two_theta for number, peak in enumerate(peaks, 1)}
    return SimpleNamespace(parameters=found, state="", message="")


@pytest.fixture(scope="module")
def planted(shots: Path) -> dict[str, float]:
    """The four rings that corners do not cut [deg], and that there is no other."""
    truth = wb.open_run(shots, 1).truth["ring_two_theta"].value
    return {f"ring {number}": angle for number, angle in enumerate(truth[:4], 1)}


@pytest.mark.faults
@pytest.mark.parametrize("name", met("powder"))
def test_a_faulty_file_gives_the_rings_or_says_why_not(
    name: str, shots: Path, planted: dict[str, float], meet: Meet
) -> None:
    made = powder_shots(1, driven=False)
    meet("powder", name, shots / "mecsyn0126_Run0001.h5", rings, made, planted=planted)


def lost_shot(frames: Array) -> None:
    frames[:] = np.nan


def dead_tile(frames: Array) -> None:
    frames[:, 2] = np.nan


def raised_level(frames: Array) -> None:
    frames += 5.0


def saturated(frames: Array) -> None:
    np.minimum(frames, 2 * ENERGY, out=frames)


def hot_pixels(frames: Array) -> None:
    frames.ravel()[::40_009] = 1e5


PICTURE_FAULTS = {  # how they end, and how many of four rings are found
    lost_shot: ("refused NoPictureError", 0),
    dead_tile: ("true", 4),
    raised_level: ("true", 4),
    saturated: ("true", 4),
    hot_pixels: ("true", 3),  # they drown a ring that they lie on, and make none; a mask helps
}


@pytest.mark.faults
@pytest.mark.parametrize("fault", PICTURE_FAULTS)
def test_faulty_pictures_give_true_rings_and_no_others_or_say_why_not(
    fault: Callable[[Array], None], shots: Path, planted: dict[str, float], tmp_path: Path
) -> None:
    counts = []

    def nearest(run: Run) -> SimpleNamespace:
        found = {}
        for peak in rings(run).parameters.values():
            name = min(planted, key=lambda one: abs(planted[one] - peak.value))
            assert name not in found, "two peaks at one ring"
            found[name] = peak
        counts.append(len(found))
        return SimpleNamespace(parameters=found, state="", message="")

    file = spoilt(shots, tmp_path, RINGS, fault)
    how, number = PICTURE_FAULTS[fault]
    found = judge(file, "", lambda run: replace_lost(nearest(run), planted), planted)
    assert (found, sum(counts)) == (how, number)


def replace_lost(found: SimpleNamespace, planted: dict[str, float]) -> SimpleNamespace:
    """Let rings that were not found count as right: it is their number that is judged."""
    lost = {name: Parameter(angle, 1.0, "deg") for name, angle in planted.items()}
    return SimpleNamespace(parameters=lost | found.parameters, state="", message="")


@pytest.mark.faults
def test_a_detector_that_stands_elsewhere_than_its_file_says_is_told_by_the_calibrant(
    shots: Path, planted: dict[str, float], tmp_path: Path
) -> None:
    file = spoilt(shots, tmp_path, RINGS, lambda frames: None)
    with edit_file(file) as editor:
        name = "UserDataCfg/Epix10kaQuad2/azav__azav_dis_to_sam"
        editor.write(name, np.asarray(editor.read(name) * 0.97))
    with pytest.raises(AssertionError, match="wrong without a word"):  # by itself it looks right
        judge(file, "", rings, planted)
    run = wb.open_run(file)
    pictures = pictures_of(run, RINGS)
    pattern = line_out(pictures, geometry_of(run, pictures))
    check = check_calibrant(pattern, calibrant("LaB6"), half_width=1.2)
    assert check.rms > 0.2  # deg; where the detector stands as told: below 0.02


def spoilt(shots: Path, folder: Path, name: str, change: Callable[[Array], None]) -> Path:
    file = folder / "mecsyn0126_Run0001.h5"
    for path in (shots / file.name, truth_path(shots / file.name)):
        shutil.copy(path, folder)
    with edit_file(file) as editor:
        values = editor.read(name)
        change(values)
        editor.write(name, values)
    return file

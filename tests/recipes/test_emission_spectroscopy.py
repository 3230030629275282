"""Emission spectra: energy axis against published numbers, binning against a loop, planted line."""

from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import assert_honest, pulls_of
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.binning import verdict
from workbench.plots import emission_spectrum
from workbench.recipes import (
    Emission,
    EmissionError,
    VonHamos,
    VonHamosError,
    emission,
    emission_spectra,
    sharpest_rotation,
)
from workbench.runs import Run
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import EmissionLine, Speckle

SPEC = PumpProbe(experiment="xcssyn0126", n_events=900, camera_every=3, laser_off_every=4)
SILICON, GERMANIUM = 5.431020511, 5.65735  # angstrom
CRYSTAL = VonHamos(500.0, SILICON, (4, 4, 0), 0.05, 47.5, 7058.0)
FIELD = "epix_2/xes_area"


@pytest.mark.parametrize(
    ("lattice", "miller", "energy", "angle", "place", "slope"),
    [
        (SILICON, (4, 4, 0), 7057.98, 66.1843, 441.3798, 2.60730),
        (SILICON, (4, 4, 0), 6490.45, 84.1793, 101.9405, 0.65483),
        (GERMANIUM, (6, 2, 0), 7057.98, 79.0861, 192.8220, None),
    ],
)
def test_the_energy_axis_equals_independent_arithmetic(
    lattice: float,
    miller: tuple[int, int, int],
    energy: float,
    angle: float,
    place: float,
    slope: float | None,
) -> None:
    crystal = VonHamos(500.0, lattice, miller, 0.05, 100.0, energy)
    assert crystal.angle == pytest.approx(angle, abs=5e-5)
    assert crystal.reference_place == pytest.approx(place, abs=5e-5)
    assert float(crystal.energy(100.0)) == pytest.approx(energy, rel=1e-12)
    step = float(crystal.energy(100.01) - crystal.energy(99.99)) / 0.02 / 0.05
    if slope is not None:
        assert step == pytest.approx(slope, abs=5e-5)
    other = VonHamos(500.0, lattice, miller, 0.05, 100.0, energy, sense=-1)
    np.testing.assert_allclose(other.energy([90.0]), crystal.energy([110.0]))


def test_a_geometry_shows_its_units() -> None:
    shown = {row[0]: row[1] for row in CRYSTAL.table.rows}
    assert shown["radius of the crystal"] == "500 mm"
    assert shown["distance of its planes"] == f"{5.431020511 / 32**0.5:.6g} angstrom"
    assert shown["reference"] == "7058 eV at pixel 47.5"
    assert all(text in CRYSTAL._repr_html_() for text in shown.values())


def test_a_geometry_that_reflects_no_such_energy_is_refused() -> None:
    with pytest.raises(VonHamosError, match=r"reflect from 6457\.\d eV on"):
        VonHamos(500.0, SILICON, (4, 4, 0), 0.05, 0.0, 6400.0)
    with pytest.raises(VonHamosError, match="radius is 0"):
        VonHamos(0, SILICON, (4, 4, 0), 0.05, 0.0, 7000.0)


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    return write_small_data(SPEC, module_folder("xes"), scene=EmissionLine())


@pytest.fixture(scope="module")
def found(file: Path) -> Emission:
    run = wb.open_run(file)
    return emission(run, emission_spectra(run, FIELD, CRYSTAL, threshold=2.0))


def test_planted_line_shift_and_rotation_are_found(file: Path, found: Emission) -> None:
    run = wb.open_run(file)
    assert run.truth is not None
    table = verdict(found, run.truth)
    assert len(table) == 3
    assert all(row[-1] for row in table.rows), str(table)
    assert found.parameters["line_shift"].error < 0.03
    assert abs(found.spectra.rotation - 3.0) < 0.5
    assert emission_spectrum(found).axes[2].get_xlabel() == "photon energy [eV]"


def test_spectra_equal_a_loop_over_pixels(file: Path) -> None:
    run = wb.open_run(file)
    made = emission_spectra(run, FIELD, CRYSTAL, rotation=2.0, threshold=2.0)
    frames = run[FIELD].read()
    event = int(np.flatnonzero(np.isfinite(frames[:, 0, 0]))[5])
    good = {one.name: one.values for one in run.pixel_maps(FIELD)}["good"]
    rows, cols = good.shape
    sums: dict[int, list[float]] = {}
    for row in range(rows):
        for col in range(cols):
            away = (col - (cols - 1) / 2) * np.cos(np.radians(2.0))
            away += (row - (rows - 1) / 2) * np.sin(np.radians(2.0))
            place = int(np.floor((cols - 1) / 2 + away + 0.5))
            if good[row, col] and 0 <= place < cols:
                value = float(frames[event, row, col])
                sums.setdefault(place, []).append(value if value >= 2.0 else 0.0)
    most = max(map(len, sums.values()))
    expected = [np.mean(sums[place]) for place in sorted(sums) if len(sums[place]) >= most / 2]
    np.testing.assert_allclose(made.channel.read()[event], expected, rtol=1e-12)
    assert np.isnan(made.channel.read()[~np.isfinite(frames[:, 0, 0])]).all()


def test_normalised_by_its_own_sum_a_spectrum_keeps_its_shift_and_loses_its_height(
    file: Path, found: Emission
) -> None:
    run = wb.open_run(file)
    shape = emission(run, found.spectra, by="total", window=(7053.0, 7063.0))
    assert shape.on.sum() == pytest.approx(1.0, rel=1e-9)
    one, other = shape.parameters["line_shift"], found.parameters["line_shift"]
    assert abs(one.value - other.value) < 2 * other.error
    assert shape.difference.sum() == pytest.approx(0.0, abs=1e-9)


def test_a_list_of_photons_gives_the_spectrum_of_its_pixels(tmp_path: Path) -> None:
    small = PumpProbe(experiment="xcssyn0126", n_events=300, camera_every=3)
    run = wb.open_run(write_small_data(small, tmp_path, scene=Speckle()))
    crystal = VonHamos(500.0, SILICON, (4, 4, 0), 0.05, 20.0, 7058.0)
    made = emission_spectra(run, "", crystal, region="near", rotation=0.0)
    assert made.image.shape == (40, 40)
    assert made.channel.unit == "1"
    listed = run.ragged("epix_2/var_droplet_droplet2phot_sparse")
    event = int(np.flatnonzero(listed.lengths() > 100)[0])
    image = listed.to_images((704, 768), slice(event, event + 1))[0][100:140, 100:140]
    good = np.isfinite(made.image)
    expected = (image * good).sum(axis=0) / good.sum(axis=0)
    np.testing.assert_allclose(made.channel.read()[event], expected, rtol=1e-12)


def test_rotation_is_found_to_a_part_of_a_pixel_along_rows_and_columns() -> None:
    row, col = np.indices((60, 80), np.float64)
    along = 39.5 + (col - 39.5) * np.cos(0.03) + (row - 29.5) * np.sin(0.03)
    image = np.exp(-((along - 41.3) ** 2) / 18)
    # 0.4 degrees move the ends of the line by 0.2 pixels
    assert sharpest_rotation(image, "col") == pytest.approx(np.degrees(0.03), abs=0.4)
    assert sharpest_rotation(image.T, "row") == pytest.approx(np.degrees(0.03), abs=0.4)


def test_what_gives_no_spectrum_is_refused_with_the_way_out(file: Path, found: Emission) -> None:
    run = wb.open_run(file)
    with pytest.raises(EmissionError, match="must be row or col"):
        emission_spectra(run, FIELD, CRYSTAL, axis="x")  # type: ignore[arg-type]
    nothing = emission(run, found.spectra, window=(7051.0, 7051.3))
    assert nothing.state == "no-line"
    assert "no line above its error" in nothing.message


@pytest.mark.long
def test_errors_of_line_and_shift_are_honest(tmp_path: Path) -> None:
    pulls = []
    truth = {"line_energy": 7058.0, "line_fwhm": 2.5, "line_shift": 0.4}
    for seed in range(100):
        spec = PumpProbe(
            experiment="xcssyn0126", n_events=600, camera_every=2, laser_off_every=4, seed=seed
        )
        file = write_small_data(spec, tmp_path, scene=EmissionLine())
        run = wb.open_run(file)
        made = emission(run, emission_spectra(run, FIELD, CRYSTAL, rotation=3.0, threshold=2.0))
        pulls.append(pulls_of(made.parameters, truth))
        file.unlink()
    assert_honest(pulls, list(truth))


@pytest.mark.faults
@pytest.mark.parametrize("name", met("emission_spectroscopy"))
def test_no_fault_gives_a_wrong_number_without_a_word(name: str, file: Path, meet: Meet) -> None:
    def analyse(run: Run) -> Emission:
        return emission(run, emission_spectra(run, FIELD, CRYSTAL, rotation=3.0, threshold=2.0))

    meet("emission_spectroscopy", name, file, analyse, (SPEC, EmissionLine()))

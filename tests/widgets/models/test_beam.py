"""The beam of a picture: on rings of known geometry, through files, into config parameters."""

from pathlib import Path

import numpy as np
import pytest

from workbench.regions import DetectorGeometry, calibrant
from workbench.widgets.models import (
    Beam,
    BeamError,
    RegionModel,
    azav_of,
    azav_values,
    centre_by_itself,
    centre_of_points,
    expected_rings,
    geometry_of,
    load_poni,
    picture_of_array,
    placed,
    profile,
    refined,
    save_poni,
)

SHAPE = (300, 360)
TRUE = DetectorGeometry.from_beam(
    (160.3, 171.8), distance=60.0, energy=9.5, pixel=200.0, shape=SHAPE
)
WIDTH = 0.006  # of the rings, sigma [rad]


@pytest.fixture
def model() -> RegionModel:
    """Rings of LaB6 on a detector of one tile without positions."""
    rows, cols = np.indices(SHAPE) + 0.5
    angles = TRUE.two_theta(rows, cols)
    lines = calibrant("LaB6").angles(TRUE.energy)
    light = 5 + sum(100 * np.exp(-((angles - line) ** 2) / (2 * WIDTH**2)) for line in lines[:4])
    noisy = np.random.default_rng(2).normal(light, np.sqrt(light))
    return RegionModel(picture_of_array(noisy, detector="epix"))


def test_rings_are_found_and_the_geometry_refined_on_them(model: RegionModel) -> None:
    fit = centre_by_itself(model)
    assert model.state.centre == pytest.approx(TRUE.centre, abs=0.2)
    assert max(fit.row_error, fit.col_error) < 0.1
    model.set_beam(model.state.centre, Beam(distance=60.5, energy=9.5, pixel=200.0))
    found = refined(model, calibrant("LaB6"), width=14, free=("centre", "distance"))
    assert model.state.beam.distance == pytest.approx(60.0, abs=0.05)
    assert model.state.centre == pytest.approx(TRUE.centre, abs=0.05)
    assert found.rms < 0.1
    model.undo()
    assert model.state.beam.distance == 60.5


def test_points_picked_on_a_ring_give_its_centre(model: RegionModel) -> None:
    turns = np.linspace(0, 2 * np.pi, 7)[:-1]
    points = [(50 + 30 * np.sin(turn), 60 + 30 * np.cos(turn)) for turn in turns]
    model.set_points(points)
    fit = centre_of_points(model)
    assert model.state.centre == pytest.approx((50, 60), abs=1e-6)
    assert fit.radii == pytest.approx([30])
    model.set_points(points[:2])
    with pytest.raises(ValueError, match="points"):
        centre_of_points(model)


def test_a_ring_that_the_geometry_expects_lies_at_its_angle(model: RegionModel) -> None:
    model.set_beam(TRUE.centre, Beam(60.0, 9.5, pixel=200.0))
    lines = expected_rings(model, calibrant("LaB6"))
    first = lines[0][np.isfinite(lines[0]).all(axis=1)]
    angle = calibrant("LaB6").angles(9.5)[0]
    np.testing.assert_allclose(TRUE.two_theta(first[:, 0], first[:, 1]), angle, rtol=1e-9)


def test_the_average_over_q_peaks_where_the_calibrant_says(model: RegionModel) -> None:
    model.set_beam(TRUE.centre, Beam(60.0, 9.5, pixel=200.0))
    picture = placed(model.picture, 200.0)
    shown = profile(picture, azav_of(picture, {**azav_values(model), "qbin": 0.01}))
    first = 2 * np.pi / calibrant("LaB6").spacings[0]
    near = np.abs(shown.q - first) < 0.2
    peak = shown.q[near][np.nanargmax(shown.values[0][near])]
    assert peak == pytest.approx(first, abs=0.03)


def test_config_parameters_give_the_same_angles_in_the_facilitys_formula(
    model: RegionModel,
) -> None:
    model.set_beam(TRUE.centre, Beam(60.0, 9.5, (1.5, -0.7), pixel=200.0))
    written = azav_values(model)
    again = DetectorGeometry.from_config(written, pixel=200.0)
    rows, cols = np.array([3.0, 150, 290]), np.array([350.0, 20, 180])
    expected = geometry_of(model).two_theta(rows, cols)
    np.testing.assert_allclose(again.two_theta(rows, cols), expected, atol=1e-6)


def test_a_geometry_survives_the_way_through_a_poni_file(
    model: RegionModel, tmp_path: Path
) -> None:
    model.set_beam(TRUE.centre, Beam(60.0, 9.5, (1.5, -0.7), pixel=200.0))
    before = model.state
    save_poni(model, tmp_path / "setup.poni")
    other = RegionModel(model.picture)
    load_poni(other, tmp_path / "setup.poni")
    assert other.state.centre == pytest.approx(before.centre)
    read = other.state.beam
    assert (read.distance, read.energy, read.pixel) == pytest.approx((60.0, 9.5, 200.0))
    assert read.tilt == pytest.approx((1.5, -0.7))
    small = RegionModel(picture_of_array(np.ones((20, 30)), detector="epix"))
    with pytest.raises(BeamError, match="is for pictures of"):
        load_poni(small, tmp_path / "setup.poni")
    assert small.state.centre is None


def test_what_a_geometry_lacks_is_named(model: RegionModel) -> None:
    with pytest.raises(BeamError, match="beam centre and the distance"):
        geometry_of(model)
    model.set_beam((1, 2), Beam(60.0, 9.5))
    with pytest.raises(BeamError, match="type the pixel size"):
        geometry_of(model)
    with pytest.raises(BeamError, match="distance: type a number above 0 mm"):
        Beam(distance=-3.0)
    tiles = RegionModel(picture_of_array(np.ones((2, 8, 9)), detector="tiles"))
    tiles.set_beam((1, 2), Beam(60.0, 9.5, pixel=50.0))
    with pytest.raises(BeamError, match="give constants with geometry"):
        geometry_of(tiles)


def test_beam_and_points_are_kept_with_the_state(model: RegionModel, tmp_path: Path) -> None:
    model.set_beam((3.5, 4), Beam(60.0, 9.5, (0.1, 0.2), 50.0))
    model.set_points([(1, 2), (3, 4.5)])
    model.save(tmp_path / "state.json")
    other = RegionModel(model.picture)
    other.restore(tmp_path / "state.json")
    assert other.state == model.state

"""Rings found without a guess, assigned to a calibrant, and the geometry they give, with errors."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyFAI.calibrant import CALIBRANT_FACTORY
from pyFAI.detectors import Detector
from pyFAI.geometryRefinement import GeometryRefinement

from workbench.core.errors import NotThereError, UnknownNameError
from workbench.regions import (
    Calibrant,
    CalibrantError,
    DetectorGeometry,
    Poni,
    RefinedGeometry,
    RingError,
    RingPoints,
    assign_lines,
    calibrant,
    calibrant_names,
    distance_from_rings,
    find_centre,
    read_calibrant,
    refine,
    refine_on_picture,
)

LAB6 = "LaB6_SRM660c"
ARM = {8: 11.0, 25: 23.75, 29: 26.75, 48: 41.0, 57: 47.75}  # frame -> angle of its arm [deg]
LINE = {8: 0, 25: 3, 29: 4, 48: 9, 57: 12}  # frame -> line of LaB6 on it


def circles(
    centre: tuple[float, float], radii: tuple[float, ...], *, seed: int = 0, level: float = 20
) -> np.ndarray:
    rows, cols = np.indices((300, 360)) + 0.5
    away = np.hypot(rows - centre[0], cols - centre[1])
    light = 5 + sum(level * np.exp(-((away - radius) ** 2) / (2 * 2.5**2)) for radius in radii)
    return np.random.default_rng(seed).poisson(light * np.ones((300, 360))).astype(float)


def tilted(seed: int) -> DetectorGeometry:
    row, col = np.random.default_rng(seed).uniform(-0.5, 0.5, 2)
    return DetectorGeometry.from_beam(
        (201.2 + row, 230.6 + col), distance=80, energy=17, pixel=150, tilt=(6.0, -9.0),
        shape=(400, 460),
    )  # fmt: skip


def expected_light(geometry: DetectorGeometry) -> np.ndarray:
    rows, cols = np.indices((400, 460)) + 0.5
    angle = geometry.two_theta(rows, cols)
    lines = calibrant(LAB6).angles(geometry.energy)[:5]
    return 3 + sum(40 * np.exp(-((angle - line) ** 2) / (2 * 0.004**2)) for line in lines)


def powder(geometry: DetectorGeometry, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(expected_light(geometry)).astype(float)


def frame(folder: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    path = folder / "diffraction_LaB6_ssrl" / f"b_toney_lab6_th3_scan1_{number:04d}.tif"
    picture = np.asarray(Image.open(path), dtype=float)
    good = np.ones(picture.shape, np.bool_)
    good[:, 485:497] = good[:, 979:991] = False  # between the modules
    return picture, good


@cache
def real_fit(folder: Path, number: int, sector: float = 40) -> RefinedGeometry:
    """Fit centre and distance to the one ring of a frame."""
    picture, good = frame(folder, number)
    pixel, arm = 172e-6, np.deg2rad(ARM[number])
    start = DetectorGeometry(
        Poni(0.909, 97.5 * pixel, 930 * pixel, 0.0, arm, 0.0, 8.856e-11, pixel, pixel, (195, 1475))
    )
    return refine_on_picture(
        picture, good, calibrant(LAB6), start, width=60, lines=[LINE[number]],
        free=("centre", "distance"), sector=sector,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("centre", "radii", "tolerance"),
    [
        ((151.3, 178.7), (60.0, 100.0), 0.1),
        ((151.3, -40.0), (120.0, 180.0), 0.4),  # beside the detector
        ((-90.4, 178.7), (150.0, 210.0), 0.6),
    ],
)
def test_rings_are_found_without_a_guess(
    centre: tuple[float, float], radii: tuple[float, ...], tolerance: float
) -> None:
    picture = circles(centre, radii)
    picture[70:76] = np.nan  # a gap between tiles
    picture[:, 200:206] = np.nan
    fit = find_centre(picture, np.isfinite(picture))
    np.testing.assert_allclose((fit.row, fit.col), centre, atol=tolerance)
    np.testing.assert_allclose(sorted(fit.radii), radii, atol=tolerance)
    off = np.array([fit.row - centre[0], fit.col - centre[1]])
    assert (np.abs(off) < 4 * np.array([fit.row_error, fit.col_error])).all()


def test_rings_without_noise_are_found_as_exactly() -> None:
    rows, cols = np.indices((300, 360)) + 0.5
    away = np.hypot(rows - 151.3, cols - 178.7)
    light = sum(np.exp(-((away - radius) ** 2) / (2 * 2.5**2)) for radius in (60, 100))
    fit = find_centre(5 + 20 * light, np.ones(away.shape, np.bool_))
    np.testing.assert_allclose((fit.row, fit.col), (151.3, 178.7), atol=2e-3)


def found_pulls(seeds: range) -> np.ndarray:
    found = []
    for seed in seeds:
        row, col = np.array([151.3, 178.7]) + np.random.default_rng(seed).uniform(-0.5, 0.5, 2)
        picture = circles((row, col), (60.0, 100.0), seed=seed + 10_000, level=40)
        picture[70:76] = picture[:, 200:206] = np.nan
        fit = find_centre(picture, np.isfinite(picture))
        off = fit.row - row, fit.col - col
        found.append([*off, off[0] / fit.row_error, off[1] / fit.col_error])
    return np.array(found)


@pytest.mark.long
def test_errors_of_a_centre_found_without_a_guess_are_honest_over_a_hundred_pictures() -> None:
    found = found_pulls(range(7_000, 7_100))
    assert np.abs(found[:, :2]).max() < 0.05
    widths = found[:, 2:].std(axis=0)
    assert ((widths > 0.8) & (widths < 1.2)).all(), widths
    assert (np.abs(found[:, 2:].mean(axis=0)) < 0.3).all()


def test_pictures_without_rings_are_refused() -> None:
    good = np.ones((300, 360), np.bool_)
    with pytest.raises(RingError, match="stands out of the noise"):
        find_centre(circles((0, 0), ()), good)
    with pytest.raises(RingError, match="stands out of the noise"):
        find_centre(np.ones((300, 360)), good)
    stripe = circles((0, 0), ())
    stripe[150:154] += 60
    with pytest.raises(RingError, match=r"circles|too short|clear ring"):
        find_centre(stripe, good)
    with pytest.raises(RingError, match="0 pixels can be used"):
        find_centre(stripe, ~good)


def guess(truth: DetectorGeometry) -> DetectorGeometry:
    return DetectorGeometry.from_beam(
        (truth.centre[0] + 2, truth.centre[1] - 2), distance=80.4, energy=17, pixel=150,
        tilt=(5.7, -8.8), shape=(400, 460),
    )  # fmt: skip


def refined(picture: np.ndarray, truth: DetectorGeometry) -> DetectorGeometry:
    good = np.ones(picture.shape, np.bool_)
    start = guess(truth)
    return refine_on_picture(
        picture, good, calibrant(LAB6), start, width=24, lines=range(5)
    ).geometry


def pulls(seeds: range) -> np.ndarray:
    found = []
    for seed in seeds:
        truth = tilted(seed)
        fit = refined(powder(truth, seed), truth)
        off = np.array(fit.centre) - truth.centre
        assert np.hypot(*off) < 0.2
        found.append([
            *(off / fit.centre_errors), (fit.distance - truth.distance) / fit.distance_error,
            *((np.array(fit.tilts) - truth.tilts) / fit.tilt_errors), *off,
        ])  # fmt: skip
    return np.array(found)


def test_light_without_noise_gives_the_geometry_to_a_thousandth_of_a_pixel() -> None:
    truth = tilted(5)
    fit = refined(expected_light(truth), truth)
    np.testing.assert_allclose(fit.centre, truth.centre, atol=1e-3)
    assert fit.distance == pytest.approx(truth.distance, abs=1e-3)
    np.testing.assert_allclose(fit.tilts, truth.tilts, atol=2e-3)


def test_tilted_rings_give_centre_distance_and_tilts_within_their_errors() -> None:
    found = pulls(range(2))
    assert np.abs(found[:, :5]).max() < 4
    assert np.abs(found[:, 5:]).max() < 0.05


@pytest.mark.long
def test_errors_of_the_refined_geometry_are_honest_over_a_hundred_pictures() -> None:
    found = pulls(range(100))
    widths = found[:, :5].std(axis=0)
    assert ((widths > 0.8) & (widths < 1.25)).all(), widths
    assert (np.abs(found[:, :5].mean(axis=0)) < 0.3).all()
    assert np.abs(found[:, 5:]).max() < 0.05


def exact_rings(truth: DetectorGeometry, noise: float) -> list[RingPoints]:
    random, turn = np.random.default_rng(3), np.linspace(0, 6, 40)
    rings = []
    for angle in calibrant(LAB6).angles(truth.energy)[:4]:
        rows, cols = truth.place(np.full(40, angle), turn)
        rings.append(RingPoints(*(axis + random.normal(0, noise, 40) for axis in (rows, cols))))
    return rings


def test_the_fit_is_as_good_as_pyfais_and_ends_at_the_same_place() -> None:
    truth, lab6 = tilted(1), calibrant(LAB6)
    start = DetectorGeometry.from_beam(
        (200, 230), distance=81, energy=17, pixel=150, tilt=(5.0, -8.0), shape=(400, 460)
    )
    rings = exact_rings(truth, 0.1)
    ours = refine(rings, range(4), lab6, start)
    # pyFAI counts pixel centres as whole numbers here.
    points = np.concatenate([
        np.stack([ring.rows - 0.5, ring.cols - 0.5, np.full(len(ring), line)], axis=1)
        for line, ring in enumerate(rings)
    ])  # fmt: skip
    table = CALIBRANT_FACTORY(LAB6)
    table.wavelength = start.poni.wavelength
    place = start.poni
    theirs = GeometryRefinement(
        points, table, place.distance, place.poni1, place.poni2, *place.rotations,
        detector=Detector(place.pixel1, place.pixel2, max_shape=place.shape, orientation=3),
        wavelength=place.wavelength,
    )  # fmt: skip
    theirs.refine3(fix=["wavelength", "rot3"])
    found = DetectorGeometry(Poni(
        theirs.dist, theirs.poni1, theirs.poni2, theirs.rot1, theirs.rot2, theirs.rot3,
        place.wavelength, place.pixel1, place.pixel2, place.shape,
    ))  # fmt: skip
    np.testing.assert_allclose(found.centre, ours.geometry.centre, atol=0.01)
    assert found.distance == pytest.approx(ours.geometry.distance, abs=0.01)
    chi = np.deg2rad(ours.residuals) @ np.deg2rad(ours.residuals)
    assert chi <= theirs.chi2() * (1 + 1e-6)
    assert "rms" in str(ours)
    assert len(ours.rms_of_rings) == 4


def test_exact_points_give_the_exact_geometry_and_the_energy_too() -> None:
    truth = tilted(2)
    start = truth.with_energy(17.1)
    fit = refine(exact_rings(truth, 0), range(4), calibrant(LAB6), start, free=("energy",))
    assert fit.geometry.energy == pytest.approx(17, abs=1e-6)
    assert fit.rms < 1e-6


def test_what_the_points_do_not_determine_is_refused() -> None:
    truth, lab6 = tilted(2), calibrant(LAB6)
    flat = DetectorGeometry.from_beam((200, 230), distance=80, energy=17, pixel=150)
    ring = RingPoints(*flat.place(np.full(40, lab6.angles(17)[0]), np.linspace(0, 6, 40)))
    with pytest.raises(RingError, match="do not determine"):
        refine([ring], [0], lab6, flat, free=("distance", "energy"))
    with pytest.raises(RingError, match="free is some of"):
        refine([ring], [0], lab6, flat, free=("center",))
    with pytest.raises(RingError, match="pick more"):
        refine([RingPoints(ring.rows[:5], ring.cols[:5])], [0], lab6, flat)
    few = Calibrant("few", lab6.spacings[:2])
    with pytest.raises(RingError, match="no ring of"):
        refine_on_picture(np.ones((400, 460)), np.ones((400, 460), np.bool_), few, truth, width=20)


@pytest.mark.parametrize("number", ARM)
def test_rings_of_real_frames_are_fitted_to_less_than_six_millidegrees(
    data_folder: Path, number: int
) -> None:
    fit = real_fit(data_folder, number)
    assert fit.rms < 0.006
    # The detector turns about the sample: each frame tells the same distance.
    assert abs(fit.geometry.distance - 915.5) < 3 * np.hypot(fit.geometry.distance_error, 1.2)
    assert fit.rms < 0.002 * np.sqrt(len(fit.residuals))  # of the ring itself: 2 millidegrees


@pytest.mark.parametrize("number", [48, 57])
def test_what_is_left_of_real_rings_is_the_scatter_of_single_points(
    data_folder: Path, number: int
) -> None:
    """No other geometry would fit better: along the ring the residuals have no shape."""
    fit = real_fit(data_folder, number)
    along = (fit.rings[0].cols - 737) / 737
    for order in (1, 2, 3, 4):
        left = fit.residuals - np.polyval(np.polyfit(along, fit.residuals, order), along)
        scatter = np.sqrt((left**2).sum() / (len(left) - order - 1))
        assert scatter > 0.97 * fit.rms
    assert real_fit(data_folder, number, sector=80).rms < 0.75 * fit.rms  # twice as long pieces


def test_calibrants_are_those_of_pyfai_and_of_files(data_folder: Path, tmp_path: Path) -> None:
    table = CALIBRANT_FACTORY(LAB6)
    table.wavelength = 1e-10
    energy = 12.398419843320026
    expected = np.array(table.get_2th())
    found = calibrant(LAB6).angles(energy)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9)
    read = read_calibrant(data_folder / "calibrants" / f"{LAB6}.D")
    assert read.spacings == calibrant(LAB6).spacings
    silver = read_calibrant(data_folder / "calibrants" / "AgBh.D")
    assert silver.spacings[0] == pytest.approx(58.380, abs=0.001)
    assert LAB6 in calibrant_names()
    with pytest.raises(UnknownNameError, match="LaB6"):
        calibrant("LaB66")
    with pytest.raises(NotThereError, match="spacings"):
        read_calibrant(tmp_path / "none.D")
    (tmp_path / "bad.D").write_text("# spacings\n4.1\nwide # (1 1 0)\n")
    with pytest.raises(CalibrantError, match=r"bad.D: line 3"):
        read_calibrant(tmp_path / "bad.D")
    (tmp_path / "empty.D").write_text("# nothing\n")
    with pytest.raises(CalibrantError, match=r"empty.D: spacings"):
        read_calibrant(tmp_path / "empty.D")


def test_rings_are_assigned_and_give_the_distance() -> None:
    lab6 = calibrant(LAB6)
    angles = lab6.angles(17)
    assert assign_lines(angles[[2, 4, 5]] * 1.002, lab6, 17) == (2, 4, 5)
    with pytest.raises(CalibrantError, match="from the nearest line"):
        assign_lines(angles[:1] * 0.8, lab6, 17)
    with pytest.raises(CalibrantError, match="same line"):
        assign_lines(angles[[1, 1]] * (0.999, 1.001), lab6, 17)
    with pytest.raises(CalibrantError, match="has no ring"):
        assign_lines(angles, Calibrant("x", (0.1,)), 5)
    radii = 80 * np.tan(angles[:4]) / 0.15
    found = distance_from_rings(
        radii, np.full(4, 0.1), lab6, energy=17, pixel=150, between=(50, 150)
    )
    assert found.distance == pytest.approx(80, rel=1e-9)
    assert found.lines == (0, 1, 2, 3)
    blurred = distance_from_rings(
        radii, np.full(4, 0.1), lab6, energy=17, pixel=150, between=(50, 150), energy_error=0.017
    )
    # Small angles: the distance goes with the energy.
    assert blurred.error == pytest.approx(0.08, rel=0.3)
    with pytest.raises(CalibrantError, match="narrower range"):
        distance_from_rings(
            radii[:1], np.full(1, 0.1), lab6, energy=17, pixel=150, between=(30, 150)
        )
    with pytest.raises(CalibrantError, match="no distance"):
        distance_from_rings(radii, np.full(4, 0.1), lab6, energy=17, pixel=150, between=(90, 100))

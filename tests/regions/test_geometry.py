"""One geometry, three ways to write it: all give the same angle at every pixel."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyFAI import load as pyfai_load
from pyFAI.detectors import Detector
from pyFAI.geometry import Geometry as PyfaiGeometry
from pyFAI.io.ponifile import PoniFile

from workbench.core.atomic import CannotWriteError
from workbench.core.errors import NotThereError
from workbench.reductions.scattering import Setup, scattering_from_positions
from workbench.regions import (
    DetectorGeometry,
    GeometryInputError,
    Poni,
    PoniError,
    parse_poni,
    poni_text,
    read_poni,
    scattering_vector,
    write_poni,
)

SHAPE = (60, 80)
small = st.floats(-0.6, 0.6)
ponis = st.builds(
    Poni,
    distance=st.floats(0.02, 5),
    poni1=st.floats(-0.3, 0.3),
    poni2=st.floats(-0.3, 0.3),
    rot1=small,
    rot2=small,
    rot3=st.floats(-3, 3),
    wavelength=st.floats(2e-11, 3e-10),
    pixel1=st.floats(2e-5, 2e-4),
    pixel2=st.floats(2e-5, 2e-4),
    shape=st.just(SHAPE),
)


def pixels(shape: tuple[int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    rows, cols = np.indices(shape) + 0.5
    return rows, cols


def pyfai(poni: Poni) -> PyfaiGeometry:
    return PyfaiGeometry(
        poni.distance, poni.poni1, poni.poni2, *poni.rotations, wavelength=poni.wavelength,
        detector=Detector(poni.pixel1, poni.pixel2, max_shape=poni.shape, orientation=3),
    )  # fmt: skip


def facility_q(
    x: np.ndarray, y: np.ndarray, center: tuple[float, float],
    dis_to_sam: float, tx: float, ty: float, eBeam: float,  # noqa: N803 - the config's word
) -> np.ndarray:  # fmt: skip
    """Return q by the formula of the facility's producer, [um] and [mm] in, [1/angstrom] out."""
    x, y = (values.astype(np.longdouble) / 1e3 for values in (x, y))  # arccos loses digits
    xcen, ycen, dis_to_sam = center[0] / 1e3, center[1] / 1e3, np.longdouble(dis_to_sam)
    tx, ty = np.deg2rad(np.longdouble(tx)), np.deg2rad(np.longdouble(ty))
    one, two, three = -np.sin(ty) * np.cos(tx), -np.sin(tx), -np.cos(ty) * np.cos(tx)
    a, b, c = xcen + dis_to_sam * np.tan(ty), ycen - dis_to_sam * np.tan(tx), dis_to_sam
    r = np.sqrt((x - a) ** 2 + (y - b) ** 2 + c**2)
    theta = np.arccos((one * (x - a) + two * (y - b) - three * c) / r)
    return 4 * np.pi * eBeam / 12.398419843320026 * np.sin(theta / 2)


@settings(max_examples=40, deadline=None)
@given(ponis)
def test_angles_are_those_of_pyfai_at_every_pixel(poni: Poni) -> None:
    rows, cols = pixels()
    ours = DetectorGeometry.from_poni(poni).two_theta(rows, cols)
    np.testing.assert_allclose(
        ours, pyfai(poni).center_array(SHAPE, "2th_rad"), rtol=1e-9, atol=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(ponis, st.tuples(st.floats(-5e4, 5e4), st.floats(-5e4, 5e4)))
def test_config_parameters_give_the_producer_the_q_of_pyfai(
    poni: Poni, corner: tuple[float, float]
) -> None:
    rows, cols = pixels()
    geometry = DetectorGeometry.from_poni(poni, corner=corner)
    x, y = corner[0] + rows * poni.pixel1 * 1e6, corner[1] + cols * poni.pixel2 * 1e6
    q = facility_q(x, y, **geometry.config_parameters())
    truth = pyfai(poni).center_array(SHAPE, "q_A^-1")
    np.testing.assert_allclose(q.astype(float), truth, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        scattering_vector(geometry.two_theta(rows, cols), geometry.energy), truth, rtol=1e-9
    )


@settings(max_examples=40, deadline=None)
@given(ponis)
def test_parameters_of_a_config_come_back(poni: Poni) -> None:
    poni = replace(poni, pixel2=poni.pixel1)
    geometry = DetectorGeometry.from_poni(poni, corner=(-4e4, 3e4))
    again = DetectorGeometry.from_config(
        geometry.config_parameters(), pixel=poni.pixel1 * 1e6, shape=SHAPE, corner=(-4e4, 3e4)
    )
    rows, cols = pixels()
    np.testing.assert_allclose(
        again.two_theta(rows, cols), geometry.two_theta(rows, cols), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(again.centre, geometry.centre, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(again.tilts, geometry.tilts, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(ponis)
def test_a_poni_file_holds_every_number_exactly_for_us_and_for_pyfai(poni: Poni) -> None:
    text = poni_text(poni, {"made by": "a test:\nof two lines"})
    assert parse_poni(text) == poni
    config = dict(line.lower().split(": ", 1) for line in text.splitlines() if line[0] != "#")
    read = PoniFile(config)
    assert (read.dist, read.poni1, read.poni2) == (poni.distance, poni.poni1, poni.poni2)
    assert (read.rot1, read.rot2, read.rot3) == poni.rotations
    assert read.wavelength == poni.wavelength
    assert (read.detector.pixel1, read.detector.pixel2) == (poni.pixel1, poni.pixel2)
    assert read.detector.shape == poni.shape


def test_pyfai_integrates_a_ring_with_our_file_where_it_was_drawn(tmp_path: Path) -> None:
    geometry = DetectorGeometry.from_beam(
        (110.0, 160.0), distance=90, energy=9.5, pixel=75, tilt=(4.0, -7.0), shape=(240, 320)
    )
    write_poni(tmp_path / "a.poni", geometry.poni, {"made by": "a test"})
    rows, cols = pixels((240, 320))
    q = scattering_vector(geometry.two_theta(rows, cols), 9.5)
    picture = 1 + 100 * np.exp(-((q - 0.45) ** 2) / (2 * 0.01**2))
    found = pyfai_load(str(tmp_path / "a.poni")).integrate1d(
        picture, 400, unit="q_A^-1", correctSolidAngle=False
    )
    light = found.intensity - 1
    band = abs(found.radial - 0.45) < 0.04
    assert np.average(found.radial[band], weights=light[band]) == pytest.approx(0.45, abs=1e-4)


def test_the_beam_meets_the_detector_at_the_centre_under_the_angle_zero() -> None:
    geometry = DetectorGeometry.from_beam(
        (33.25, -7.5), distance=120, energy=8, pixel=50, tilt=(12.0, 25.0), corner=(100.0, -50.0)
    )
    np.testing.assert_allclose(geometry.centre, (33.25, -7.5), atol=1e-9)
    np.testing.assert_allclose(geometry.centre_um, (100 + 33.25 * 50, -50 - 7.5 * 50), atol=1e-6)
    np.testing.assert_allclose(geometry.tilts, (12, 25), atol=1e-12)
    assert geometry.distance == pytest.approx(120, rel=1e-14)
    assert geometry.energy == pytest.approx(8, rel=1e-14)
    at = geometry.two_theta(np.array([33.25]), np.array([-7.5]))
    np.testing.assert_allclose(at, 0, atol=1e-12)
    # pyFAI's own centre and direct distance, in the terms of Fit2D [mm, pixel].
    fit2d = pyfai(geometry.poni).getFit2D()
    np.testing.assert_allclose(
        (fit2d["centerY"], fit2d["centerX"], fit2d["directDist"]),
        (33.25, -7.5, geometry.beam_distance), rtol=1e-9,
    )  # fmt: skip


def test_without_tilt_the_center_of_the_config_is_where_the_beam_meets_the_detector() -> None:
    geometry = DetectorGeometry.from_beam(
        (100.0, 200.0), distance=80, energy=9.5, pixel=75, tilt=(0.0, 3.0), corner=(-1e4, 2e4)
    )
    found = geometry.config_parameters()
    np.testing.assert_allclose(found["center"], geometry.centre_um, atol=1e-8)
    assert found["dis_to_sam"] == pytest.approx(80)
    assert found["eBeam"] == pytest.approx(9.5)
    assert (found["tx"], found["ty"]) == pytest.approx((0, 3))


@settings(max_examples=30, deadline=None)
@given(ponis)
def test_the_producers_own_reduction_sees_the_q_of_pyfai_at_every_pixel(poni: Poni) -> None:
    rows, cols = pixels()
    geometry = DetectorGeometry.from_poni(poni, corner=(-2e3, 1e3))
    down, right = -2e3 + rows * poni.pixel1 * 1e6, 1e3 + cols * poni.pixel2 * 1e6
    x, y = geometry.centre_um
    # In the laboratory x runs against columns and y against rows of the picture.
    setup = Setup((-y, -x), geometry.distance, geometry.energy, geometry.tilts)
    found = scattering_from_positions(-right, -down, np.zeros(SHAPE), setup).radial
    truth = pyfai(poni).center_array(SHAPE, "q_A^-1")
    np.testing.assert_allclose(found, truth, rtol=1e-9, atol=1e-11)


def test_a_ring_is_drawn_at_its_angle() -> None:
    geometry = DetectorGeometry.from_beam(
        (10.0, 20.0), distance=100, energy=9.5, pixel=75, tilt=(-5.0, 8.0)
    )
    rows, cols = geometry.ring(0.3)
    np.testing.assert_allclose(geometry.two_theta(rows, cols), 0.3, rtol=1e-12)
    rows, cols = geometry.ring(np.deg2rad(88))  # beyond the plane on one side
    seen = np.isfinite(rows)
    assert 0 < seen.sum() < len(rows)
    np.testing.assert_allclose(geometry.two_theta(rows[seen], cols[seen]), np.deg2rad(88))


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_mirrored_pictures_keep_their_angles(orientation: int) -> None:
    poni = Poni(
        0.1, 0.002, 0.003, 0.2, -0.1, 0.3, 1e-10, 5e-5, 6e-5, SHAPE, orientation
    )  # fmt: skip
    detector = Detector(poni.pixel1, poni.pixel2, max_shape=SHAPE, orientation=orientation)
    truth = PyfaiGeometry(
        poni.distance, poni.poni1, poni.poni2, *poni.rotations, detector=detector
    ).center_array(SHAPE, "2th_rad")
    ours = DetectorGeometry.from_poni(poni)
    np.testing.assert_allclose(ours.two_theta(*pixels()), truth, rtol=1e-9)
    if orientation != 3:
        with pytest.raises(GeometryInputError, match="max_shape"):
            DetectorGeometry.from_poni(replace(poni, shape=None))


def test_old_files_are_read_with_their_last_calibration(data_folder: Path) -> None:
    path = data_folder / "calibrants" / "dioptas_LaB6_40keV_MarCCD.poni"
    read, truth = read_poni(path), PoniFile(str(path))
    assert (read.distance, read.poni1, read.poni2) == (truth.dist, truth.poni1, truth.poni2)
    assert read.rotations == (truth.rot1, truth.rot2, truth.rot3)
    assert read.pixel1 == pytest.approx(7.9e-5)
    assert DetectorGeometry.from_poni(read).energy == pytest.approx(12.398419843320026 / 0.31)


def test_pixels_of_a_detector_that_is_only_named_come_from_pyfai() -> None:
    text = poni_text(Poni(1, 0, 0, 0, 0, 0, None, 172e-6, 172e-6))
    named = [line for line in text.splitlines() if "Detector" not in line]
    read = parse_poni("\n".join([*named, "Detector: Pilatus300kw"]))
    assert (read.pixel1, read.shape, read.detector) == (172e-6, (195, 1475), "Pilatus300kw")
    assert read.wavelength is None
    assert parse_poni(poni_text(read)) == read
    with pytest.raises(PoniError, match="unknown to pyFAI"):
        parse_poni("\n".join([*named, "Detector: NoSuchCamera"]))
    with pytest.raises(PoniError, match="no regular grid"):
        parse_poni("\n".join([*named, "Detector: Xpad_flat"]))
    with pytest.raises(PoniError, match="no pixel size"):
        parse_poni("\n".join(named))
    with pytest.raises(GeometryInputError, match="no Wavelength"):
        _ = DetectorGeometry.from_poni(read).energy
    assert DetectorGeometry.from_poni(read).with_energy(9.5).energy == pytest.approx(9.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Distance: 0.1", ""), "broken.poni: the field distance is missing"),
        (("Distance: 0.1", "Distance: far"), "line 4: distance must be a number, not 'far'"),
        (("Poni1: 0.0", "Poni1: nan"), "line 5: poni1 must be a finite number"),
        (("Distance: 0.1", "Distance: -0.1"), "broken.poni: distance must be a length above 0"),
        (('{"pixel1"', "{pixel1"), "line 3: detector_config is not JSON"),
        (("5e-05", '"wide"'), "line 3: detector_config is not understood"),
        (("Detector_config: {", 'Detector_config: ["a"] #'), "detector_config"),
        (('"orientation": 3', '"orientation": 9'), "broken.poni: orientation must be"),
        (('"orientation": 3', '"splineFile": "a.spline"'), "names a file of pixel positions"),
        (("poni_version: 2.1", "poni_version: 4"), "line 1|line 2: poni_version is newer"),
        (("Rot3: 0.0", "Rot3: 0.0\nParallax: True"), "parallax asks for a correction"),
    ],
)
def test_broken_poni_files_are_refused_by_file_and_field(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    text = poni_text(Poni(0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 1e-10, 5e-5, 5e-5))
    text = text.partition("\n")[2]  # without its comment
    path = tmp_path / "broken.poni"
    path.write_text(text.replace(*change))
    with pytest.raises(PoniError, match=message) as caught:
        read_poni(path)
    assert str(path) in str(caught.value)


def test_files_that_are_not_there_not_text_or_not_writable_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="name another"):
        read_poni(tmp_path / "none.poni")
    (tmp_path / "picture.poni").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PoniError, match="no text file"):
        read_poni(tmp_path / "picture.poni")
    with pytest.raises(CannotWriteError):
        write_poni(tmp_path / "missing" / "a.poni", Poni(1, 0, 0, 0, 0, 0, None, 1e-4, 1e-4))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture.poni"]


def test_numbers_from_which_no_geometry_can_be_made_are_refused() -> None:
    with pytest.raises(GeometryInputError, match="above 0"):
        DetectorGeometry.from_beam((0, 0), distance=0, energy=9, pixel=75)
    with pytest.raises(GeometryInputError, match="below 90"):
        DetectorGeometry.from_beam((0, 0), distance=10, energy=9, pixel=75, tilt=(0, 90))
    with pytest.raises(GeometryInputError, match="lacks dis_to_sam, eBeam"):
        DetectorGeometry.from_config({"center": (0, 0)}, pixel=75)
    with pytest.raises(GeometryInputError, match="x, y in um"):
        DetectorGeometry.from_config({"center": 3, "dis_to_sam": 80, "eBeam": 9}, pixel=75)
    flat = Poni(0.1, 0, 0, np.pi / 2, 0, 0, None, 1e-4, 1e-4)
    with pytest.raises(GeometryInputError, match="never meets"):
        DetectorGeometry.from_poni(flat)
    with pytest.raises(GeometryInputError, match="above 0 keV"):
        DetectorGeometry.from_poni(replace(flat, rot1=0.0)).with_energy(0)


def test_errors_of_the_centre_follow_from_those_of_the_fit() -> None:
    geometry = DetectorGeometry.from_beam((10, 20), distance=100, energy=9.5, pixel=100)
    assert np.isnan(geometry.centre_errors).all()
    spread = np.zeros((7, 7))
    spread[0, 0], spread[1, 1], spread[2, 2] = 1e-8, 4e-10, 9e-10  # m^2
    spread[4, 4] = 1e-8  # rad^2; moves the centre along rows by distance times angle
    spread[6, 6] = (geometry.poni.wavelength * 1e-3) ** 2
    known = replace(geometry, covariance=tuple(map(tuple, spread)))
    np.testing.assert_allclose(known.centre_errors, [np.hypot(0.2, 0.1), 0.3], rtol=1e-5)
    assert known.distance_error == pytest.approx(0.1)
    assert known.tilt_errors == pytest.approx((0, np.rad2deg(1e-4)), rel=1e-5)
    assert known.energy_error == pytest.approx(9.5e-3, rel=1e-5)

"""Azimuthal integration against brute force, pyFAI and what an isotropic scatterer must give."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

from workbench.core.frames import FrameSpec
from workbench.reductions import Azimuthal, Scattering, Setup, scattering_from_positions
from workbench.reductions.bins import (
    BinsError,
    azimuth_edges,
    checked_azimuths,
    radial_edges,
    sector_of,
)
from workbench.reductions.scattering import HC, GeometryInputError, scattering_from_geometry
from workbench.regions import DetectorGeometry, Poni

SHAPE, PITCH = (120, 150), 400.0  # um
CENTRE = (21_300.0, 32_700.0)  # um, down and right from the corner of the picture
LABORATORY = (-CENTRE[1], -CENTRE[0])  # the same, x to the left and y up
DISTANCE, ENERGY = 60.0, 9.5  # mm, keV
UNITS = {"1/angstrom": "q_A^-1", "1/nm": "q_nm^-1", "degree": "2th_deg", "rad": "2th_rad",
         "mm": "r_mm"}  # fmt: skip


def picture() -> tuple[Any, Any]:
    """Return how far down and right each pixel centre is [um]."""
    row, col = np.indices(SHAPE)
    return (row + 0.5) * PITCH, (col + 0.5) * PITCH


def geometry(**changes: Any) -> Scattering:
    down, right = picture()
    given: dict[str, Any] = {"centre": LABORATORY, "distance": DISTANCE, "energy": ENERGY}
    return scattering_from_positions(-right, -down, np.zeros(SHAPE), Setup(**(given | changes)))


def spec(bad: int = 40, shape: tuple[int, ...] = SHAPE) -> FrameSpec:
    good = np.ones(shape, bool)
    good.flat[np.random.default_rng(2).integers(0, good.size, bad)] = False
    return FrameSpec(shape, "keV", good)


def frames(events: int = 5) -> Any:
    return np.random.default_rng(3).normal(2, 3, (events, *SHAPE)).astype(np.float32)


def integration(scattering: Scattering | None = None, **changes: Any) -> Azimuthal:
    made = scattering or geometry()
    edges = radial_edges(made.radial, 0.11), azimuth_edges(made.phi, 3)
    return Azimuthal(made, *edges, **changes)


def pyfai(tilt: tuple[float, float] = (0.0, 0.0)) -> Any:
    """Return pyFAI's integrator with the beam at `CENTRE` and the foot of the normal as tilted."""
    tx, ty = np.deg2rad(tilt)
    offset = np.array([np.tan(ty), np.tan(tx) / np.cos(ty)])  # down, right, in distances
    foot = 1e-6 * np.array(CENTRE) + 1e-3 * DISTANCE * offset
    first = np.arctan(offset[1])
    rotations = {"rot1": first, "rot2": -np.arctan(offset[0] * np.cos(first))}
    detector = Detector(1e-6 * PITCH, 1e-6 * PITCH, max_shape=SHAPE)
    numbers = {"dist": 1e-3 * DISTANCE, "poni1": foot[0], "poni2": foot[1], **rotations}
    integrator = AzimuthalIntegrator(**numbers, detector=detector, wavelength=1e-10 * HC / ENERGY)
    beam = integrator.getFit2D()  # where pyFAI finds the direct beam
    found = PITCH * beam["centerY"], PITCH * beam["centerX"]
    np.testing.assert_allclose(found, CENTRE, rtol=1e-9)
    return integrator


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (5.0, 0.0), (0.0, -7.0), (12.0, -20.0)])
def test_q_azimuth_solid_angle_and_polarisation_are_those_of_pyfai(
    tilt: tuple[float, float],
) -> None:
    made, integrator = geometry(tilt=tilt, horizontal=0.8), pyfai(tilt)
    np.testing.assert_allclose(made.radial, integrator.center_array(SHAPE, "q_A^-1"), atol=1e-12)
    np.testing.assert_allclose(made.solid_angle, integrator.solidAngleArray(SHAPE), atol=1e-7)
    turn = np.exp(1j * (made.phi - integrator.center_array(SHAPE, "chi_rad")))
    offset = np.angle(turn[made.radial > 0.1].mean())
    away = np.angle(turn * np.exp(-1j * offset))
    assert np.abs(away[made.radial > 0.1]).max() < 1e-9
    assert offset == pytest.approx(0, abs=1e-9) or all(tilt)  # two tilts turn pyFAI's axis
    polarised = integrator.polarization(SHAPE, factor=0.6, axis_offset=offset)
    np.testing.assert_allclose(made.polarisation, polarised, atol=1e-7)


def test_curves_are_those_of_pyfai_without_splitting() -> None:
    made = geometry(horizontal=1.0)
    told = spec()
    rings = (1 + np.cos(9 * made.radial) ** 2) * made.norm
    stack = np.random.default_rng(5).poisson(200 * rings, (2, *SHAPE)).astype(np.float32)
    edges = radial_edges(made.radial, 0.11)
    ours = Azimuthal(made, edges, np.linspace(-np.pi, np.pi, 4), extra=("pixels",))
    values = ours.reduce(stack, told)
    integrator = pyfai()
    for event, frame in enumerate(stack):
        curve = integrator.integrate2d_ng(
            frame, ours.bins[1], 3, radial_range=(edges[0], edges[-1]), mask=~told.good,
            azimuth_range=(-180, 180), unit="q_A^-1", polarization_factor=1.0,
            method=("no", "histogram", "cython"),
        )  # fmt: skip
        # pyFAI's bins are found in single precision: a pixel on an edge may go either way.
        same = curve.count == values["pixels"][event]
        assert same.mean() > 0.9
        filled = same & (curve.count > 10)
        assert filled.sum() > 50
        np.testing.assert_allclose(values["azav"][event][filled], curve.intensity[filled], 5e-3)
        ratio = values["azav"][event][filled] / curve.intensity[filled]
        assert np.median(np.abs(ratio - 1)) < 1e-6


def test_errors_are_those_of_pyfai_for_a_sample() -> None:
    made, told = geometry(), spec()
    stack = np.random.default_rng(5).poisson(30 * made.norm, (1, *SHAPE)).astype(np.float32)
    ours = Azimuthal(
        made, radial_edges(made.radial, 0.11), np.array([0, 2 * np.pi]),
        extra=("error", "sigma", "pixels"),
    )  # fmt: skip
    values = ours.reduce(stack, told)
    curve = pyfai().integrate1d_ng(
        stack[0], ours.bins[1], radial_range=(ours.radial_edges[0], ours.radial_edges[-1]),
        mask=~told.good, unit="q_A^-1", polarization_factor=-1.0, error_model="azimuthal",
        method=("no", "histogram", "cython"),
    )  # fmt: skip
    count = values["pixels"][0, 0]
    filled = (curve.count == count) & (count > 10)
    sample = np.sqrt(count / (count - 1))[filled]
    np.testing.assert_allclose(values["error"][0, 0][filled], sample * curve.sem[filled], 1e-3)
    np.testing.assert_allclose(values["sigma"][0, 0][filled], sample * curve.std[filled], 1e-3)


@pytest.mark.parametrize(("low", "high", "square"), [(-np.inf, 4.0, False), (1.5, np.inf, True)])
def test_values_follow_their_definitions(low: float, high: float, square: bool) -> None:
    names = ("signal", "norm", "pixels", "error", "sigma")
    ours = integration(low=low, high=high, square=square, extra=names)
    told, stack = spec(), frames()
    stack[1, 30:33, 40:90] = np.nan
    values = ours.reduce(stack, told)
    scattering = ours.scattering
    for event, frame in enumerate(stack):
        kept = np.where((frame < low) | (frame > high), 0, frame.astype(float))
        kept = kept**2 if square else kept
        for phi in range(ours.bins[0]):
            inside = (scattering.phi >= ours.phi_edges[phi]) & (
                scattering.phi < ours.phi_edges[phi + 1]
            )
            for q in range(0, ours.bins[1], 7):
                low_q, high_q = ours.radial_edges[q : q + 2]
                used = inside & (scattering.radial >= low_q) & (scattering.radial < high_q)
                used &= told.good & np.isfinite(frame)
                truth = definition(kept[used], scattering.norm[used])
                for name, expected in truth.items():
                    got = values[name][event, phi, q]
                    np.testing.assert_allclose(got, expected, rtol=1e-11, err_msg=name)


def definition(signal: Any, norm: Any) -> dict[str, float]:
    count = len(signal)
    if not count:
        return {"azav": np.nan, "norm": 0, "pixels": 0, "signal": np.nan, "error": np.nan}
    ratio = signal.sum() / norm.sum()
    rest = ((signal - ratio * norm) ** 2).sum() * count / (count - 1) if count > 1 else np.nan
    return {
        "azav": ratio,
        "signal": signal.sum(),
        "norm": norm.sum(),
        "pixels": count,
        "error": np.sqrt(rest) / norm.sum(),
        "sigma": np.sqrt(rest / (norm**2).sum()),
    }


def test_one_event_gives_the_same_bits_as_in_a_stack_of_64() -> None:
    ours, told = integration(extra=("error",)), spec()
    stack = frames(64)
    stack[5, 50:60] = np.nan
    whole = ours.reduce(stack, told)
    for event in (0, 5, 63):
        alone = ours.reduce(stack[event : event + 1], told)
        for name, value in whole.items():
            np.testing.assert_array_equal(alone[name][0], value[event])


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_the_split_into_stacks_changes_no_bit(data: st.DataObject) -> None:
    ours, told, stack = integration(), spec(), frames(9)
    cut = data.draw(st.integers(1, 8))
    parts = [ours.reduce(part, told)["azav"] for part in (stack[:cut], stack[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts), ours.reduce(stack, told)["azav"])


TURNS = {  # how the detector is turned about the beam: (down, right) -> (down, right)
    "as it is": lambda down, right: (down, right),
    "a quarter": lambda down, right: (right, -down),
    "half": lambda down, right: (-down, -right),
    "axes swapped": lambda down, right: (right, down),
    "30 degrees": lambda down, right: (
        0.75**0.5 * down + 0.5 * right, 0.75**0.5 * right - 0.5 * down
    ),
}  # fmt: skip


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("horizontal", [0.0, 0.7, 1.0])
def test_an_isotropic_scatterer_is_flat_however_the_detector_is_turned(
    turn: str, horizontal: float
) -> None:
    down, right = TURNS[turn](*(axis - at for axis, at in zip(picture(), CENTRE, strict=True)))
    setup = Setup((0, 0), DISTANCE, ENERGY, horizontal=horizontal)
    made = scattering_from_positions(-right, -down, np.zeros(SHAPE), setup)
    radius = np.sqrt(down**2 + right**2 + (1e3 * DISTANCE) ** 2)
    electric = horizontal * (1 - (right / radius) ** 2) + (1 - horizontal) * (
        1 - (down / radius) ** 2
    )  # intensity of a dipole: 1 - cos^2 of the angle to the field, in the laboratory
    solid = (1e3 * DISTANCE / radius) ** 3
    light = np.asarray(5 * electric * solid)
    assert np.ptp(light) > 1.5
    values = integration(made).reduce(light[np.newaxis], spec())["azav"][0]
    np.testing.assert_allclose(values[np.isfinite(values)], 5, rtol=1e-12)


def test_light_in_one_direction_is_found_in_the_bin_of_that_direction() -> None:
    made = geometry()
    ours = Azimuthal(made, np.array([0.5, 3.0]), azimuth_edges(made.phi, 8))
    down, right = (axis - at for axis, at in zip(picture(), CENTRE, strict=True))
    angle = np.arctan2(down, right)  # 0 to the right, a quarter turn is downwards
    beam = np.abs(angle - np.deg2rad(100)) < 0.1
    values = ours.reduce(beam[np.newaxis].astype(np.float32), spec())["azav"][0, :, 0]
    assert np.flatnonzero(values).tolist() == [2]  # 90 to 135 degrees
    assert ours.phi[2] == pytest.approx(np.deg2rad(112.5))


def test_bins_of_azimuth_may_begin_anywhere_and_reach_over_zero() -> None:
    made = geometry()
    edges = np.deg2rad([-30, 30, 90])
    values = Azimuthal(made, np.array([0.5, 3.0]), edges, extra=("pixels",)).reduce(
        np.ones((1, *SHAPE), np.float32), spec(0)
    )
    degrees, ring = np.rad2deg(made.phi), (made.radial >= 0.5) & (made.radial < 3)
    right = ((degrees >= 330) | (degrees < 30)) & ring
    below = (degrees >= 30) & (degrees < 90) & ring
    assert values["azav"].shape == (1, 2, 1)
    assert values["pixels"][0, :, 0].tolist() == [right.sum(), below.sum()]


@given(st.floats(-20, 20), st.floats(0, 6.283), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_every_azimuth_falls_into_a_bin_of_a_whole_turn(
    start: float, phi: float, number: int
) -> None:
    edges = start + np.linspace(0, 2 * np.pi, number + 1)
    found = int(sector_of(np.array([phi]), edges)[0])
    assert 0 <= found < number
    turned = phi + 2 * np.pi * np.arange(-6, 7)
    near = (turned >= edges[found] - 1e-9) & (turned <= edges[found + 1] + 1e-9)
    assert near.any()


def test_bins_lie_on_whole_multiples_and_do_not_depend_on_the_mask() -> None:
    made = geometry()
    edges = radial_edges(made.radial, 0.05)
    assert edges[0] <= made.radial.min() < edges[1]
    assert edges[-2] <= made.radial.max() < edges[-1]
    np.testing.assert_allclose(edges / 0.05, np.rint(edges / 0.05), atol=1e-9)
    values = Azimuthal(made, edges, np.array([0, 2 * np.pi])).reduce(frames(1), spec(0))
    assert np.isfinite(values["azav"]).all()  # no bin is empty by construction


def test_a_bin_without_pixels_is_nan_and_masked_pixels_are_in_no_bin() -> None:
    made, told = geometry(), spec(0)
    beyond = np.append(radial_edges(made.radial, 0.2), 99.0)
    inside = made.radial < 1.0
    told.good[inside] = False
    light = np.where(inside, 1e6, 2 * made.norm).astype(np.float32)
    light[inside & (made.phi > 3)] = np.nan  # a dead pixel must not reach any bin
    ours = Azimuthal(made, beyond, np.array([0, np.pi, 2 * np.pi]), extra=("pixels",))
    values = ours.reduce(light[np.newaxis], told)
    left = made.phi[~inside], made.radial[~inside]
    counts, *_ = np.histogram2d(*left, bins=(ours.phi_edges, ours.radial_edges))
    empty = counts == 0
    assert empty[:, :5].all()
    assert not empty[:, 6:12].any()
    np.testing.assert_array_equal(np.isnan(values["azav"][0]), empty)
    np.testing.assert_allclose(values["azav"][0][~empty], 2, rtol=1e-6)
    assert values["pixels"].sum() == np.count_nonzero(~inside)


def test_everything_masked_gives_nan_in_every_bin() -> None:
    told = FrameSpec(SHAPE, "keV", np.zeros(SHAPE, bool))
    values = integration(extra=("error", "norm")).reduce(frames(2), told)
    assert np.isnan([values["azav"], values["error"]]).all()
    assert not values["norm"].any()


def test_an_event_of_nan_is_nan_and_changes_no_other() -> None:
    ours, told, stack = integration(), spec(), frames(3)
    before = ours.reduce(stack, told)["azav"]
    stack[1] = np.nan
    after = ours.reduce(stack, told)["azav"]
    assert np.isnan(after[1]).all()
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])


def test_only_the_part_of_the_detector_in_use_is_asked_for() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[20:31, 40:71] = True
    ours = integration(good=mask)
    assert str(ours.region(spec(0))) == "[[20, 31], [40, 71]]"
    stack, told = frames(2), FrameSpec(SHAPE, "keV", mask)
    expected = integration().reduce(stack, told)["azav"]
    np.testing.assert_array_equal(ours.reduce(stack, spec(0))["azav"], expected)


def test_pixels_without_a_position_are_in_no_bin() -> None:
    down, right = picture()
    lost = right.copy()
    lost[:50] = np.nan
    setup = Setup(LABORATORY, DISTANCE, ENERGY)
    made = scattering_from_positions(-lost, -down, np.zeros(SHAPE), setup)
    assert integration(made).pixels(spec(0)).sum() == 70 * 150


def test_a_tile_farther_away_gets_less_light() -> None:
    down, right = picture()
    near, far = geometry(distance=50.0), geometry(distance=70.0)
    z = np.where(right < 30_000, -10_000.0, 10_000.0)
    setup = Setup(LABORATORY, 60.0, ENERGY)
    made = scattering_from_positions(-right, -down, z, setup)
    # Light per area falls with the square of the distance of each plane.
    np.testing.assert_allclose(made.radial, np.where(z < 0, near.radial, far.radial), rtol=1e-12)
    apart = np.where(z < 0, near.solid_angle * (60 / 50) ** 2, far.solid_angle * (60 / 70) ** 2)
    np.testing.assert_allclose(made.solid_angle, apart, rtol=1e-12)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_geometry_files_of_every_orientation_are_read_as_pyfai_reads_them(
    orientation: int,
) -> None:
    numbers = (0.05, 0.012, 0.02, 0.1, -0.2, 0.3)
    detector = Detector(4e-4, 5e-4, max_shape=SHAPE, orientation=orientation)
    integrator = AzimuthalIntegrator(*numbers, detector=detector, wavelength=1.3e-10)
    poni = Poni(*numbers, 1.3e-10, 4e-4, 5e-4, SHAPE, orientation)
    rows, cols = np.indices(SHAPE) + 0.5
    for unit, name in UNITS.items():
        made = scattering_from_geometry(
            rows, cols, DetectorGeometry.from_poni(poni), horizontal=0.8, unit=unit,
            orientation=orientation,
        )  # fmt: skip
        np.testing.assert_allclose(made.radial, integrator.center_array(SHAPE, name), rtol=1e-12)
    away = np.angle(np.exp(1j * (made.phi - integrator.center_array(SHAPE, "chi_rad"))))
    assert np.abs(away).max() < 1e-12
    np.testing.assert_allclose(made.solid_angle, integrator.solidAngleArray(SHAPE), atol=1e-7)
    np.testing.assert_allclose(
        made.polarisation, integrator.polarization(SHAPE, factor=0.6), atol=1e-7
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"distance": 0.0}, "distance must be above 0 mm"),
        ({"energy": float("nan")}, "energy must be above 0 keV"),
        ({"centre": (np.inf, 0)}, "the centre is x, y in um"),
        ({"tilt": (90.0, 0.0)}, "below 90 degrees"),
        ({"horizontal": 2.0}, "0 to 1"),
    ],
)
def test_a_setup_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GeometryInputError, match=words):
        geometry(**changes)


def test_bins_that_cannot_be_are_refused() -> None:
    with pytest.raises(BinsError, match="above 0"):
        radial_edges(np.ones(3), 0)
    with pytest.raises(BinsError, match="wider"):
        radial_edges(np.array([0.0, 1.0]), 1e-9)
    with pytest.raises(BinsError, match="rising"):
        Azimuthal(geometry(), np.array([1.0, 1.0]), np.array([0, 1.0]))
    with pytest.raises(BinsError, match="one turn"):
        checked_azimuths([0, 6.5])
    with pytest.raises(BinsError, match="1 bin or more"):
        azimuth_edges(np.ones(3), 0)
    with pytest.raises(ValueError, match="unknown output 'sem'"):
        integration(extra=("sem",))
    with pytest.raises(ValueError, match="pixel positions have shape"):
        integration().outputs(FrameSpec((3, 4), "keV", np.ones((3, 4), bool)))

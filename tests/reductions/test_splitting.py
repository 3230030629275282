"""Azimuthal averages with split pixels, against pyFAI and against boxes cut by hand."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

from workbench.core.frames import FrameSpec
from workbench.reductions import Azimuthal, Scattering, Setup, scattering_from_positions
from workbench.reductions.bins import BinsError
from workbench.reductions.scattering import GeometryInputError, scattering_from_geometry
from workbench.reductions.splitting import moved, with_reach
from workbench.regions import DetectorGeometry, Poni

SHAPE, PIXEL, WAVELENGTH = (90, 110), 172e-6, 1.3e-10  # m
NUMBERS = (0.05, 0.004, 0.009, 0.1, -0.2, 0.3)  # pyFAI's: distance, PONI [m], rotations [rad]
TURN = 2 * np.pi
WHOLE = np.array([-np.pi, np.pi])
INNER = slice(1, -1)  # pyFAI counts into the first and the last bin what lies beside them


def seen(down: float = 0.0, right: float = 0.0) -> Scattering:
    rows, cols = np.indices(SHAPE) + 0.5
    poni = DetectorGeometry.from_poni(Poni(*NUMBERS, WAVELENGTH, PIXEL, PIXEL, SHAPE))
    return scattering_from_geometry(rows + down, cols + right, poni, horizontal=0.8)


MADE = with_reach(seen, "bbox")
LOW, HIGH = MADE.radial.min() + 0.15, MADE.radial.max() - 0.1


def spec() -> FrameSpec:
    good = np.random.default_rng(2).random(SHAPE) > 0.02
    good[20:40, 30:50] = False
    return FrameSpec(SHAPE, "keV", good)


def split(rings: int, phi: Any = WHOLE, **changes: Any) -> Azimuthal:
    return Azimuthal(MADE, np.linspace(LOW, HIGH, rings + 1), phi, splitting="bbox", **changes)


def frames(events: int = 5) -> Any:
    rings = 50 * (1 + np.cos(9 * MADE.radial) ** 2) * MADE.norm
    return np.random.default_rng(3).poisson(rings, (events, *SHAPE)).astype(np.float32)


def pyfai(frame: Any, rings: int, sectors: int = 1, **option: Any) -> Any:
    detector = Detector(PIXEL, PIXEL, max_shape=SHAPE)
    integrator = AzimuthalIntegrator(*NUMBERS, detector=detector, wavelength=WAVELENGTH)
    option |= {
        "unit": "q_A^-1", "mask": ~spec().good, "radial_range": (LOW, HIGH),
        "polarization_factor": 0.6, "method": ("bbox", "csr", "cython"),
    }  # fmt: skip
    if sectors == 1:
        return integrator.integrate1d_ng(frame, rings, **option)
    return integrator.integrate2d_ng(frame, rings, sectors, **option)


@pytest.mark.parametrize("rings", [40, 300])
def test_split_curves_are_those_of_pyfai(rings: int) -> None:
    values = split(rings, extra=("pixels", "norm")).reduce(frames(2), spec())
    for event, frame in enumerate(frames(2)):
        theirs = pyfai(frame, rings)
        ours = {name: value[event, 0, INNER] for name, value in values.items()}
        np.testing.assert_allclose(ours["azav"], theirs.intensity[INNER], rtol=1e-5)
        np.testing.assert_allclose(ours["pixels"], theirs.count[INNER], rtol=1e-4)
        np.testing.assert_allclose(ours["norm"], theirs.sum_normalization[INNER], rtol=1e-4)


def test_split_maps_over_azimuth_are_those_of_pyfai() -> None:
    ours = split(60, np.linspace(*WHOLE, 10), extra=("pixels",)).reduce(frames(1), spec())
    theirs = pyfai(frames(1)[0], 60, 9, azimuth_range=(-180, 180))
    filled = (theirs.count > 1)[:, INNER]
    assert filled.sum() > 100
    off = (ours["azav"][0] / np.maximum(theirs.intensity, 1e-9))[:, INNER]
    np.testing.assert_allclose(off[filled], 1, rtol=1e-5)
    np.testing.assert_allclose(ours["pixels"][0][:, INNER], theirs.count[:, INNER], atol=1e-3)


def boxes(radial: Any, phi: Any) -> Any:
    """Return the part of each pixel's box in each bin, shape (ring, sector, row, col)."""
    assert MADE.reach is not None
    middle, whole = phi.mean(), np.ptp(phi) > 0.999 * TURN
    around = np.mod(MADE.phi - middle + np.pi, TURN) - np.pi + middle
    sides = []
    for at, reach, edges in (
        (MADE.radial, MADE.reach[0], radial), (around, MADE.reach[1], phi),
    ):  # fmt: skip
        low, high = at - reach, at + reach
        if edges is phi:
            low, high = np.maximum(low, middle - np.pi), np.minimum(high, middle + np.pi)
        inside = [
            np.clip(np.minimum(high, end) - np.maximum(low, begin), 0, None) / (high - low)
            for begin, end in pairwise(edges)
        ]
        sides.append(np.ones((1, *SHAPE)) if whole and len(edges) == 2 else np.stack(inside))
    return sides[0][:, None] * sides[1][None]


PHI = {
    "a whole turn": WHOLE,
    "four quarters": np.linspace(0.3, 0.3 + TURN, 5),
    "a part of the circle": np.deg2rad([-30.0, 0.0, 30.0]),
    "one sector": np.array([0.2, 1.1]),
}


@pytest.mark.parametrize("phi", PHI)
@pytest.mark.parametrize(("low", "high", "square"), [(-np.inf, np.inf, 0), (40.0, 90.0, 1)])
def test_split_values_follow_their_definitions(
    phi: str, low: float, high: float, square: bool
) -> None:
    names = ("signal", "norm", "pixels", "error", "sigma")
    ours = split(25, PHI[phi], low=low, high=high, square=bool(square), extra=names)
    stack = frames(6)
    stack[1, 30:50, 20:90] = np.nan
    stack[4] = np.nan
    values = ours.reduce(stack, spec())
    parts = boxes(ours.radial_edges, PHI[phi])
    truth = [definition(one, parts, low, high, square) for one in stack]
    assert np.isnan(values["azav"][4]).all()
    assert np.isfinite(values["azav"][0]).sum() > 20
    for name, value in values.items():
        wanted = np.stack([one[name] for one in truth])
        assert (np.isnan(value) == np.isnan(wanted)).all()
        np.testing.assert_allclose(value, wanted, rtol=3e-5, atol=1e-5, err_msg=name)


def definition(frame: Any, parts: Any, low: float, high: float, square: bool) -> Any:
    light = np.where((frame < low) | (frame > high), 0, frame.astype(float))
    light = light**2 if square else light
    weight = parts * (spec().good & np.isfinite(frame))
    light = np.nan_to_num(light)
    pixels, norm, signal = (
        (weight * one).sum(axis=(2, 3)).T for one in (1, MADE.norm, light)
    )  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = signal / norm
        alike = pixels**2 / (weight**2).sum(axis=(2, 3)).T
        rest = light - mean.T[..., None, None] * MADE.norm
        scatter = ((weight * rest) ** 2).sum(axis=(2, 3)).T * alike / (alike - 1)
        squares = ((weight * MADE.norm) ** 2).sum(axis=(2, 3)).T
        scatter[~(alike > 1.0001)] = np.nan
        return {
            "azav": mean, "norm": norm, "pixels": pixels, "error": np.sqrt(scatter) / norm,
            "signal": np.where(pixels > 0, signal, np.nan), "sigma": np.sqrt(scatter / squares),
        }  # fmt: skip


def test_flat_light_stays_flat_whatever_is_masked_and_however_fine_the_bins() -> None:
    flat = (7 * MADE.norm)[np.newaxis].astype(np.float32)
    for rings in (20, 900):
        values = split(rings, extra=("pixels",)).reduce(flat, spec())
        filled = values["pixels"][0] > 0
        assert filled.sum() == rings
        np.testing.assert_allclose(values["azav"][0][filled], 7, rtol=1e-6)


def test_every_pixel_counts_once_and_masked_ones_not_at_all() -> None:
    edges = np.linspace(MADE.radial.min() - 1, MADE.radial.max() + 1, 80)
    for phi in (WHOLE, np.linspace(*WHOLE, 5)):
        ours = Azimuthal(MADE, edges, phi, splitting="bbox")
        assert ours.pixels(spec()).sum() == pytest.approx(spec().good.sum(), rel=1e-6)
    nothing = FrameSpec(SHAPE, "keV", np.zeros(SHAPE, bool))
    values = split(9, extra=("pixels", "error")).reduce(frames(2), nothing)
    assert np.isnan([values["azav"], values["error"]]).all()
    assert not values["pixels"].any()


def test_light_below_the_first_bin_is_in_no_bin() -> None:
    light = (MADE.radial + MADE.reach[0] < LOW)[np.newaxis].astype(np.float32)
    assert light.sum() > 100
    assert not split(20).reduce(light, spec())["azav"].any()
    assert pyfai(light[0], 20).intensity[0] > 0.01  # of pyFAI's own sums: no bins beyond the ends


@pytest.mark.parametrize("low", [-np.inf, 45.0])
def test_split_averages_of_one_event_have_the_same_bits_in_any_stack(low: float) -> None:
    ours, stack = split(50, low=low, extra=("error",)), frames(9)
    stack[5, 50:60] = np.nan
    whole = ours.reduce(stack, spec())
    for cut in (1, 4, 6):
        parts = [ours.reduce(part, spec()) for part in (stack[:cut], stack[cut:])]
        for name, value in whole.items():
            both = np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(both, value)


def test_only_the_part_of_the_detector_that_reaches_into_bins_is_asked_for() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[20:31, 60:91] = True
    ours = Azimuthal(
        MADE, np.linspace(0, HIGH, 30), WHOLE, splitting="bbox", good=mask, extra=("error",)
    )
    told = FrameSpec(SHAPE, "keV", np.ones(SHAPE, bool))
    assert str(ours.region(told)) == "[[20, 31], [60, 91]]"
    cut = boxes(ours.radial_edges, WHOLE)[:, 0] * mask
    signal, norm = ((cut * one).sum(axis=(1, 2)) for one in (frames(1)[0], MADE.norm))
    truth = np.divide(signal, norm, out=np.full(29, np.nan), where=norm > 0)
    np.testing.assert_allclose(ours.reduce(frames(1), told)["azav"][0, 0], truth, rtol=1e-5)


def test_pixels_of_tiles_reach_as_far_as_their_corners_do() -> None:
    row, col = np.indices((40, 50)) + 0.5
    gap = np.where(col > 25, 300.0, 0.0)  # a gap within the tile, which makes no pixel wider
    tiles = [(-100 * col - gap - at, -100 * row, 0.02 * row) for at in (0.0, 7000.0)]
    tiles.append((np.full_like(row, np.nan),) * 3)
    x, y, z = (np.stack(axis) for axis in zip(*tiles, strict=True))
    setup = Setup((-4000.0, -1500.0), 60.0, 9.5)

    def made(down: float, right: float) -> Scattering:
        return scattering_from_positions(*moved((x, y, z), down, right), setup, plane=0.4)

    found = with_reach(made, "bbox").reach
    assert found is not None
    corners = [
        scattering_from_positions(x - 50 * right, y - 50 * down, z + 0.01 * down, setup, plane=0.4)
        for down in (-1, 1) for right in (-1, 1)
    ]  # fmt: skip
    centre = made(0.0, 0.0)
    radial = np.max([np.abs(one.radial - centre.radial) for one in corners], axis=0)
    turn = np.max([np.abs(np.exp(1j * (one.phi - centre.phi)) - 1) for one in corners], axis=0)
    np.testing.assert_allclose(found[0], radial, rtol=1e-9)
    np.testing.assert_allclose(found[1], 2 * np.arcsin(turn / 2), rtol=1e-9)
    assert np.isnan(found[0][2]).all()


def test_pixels_that_cannot_be_split_are_refused_with_the_way_out() -> None:
    edges = np.array([1.0, 2.0, 4.0])
    with pytest.raises(BinsError, match="no splitting 'full'; known are no, bbox"):
        Azimuthal(MADE, edges[:2], WHOLE, splitting="full")
    with pytest.raises(BinsError, match="radial bins are not equal: give a width"):
        Azimuthal(MADE, edges, WHOLE, splitting="bbox")
    with pytest.raises(BinsError, match="bins of azimuth are not equal"):
        Azimuthal(MADE, edges[:2], edges - 1, splitting="bbox")
    with pytest.raises(GeometryInputError, match="with_reach"):
        Azimuthal(seen(), edges[:2], WHOLE, splitting="bbox").region(spec())
    with pytest.raises(GeometryInputError, match="no rows and columns"):
        moved((np.ones(9), np.ones(9), np.ones(9)), 0.5, 0.5)

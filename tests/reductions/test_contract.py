"""What every reduction promises, checked for each of them on the same frames."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.frames import FrameSpec, Output
from workbench.reductions import (
    AboveThreshold,
    AssembledImage,
    Azimuthal,
    CurveCorrection,
    DropletPhotons,
    Droplets,
    Integration,
    LineOut,
    PhotonCounting,
    PhotonProbability,
    Rebin,
    Reduction,
    Roi,
    Setup,
    Sparse,
    Sparsify,
    Spectrum,
    scattering_from_positions,
)
from workbench.reductions.base import Nested
from workbench.reductions.entries import ALL
from workbench.regions import Layout

SHAPE = (2, 23, 31)
DRAW = np.random.default_rng(5)
GOOD = DRAW.random(SHAPE) > 0.1
SPEC = FrameSpec(SHAPE, "keV", GOOD, noise=np.full(SHAPE, 0.4, "f4"))
FRAMES = (DRAW.normal(0, 0.4, (9, *SHAPE)) + 8.0 * (DRAW.random((9, *SHAPE)) < 0.1)).astype("f4")
INNER = (
    Nested("spectrum", Spectrum.of([0, 10, 7])),
    Nested("small", Rebin((2, 3, 4))),
    Nested("list", Sparsify()),
)

INNER_2D = (Nested("spectrum", Spectrum.of([0, 10, 7])), Nested("lines", Roi()))

AXES = np.indices(SHAPE)[1:] * 100.0
RINGS = scattering_from_positions(
    -AXES[1], -AXES[0], np.zeros(SHAPE), Setup((-1500.0, -1100.0), 5.0, 9.5)
)
AVERAGE = Azimuthal(RINGS, np.arange(0, 2, 0.2), np.linspace(0, 6, 4))

EVERY: dict[str, Reduction] = {
    "average over azimuth": AVERAGE,
    "map with axes": Integration(AVERAGE),
    "curve with axes": Integration(replace(AVERAGE, phi_edges=np.array([0.0, 6.0])), curve=True),
    "spectrum": Spectrum.of([-1.0, 9.0, 0.25]),
    "rebin": Rebin((2, 5, 6)),
    "line": LineOut(1, 4),
    "line through the brightest": LineOut(2),
    "sparse": Sparsify(low=0.3),
    "sparse in rectangles": Sparsify(Sparse(11), low=0.3),
    "droplets": Droplets(5, 2, store=ALL, children=INNER),
    "photons of droplets": Droplets(
        5, 2, store=Sparse(9), photons=DropletPhotons(4.0, store=ALL, children=INNER)
    ),
    "photons": PhotonCounting(
        4.0, low=1.0, children=(*INNER, Nested("", PhotonProbability()), Nested("ROI_1", Roi()))
    ),
    "samples above threshold": AboveThreshold(4.0),
    "region with curve": Roi(
        Bounds((0, 1, 0), (1, 21, 30)),
        children=(Nested("curve", CurveCorrection((0.01, 0.1, 0.0), children=INNER_2D)),),
    ),
    "picture of overlapping tiles": AssembledImage(
        Layout(np.indices(SHAPE)[1] + 20 * np.indices(SHAPE)[0], np.indices(SHAPE)[2]),
        low=0.5,
        children=(Nested("spectrum", Spectrum.of([0, 10, 7])), Nested("lines", Roi())),
    ),
    "region with children": Roi(low=0.5, children=INNER),
}


def same(first: Any, second: Any) -> None:
    if np.asarray(first).dtype == object:
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, other)
    else:
        np.testing.assert_array_equal(first, second)


@pytest.fixture(params=EVERY.values(), ids=EVERY.keys())
def reduction(request: Any) -> Any:
    return request.param


def test_what_is_declared_is_what_is_returned(reduction: Reduction) -> None:
    values = reduction.reduce(FRAMES, SPEC)
    outputs = reduction.outputs(SPEC)
    assert [output.name for output in outputs] == list(values)
    for output in outputs:
        given = values[output.name]
        assert len(given) == len(FRAMES)
        entries = list(given) if output.ragged else [given]
        for entry in entries:
            assert (entry.shape[1:], entry.dtype.name) == (output.shape, output.dtype)
        assert output.unit
        assert output.long_name


def test_one_event_gives_the_same_bits_alone_as_in_a_stack(reduction: Reduction) -> None:
    whole = reduction.reduce(FRAMES, SPEC)
    alone = [reduction.reduce(FRAMES[event : event + 1], SPEC) for event in range(len(FRAMES))]
    for name, values in whole.items():
        same(values, np.concatenate([one[name] for one in alone]))


def test_what_bad_pixels_read_changes_nothing(reduction: Reduction) -> None:
    spoilt = np.where(GOOD, FRAMES, np.float32(np.nan))
    hot = np.where(GOOD, FRAMES, np.float32(1e6))
    for name, values in reduction.reduce(FRAMES, SPEC).items():
        same(values, reduction.reduce(spoilt, SPEC)[name])
        same(values, reduction.reduce(hot, SPEC)[name])


def test_frames_are_left_as_they_were(reduction: Reduction) -> None:
    before = FRAMES.copy()
    reduction.reduce(FRAMES, SPEC)
    np.testing.assert_array_equal(FRAMES, before)


def test_no_events_give_empty_values_of_the_declared_type(reduction: Reduction) -> None:
    values = reduction.reduce(FRAMES[:0], SPEC)
    for output in reduction.outputs(SPEC):
        assert len(values[output.name]) == 0
        if not output.ragged:
            assert values[output.name].shape[1:] == output.shape


@pytest.mark.parametrize(
    ("output", "names", "path"),
    [
        (Output("sum", "keV"), ("ROI_0",), "ROI_0_sum"),
        (Output("", "V"), ("wfintegrate",), "wfintegrate"),
        (Output("data", "1", ragged=True), ("sparse", "droplet"), "var_droplet_sparse/data"),
        (
            Output("row", "pixel", ragged=True),
            ("sparse", "droplet2phot", "droplet"),
            "var_droplet_droplet2phot_sparse/row",
        ),
    ],
)
def test_names_are_put_together_as_todays_files_have_them(
    output: Output, names: tuple[str, ...], path: str
) -> None:
    for name in names:
        output = output.under(name)
    assert output.path == path


@pytest.mark.parametrize("frames", [FRAMES, np.full_like(FRAMES, np.nan), np.zeros_like(FRAMES)])
@pytest.mark.parametrize("good", [GOOD, np.zeros(SHAPE, bool)])
def test_dark_missing_and_masked_frames_are_worked_like_all_others(
    reduction: Reduction, frames: Any, good: Any
) -> None:
    told = replace(SPEC, good=good)
    values = reduction.reduce(frames[:2], told)
    assert [output.name for output in reduction.outputs(told)] == list(values)
    for output in reduction.outputs(told):
        assert len(values[output.name]) == 2
        if output.ragged and not (good.any() and frames is FRAMES):
            assert not any(len(entries) for entries in values[output.name])


def test_a_frame_without_a_measured_pixel_has_no_values_and_costs_others_none(
    reduction: Reduction,
) -> None:
    frames = FRAMES[:3].copy()
    frames[1] = np.where(GOOD, np.nan, np.float32(1.0))  # what masked pixels read is no value
    values, whole = reduction.reduce(frames, SPEC), reduction.reduce(FRAMES[:3], SPEC)
    for output in reduction.outputs(SPEC):
        same(values[output.name][[0, 2]], whole[output.name][[0, 2]])
        lost = values[output.name][1]
        if output.ragged:
            assert len(lost) == 0
        elif not output.always:
            assert (np.isnan(lost) if lost.dtype.kind == "f" else lost == -99999).all()


def test_a_mask_that_leaves_only_pixels_that_were_not_measured_leaves_no_count() -> None:
    frames, left = FRAMES[:2].copy(), np.zeros(SHAPE, bool)
    left[0, 3:9, 4:9] = True
    frames[1, left] = np.nan
    for counted in (PhotonCounting(4.0, good=left), Droplets(5, 2, good=left)):
        for values in counted.reduce(frames, SPEC).values():
            assert values[0] >= 0
            assert values[1] == -99999


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01])
def test_one_measured_pixel_anywhere_is_enough(share: float) -> None:
    rng = np.random.default_rng(1)
    frames = np.full((40, *SHAPE), np.nan, np.float32)
    frames[rng.random(frames.shape) < share] = 1.0
    there = np.isfinite(frames[:, GOOD]).any(axis=1)
    assert there.any() == (share > 0)
    (counts,) = PhotonCounting(4.0).reduce(frames, SPEC).values()
    np.testing.assert_array_equal(counts, np.where(there, 0, -99999))


def test_settings_are_arrays_numbers_or_texts_with_unit_and_meaning(reduction: Reduction) -> None:
    for name, kept in reduction.settings(SPEC).items():
        assert name == name.strip(". ")
        assert np.asarray(kept.value).dtype.kind in "biufU"
        assert kept.unit
        assert kept.long_name

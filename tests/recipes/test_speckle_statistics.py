"""Speckle statistics: photons from lists, contrast with honest errors, checks that speak up."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.pulls import SEEDS, assert_as_stated
from tests.recipes.conftest import Meet
from tests.recipes.judging import met
from workbench.binning import verdict
from workbench.core.bounds import Bounds
from workbench.core.errors import WorkbenchError
from workbench.plots import photon_statistics_of
from workbench.recipes import (
    Region,
    RegionError,
    RegionSpeckle,
    find_photons,
    find_regions,
    photon_stacks,
    speckle_statistics,
)
from workbench.reductions.speckle import contrast, photon_statistics
from workbench.smalldata.editing import edit_file
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import Speckle

LIST = "epix_2/var_droplet_droplet2phot_sparse"
SPEC = PumpProbe(experiment="xcssyn0126", n_events=900, camera_every=3)


@pytest.fixture(scope="module")
def file(module_folder: ModuleFolder) -> Path:
    return write_small_data(SPEC, module_folder("speckle"), scene=Speckle())


@pytest.mark.parametrize("style", ["ours", "facility"])
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_planted_contrast_and_mean_photons_are_found_in_files_of_any_writer(
    tmp_path: Path, generation: str, style: str
) -> None:
    file = write_small_data(
        SPEC, tmp_path, generation=generation, style=style, scene=Speckle(kbar=0.3)
    )
    run = wb.open_run(file)
    found = speckle_statistics(run)
    assert run.truth is not None
    table = verdict(found, run.truth)
    assert len(table) == 4
    assert all(row[-1] for row in table.rows), str(table)
    assert found.state == "measured", found.message


def test_photons_per_pixel_equal_a_loop_over_the_lists(file: Path) -> None:
    run = wb.open_run(file)
    photons = find_photons(run)
    regions = find_regions(run, photons.detector, ["a 100:120 110:150", "b 0 105:140 300:330"])
    counted = list(photon_stacks(run, photons, regions))
    for region in regions:
        found = np.concatenate([stack.photons[region.name] for stack in counted])
        expected = np.zeros_like(found)
        frame = -1
        there = run["damage/epix_2"].read() == 1
        (top, left), (bottom, right) = region.bounds.low, region.bounds.high
        for event, entries in enumerate(run.ragged(LIST)):
            frame += there[event]
            for row, col in zip(np.rint(entries["row"]), np.rint(entries["col"]), strict=True):
                if top <= row < bottom and left <= col < right:
                    expected[frame, int(row) - top, int(col) - left] += 1
        np.testing.assert_array_equal(found, expected)
        assert found.sum() > 1000
    assert sum(len(stack.events) for stack in counted) == there.sum()


def test_lists_of_i_and_j_as_variable_arrays_are_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    path = tmp_path / "xcslx1234_Run0007.h5"
    kind = h5py.vlen_dtype(np.dtype("f8"))
    image = rng.poisson(rng.gamma(2, 0.25, (60, 12, 10)))
    with h5py.File(path, "w") as h5:
        h5["event_time"] = (np.arange(60, dtype=np.int64) + 1_700_000_000) << 32
        h5["lightStatus/xray"] = np.ones(60, np.int64)
        h5["lightStatus/laser"] = np.ones(60, np.int64)
        for axis, leaf in enumerate("ij"):
            made = h5.create_dataset(f"epix_alc1/ragged_droplet_photon_{leaf}", (60,), kind)
            for event in range(60):
                places = np.nonzero(image[event])
                made[event] = np.repeat(places[axis], image[event][places]).astype(float)
    run = wb.open_run(path)
    found = speckle_statistics(run, regions=["all 0:12 0:10"])
    statistics = found.regions[0].statistics
    np.testing.assert_array_equal(statistics.pixels, photon_statistics(image).pixels)
    turned = speckle_statistics(run, regions=["all 0:10 0:12"], row="j", col="i")
    assert turned.regions[0].contrast.beta == found.regions[0].contrast.beta


def made(seed: int, kbar: float, modes: float, pixels: int = 400, frames: int = 500):
    rng = np.random.default_rng(seed)
    rate = kbar * rng.gamma(10, 0.1, frames)[:, None]
    photons = rng.poisson(rng.gamma(modes, 1 / modes, (frames, pixels)) * rate)
    return photon_statistics(photons)


@SEEDS
def test_the_contrast_of_few_photons_a_frame_is_not_too_low(seeds: int) -> None:
    pulls = []
    for seed in range(seeds):
        found = contrast(made(seed, 0.03, 2), samples=100)
        pulls.append([(found.beta - 0.5) / found.error])
    # With kbar of all pixels it is too low by 1 / 12 photons a frame: about half an error each.
    assert_as_stated(pulls, ("contrast",))
    low = np.mean([contrast(made(seed, 0.02, 2, pixels=100), samples=2).beta for seed in range(24)])
    assert abs(low - 0.5) < 0.25  # 2 photons a frame: the plain formula gives 0


def region_of(statistics, pixels: int, false: float = np.nan) -> RegionSpeckle:
    region = Region("a", Bounds((0, 0), (1, pixels)), np.ones((1, pixels), np.bool_))
    events = np.arange(len(statistics))
    return RegionSpeckle(region, events, statistics, contrast(statistics), false)


def test_light_that_is_no_speckle_and_false_photons_are_told() -> None:
    fine = made(1, 0.3, 2)
    assert region_of(fine, 400).notes == ()
    (note,) = region_of(fine, 400, false=0.01).notes
    assert "without X-rays" in note
    rng = np.random.default_rng(2)
    half = rng.poisson(np.where(np.arange(400) < 40, 2.0, 0.1), (500, 400))  # a bright stripe
    assert any(
        "negative binomial" in note for note in region_of(photon_statistics(half), 400).notes
    )
    drift = photon_statistics(rng.poisson(np.linspace(0.5, 0.1, 500)[:, None], (500, 400)))
    assert any("between the halves" in note for note in region_of(drift, 400).notes)


def test_what_a_run_does_not_have_is_refused_with_the_way_out(file: Path) -> None:
    shutil.copy(file, file.parent / "bare_Run0001.h5")
    with edit_file(file.parent / "bare_Run0001.h5") as editor:
        editor.remove(LIST)
    run = wb.open_run(file)
    with pytest.raises(RegionError, match="these are droplets"):
        speckle_statistics(run, "epix_2/var_droplet_sparse", ["a 0:60 0:60"])
    with pytest.raises(RegionError, match="write 'name row:row"):
        speckle_statistics(run, regions=["a 0-60 0:60"])
    with pytest.raises(WorkbenchError, match="outside the detector"):
        speckle_statistics(run, regions=["a 900:960 0:60"])
    with pytest.raises(WorkbenchError, match="loosen the cuts"):
        speckle_statistics(run, where=wb.cut("XcsSb1BmMon/totalIntensityJoules", 1.0, None))
    with pytest.raises(RegionError, match="get_droplet2photon"):
        speckle_statistics(wb.open_run(file.parent / "bare_Run0001.h5"))


def test_exchanged_rows_and_columns_are_told_where_the_mask_shows_it(file: Path) -> None:
    run = wb.open_run(file)
    found = speckle_statistics(run, regions=["a 300:340 100:140"], row="col", col="row")
    assert found.misplaced < 0.01  # nothing shows it here: both lie on the detector
    shutil.copy(file, file.parent / "moved_Run0001.h5")
    with edit_file(file.parent / "moved_Run0001.h5") as editor:
        col = editor.read(f"{LIST}/col")
        editor.write(f"{LIST}/col", col + 430)
    moved = wb.open_run(file.parent / "moved_Run0001.h5")
    turned = speckle_statistics(moved, regions=["a 530:570 100:140"], row="col", col="row")
    assert "exchange row and column" in turned.message


def test_the_picture_shows_what_was_found(file: Path) -> None:
    picture = photon_statistics_of(speckle_statistics(wb.open_run(file)))
    labels = [axes.get_ylabel() for axes in picture.axes]
    assert labels[:2] == ["P(k), region far [1]", "contrast [1]"]


@pytest.mark.faults
@pytest.mark.parametrize("name", met("speckle_statistics"))
def test_no_fault_gives_a_wrong_number_without_a_word(name: str, file: Path, meet: Meet) -> None:
    made = SPEC, Speckle()
    meet("speckle_statistics", name, file, lambda run: speckle_statistics(run, samples=50), made)

"""Pictures looked through and written as TIFF files: packed, read back, missing ones named."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

import workbench as wb
from tests.conftest import ModuleFolder
from workbench.core.errors import InputError, WorkbenchError
from workbench.plots import picture_page
from workbench.recipes import NoPictureError, browse_pictures, export_pictures
from workbench.recipes.tiff_export import _read_back
from workbench.runs import Run
from workbench.smalldata.exports.tiffs import TiffResult
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import PowderShots

EVERY = {"camera_every": 1, "jungfrau_every": 1, "n_steps": 1}
WHOLE = EVERY | {"missing": 0.0, "camera_missing": 0.0, "partial": 0}
RINGS, PEAK = "Epix10kaQuad2/full_area", "epix100a_2_bxrts/peak_area"


@pytest.fixture(scope="module")
def run(module_folder: ModuleFolder) -> Run:
    spec = PumpProbe(experiment="mecsyn0126", run=1, n_events=2, **WHOLE)
    scene = PowderShots(lost=((2, "Epix10kaQuad2"),))
    folder = module_folder("pictures")
    return wb.open_run(write_small_data(spec, folder, generation="lcls2", scene=scene))


def test_a_shot_is_shown_as_every_camera_saw_it_and_a_missing_one_is_named(run: Run) -> None:
    seen = browse_pictures(run)
    assert [one.name for one in seen.pictures] == [RINGS, PEAK]
    second = browse_pictures(run, shot=2)
    assert [one.name for one in second.pictures] == [PEAK]
    assert [row[-1] for row in second.table.rows] == ["not in shot 2", "shown"]
    with pytest.raises(InputError, match="has shots 1 to 2"):
        browse_pictures(run, shot=3)
    with pytest.raises(WorkbenchError, match="did you mean"):
        browse_pictures(run, ["Epix10kaQuad2/full_aera"])
    with pytest.raises(NoPictureError, match="no picture per event"):
        browse_pictures(run, ["Epix10kaQuad2/ring_sum"])


@pytest.mark.parametrize("pack", [True, False])
def test_tiff_files_hold_the_pixels_of_the_run(run: Run, tmp_path: Path, pack: bool) -> None:
    written = export_pictures(run, [RINGS, PEAK], tmp_path, pack=pack)
    assert written.same
    assert [row[2:4] for row in written.table.rows] == [(4, 1), (2, 0)]  # pages, missing
    assert len(written.files) == (2 if pack else 3)
    stack = tifffile.imread(written.files[0])
    np.testing.assert_array_equal(stack.reshape(4, 352, 384), run[RINGS].read()[0])


def test_a_file_that_holds_other_pixels_is_told(run: Run, tmp_path: Path) -> None:
    (path,) = export_pictures(run, [PEAK], tmp_path).files
    pages = tifffile.imread(path)
    pages[1, 3, 3] += 1e-3
    tifffile.imwrite(path, pages, metadata=None, photometric="minisblack")
    assert _read_back(run, PEAK, TiffResult((path,))) == (2, False)
    tifffile.imwrite(path, pages[:1], metadata=None, photometric="minisblack")
    assert _read_back(run, PEAK, TiffResult((path,))) == (1, False)


@pytest.mark.parametrize("log", [True, False])
def test_colours_are_finite_where_pixels_are_negative_or_zero(run: Run, log: bool) -> None:
    (rings,) = browse_pictures(run, [RINGS]).pictures
    picture = picture_page([rings], log=log)
    (drawn,) = picture.axes[0].get_images()
    low, high = drawn.get_clim()
    assert high > 0
    assert (low > 0) == log
    page = np.ma.masked_invalid(drawn.get_array())
    assert page.min() >= low or not log  # nothing falls out of a logarithm

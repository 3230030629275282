"""Pictures of a detector from arrays, raw events and small-data files."""

import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.regions import Layout
from workbench.runs import Run
from workbench.sources import open_raw
from workbench.sources.geometry import parse_geometry
from workbench.widgets.models import (
    DisplayRange,
    EmptyPictureError,
    NoFramesError,
    PictureError,
    RegionModel,
    Viewport,
    picture_of_array,
    picture_of_raw,
    picture_of_run,
    render,
    sums_in,
)
from workbench.widgets.opening import open_source

from .conftest import EVENTS, GAIN, PEDESTAL, TABLE, Made, write_run


def test_the_mean_of_raw_events_is_calibrated_and_assembled(made: Made) -> None:
    picture = picture_of_raw(made.raw, "tiles", events=4, constants=made.constants)
    seen = [event for event in range(EVENTS) if event % 3 != 1][:4]
    np.testing.assert_allclose(
        picture.frame, (made.tiles[seen].astype(float) - PEDESTAL).mean(axis=0) / GAIN, atol=1e-6
    )
    assert (picture.unit, picture.origin) == ("keV", "mean of 4 events of xpplx1234 run 7")
    np.testing.assert_array_equal(picture.good, made.good)
    table = parse_geometry(TABLE)
    np.testing.assert_array_equal(picture.layout.rows, table.image_rows)
    np.testing.assert_array_equal(picture.layout.cols, table.image_cols)
    np.testing.assert_array_equal(picture.image, table.assemble(picture.frame))
    assert np.isnan(picture.image).any()
    assert picture.x is not None


def test_without_constants_raw_readings_are_shown(made: Made) -> None:
    picture = picture_of_raw(made.raw, "cam", events=1)
    np.testing.assert_array_equal(picture.frame, made.cam[0])
    assert picture.unit == "ADU"
    with pytest.raises(InputError, match="1 or more"):
        picture_of_raw(made.raw, "cam", events=0)


def test_the_sums_of_a_small_data_file_give_the_same_picture(made: Made, produced: Run) -> None:
    assert sums_in(produced) == {
        "cam": ["calib", "calib_max"], "tiles": ["calib"],
    }  # fmt: skip
    picture = picture_of_run(produced, "tiles")
    raw = picture_of_raw(made.raw, "tiles", events=EVENTS, constants=made.constants)
    np.testing.assert_allclose(picture.frame, raw.frame, rtol=1e-12)
    np.testing.assert_array_equal(picture.layout.rows, raw.layout.rows)
    np.testing.assert_array_equal(picture.layout.cols, raw.layout.cols)
    np.testing.assert_array_equal(picture.good, made.good)
    assert picture.unit == "keV"
    assert picture.origin == "mean of 8 events, Sums/tiles_calib of xpplx1234 run 7"


def test_the_largest_value_of_each_pixel_is_not_divided(made: Made, produced: Run) -> None:
    picture = picture_of_run(produced, "cam", what="calib_max")
    expected = (made.cam.max(axis=0).astype(float) - PEDESTAL) / GAIN
    np.testing.assert_allclose(picture.frame, expected, atol=1e-6)
    assert picture.origin.startswith("largest of 12 events")


def test_what_is_not_there_is_named_with_what_is(made: Made, produced: Run) -> None:
    with pytest.raises(UnknownNameError, match="did you mean tiles"):
        picture_of_raw(made.raw, "tlies")
    with pytest.raises(UnknownNameError, match="did you mean tiles"):
        picture_of_run(produced, "tile")
    with pytest.raises(UnknownNameError, match="calib_max"):
        picture_of_run(produced, "cam", what="calib_maxx")


def test_a_detector_in_no_event_is_named(tmp_path: Path, write: Any) -> None:
    frames = {name: np.ones((3, 9, 9), np.uint16) for name in ("here", "gone")}
    write_run(tmp_path, frames, seen=lambda name, _: name == "here")
    with pytest.raises(NoFramesError, match="gone is in none of the 3 events"):
        picture_of_raw(open_raw(tmp_path), "gone")
    values = {"a": np.zeros(3), "Sums/gone_calib": np.zeros((3, 4))}
    run = Run(write(values | {"UserDataCfg/gone/calib__n_events": 0}))
    with pytest.raises(NoFramesError, match="holds no event"):
        picture_of_run(run, "gone")


def test_cameras_that_delivered_nothing_are_named_when_a_run_is_opened(tmp_path: Path) -> None:
    frames = {name: np.ones((3, 80, 80), np.uint16) for name in ("here", "gone")}
    write_run(tmp_path, frames, seen=lambda name, _: name == "here")
    opened = open_source(tmp_path)
    assert list(opened.session.models) == ["here"]
    assert list(opened.missing) == ["gone"]
    assert "gone is in none of the 3 events of xpplx1234 run 7" in opened.missing["gone"]
    empty = tmp_path / "empty"
    empty.mkdir()
    write_run(empty, {"cam": np.ones((0, 80, 80), np.uint16)})
    with pytest.raises(NoFramesError, match=r"cam is in none of the 0 events of .* run 7; choose"):
        open_source(empty)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_a_picture_without_a_measured_pixel_is_refused(nothing: float) -> None:
    with pytest.raises(EmptyPictureError, match="no pixel was measured in run 3; take other"):
        picture_of_array(np.full((4, 5), nothing), origin="run 3")


@pytest.mark.parametrize("wrong", [np.zeros(5), np.zeros((1, 2, 3, 4)), np.zeros((0, 4)), [["a"]]])
def test_values_that_are_no_frame_are_refused(wrong: Any) -> None:
    with pytest.raises(PictureError, match="a picture is"):
        picture_of_array(wrong)


def test_mask_and_layout_must_belong_to_the_frame() -> None:
    with pytest.raises(PictureError, match="the mask has shape"):
        picture_of_array(np.ones((4, 5)), good=np.ones((5, 4)))
    with pytest.raises(PictureError, match="the layout has shape"):
        picture_of_array(np.ones((4, 5)), layout=Layout.flat((5, 4)))


def test_a_fully_masked_picture_still_has_colours() -> None:
    picture = picture_of_array(np.arange(6.0).reshape(2, 3), good=np.zeros((2, 3)))
    shown = render(picture, Viewport(0, 2, 0, 3, 9, 9), DisplayRange())
    assert shown.low < shown.high
    assert not RegionModel(picture).used.any()


def test_the_callers_array_stays_as_it_was() -> None:
    array = np.array([[1.0, np.inf], [2.0, 3.0]])
    picture_of_array(array)
    assert np.isinf(array[0, 1])


def test_sixteen_megapixels_are_shown_within_bounded_memory() -> None:
    tracemalloc.start()
    picture = picture_of_array(np.zeros((32, 512, 1024), np.float32))
    shown = render(picture, Viewport.whole(picture.shape, height=1000, width=1000), DisplayRange())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shown.levels.nbytes <= 1 << 20
    assert peak < 16 * picture.frame.size * 8  # a few copies, whatever the screen asks for


def test_pictures_of_other_runs_come_from_files_named_alike(
    made: Made, produced: Run, tmp_path: Path
) -> None:
    for name in ("xpplx1234_Run0007.h5", "xpplx1234_Run0012.h5"):
        shutil.copy(produced.path, tmp_path / name)
    (detector, *_) = sums_in(produced)
    another = open_source(tmp_path / "xpplx1234_Run0007.h5").another
    assert another is not None
    np.testing.assert_array_equal(
        another(12, detector).frame, picture_of_run(produced, detector).frame
    )
    with pytest.raises(NotThereError, match="xpplx1234_Run0013"):
        another(13, detector)
    raw = open_source(made.folder, events=2)
    assert raw.another is not None
    assert raw.another(7, "cam").origin == "mean of 2 events of xpplx1234 run 7"

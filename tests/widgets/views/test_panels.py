"""The panels below the picture: mask, centre, other runs, and what is written of them."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.producer.editor import edit_config
from workbench.regions import Box, Circle, Polarity, Rectangle
from workbench.widgets.models import (
    DisplayRange,
    EdgeStep,
    InvertStep,
    MaskError,
    RegionStep,
    Session,
    ThresholdStep,
    existing_regions,
    picture_of_array,
    proposed_of,
    run_numbers,
)
from workbench.widgets.opening import Opened
from workbench.widgets.views.editor import RegionEditor

CONFIG = """\
detectors = []


def getROIs(run):
    return {"epix": [{"name": "old", "ROI": [[1, 5], [2, 9]]}]}
"""
SHAPE = (60, 80)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "prod_config.py"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def editor(config: Path) -> RegionEditor:
    rng = np.random.default_rng(3)
    session = Session(picture_of_array(rng.poisson(4.0, SHAPE) * 1.0, detector="epix"))
    session.shown.put("spot", Rectangle(10, 20, 30, 50))
    made = RegionEditor(Opened(session), config=config, run=12)
    made.model.select("spot")  # those of the config came in last
    return made


def note(editor: RegionEditor) -> str:
    return str(editor.notes.panel.object)


def dragged(editor: RegionEditor, rows: list[float], cols: list[float]) -> None:
    source = editor.picture.canvas.channels["dragged"]
    about = {"detector": editor.model.picture.detector, "region": editor.model.selected}
    content = {"n": 1, **about, "what": "box", "rows": rows, "cols": cols, "final": True}
    source.data = {"text": [json.dumps(content)]}


def written(editor: RegionEditor, what: str, config: Path) -> dict[str, Any]:
    """Write as a person does; return what the config then says for run 12."""
    editor.writing._what.value = what
    editor.writing._plan()
    editor.writing._save()
    with edit_config(config) as edit:
        azav = edit.entry_before(12, "azav", "epix", "azav")
        return {"rois": {one["name"]: one for one in edit.entries(12)["epix"]}, "azav": azav}


def test_a_typed_centre_waits_for_its_second_number(editor: RegionEditor) -> None:
    row, col, distance = editor.centre._numbers[:3]
    row.value = "30.5"
    assert editor.model.state.centre is None
    assert row.value == "30.5"
    col.value = "41"
    assert editor.model.state.centre == (30.5, 41.0)
    distance.value = "far"
    assert "Distance [mm]: type a number" in note(editor)
    assert distance.value == ""
    editor.model.undo()
    assert (row.value, col.value) == ("", "")


def test_fields_show_few_digits_and_lose_none(editor: RegionEditor) -> None:
    """All fields are read when one is typed: those that were not keep what they stand for."""
    editor.model.set_centre((30.123456789012, 41.987654321098))
    row, col, distance = editor.centre._numbers[:3]
    assert (row.value, col.value) == ("30.12346", "41.98765")
    distance.value = "60"
    assert editor.model.state.centre == (30.123456789012, 41.987654321098)
    row.value = "30.2"
    assert editor.model.state.centre == (30.2, 41.987654321098)
    lowest, highest = editor.colours._ends
    editor.model.set_display(replace(editor.model.state.display, low=1 / 3))
    assert lowest.value == "0.3333333"
    highest.value = "9"
    assert (editor.model.state.display.low, editor.model.state.display.high) == (1 / 3, 9.0)


def test_points_are_clicked_or_typed(editor: RegionEditor) -> None:
    editor.picture.draw_with("points")
    tapped = editor.picture.canvas.channels["tapped"]
    tapped.data = {"text": [json.dumps({"n": 1, "row": 12.34, "col": 5.0})]}
    assert editor.model.state.points == ((12.3, 5.0),)
    assert editor.centre._points.value == "(12.3, 5)"
    editor.centre._points.value = "(1, 2), (3, 4)"
    assert editor.picture.canvas._points.data == {"x": [2.0, 4.0], "y": [1.0, 3.0]}


def test_the_centre_that_is_previewed_is_written_for_the_producer(
    editor: RegionEditor, config: Path
) -> None:
    for field, value in zip(editor.centre._numbers, (30, 40, 60, 9.5, 0, 0, 100), strict=True):
        field.value = str(value)
    editor.centre._width.value, editor.centre._sectors.value = 0.05, 2
    editor.centre._preview()
    shown = [len(one.data["x"]) for one in editor.centre._plot._sources[:2]]
    assert min(shown) > 1
    found = written(editor, "the centre, for the azimuthal average", config)["azav"]
    assert found["center"] == [3000.0, 4000.0]
    assert (found["dis_to_sam"], found["eBeam"]) == (60.0, 9.5)
    assert (found["qbin"], found["phiBins"]) == (0.05, 2)


def test_a_mask_is_written_for_one_entry_and_is_what_the_overlay_shows(
    editor: RegionEditor, config: Path
) -> None:
    editor.model.add_mask_step(RegionStep(Circle(40, 40, 9)))
    written(editor, "the selected region", config)
    written(editor, "the mask, for the selected region", config)
    good = editor.model.good
    entry = existing_regions(config, "epix", SHAPE, run=12)["spot"].config
    assert entry is not None
    assert entry.good is not None
    np.testing.assert_array_equal(entry.good, good)
    told = editor.picture.canvas._veil.data["image"][0]
    np.testing.assert_array_equal(told.astype(bool), ~good)
    (file,) = (config.parent / "masks").glob("*.npy")
    np.testing.assert_array_equal(np.load(file).astype(bool), good)


def test_a_region_is_taken_out_of_the_config(editor: RegionEditor, config: Path) -> None:
    editor.model.select("old")
    assert set(written(editor, "no more: an entry of the config", config)["rois"]) == set()


def test_a_region_that_somebody_else_moved_in_the_config_follows_and_is_not_moved_back(
    editor: RegionEditor, config: Path
) -> None:
    config.write_text(CONFIG.replace("[[1, 5], [2, 9]]", "[[2, 6], [2, 9]]"))
    found = written(editor, "all regions", config)["rois"]
    assert found["old"]["ROI"] == [[2, 6], [2, 9]]
    assert found["spot"]["ROI"] == [[10, 20], [30, 50]]
    assert editor.model["old"] == Box(Bounds((2, 2), (6, 9)))
    config.write_text(config.read_text().replace("[[2, 6], [2, 9]]", "[[3, 7], [2, 9]]"))
    editor.model.change("old", Rectangle(30, 40, 30, 40))  # moved here, too: the plan says so
    editor.writing._plan()
    assert "is replaced" in editor.writing._diff.object
    assert editor.model["old"] == Rectangle(30, 40, 30, 40)


def test_an_entry_that_only_a_mask_chooses_is_taken_out_by_its_name_and_comes_back(
    editor: RegionEditor, config: Path
) -> None:
    editor.model.put("round", Circle(30, 30, 8))
    written(editor, "the selected region", config)
    editor.model.remove("round")
    editor.writing._what.value = "no more: an entry of the config"
    assert editor.writing._entry.visible
    assert editor.writing._entry.options == ["old", "round"]
    assert editor.picture.canvas._names.data["text"] == ["spot", "old", "round"]
    editor.writing._entry.value = "round"
    editor.writing._plan()
    assert "round" in editor.writing._diff.object
    editor.writing._save()
    assert set(existing_regions(config, "epix", SHAPE, run=12)) == {"old"}
    assert editor.writing._entry.options == ["old"]
    assert editor.picture.canvas._names.data["text"] == ["spot", "old"]
    editor.writing._undo()
    assert set(existing_regions(config, "epix", SHAPE, run=12)) == {"old", "round"}
    assert editor.picture.canvas._names.data["text"] == ["spot", "old", "round"]


def test_a_config_region_with_a_mask_is_outlined_pixel_by_pixel_and_cannot_be_dragged(
    editor: RegionEditor, config: Path
) -> None:
    editor.model.put("round", Circle(30, 30, 8))
    written(editor, "the selected region", config)
    editor.model.remove("round")
    editor.writing.take_over()
    assert "round" not in editor.model.regions
    assert "Dashed: round. A mask chooses" in note(editor)
    names, lines = (editor.picture.canvas._names.data, editor.picture.canvas._lines.data)
    assert names["text"] == ["spot", "old", "round"]
    assert lines["dash"] == ["solid", "solid", "dashed"]
    crossed = np.zeros(SHAPE, int)  # painting a closed line's inside, row by row
    xs, ys = (lines[name][-1] for name in ("xs", "ys"))
    for (col, row), (to_col, to_row) in itertools.pairwise(zip(xs, ys, strict=True)):
        if col == to_col:
            crossed[int(min(row, to_row)) : int(max(row, to_row)), int(col) :] += 1
    pixels = editor.model.picture.layout.pixels(Circle(30, 30, 8))
    np.testing.assert_array_equal(crossed % 2 == 1, pixels)
    editor.model.put("round", Rectangle(1, 5, 1, 5))  # drawn anew: its old outline goes
    assert editor.picture.canvas._names.data["text"] == ["spot", "old", "round"]
    assert len(editor.picture.canvas._lines.data["xs"]) == 3


def test_a_box_over_tiles_is_dragged_as_one_or_says_why_not() -> None:
    session = Session(picture_of_array(np.ones((2, 30, 40)), detector="tiles"))
    editor = RegionEditor(Opened(session))
    editor.model.put("both", Box(Bounds((0, 5, 6), (2, 12, 16))))
    box = editor.picture.canvas._box
    assert box.resizable == "none"
    assert (box.top, box.bottom) == (5, 50)  # from the first tile to the second, 8 pixels between
    dragged(editor, [8, 53], [10, 20])
    assert editor.model["both"] == Box(Bounds((0, 8, 10), (2, 15, 20)))
    dragged(editor, [-3, 42], [10, 20])
    assert "would leave its tile" in note(editor)
    assert editor.model["both"] == Box(Bounds((0, 8, 10), (2, 15, 20)))


def test_picture_and_mask_together_send_less_than_a_megabyte() -> None:
    large = picture_of_array(np.ones((2048, 2048)), detector="epix")
    editor = RegionEditor(Opened(Session(large)))
    editor.model.add_mask_step(EdgeStep(3))
    seen = {"top": 0, "bottom": 2048, "left": 0, "right": 2048, "density": 2, "n": 1}
    source = editor.picture.canvas.channels["seen"]
    source.data = {"text": [json.dumps({**seen, "width": 1400, "height": 1200})]}
    canvas = editor.picture.canvas
    sent = sum(one.data["image"][0].nbytes for one in (canvas._image, canvas._veil))
    assert 1 << 19 < sent <= 1 << 20


def test_a_mask_file_is_read_and_one_of_another_shape_refused(
    editor: RegionEditor, tmp_path: Path
) -> None:
    good = np.ones(SHAPE, bool)
    good[5:9, 3:8] = False
    np.save(tmp_path / "mask.npy", good.astype(np.uint8))
    editor.masks._file.value = str(tmp_path / "mask.npy")
    editor.masks._read()
    np.testing.assert_array_equal(editor.model.good, good)
    assert list(editor.masks._steps.options) == ["1. and the mask of mask.npy"]
    np.save(tmp_path / "other.npy", np.ones((3, 4)))
    editor.masks._file.value = str(tmp_path / "other.npy")
    editor.notes.guarded(editor.masks._read)(None)
    assert 'role="alert"' in note(editor)
    assert len(editor.model.state.mask_steps) == 1


def test_an_inverted_mask_is_refused_when_read_and_when_it_was_drawn(
    config: Path, tmp_path: Path
) -> None:
    status = np.ones(SHAPE, bool)
    status[5:9, 3:8] = False  # bad pixels of the detector
    picture = picture_of_array(np.ones(SHAPE), detector="epix", good=status)
    editor = RegionEditor(Opened(Session(picture)), config=config, run=12)
    bad = ~status
    bad[30:40, 10:20] = True
    np.save(tmp_path / "bad.npy", bad.astype(np.uint8))  # 1 = bad, as pyFAI's
    editor.masks._file.value = str(tmp_path / "bad.npy")
    editor.notes.guarded(editor.masks._read)(None)
    assert 'role="alert"' in note(editor)
    assert "[mask-inverted]" in note(editor)
    assert editor.model.state.mask_steps == ()
    editor.masks._polarity.value = str(Polarity.BAD)  # now it is said what 1 means
    editor.masks._read()
    np.testing.assert_array_equal(editor.model.good, ~bad)
    editor.model.put("spot", Rectangle(0, 20, 0, 50))
    editor.writing._masked.value = "the drawn one"
    editor.model.add_mask_step(InvertStep())
    editor.writing._plan()
    assert "[mask-inverted]" in editor.writing._diff.object
    assert "cannot be written" in editor.writing._diff.object
    assert editor.writing._write.disabled
    with pytest.raises(InputError, match=r"nothing was written: .*mask-inverted"):
        editor.writing._save()
    assert config.read_text() == CONFIG
    assert not list(config.parent.glob("masks/*"))
    editor.model.remove_mask_step(1)
    editor.writing._plan()
    assert not editor.writing._write.disabled
    editor.writing._forget()


def test_a_mask_that_leaves_few_pixels_is_read_and_asked_about(
    editor: RegionEditor, tmp_path: Path
) -> None:
    few = np.zeros(SHAPE, np.uint8)
    few[5:9, 3:8] = 1
    np.save(tmp_path / "few.npy", few)
    editor.masks._file.value = str(tmp_path / "few.npy")
    editor.masks._read()
    assert "is it inverted? 1 means use" in note(editor)
    assert "takes out 4780 of 4800 pixels" in note(editor)
    assert len(editor.model.state.mask_steps) == 1


def test_a_mask_is_proposed_from_dark_level_and_noise() -> None:
    rng = np.random.default_rng(1)
    dark, noise = rng.normal(100, 1, SHAPE), rng.normal(3, 0.1, SHAPE)
    dark[3, 4], noise[7, 8] = 200, 30
    constants = Constants("epix", dark, noise=noise)
    step = proposed_of(constants)
    assert np.argwhere(~step.good).tolist() == [[3, 4], [7, 8]]
    assert "1 noisy, 1 dark level" in str(step)
    with pytest.raises(MaskError, match="have no noise"):
        proposed_of(replace(constants, noise=None))


def test_what_is_typed_to_be_shown_stays_until_it_is_shown(editor: RegionEditor) -> None:
    colours = editor.colours
    seen = {"n": 1, "top": 5, "bottom": 25, "left": 10, "right": 40, "density": 1}
    channel = editor.picture.canvas.channels["seen"]
    channel.data = {"text": [json.dumps({**seen, "width": 300, "height": 200})]}
    assert [side.value for side in colours._sides] == [5, 25, 10, 40]
    colours._sides[0].value = 12
    channel.data = {"text": [json.dumps({**seen, "bottom": 30, "width": 300, "height": 200})]}
    editor.model.set_display(DisplayRange(percent_low=3))
    assert [side.value for side in colours._sides] == [12, 30, 10, 40]
    colours._go.clicks += 1
    channel.data = {"text": [json.dumps({**seen, "top": 11, "width": 300, "height": 200})]}
    assert [side.value for side in colours._sides] == [11, 25, 10, 40]


def test_steps_of_a_mask_are_told_in_words() -> None:
    told = [str(one) for one in (EdgeStep(2), ThresholdStep(1, 5), ThresholdStep(high=5))]
    assert told == [
        "without the outer 2 pixel(s) of every tile",
        "without values below 1 and from 5",
        "without values from 5",
    ]
    assert str(RegionStep(Rectangle(1, 3, 2, 9))) == "without rectangle [[1, 3], [2, 9]]"


def test_a_region_that_no_longer_fits_in_another_run_is_told(config: Path) -> None:
    rows, cols = np.indices(SHAPE)
    pictures = []
    for run, row in ((1, 30), (2, 30), (3, 37)):
        light = 200 * np.exp(-((rows - row) ** 2 + (cols - 40) ** 2) / 8)
        light += np.random.default_rng(run).normal(0, 1, SHAPE)
        pictures.append(picture_of_array(light, detector="epix", origin=f"run {run}"))
    editor = RegionEditor(Opened(Session(*pictures)), config=config)
    editor.model.put("spot", Rectangle(22, 38, 32, 48))
    editor.runs._follow()
    assert "the light moved since run run 1" in editor.runs._told.object
    editor.model.select("")
    assert editor.runs._told.object == ""
    editor.runs._runs.value = "4-5"
    editor.notes.guarded(editor.runs._follow)(None)
    assert "no region is selected" in note(editor)


def test_runs_are_typed_as_numbers_and_ranges() -> None:
    assert run_numbers("14-16, 23") == (14, 15, 16, 23)
    for text in ("16-14", "a", "", "1,,2"):
        with pytest.raises(ValueError, match="as 14-20, 23"):
            run_numbers(text)

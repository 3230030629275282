"""Regions on their way into a config: only what was drawn changes, and nobody's change is lost."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fabio
import numpy as np
import pytest

from workbench.core.arrays import Array
from workbench.core.errors import WorkbenchError
from workbench.producer.editor import (
    CannotEditError,
    UnknownDetectorError,
    edit_config,
    undo,
)
from workbench.producer.evaluation import evaluate_config
from workbench.regions import Circle, Rectangle, check_mask, read_mask
from workbench.widgets.models import (
    BothChangedError,
    EdgeStep,
    MaskError,
    RegionModel,
    RegionStep,
    StatusStep,
    WriteBack,
    given,
    picture_of_array,
    picture_of_raw,
)

from .conftest import RUN, Made

SHAPE = (40, 50)
CONFIG = """\
detectors = ['epix_1']
def getROIs(run):
    if run >= 12:
        return {'epix_1': [{'name': 'ROI_0', 'ROI': [[10, 20], [30, 40]], 'writeArea': True}]}
    return {}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "prod_config_xpp.py"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def model() -> RegionModel:
    status = np.ones(SHAPE, bool)
    status[2, 3:9] = False
    picture = picture_of_array(np.ones(SHAPE), detector="epix_1", good=status)
    return RegionModel(picture)


def regions_in(config: Path, run: int, detector: str = "epix_1") -> dict[str, Any]:
    told = evaluate_config(config, config.read_text(), ["getROIs", "detectors"], run=run)
    assert not told.failed
    return {one["name"]: one for one in told.values["getROIs"].get(detector, [])}


def test_what_the_config_gives_is_shown_and_is_not_written_again(
    config: Path, model: RegionModel
) -> None:
    with WriteBack(config, from_run=12) as back:
        assert back.take_over(model) == ["ROI_0"]
        assert model.picture.layout.pixels(model["ROI_0"])[10:20, 30:40].all()
        planned = back.plan_regions(model)
        assert not planned.changed
        assert planned.diff == ""
        assert not back.save().written
    assert config.read_text() == CONFIG
    with WriteBack(config, from_run=11) as back:
        assert back.existing(model) == {}


def test_a_moved_region_changes_its_numbers_and_nothing_else(
    config: Path, model: RegionModel
) -> None:
    with WriteBack(config, from_run=12) as back:
        back.take_over(model)
        model.move("ROI_0", 3, -2)
        planned = back.plan_regions(model)
        assert [one.code for one in planned.findings] == ["region-replaced"]
        assert (
            "+        return {'epix_1': [{'name': 'ROI_0', 'ROI': [[13, 23], [28, 38]]"
            in planned.diff
        )
        assert config.read_text() == CONFIG  # nothing is written before
        saved = back.save()
    assert saved.written
    assert config.read_text() == CONFIG.replace("[10, 20], [30, 40]", "[13, 23], [28, 38]")
    undo(config)
    assert config.read_text() == CONFIG


def test_regions_of_a_new_detector_are_guarded_by_run_and_join_the_list(config: Path) -> None:
    model = RegionModel(picture_of_array(np.ones(SHAPE), detector="epix_2"))
    model.put("spot", Rectangle(2, 5, 3, 9))
    model.put("round", Circle(20, 20, 7))
    with WriteBack(config, from_run=20, to_run=25) as back:
        planned = back.plan_regions(model, write_area=True, threshold=2.5)
        assert [one.code for one in planned.findings] == ["new-detector"]
        back.save()
    told = evaluate_config(config, config.read_text(), ["detectors"], run=20)
    assert told.values["detectors"] == ["epix_1", "epix_2"]
    for run, names in ((19, set()), (20, {"spot", "round"}), (25, {"spot", "round"}), (26, set())):
        assert set(regions_in(config, run, "epix_2")) == names
        assert set(regions_in(config, run)) == {"ROI_0"}
    found = regions_in(config, 21, "epix_2")
    assert found["spot"] == {
        "name": "spot", "ROI": [[2, 5], [3, 9]], "writeArea": True, "thresADU": 2.5,
    }  # fmt: skip
    np.testing.assert_array_equal(
        found["round"]["userMask"], model.picture.layout.pixels(Circle(20, 20, 7))
    )


def test_a_round_region_that_becomes_a_rectangle_loses_its_mask(
    config: Path, model: RegionModel
) -> None:
    for region in (Circle(20, 20, 7), Rectangle(2, 5, 3, 9)):
        model.put("spot", region)
        with WriteBack(config, from_run=12) as back:
            back.plan_regions(model, ["spot"])
            back.save()
            found = back.existing(model)["spot"].config
        assert found is not None
        np.testing.assert_array_equal(found.pixels(SHAPE), model.picture.layout.pixels(region))


def test_the_drawn_mask_goes_with_the_regions_on_request(config: Path, model: RegionModel) -> None:
    model.put("spot", Rectangle(0, 20, 0, 20))
    model.add_mask_step(EdgeStep(2))
    with WriteBack(config, from_run=12) as back:
        assert "mask-not-written" in {one.code for one in back.plan_regions(model).findings}
        planned = back.plan_regions(model, with_mask=True)
        assert "mask-not-written" not in {one.code for one in planned.findings}
        back.save()
    np.testing.assert_array_equal(regions_in(config, 12)["spot"]["userMask"], model.good)


def test_a_removed_region_is_gone_from_its_run_on(config: Path, model: RegionModel) -> None:
    with WriteBack(config, from_run=30) as back:
        back.plan_removal("epix_1", "ROI_0")
        back.save()
    assert set(regions_in(config, 29)) == {"ROI_0"}
    assert regions_in(config, 30) == {}


def test_a_region_that_was_taken_over_is_not_written_unless_it_is_named(
    config: Path, model: RegionModel
) -> None:
    model.add_mask_step(EdgeStep(12))
    with WriteBack(config, from_run=12) as back:
        back.take_over(model)
        model.put("spot", Rectangle(0, 20, 0, 20))
        assert back.plan_regions(model, with_mask=True).names == ("spot",)
        assert back.plan_regions(model, ["ROI_0"], with_mask=True).names == ("ROI_0",)
        model.move("ROI_0", 3, -2)
        planned = back.plan_regions(model, with_mask=True)
        assert planned.names == ("ROI_0", "spot")
        assert str(planned).splitlines()[0] == "--- prod_config_xpp.py (before)"
        assert "[region-replaced]" in str(planned)


def test_azimuthal_parameters_are_planned_too(config: Path) -> None:
    with WriteBack(config, from_run=30) as back:
        back.plan_azav("epix_1", center=[87526.5, 79790.25], dis_to_sam=90.0, eBeam=9.5)
        back.save()
    told = evaluate_config(config, config.read_text(), ["get_azav"], run=30)
    assert told.values["get_azav"]["epix_1"]["center"] == [87526.5, 79790.25]


def test_a_detector_that_has_a_picture_is_added_and_said_to_be_while_a_typed_one_is_refused(
    config: Path,
) -> None:
    model = RegionModel(picture_of_array(np.ones(SHAPE), detector="epix_2"))
    model.put("spot", Rectangle(2, 9, 3, 30))
    with WriteBack(config, from_run=30) as back:
        with pytest.raises(UnknownDetectorError, match=r"did you mean epix_1\?"):
            back.plan_azav("epix_2", dis_to_sam=90.0)
        planned = back.plan_regions(model)
        (told,) = [one for one in planned.findings if one.code == "new-detector"]
        assert "is added; or did you mean epix_1?" in told.message
        assert not planned.refused
        back.save()
    assert regions_in(config, 30, "epix_2").keys() == {"spot"}
    with WriteBack(config, from_run=30) as back:
        assert "new-detector" not in str(back.plan_regions(model, write_area=True))


def test_what_was_planned_and_given_up_leaves_no_mask_behind(
    config: Path, model: RegionModel
) -> None:
    model.put("spot", Circle(20, 20, 7))
    with WriteBack(config, from_run=12) as back:
        back.plan_regions(model)
        assert list(config.parent.glob("masks/*.npy"))
    with pytest.raises(WorkbenchError, match="nothing is planned"):
        back.save()
    assert not list(config.parent.glob("masks/*"))
    assert config.read_text() == CONFIG


def test_a_change_of_other_entries_meanwhile_is_kept(config: Path, model: RegionModel) -> None:
    model.put("spot", Circle(20, 20, 7))
    with WriteBack(config, from_run=12) as back:
        back.plan_regions(model)
        with edit_config(config) as other:
            other.set_roi("epix_1", "theirs", [[0, 3], [0, 4]], from_run=12)
            other.save()
        saved = back.save()
    assert saved.written
    assert "theirs" in saved.theirs
    assert "theirs" not in saved.diff.replace("(12, None, 'epix_1', 'theirs'", "")
    assert set(regions_in(config, 12)) == {"ROI_0", "theirs", "spot"}


def test_a_change_of_the_same_entry_meanwhile_is_shown_and_nothing_is_written(
    config: Path, model: RegionModel
) -> None:
    with WriteBack(config, from_run=12) as back:
        back.take_over(model)
        model.move("ROI_0", 3, -2)
        back.plan_regions(model)
        theirs = CONFIG.replace("[10, 20]", "[11, 21]")
        config.write_text(theirs)
        with pytest.raises(BothChangedError, match="somebody else changed the same") as caught:
            back.save()
        assert "[11, 21]" in caught.value.theirs
        assert "[13, 23]" in caught.value.ours
    assert config.read_text() == theirs


def test_two_who_draw_the_same_mask_do_not_take_it_from_each_other(
    config: Path, model: RegionModel
) -> None:
    model.put("spot", Circle(20, 20, 7))
    with WriteBack(config, from_run=12) as second:
        with WriteBack(config, from_run=12) as first:
            first.plan_regions(model)
            second.plan_regions(model)  # finds the mask of the first
        second.save()
    np.testing.assert_array_equal(
        regions_in(config, 12)["spot"]["userMask"], model.picture.layout.pixels(model["spot"])
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("print 'python 2'\n", "config"),
        ("def getROIs(run):\n    return 1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_config_that_fails_is_refused_and_stays(
    text: str, message: str, config: Path, model: RegionModel
) -> None:
    config.write_text(text)
    model.put("spot", Rectangle(2, 5, 3, 9))
    with (
        WriteBack(config, from_run=12) as back,
        pytest.raises(CannotEditError, match=message),
    ):
        back.plan_regions(model)
    assert config.read_text() == text


def test_entries_that_cannot_be_read_are_told_and_can_be_replaced(
    config: Path, model: RegionModel
) -> None:
    config.write_text(CONFIG.replace("[[10, 20], [30, 40]]", "[[10, 20], [90, 95]]"))
    with WriteBack(config, from_run=12) as back:
        found = back.existing(model)["ROI_0"]
        assert found.region is None
        assert "outside the detector" in found.problem
        assert back.take_over(model) == []
        model.put("spot", Rectangle(2, 5, 3, 9))
        planned = back.plan_regions(model)
        assert planned.findings[0].code == "roi-outside"
        model.put("ROI_0", Rectangle(2, 5, 3, 9))
        planned = back.plan_regions(model)
        assert {one.code for one in planned.findings} == {"region-replaced"}


CODE = """
import sys, numpy as np
from workbench.core.atomic import CannotWriteError
from workbench.regions import Rectangle
from workbench.widgets.models import RegionModel, WriteBack, picture_of_array
model = RegionModel(picture_of_array(np.ones((40, 50)), detector="epix_1"))
model.put("spot", Rectangle(2, 5, 3, 9))
with WriteBack(sys.argv[1], from_run=12) as back:
    print(back.plan_regions(model).diff)
    try:
        back.save()
    except CannotWriteError as error:
        print("refused:", error)
"""


def test_a_config_of_somebody_else_is_shown_but_not_changed(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs a folder that belongs to another user: only root can make one")
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    config = folder / "prod_config_xpp.py"
    config.write_text(CONFIG)
    for path in (folder, config):
        os.chown(path, 65534, 65534)
    # Root without the privilege to write everywhere is a user like any other.
    like_a_user = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(
        [*like_a_user, sys.executable, "-c", CODE, str(config)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "+" in done.stdout, done.stderr
    assert "refused: no permission" in done.stdout
    assert config.read_text() == CONFIG
    assert list(folder.iterdir()) == [config]


def masks_of(shape: tuple[int, ...]) -> dict[str, Array]:
    good = np.ones(shape, bool)
    good[..., 2, 3:9] = False
    return {
        "": good,
        "mask-inverted": ~good,
        "mask-shape": good[..., :-1],
        "mask-empty": np.zeros(shape, int),
        "mask-values": np.full(shape, 0.5),
    }


@pytest.mark.parametrize("code", masks_of(SHAPE))
def test_user_errors_in_masks_are_found(code: str, model: RegionModel) -> None:
    mask = masks_of(SHAPE)[code]
    if code == "mask-inverted":
        mask = mask.copy()
        mask[30:33] = True
    found = check_mask(mask, status=model.picture.good, origin="mask.npy")
    assert [one.code for one in found] == ([code] if code else [])
    if code:
        with pytest.raises(MaskError, match=rf"mask.npy.*\[{code}\]"):
            given(mask, model.picture, origin="mask.npy")
    else:
        model.add_mask_step(given(mask, model.picture))
        np.testing.assert_array_equal(model.good, mask)


def test_a_mask_that_leaves_few_pixels_is_asked_about(model: RegionModel) -> None:
    few = np.zeros(SHAPE, bool)
    few[20:25] = True
    (found,) = check_mask(few, status=model.picture.good)
    assert (found.code, found.severity) == ("mask-leaves-few", "warning")
    model.add_mask_step(given(few, model.picture))  # a narrow region is a mask too


def test_mask_file_producer_and_overlay_agree_pixel_by_pixel(made: Made, tmp_path: Path) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(made.config.read_text())
    model = RegionModel(picture_of_raw(made.raw, "tiles", constants=made.constants))
    model.add_mask_step(StatusStep())
    model.add_mask_step(EdgeStep(3))
    model.add_mask_step(RegionStep(Circle(150, 300, 40)))
    height, width = model.picture.shape
    model.put("all", Rectangle(0, height, 0, width))
    with WriteBack(config, from_run=RUN) as back:
        back.plan_regions(model, ["all"], with_mask=True)
        back.save()
    (path,) = config.parent.glob("masks/*.npy")
    stored = np.load(path)
    assert stored.dtype == np.bool_  # True = use, as its record says
    assert '"polarity": "True = use"' in path.with_suffix(".json").read_text()
    np.testing.assert_array_equal(stored, model.good)
    run = made.produced(tmp_path, config=config)
    function = run.settings["tiles"].functions["all"]
    bounds = function.bounds
    assert bounds is not None
    assert bounds.shape == model.picture.frame.shape
    producers = run["UserDataCfg/tiles/all__all_mask"].read()  # 1 = bad
    np.testing.assert_array_equal(producers == 0, model.used)
    drawn = model.picture.layout.on_picture(~model.used)
    rows, cols = model.picture.layout.rows, model.picture.layout.cols
    np.testing.assert_array_equal(drawn[rows, cols], producers == 1)


def test_masks_of_other_programs_reach_the_producer_pixel_by_pixel(
    made: Made, tmp_path: Path
) -> None:
    picture = picture_of_raw(made.raw, "tiles", events=1, constants=made.constants)
    layout, shape = picture.layout, picture.frame.shape
    masks = {name: np.random.default_rng(seed).random(shape) > 0.2
             for seed, name in enumerate(("a.npy", "b.txt", "c.edf", "d.npy"))}  # fmt: skip
    flat = {name: good.reshape(-1, shape[-1]).astype(np.uint8) for name, good in masks.items()}
    np.save(tmp_path / "a.npy", masks["a.npy"])
    np.savetxt(tmp_path / "b.txt", flat["b.txt"], fmt="%d")
    fabio.edfimage.EdfImage(data=1 - flat["c.edf"]).write(str(tmp_path / "c.edf"))
    np.save(tmp_path / "d.npy", layout.on_picture(masks["d.npy"]))
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(made.config.read_text())
    whole = [[0, length] for length in shape]
    with edit_config(config) as edit:
        for name in masks:
            good = read_mask(tmp_path / name, shape, layout=layout)
            edit.set_roi("tiles", name[0], whole, from_run=RUN)
            edit.set_mask("tiles", name[0], good, shape=shape, from_run=RUN)
        edit.save()
    run = made.produced(tmp_path, config=config)
    for name, good in masks.items():
        producers = run[f"UserDataCfg/tiles/{name[0]}__{name[0]}_mask"].read()  # 1 = bad
        np.testing.assert_array_equal(producers == 0, good & made.good)

"""The state of the region editor: every change checked, undone, told, kept."""

from pathlib import Path

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.errors import NotThereError, UnknownNameError
from workbench.regions import Box, Circle, Layout, Polygon, Rectangle, RegionError, Ring
from workbench.widgets.models import (
    Changed,
    DisplayRange,
    EdgeStep,
    GivenStep,
    GrowStep,
    InvertStep,
    MaskError,
    RegionModel,
    RegionStep,
    Session,
    StateError,
    StatusStep,
    ThresholdStep,
    picture_of_array,
)

TILES = (2, 30, 40)


def model_of(shape: tuple[int, ...] = (30, 40), detector: str = "epix_2") -> RegionModel:
    frame = np.arange(np.prod(shape), dtype=float).reshape(shape)
    return RegionModel(picture_of_array(frame, detector=detector))


def test_regions_get_the_next_free_name() -> None:
    model = model_of()
    assert [model.add(Rectangle(0, 2, 0, k + 1)) for k in range(3)] == ["ROI_0", "ROI_1", "ROI_2"]
    model.remove("ROI_1")
    assert model.add(Circle(9, 9, 3)) == "ROI_1"
    assert model.selected == "ROI_1"


def test_a_renamed_region_keeps_its_place() -> None:
    model = model_of()
    for _ in range(3):
        model.add(Rectangle(0, 2, 0, 2))
    model.rename("ROI_1", "beam")
    assert list(model.regions) == ["ROI_0", "beam", "ROI_2"]
    with pytest.raises(RegionError, match="already named"):
        model.rename("beam", "ROI_2")
    for name in ("", "a/b", "a b", "0th"):
        with pytest.raises(RegionError, match="no name"):
            model.rename("beam", name)


def test_what_is_refused_leaves_the_model_as_it_was() -> None:
    model, told = model_of(), []
    model.put("spot", Rectangle(2, 5, 3, 9))
    before = model.state
    model.on_change(told.append)
    with pytest.raises(RegionError, match="far: the region holds no pixel"):
        model.put("far", Rectangle(90, 95, 3, 9))
    with pytest.raises(RegionError, match="no pixel"):
        model.move("spot", 0, 4000)
    with pytest.raises(UnknownNameError, match="did you mean spot"):
        model.remove("sopt")
    with pytest.raises(RegionError, match="two numbers"):
        model.set_centre((np.nan, 3))
    with pytest.raises(RegionError, match="no step 0"):
        model.remove_mask_step(0)
    assert model.state is before
    assert not told


def test_a_region_of_no_size_is_refused_with_what_to_do() -> None:
    with pytest.raises(RegionError, match="draw it larger"):
        Rectangle.around((3.2, 4.1), (3.4, 9.0))
    with pytest.raises(RegionError, match="no pixel"):
        model_of().put("tiny", Circle(3.0, 3.0, 0.2))  # between four pixel centres
    with pytest.raises(RegionError, match="three different points"):
        Polygon(((1, 1), (1, 1), (2, 2)))


def test_undo_and_redo_walk_through_every_change() -> None:
    model = model_of()
    states = [model.state]
    model.put("a", Rectangle(2, 5, 3, 9))
    states.append(model.state)
    model.move("a", 2, -1)
    states.append(model.state)
    model.rename("a", "b")
    states.append(model.state)
    model.add_mask_step(EdgeStep(2))
    states.append(model.state)
    model.set_centre((12.5, 400))
    states.append(model.state)
    model.remove("b")
    for state in reversed(states):
        assert model.undo()
        assert model.regions == state.regions
        assert model.state.mask_steps == state.mask_steps
        assert model.state.centre == state.centre
    assert not model.undo()
    for state in states[1:]:
        assert model.redo()
        assert (model.regions, model.state.centre) == (state.regions, state.centre)
    model.put("c", Circle(9, 9, 4))  # a new change ends what could be redone
    assert not model.can_redo
    assert not model.redo()


def test_colours_and_selection_are_no_steps_of_undo() -> None:
    model = model_of()
    model.put("a", Rectangle(2, 5, 3, 9))
    model.put("b", Rectangle(2, 5, 3, 9))
    model.set_display(DisplayRange(scale="log"))
    model.select("a")
    model.undo()
    assert list(model.regions) == ["a"]
    assert model.state.display.scale == "log"
    assert model.selected == "a"


def test_listeners_are_told_what_changed_until_they_leave() -> None:
    model, told = model_of(), []
    leave = model.on_change(told.append)
    model.put("a", Rectangle(2, 5, 3, 9))
    model.select("a")  # it is: nothing changes
    model.rename("a", "b")
    model.set_display(DisplayRange(scale="log"))
    model.undo()
    leave()
    leave()
    model.remove("a")
    assert told == [
        Changed(frozenset({"regions", "selected"}), frozenset({"a"})),
        Changed(frozenset({"regions", "selected"}), frozenset({"a", "b"})),
        Changed(frozenset({"display"})),
        Changed(frozenset({"regions", "selected"}), frozenset({"a", "b"})),
    ]


def test_an_error_in_one_listener_is_raised_after_all_were_told() -> None:
    model, told = model_of(), []

    def fail(_: Changed) -> None:
        raise LookupError("first")

    def fail_too(_: Changed) -> None:
        raise ZeroDivisionError("second")

    model.on_change(fail)
    model.on_change(fail_too)
    model.on_change(told.append)
    with pytest.raises(ZeroDivisionError, match="second") as caught:
        model.put("a", Rectangle(2, 5, 3, 9))
    assert isinstance(caught.value.__context__, LookupError)
    assert len(told) == 1
    assert "a" in model.regions


def test_a_box_moves_within_its_tiles() -> None:
    model = model_of(TILES)
    model.put("a", Box(Bounds((0, 3, 4), (2, 9, 9))))
    model.move("a", 2, -1)
    assert model["a"] == Box(Bounds((0, 5, 3), (2, 11, 8)))
    with pytest.raises(RegionError, match="leave its tile"):
        model.move("a", -20, 0)


@pytest.mark.parametrize("shape", [(30, 40), TILES])
def test_a_state_survives_the_way_through_a_file(shape: tuple[int, ...], tmp_path: Path) -> None:
    model = model_of(shape)
    model.put("rectangle", Rectangle(2, 5, 3, 9))
    model.put("polygon", Polygon(((1.5, 2), (9, 3.25), (4, 11))))
    model.put("circle", Circle(9, 9, 4.5))
    model.put("ring", Ring(9, 9, 2, 4.5))
    model.put(
        "box", Box(Bounds((0,) * (len(shape) - 2) + (3, 4), (1,) * (len(shape) - 2) + (7, 9)))
    )
    given = GivenStep(np.random.default_rng(2).random(shape) > 0.3, "drawn", "and")
    for step in (
        StatusStep(), EdgeStep(2), ThresholdStep(3, None), RegionStep(Circle(9, 9, 4)), GrowStep(1),
        given, InvertStep(), RegionStep(Rectangle(0, 9, 0, 9), "only"),
    ):  # fmt: skip
        model.add_mask_step(step)
    model.set_centre((11.25, -30))
    model.set_display(DisplayRange(1, None, 2, 98, "gamma", 0.3))
    model.save(tmp_path / "state.json")
    again = model_of(shape)
    again.restore(tmp_path / "state.json")
    assert again.regions == model.regions
    assert (again.selected, again.state.centre) == (model.selected, model.state.centre)
    assert again.state.display == model.state.display
    np.testing.assert_array_equal(again.good, model.good)
    assert again.to_json() == model.to_json()
    again.undo()
    assert not again.regions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "no stored regions"),
        ('{"format": 1, "detector": "jungfrau", "shape": [30, 40]}', "of jungfrau"),
        ('{"format": 1, "detector": "epix_2", "shape": [3, 4]}', r"frames \(3, 4\)"),
        ('{"format": 1, "detector": "epix_2", "shape": [30, 40]}', "cannot be read"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(
    text: str, message: str, tmp_path: Path
) -> None:
    model = model_of()
    model.put("a", Rectangle(2, 5, 3, 9))
    before = model.state
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(StateError, match=message):
        model.restore(tmp_path / "state.json")
    assert model.state is before
    with pytest.raises(NotThereError, match="cannot read"):
        model.restore(tmp_path / "none.json")


def test_another_run_is_drawn_on_with_the_same_regions() -> None:
    model, told = model_of(), []
    model.put("a", Rectangle(2, 5, 3, 9))
    model.on_change(told.append)
    other = picture_of_array(np.ones((30, 40)), detector="epix_2", origin="run 15")
    model.show(other)
    assert model.picture is other
    assert "picture" in told[0].parts
    with pytest.raises(StateError, match="do not belong"):
        model.show(picture_of_array(np.ones((30, 40)), detector="epix_3"))
    with pytest.raises(RegionError, match="no pixel"):
        model.show(picture_of_array(np.ones((2, 2)), detector="epix_2"))
    assert model.picture is other


def test_the_mask_is_made_step_by_step() -> None:
    frame = np.arange(64.0).reshape(8, 8)
    status = np.ones((8, 8), bool)
    status[4, 4] = False
    model = RegionModel(picture_of_array(frame, good=status))
    expected = np.ones((8, 8), bool)
    np.testing.assert_array_equal(model.good, expected)
    steps_and_effects = [
        (StatusStep(), lambda good: good & status),
        (GrowStep(1), lambda good: good & ~np.pad(np.ones((3, 3), bool), ((3, 2), (3, 2)))),
        (ThresholdStep(9, 60), lambda good: good & (frame >= 9) & (frame < 60)),
        (RegionStep(Rectangle(0, 2, 0, 8), "with"), lambda good: good | (frame < 16)),
        (RegionStep(Rectangle(1, 8, 0, 8), "only"), lambda good: good & (frame >= 8)),
        (RegionStep(Rectangle(6, 8, 0, 8)), lambda good: good & (frame < 48)),
        (InvertStep(), lambda good: ~good),
        (EdgeStep(1), lambda good: good & np.pad(np.ones((6, 6), bool), 1)),
        (GivenStep(frame == 0, "a file", "or"), lambda good: good | (frame == 0)),
    ]
    for step, effect in steps_and_effects:
        model.add_mask_step(step)
        expected = effect(expected)
        np.testing.assert_array_equal(model.good, expected)
    np.testing.assert_array_equal(model.used, expected & status)
    model.remove_mask_step(6)
    assert len(model.state.mask_steps) == 8
    with pytest.raises(MaskError, match="made for this detector"):
        model.add_mask_step(GivenStep(np.ones((3, 3), bool), "mask.npy"))


def test_a_session_holds_several_detectors_and_runs(tmp_path: Path) -> None:
    first, second = (
        picture_of_array(np.full((30, 40), value), detector="epix_2", origin=f"run {value}")
        for value in (14, 15)
    )
    other = picture_of_array(np.ones(TILES), detector="jungfrau")
    session, told = Session(first, second), []
    session.on_change(told.append)
    session.shown.put("a", Rectangle(2, 5, 3, 9))
    session.add(other).put("b", Circle(9, 9, 3))
    assert session.shown.picture is first
    session.show("epix_2", "run 15")
    assert session.shown.picture is second
    assert list(session.pictures("epix_2")) == ["run 14", "run 15"]
    session.show("jungfrau")
    assert len(told) == 3
    with pytest.raises(UnknownNameError, match="did you mean jungfrau"):
        session.show("jungfrua")
    with pytest.raises(UnknownNameError, match="picture"):
        session.show("epix_2", "run 16")
    with pytest.raises(StateError, match="frames"):
        session.add(picture_of_array(np.ones((3, 3)), detector="epix_2"))
    session.save(tmp_path / "session.json")

    again = Session(first)
    assert again.restore(tmp_path / "session.json") == ["jungfrau"]
    assert again.shown.regions == session.models["epix_2"].regions
    assert '"jungfrau"' in again.to_json()  # kept although there is no picture of it yet
    assert again.add(other).regions == session.models["jungfrau"].regions
    with pytest.raises(StateError, match="give one or more"):
        Session()


def test_a_session_is_restored_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    made = Session(
        picture_of_array(np.ones((30, 40)), detector="a"),
        picture_of_array(np.ones((30, 40)), detector="b"),
    )
    made.shown.put("spot", Rectangle(2, 5, 3, 9))
    made.save(tmp_path / "session.json")
    other = Session(
        picture_of_array(np.ones((30, 40)), detector="a"),
        picture_of_array(np.ones((3, 4)), detector="b"),
    )
    with pytest.raises(StateError, match="of b with frames"):
        other.restore(tmp_path / "session.json")
    assert not other.models["a"].regions


def test_a_region_over_several_tiles_is_written_with_its_mask() -> None:
    layout = Layout.flat(TILES)
    model = RegionModel(picture_of_array(np.ones(TILES), layout=layout))
    model.put("across", Rectangle(20, 50, 5, 15))
    config = model.config_of("across")
    np.testing.assert_array_equal(config.pixels(TILES), layout.pixels(model["across"]))
    assert config.good is not None

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.producer.editor import edit_config
from workbench.regions import Box, Circle, Rectangle, Ring
from workbench.widgets import region_editor
from workbench.widgets.models import EmptyPictureError, RegionStep, Session, picture_of_array
from workbench.widgets.opening import Opened
from workbench.widgets.views.editor import RegionEditor
from workbench.widgets.views.selector import SelectorView
from workbench.widgets.views.static import static_picture
from workbench.widgets.views.typed import TypedView

CONFIG = """\
detectors = []


def getROIs(run):
    return {"epix": [{"name": "old", "ROI": [[1, 5], [2, 9]]}]}
"""


@pytest.fixture
def session() -> Session:
    rng = np.random.default_rng(3)
    return Session(picture_of_array(rng.poisson(4.0, (60, 80)) * 1.0, detector="epix"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "prod_config.py"
    path.write_text(CONFIG)
    return path


def told(editor: RegionEditor, channel: str, content: dict[str, Any]) -> None:
    """Say what the browser says."""
    source = editor.picture.canvas.channels[channel]
    shown = {"detector": "epix", "region": editor.model.selected, "shape": "rectangle"}
    source.data = {"text": [json.dumps({"n": 1, **shown, **content})]}


def typed(editor: RegionEditor, field: str, value: float | str, **about: str) -> None:
    """Say what the browser says when a person has typed; `about`: the region shown then."""
    told(editor, "typed", {"field": field, "value": value, **about})


def test_a_drag_in_the_browser_becomes_a_region_and_its_fields(session: Session) -> None:
    editor = RegionEditor(Opened(session))
    told(editor, "drawn", {"rows": [10.2, 20.1], "cols": [30.4, 50.2]})
    assert editor.model.regions == {"ROI_0": Rectangle(10, 20, 30, 50)}
    assert editor.regions.fields.shown == {"top": 10, "bottom": 20, "left": 30, "right": 50}
    typed(editor, "bottom", 25)
    assert editor.model["ROI_0"] == Rectangle(10, 25, 30, 50)


def test_profiles_are_named_by_the_axis_along_which_they_run(session: Session) -> None:
    editor = RegionEditor(Opened(session))
    editor.model.put("spot", Rectangle(10, 20, 30, 50))
    figure = editor.answers._profiles.figure
    lines = dict(zip(figure.legend[0].items, figure.renderers, strict=True))
    shown = {item.label.value: line.data_source.data for item, line in lines.items()}
    frame = editor.model.picture.frame[10:20, 30:50]
    np.testing.assert_array_equal(shown["rows"]["x"], np.arange(10, 20))
    np.testing.assert_allclose(shown["rows"]["y"], frame.sum(axis=1))
    np.testing.assert_array_equal(shown["columns"]["x"], np.arange(30, 50))
    np.testing.assert_allclose(shown["columns"]["y"], frame.sum(axis=0))


ARC, RING = Ring(30, 30, 5, 10), Ring(40, 50, 2, 8)


def test_what_is_heard_late_changes_the_region_it_was_typed_for_and_no_other(
    session: Session,
) -> None:
    editor = RegionEditor(Opened(session))
    editor.model.put("arc", ARC)
    editor.model.put("ring_2", RING)
    typed(editor, "outer", 12, region="arc")
    assert editor.model.regions == {"arc": Ring(30, 30, 5, 12), "ring_2": RING}
    assert editor.model.selected == "ring_2"
    assert editor.regions.fields.shown == {"row": 40, "col": 50, "inner": 2, "outer": 8}
    assert "arc: outer radius 12" in editor.notes.panel.object
    typed(editor, "name", "bow", region="arc")
    assert list(editor.model.regions) == ["bow", "ring_2"]
    typed(editor, "outer", 14, region="arc")  # as it was called when the typing began
    assert editor.model.regions == {"bow": Ring(30, 30, 5, 14), "ring_2": RING}
    editor.model.remove("bow")
    typed(editor, "outer", 20, region="arc")  # it is gone
    assert "arc: outer radius 20" in editor.notes.panel.object
    assert 'role="alert"' in editor.notes.panel.object
    editor.model.put("bow", Rectangle(1, 5, 2, 6))
    typed(editor, "outer", 20, region="bow")  # it has no such field any more
    assert "another shape" in editor.notes.panel.object
    assert editor.model.regions == {"ring_2": RING, "bow": Rectangle(1, 5, 2, 6)}
    assert editor.model.selected == "bow"
    for name, new in (("bow", "arc"), ("arc", "bow")):  # to and fro
        typed(editor, "name", new, region=name)
    typed(editor, "right", 9, region="arc")
    assert editor.model["bow"] == Rectangle(1, 5, 2, 9)
    box = {"what": "box", "rows": [2, 6], "cols": [2, 9], "final": True}
    told(editor, "dragged", {**box, "region": "arc"})
    assert editor.model["bow"] == Rectangle(2, 6, 2, 9)


def test_a_drag_a_key_and_a_button_heard_late_change_no_other_region(session: Session) -> None:
    editor = RegionEditor(Opened(session))
    editor.model.put("first", Rectangle(10, 20, 30, 50))
    editor.model.put("second", Rectangle(1, 5, 2, 6))
    box = {"what": "box", "rows": [11, 21], "cols": [30, 50], "final": True}
    told(editor, "dragged", {**box, "region": "first"})
    told(editor, "pressed", {"key": "ArrowDown", "large": False, "region": "first", "n": 2})
    told(editor, "typed", {"field": "right", "value": 51, "region": "first", "n": 3})
    told(editor, "typed", {"field": "move down", "value": None, "region": "first", "n": 4})
    moved = {"first": Rectangle(13, 23, 30, 51), "second": Rectangle(1, 5, 2, 6)}
    assert editor.model.regions == moved
    told(editor, "typed", {"field": "delete", "value": None, "region": "first", "n": 5})
    for channel, done in {"dragged": box, "pressed": {"key": "Delete", "large": False}}.items():
        told(editor, channel, {**done, "region": "first", "n": 6})
        assert "came late" in editor.notes.panel.object
    told(editor, "drawn", {"rows": [1, 2], "cols": [1, 2], "detector": "another"})
    assert "came late" in editor.notes.panel.object
    assert editor.model.regions == {"second": Rectangle(1, 5, 2, 6)}


def test_the_typed_view_hears_late_for_which_region_it_was(session: Session) -> None:
    view, model = TypedView(session), session.shown
    model.put("arc", ARC)
    late = view.shown
    model.put("ring_2", RING)
    late["outer"].value = 12
    assert model.regions == {"arc": Ring(30, 30, 5, 12), "ring_2": RING}
    assert "arc: outer radius 12" in view.note.value
    model.remove("arc")
    late["outer"].value = 14
    assert "came late" in view.note.value
    assert model.regions == {"ring_2": RING}


def test_a_drag_is_one_step_of_undo_however_long_it_took(session: Session) -> None:
    editor = RegionEditor(Opened(session))
    told(editor, "drawn", {"rows": [10, 20], "cols": [30, 50]})
    for way in (1, 2, 3):
        moved = {"what": "box", "rows": [10 + way, 20 + way], "cols": [30, 50]}
        told(editor, "dragged", {**moved, "final": way == 3, "n": way})
    assert editor.model["ROI_0"] == Rectangle(13, 23, 30, 50)
    editor.model.undo()
    assert editor.model["ROI_0"] == Rectangle(10, 20, 30, 50)


def test_during_a_drag_nothing_is_sent_to_what_the_pointer_holds(session: Session) -> None:
    editor = RegionEditor(Opened(session))
    told(editor, "drawn", {"rows": [10, 20], "cols": [30, 50]})
    sent: list[object] = []
    editor.picture.canvas._box.on_change(
        "bottom", lambda attr, old, new: sent.append((attr, old, new))
    )
    moved = {"what": "box", "rows": [10, 22.3], "cols": [30, 50]}
    told(editor, "dragged", {**moved, "final": False, "n": 1})
    assert sent == []
    told(editor, "dragged", {**moved, "rows": [10, 23.4], "final": True, "n": 2})
    assert editor.model["ROI_0"] == Rectangle(10, 23, 30, 50)
    assert editor.picture.canvas._box.bottom == 23


def test_keys_move_delete_and_bring_back(session: Session) -> None:
    editor = RegionEditor(Opened(session))
    editor.model.put("spot", Rectangle(10, 20, 30, 50))
    told(editor, "pressed", {"key": "ArrowDown", "large": True, "n": 1})
    assert editor.model["spot"] == Rectangle(20, 30, 30, 50)
    told(editor, "pressed", {"key": "Delete", "large": False, "n": 2})
    assert editor.model.regions == {}
    told(editor, "pressed", {"key": "undo", "large": False, "n": 3})
    assert editor.model["spot"] == Rectangle(20, 30, 30, 50)


def test_an_empty_region_is_refused_in_the_widget_and_nothing_changes(session: Session) -> None:
    editor = RegionEditor(Opened(session))
    told(editor, "drawn", {"rows": [10.1, 10.2], "cols": [30, 50]})
    assert 'role="alert"' in editor.notes.panel.object
    assert "draw it larger" in editor.notes.panel.object
    assert editor.model.regions == {}
    editor.model.put("spot", Rectangle(10, 20, 30, 50))
    typed(editor, "bottom", 4)
    assert "is empty" in editor.notes.panel.object
    assert editor.regions.fields.shown["bottom"] == 20


def test_a_4_megapixel_picture_sends_less_than_a_megabyte() -> None:
    large = picture_of_array(np.ones((2048, 2048)), detector="epix")
    editor = RegionEditor(Opened(Session(large)))
    seen = {"top": 0, "bottom": 2048, "left": 0, "right": 2048, "density": 2}
    told(editor, "seen", {**seen, "width": 1400, "height": 1200})
    (levels,) = editor.picture.canvas._image.data["image"]
    assert levels.dtype == np.uint8
    assert levels.nbytes <= 1 << 20


def test_the_typed_view_changes_the_same_model(session: Session) -> None:
    view = TypedView(session)
    view._typed.value = "[[10, 20], [30, 50]]"
    view._buttons[0].click()
    assert session.shown.regions == {"ROI_0": Rectangle(10, 20, 30, 50)}
    view.shown["top"].value = 12
    assert session.shown["ROI_0"] == Rectangle(12, 20, 30, 50)
    view.shown["top"].value = 40
    assert "alert" in view.note.value
    assert view.shown["top"].value == 12
    view.shown["name"].value = "spot"
    assert session.shown.regions == {"spot": Rectangle(12, 20, 30, 50)}
    assert bytes(view._still.value).startswith(b"\x89PNG")


# ipympl's toolbar itself hands on arguments that traitlets no longer takes.
@pytest.mark.filterwarnings("ignore:Passing unrecognized arguments:DeprecationWarning")
def test_the_matplotlib_view_draws_exactly_and_is_not_throttled(session: Session) -> None:
    view = SelectorView(session)
    assert view.canvas.pan_zoom_throttle == 0
    assert not view.selector.useblit
    view.selector.extents = (30.2, 49.9, 10.1, 19.8)
    view._selected(None, None)
    assert session.shown.regions == {"ROI_0": Rectangle(10, 20, 30, 50)}
    view.selector.extents = (30.2, 59.9, 10.1, 19.8)
    view._selected(None, None)
    assert session.shown.regions == {"ROI_0": Rectangle(10, 20, 30, 60)}


def test_in_batch_the_editor_is_a_picture(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_BATCH", "1")
    session.shown.put("spot", Rectangle(10, 20, 30, 50))
    shown = region_editor(session, state=None)._repr_mimebundle_()
    assert shown["image/png"].startswith(b"\x89PNG")
    assert "spot" in shown["text/plain"]


def test_the_still_picture_tints_what_the_mask_takes_out(session: Session) -> None:
    model = session.shown
    assert len(static_picture(model).axes[0].images) == 1
    model.add_mask_step(RegionStep(Circle(20, 30, 8)))
    _, tint = static_picture(model).axes[0].images
    np.testing.assert_array_equal(~np.ma.getmaskarray(tint.get_array()), ~model.good)
    assert tint.cmap(tint.norm(1))[:3] == (1.0, 0.0, 0.0)
    height, width = model.picture.shape
    assert list(tint.get_extent()) == [0, width, height, 0]


def test_what_was_drawn_is_there_again_after_a_restart(tmp_path: Path) -> None:
    state, picture = tmp_path / "regions.json", np.ones((60, 80))
    first = region_editor(picture, detector="epix", state=state, view="panel")
    first.model.put("spot", Rectangle(10, 20, 30, 50))
    again = region_editor(picture, detector="epix", state=state, view="panel")
    assert again.model.regions == {"spot": Rectangle(10, 20, 30, 50)}


def test_a_picture_without_a_measured_pixel_is_refused_with_a_reason() -> None:
    with pytest.raises(EmptyPictureError, match="no pixel was measured"):
        region_editor(np.full((5, 6), np.nan), state=None, view="static")
    with pytest.raises(InputError, match="none of auto, panel"):
        region_editor(np.ones((5, 6)), view="qt")  # type: ignore[arg-type]


@pytest.fixture
def writer(session: Session, config: Path) -> RegionEditor:
    session.shown.put("spot", Rectangle(10, 20, 30, 50))
    return RegionEditor(Opened(session), config=config, run=12)


def rois(config: Path, run: int) -> dict[str, Any]:
    with edit_config(config) as edit:
        return {one["name"]: one["ROI"] for one in edit.entries(run)["epix"]}


def test_regions_of_the_config_are_drawn_for_the_run_shown(writer: RegionEditor) -> None:
    assert writer.model.regions["old"] == Box(Bounds((1, 2), (5, 9)))
    writer.model.select("old")
    moved = {"what": "box", "rows": [3, 7], "cols": [2, 9], "final": True}
    told(writer, "dragged", moved)
    assert writer.model.regions["old"] == Rectangle(3, 7, 2, 9)


def test_the_diff_is_shown_first_then_written_then_taken_back(
    writer: RegionEditor, config: Path
) -> None:
    writer.writing._plan()
    assert "[[10, 20], [30, 50]]" in writer.writing._diff.object
    assert config.read_text() == CONFIG
    writer.writing._save()
    assert "Written" in writer.notes.panel.object
    assert rois(config, 12)["spot"] == [[10, 20], [30, 50]]
    assert "spot" not in rois(config, 11)
    writer.writing._undo()
    assert config.read_text() == CONFIG


def test_a_plan_is_forgotten_when_something_else_is_drawn(
    writer: RegionEditor, config: Path
) -> None:
    writer.writing._plan()
    writer.model.move("spot", 3, 0)
    assert writer.writing._write.disabled
    assert "show the changes again" in writer.writing._diff.object
    with pytest.raises(InputError, match="show the changes first"):
        writer.writing._save()
    assert config.read_text() == CONFIG


def test_what_somebody_else_wrote_meanwhile_is_kept(writer: RegionEditor, config: Path) -> None:
    writer.writing._plan()
    config.write_text(f"{CONFIG}# somebody else\n")
    writer.writing._save()
    assert "somebody else made meanwhile are kept" in writer.notes.panel.object
    assert "# somebody else" in config.read_text()
    assert rois(config, 12)["spot"] == [[10, 20], [30, 50]]

"""The list of regions and the typed fields of the selected one."""

from collections.abc import Callable
from typing import Any

from workbench.core.extras import load
from workbench.regions import RegionError
from workbench.widgets.models import RegionModel, Session
from workbench.widgets.views.fields import (
    LABELS,
    NAME,
    fields_of,
    in_config,
    typed_region,
    with_typed,
)
from workbench.widgets.views.notes import Notes
from workbench.widgets.views.picture_view import PictureView
from workbench.widgets.views.region_fields import WIDTH, RegionFields, Typed

NONE = "(none)"  # no region can have this name
DELETE = "delete"
NUDGES = {"move up": (-1, 0), "move down": (1, 0), "move left": (0, -1), "move right": (0, 1)}


class RegionPanel:
    """Which regions there are, and all that can be said about one of them by typing."""

    def __init__(self, session: Session, notes: Notes, picture: PictureView) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._session, self._notes, self._picture = session, notes, picture
        make = self._pn.widgets
        self.fields = RegionFields(picture.canvas, self._heard)
        self._list = make.Select(label="Region", options=[], size=5, width=WIDTH)
        self._typed = make.TextInput(
            label="New region, typed", placeholder="[[157, 487], [294, 598]]", width=WIDTH - 80
        )
        self._add = make.Button(label="Add", color="primary", width=60, align="end")
        remove = make.Button(
            label="Delete region", color="danger", variant="outline", width=110, align="end"
        )
        nudges = {
            way: make.Button(label=way.split()[1].capitalize(), width=70, margin=(5, 3))
            for way in NUDGES
        }
        self._buttons = {DELETE: remove, **nudges}
        self._told = self._pn.pane.HTML("", margin=(0, 10))
        self._connect()
        name, *others = (self._pn.pane.Bokeh(one) for one in self.fields.models)
        self.panel = self._pn.Column(
            self._list,
            self._pn.Row(self._typed, self._add),
            self._pn.Row(name, remove),
            self._pn.FlexBox(*others, gap="0px"),
            self._pn.GridBox(*nudges.values(), ncols=4, margin=(0, 8)),
            self._told,
            width=WIDTH + 20,
        )
        self.refresh(frozenset({"shown"}))

    def refresh(self, parts: frozenset[str]) -> None:
        """Show the model again, as far as it changed."""
        if not parts & {"shown", "regions", "selected", "picture"}:
            return
        with self._notes.quietly():
            self._fill()

    def _fill(self) -> None:
        names, selected = list(self._model.regions), self._model.selected
        self._list.param.update(
            options={NONE: "", **{name: name for name in names}}, value=selected
        )
        for button in self._buttons.values():
            button.disabled = not selected
        fields = fields_of(self._model[selected]) if selected else ()
        self.fields.show(self._model.picture.detector, selected, fields)
        words = in_config(self._model.config_of(selected)) if selected else ""
        self._told.object = f"In the config: <code>{words}</code>" if selected else ""

    @property
    def _model(self) -> RegionModel:
        return self._session.shown

    def _guarded(self, act: Callable[[], object]) -> Callable[[Any], None]:
        return self._notes.guarded(act, then=lambda: self.refresh(frozenset({"regions"})))

    def _connect(self) -> None:
        self._list.param.watch(self._guarded(lambda: self._model.select(self._list.value)), "value")
        self._add.on_click(self._guarded(self._make))
        for name, button in self._buttons.items():
            self.fields.press(button, name)

    def _make(self) -> None:
        frame = self._model.picture.frame.shape
        self._model.add(typed_region(self._typed.value, frame, self._picture.view))
        self._typed.value = ""

    def _heard(self, typed: Typed) -> None:
        shown = self._model.picture.detector, self._model.selected
        with self._notes.afresh():
            try:
                self._act(typed)
            finally:  # what was refused is shown as it was
                self.refresh(frozenset({"regions"}))
            called = self._session.models[typed.detector].now_called(typed.region)
            if (typed.detector, called) != shown:
                self._notes.say(f"{_words(typed)}, typed while {typed.region} was shown")

    def _act(self, typed: Typed) -> None:
        model, field = self._session.models[typed.detector], typed.field
        name = model.now_called(typed.region)
        if name not in model.regions:
            raise RegionError(f"{_words(typed)}: came late, there is no such region any more")
        if field == DELETE:
            model.remove(name)
        elif field in NUDGES:
            model.move(name, *NUDGES[field])
        elif field == NAME.name:
            model.rename(name, str(typed.value).strip())
        else:
            changed = with_typed(model[name], name, field, typed.value)
            if changed != model[name]:
                model.change(name, changed)


def _words(typed: Typed) -> str:
    what = {**LABELS, NAME.name: NAME.label}.get(typed.field, typed.field)
    return f"{typed.region}: {what}" + ("" if typed.value is None else f" {typed.value}")

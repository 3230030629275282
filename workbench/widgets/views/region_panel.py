"""The list of regions and the typed fields of the selected one."""

from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from typing import Any

from workbench.core.extras import load
from workbench.regions import RegionError
from workbench.widgets.models import RegionModel, Session, Viewport
from workbench.widgets.views.fields import Field, fields_of, in_config, typed_region, with_values
from workbench.widgets.views.notes import Notes

WIDTH = 330  # screen pixels
NONE = "(none)"  # no region can have this name
NUDGES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


class RegionPanel:
    """Which regions there are, and all that can be said about one of them by typing."""

    def __init__(self, session: Session, notes: Notes, view: Callable[[], Viewport]) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._session, self._notes, self._view = session, notes, view
        make = self._pn.widgets
        self._list = make.Select(label="Region", options=[], size=5, width=WIDTH)
        self._name = make.TextInput(label="Name", width=WIDTH - 130)
        self._typed = make.TextInput(
            label="New region, typed", placeholder="[[157, 487], [294, 598]]", width=WIDTH - 80
        )
        self._add = make.Button(label="Add", color="primary", width=60, align="end")
        self._remove = make.Button(
            label="Delete region", color="danger", variant="outline", width=110, align="end"
        )
        self._nudges = {
            way: make.Button(label=way.capitalize(), width=70, margin=(5, 3)) for way in NUDGES
        }
        self._text = make.TextInput(width=WIDTH - 10, visible=False)
        self._numbers = [
            make.FloatInput(step=1, width=(WIDTH - 40) // 2, visible=False) for _ in range(4)
        ]
        self._told = self._pn.pane.HTML("", margin=(0, 10))
        self._connect()
        self.panel = self._pn.Column(
            self._list,
            self._pn.Row(self._typed, self._add),
            self._pn.Row(self._name, self._remove),
            self._text,
            self._pn.GridBox(*self._numbers, ncols=2),
            self._pn.GridBox(*self._nudges.values(), ncols=4, margin=(0, 8)),
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
        self._name.param.update(value=selected, disabled=not selected)
        for button in (self._remove, *self._nudges.values()):
            button.disabled = not selected
        self._show_fields(fields_of(self._model[selected]) if selected else ())
        words = in_config(self._model.config_of(selected)) if selected else ""
        self._told.object = f"In the config: <code>{words}</code>" if selected else ""

    @property
    def _model(self) -> RegionModel:
        return self._session.shown

    def _guarded(self, act: Callable[[], object]) -> Callable[[Any], None]:
        return self._notes.guarded(act, then=lambda: self.refresh(frozenset({"regions"})))

    def _connect(self) -> None:
        self._list.param.watch(self._guarded(lambda: self._model.select(self._list.value)), "value")
        self._name.param.watch(self._guarded(self._rename), "value")
        for widget in (self._text, *self._numbers):
            widget.param.watch(self._guarded(self._type), "value")
        self._add.on_click(self._guarded(self._make))
        self._remove.on_click(self._guarded(lambda: self._model.remove(self._model.selected)))
        for way, button in self._nudges.items():
            button.on_click(self._guarded(partial(self._nudge, *NUDGES[way])))

    def _rename(self) -> None:
        self._model.rename(self._model.selected, self._name.value.strip())

    def _nudge(self, rows: int, cols: int) -> None:
        self._model.move(self._model.selected, rows, cols)

    def _make(self) -> None:
        frame = self._model.picture.frame.shape
        self._model.add(typed_region(self._typed.value, frame, self._view()))
        self._typed.value = ""

    def _type(self) -> None:
        name = self._model.selected
        if not name:
            raise RegionError("no region is selected: choose one in the list, or draw one")
        shown = fields_of(self._model[name])
        typed = [self._text] if isinstance(shown[0].value, str) else self._numbers
        values = {field.name: one.value for field, one in zip(shown, typed, strict=False)}
        self._model.put(name, with_values(self._model[name], values))

    def _show_fields(self, fields: tuple[Field, ...]) -> None:
        texts = [field for field in fields if isinstance(field.value, str)]
        numbers = [field for field in fields if not isinstance(field.value, str)]
        for widgets, shown in (([self._text], texts), (self._numbers, numbers)):
            for widget, field in zip_longest(widgets, shown):
                widget.visible = field is not None
                if field is not None:
                    widget.param.update(label=field.label, value=field.value)

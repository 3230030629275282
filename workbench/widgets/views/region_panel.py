"""The list of regions and the typed fields of the selected one."""

from collections.abc import Callable
from functools import partial
from typing import Any

from workbench.core.extras import load
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
        self._about: tuple[str, ...] = ()
        self._inputs: list[Any] = []
        self._fields = self._pn.GridBox(ncols=2)
        self._told = self._pn.pane.HTML("", margin=(0, 10))
        self._connect()
        self.panel = self._pn.Column(
            self._list,
            self._pn.Row(self._typed, self._add),
            self._pn.Row(self._name, self._remove),
            self._fields,
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

    def _show_fields(self, fields: tuple[Field, ...]) -> None:
        """Fill the fields; those of another region are new ones.

        A busy kernel gets what was typed late, when another region may be selected: each field
        stands for one number of one region as long as it lives.
        """
        model = self._model
        about = (model.picture.detector, model.selected, *(field.label for field in fields))
        if about != self._about:
            self._about = about
            self._inputs = [self._input(model, model.selected, field) for field in fields]
            self._fields.objects = list(self._inputs)
        for widget, field in zip(self._inputs, fields, strict=True):
            widget.value = field.value

    def _input(self, model: RegionModel, name: str, field: Field) -> Any:
        make = self._pn.widgets
        if isinstance(field.value, str):
            widget = make.TextInput(label=field.label, value=field.value, width=WIDTH - 10)
        else:
            widget = make.FloatInput(
                label=field.label, value=field.value, step=1, width=(WIDTH - 40) // 2
            )

        def typed() -> None:
            region = model.regions.get(name)
            now = {one.name: one.value for one in fields_of(region)} if region else {}
            if region and now.get(field.name, widget.value) != widget.value:
                model.put(name, with_values(region, {field.name: widget.value}))

        widget.param.watch(self._guarded(typed), "value")
        return widget

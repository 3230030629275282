"""The typed twin: regions by number fields of ipywidgets and nothing else, over the same model."""

import io
from collections.abc import Callable
from html import escape
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.extras import load
from workbench.regions import RegionError
from workbench.widgets.models import Changed, RegionModel, Session
from workbench.widgets.views.fields import (
    NAME,
    Field,
    fields_of,
    in_config,
    typed_region,
    with_typed,
)
from workbench.widgets.views.static import static_picture

WIDE, LABEL = "330px", "100px"
STEP = {"step": 1}
Key = tuple[str, str, str]  # of a region's fields: detector, name, kind of shape


class TypedView:
    """Fields for every region of the detector that is shown, and a picture that does not move.

    Works wherever ipywidgets does, without Panel, Bokeh or a matplotlib canvas; owns no state.

    Parameters
    ----------
    session
        Detectors and what is drawn on them.
    canvas
        A widget that shows the picture itself; None: a still picture is drawn.
    """

    def __init__(self, session: Session, canvas: Any = None) -> None:
        self._w = load("ipywidgets", "the typed region fields", "widgets")
        self.session = session
        self._quiet = False
        make = self._w
        self._detector = make.Dropdown(description="Detector")
        self._list = make.Dropdown(description="Region")
        self._typed = make.Text(
            description="New region",
            placeholder="[[157, 487], [294, 598]]",
            layout=make.Layout(width=WIDE),
        )
        self._fields: dict[Key, dict[str, Any]] = {}
        self._about = make.VBox()
        buttons = {
            "Add": self._add, "Delete": self._remove, "Undo": lambda: self._model.undo(),
            "Redo": lambda: self._model.redo(),
        }  # fmt: skip
        self._buttons = [self._button(name, act) for name, act in buttons.items()]
        self.note = make.HTML()
        self._told = make.HTML()
        self._still = None
        if canvas is None:
            self._still = make.Image(format="png", layout=make.Layout(max_width="620px"))
        self._connect()
        for widget in (self._detector, self._list, self._typed):
            widget.style.description_width = LABEL
        fields = make.VBox(
            [
                self._detector,
                self._list,
                self._typed,
                self._about,
                make.HBox(self._buttons),
                self._told,
            ],
            layout=make.Layout(min_width="360px"),
        )
        self.widget = make.VBox([self.note, make.HBox([canvas or self._still, fields])])
        for model in session.models.values():
            model.on_change(self._changed)
        session.on_change(self._changed)
        self._changed(Changed(frozenset({"shown"})))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.widget._repr_mimebundle_(include=include, exclude=exclude)

    @property
    def _model(self) -> RegionModel:
        return self.session.shown

    def complain(self, error: WorkbenchError) -> None:
        """Show an error."""
        self.note.value = f'<div role="alert" style="color:#8c1d18">{escape(str(error))}</div>'

    def _changed(self, _changed: Changed) -> None:
        self._quiet = True
        names, selected = list(self._model.regions), self._model.selected
        self._detector.options = list(self.session.models)
        self._detector.value = self._model.picture.detector
        self._list.options = ["", *names]
        self._list.value = selected
        self._show(selected)
        words = in_config(self._model.config_of(selected)) if selected else ""
        self._told.value = f"In the config: <code>{words}</code>" if selected else ""
        if self._still is not None:
            buffer = io.BytesIO()
            static_picture(self._model).savefig(buffer, format="png", dpi=80)
            self._still.value = buffer.getvalue()
        self._quiet = False

    @property
    def shown(self) -> dict[str, Any]:
        """The fields of the selected region by the names of its attributes."""
        return self._fields[self._key(self._model.selected)] if self._model.selected else {}

    def _key(self, name: str) -> Key:
        return self._model.picture.detector, name, type(self._model[name]).__name__

    def _show(self, name: str) -> None:
        """Show the fields of a region.

        Each stands for one value of one region as long as it lives: a busy kernel hears late what
        was typed, when another region may be selected.
        """
        if not name:
            self._about.children = []
            return
        key, fields = self._key(name), (NAME, *fields_of(self._model[name]))
        if key not in self._fields:
            self._fields[key] = {field.name: self._field(key, field) for field in fields}
        values = {field.name: field.value for field in fields} | {NAME.name: name}
        for field, widget in self._fields[key].items():
            if widget.value != values[field]:
                widget.value = values[field]
        children = list(self._fields[key].values())
        if list(self._about.children) != children:
            self._about.children = children

    def _field(self, key: Key, field: Field) -> Any:
        make, text = self._w, isinstance(field.value, str)
        value = key[1] if field == NAME else field.value
        widget = (make.Text if text else make.FloatText)(
            value=value, description=field.label, continuous_update=False, **({} if text else STEP)
        )
        widget.style.description_width = LABEL
        if text:
            widget.layout.width = WIDE
        widget.observe(self._guarded(lambda: self._type(key, field, widget.value)), "value")
        return widget

    def _connect(self) -> None:
        acts: list[tuple[Any, Callable[[], object]]] = [
            (self._detector, lambda: self.session.show(self._detector.value)),
            (self._list, lambda: self._model.select(self._list.value)),
        ]
        for widget, act in acts:
            widget.observe(self._guarded(act), "value")

    def _type(self, key: Key, field: Field, value: Any) -> None:
        detector, name, _ = key
        model = self.session.models[detector]
        name = model.now_called(name)
        if name not in model.regions:
            raise RegionError(f"{name}: {field.label} {value} came late, the region is gone")
        late = (detector, name) != (self._model.picture.detector, self._model.selected)
        if field == NAME:
            model.rename(name, value.strip())
        else:
            model.change(name, with_typed(model[name], name, field.name, value))
        if late:
            self.note.value = (
                f'<div role="status">{escape(name)}: {escape(field.label)} {escape(str(value))}, '
                f"typed while {escape(name)} was shown</div>"
            )

    def _add(self) -> None:
        self._model.add(typed_region(self._typed.value, self._model.picture.frame.shape, None))
        self._typed.value = ""

    def _remove(self) -> None:
        self._model.remove(self._chosen())

    def _chosen(self) -> str:
        if not self._model.selected:
            raise RegionError("no region is selected: choose one in the list, or add one")
        return self._model.selected

    def _button(self, name: str, act: Callable[[], object]) -> Any:
        button = self._w.Button(description=name, layout=self._w.Layout(width="84px"))
        button.on_click(self._guarded(act))
        return button

    def _guarded(self, act: Callable[[], object]) -> Callable[[Any], None]:
        def acting(_event: Any) -> None:
            if self._quiet:
                return
            self.note.value = ""
            try:
                act()
            except WorkbenchError as error:
                self.complain(error)
                self._changed(Changed(frozenset()))  # what was refused is shown as it was

        return acting

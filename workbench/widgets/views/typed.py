"""The typed twin: regions by number fields of ipywidgets and nothing else, over the same model."""

import io
from collections.abc import Callable
from html import escape
from itertools import zip_longest
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.extras import load
from workbench.regions import RegionError
from workbench.widgets.models import Changed, RegionModel, Session
from workbench.widgets.views.fields import Field, fields_of, in_config, typed_region, with_values
from workbench.widgets.views.static import static_picture

WIDE = "330px"


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
        self._name = make.Text(description="Name", continuous_update=False)
        self._text = make.Text(
            description="", continuous_update=False, layout=make.Layout(width=WIDE)
        )
        self._numbers = [make.FloatText(continuous_update=False, step=1) for _ in range(4)]
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
        named = (self._detector, self._list, self._typed, self._name, self._text, *self._numbers)
        for widget in named:
            widget.style.description_width = "100px"
        fields = make.VBox(
            [
                self._detector,
                self._list,
                self._typed,
                self._name,
                self._text,
                *self._numbers,
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
        self._name.value, self._name.disabled = selected, not selected
        self._show(fields_of(self._model[selected]) if selected else ())
        words = in_config(self._model.config_of(selected)) if selected else ""
        self._told.value = f"In the config: <code>{words}</code>" if selected else ""
        if self._still is not None:
            buffer = io.BytesIO()
            static_picture(self._model).savefig(buffer, format="png", dpi=80)
            self._still.value = buffer.getvalue()
        self._quiet = False

    def _show(self, fields: tuple[Field, ...]) -> None:
        texts = [field for field in fields if isinstance(field.value, str)]
        numbers = [field for field in fields if not isinstance(field.value, str)]
        for widgets, shown in (([self._text], texts), (self._numbers, numbers)):
            for widget, field in zip_longest(widgets, shown):
                widget.layout.display = "none" if field is None else ""
                if field is not None:
                    widget.description, widget.value = field.label, field.value

    def _connect(self) -> None:
        acts: list[tuple[Any, Callable[[], object]]] = [
            (self._detector, lambda: self.session.show(self._detector.value)),
            (self._list, lambda: self._model.select(self._list.value)),
            (self._name, lambda: self._model.rename(self._model.selected, self._name.value)),
            *((one, self._type) for one in (self._text, *self._numbers)),
        ]
        for widget, act in acts:
            widget.observe(self._guarded(act), "value")

    def _type(self) -> None:
        name = self._chosen()
        shown = fields_of(self._model[name])
        typed = [self._text] if isinstance(shown[0].value, str) else self._numbers
        values = {field.name: one.value for field, one in zip(shown, typed, strict=False)}
        self._model.put(name, with_values(self._model[name], values))

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

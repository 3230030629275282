"""The typed fields of one region on Bokeh; what is typed comes with the region it was typed for."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from workbench.core.extras import load
from workbench.widgets.views.canvas import Canvas
from workbench.widgets.views.fields import LABELS, NAME, Field, Value

WIDTH = 330  # screen pixels
MARGIN = (5, 10)  # as Panel's own fields
_TEXTS = (NAME.name, "points", "bounds")


@dataclass(frozen=True)
class Typed:
    """What a person did to a region by typing or by a button.

    Parameters
    ----------
    detector, region
        Names of what the screen showed then; Python may show another by now.
    field
        Of the region's attribute, "name", or that of a button.
    value
        A number or text; None of an emptied field of numbers, and of a button.
    """

    detector: str
    region: str
    field: str
    value: Value | None


class RegionFields:
    """One field for everything that can be typed about a region; those that it lacks are hidden.

    The labels of a field never change: Bokeh would make it anew under the typing hands.

    Parameters
    ----------
    canvas
        Whose script tells Python what was typed.
    heard
        Is called with it.
    """

    def __init__(self, canvas: Canvas, heard: Callable[[Typed], None]) -> None:
        self._models = load("bokeh.models", "the region editor", "widgets")
        self._figure = canvas.figure
        self._channel = canvas.listen("typed", lambda told: heard(_typed(told)))
        self._fillings = 0
        labels = {NAME.name: NAME.label, **LABELS}
        self._fields = {name: self._field(name, label) for name, label in labels.items()}
        code = files("workbench.widgets.views").joinpath("typed.js").read_text(encoding="utf-8")
        for one in self._fields.values():
            for change in ("tags", "value"):
                args = {"fig": self._figure, "typed": self._channel, "filled": change == "tags"}
                one.js_on_change(change, self._models.CustomJS(args=args, code=code))

    @property
    def models(self) -> list[Any]:
        """Bokeh's models of the fields, that of the name first."""
        return list(self._fields.values())

    @property
    def shown(self) -> dict[str, Value]:
        """What the fields that are not hidden say, without the name."""
        return {
            name: one.value
            for name, one in self._fields.items()
            if one.visible and name != NAME.name
        }

    def show(self, detector: str, region: str, fields: tuple[Field, ...]) -> None:
        """Fill the fields with what is known of a region; an empty name: there is none."""
        self._fillings += 1
        values = {field.name: field.value for field in fields} | {NAME.name: region}
        self._fields[NAME.name].disabled = not region
        for name, one in self._fields.items():
            one.visible = name in values
            # First what the field stands for: the browser takes another value for typed.
            one.tags = [self._fillings, values.get(name, one.value), detector, region]
            if name in values:
                one.value = values[name]

    def press(self, button: Any, name: str) -> None:
        """Have a button of Panel told like a field: with the region that the screen shows."""
        code = (
            "const [, , detector, region] = shown.tags;"
            f"fig.workbench.tell(typed, {{detector, region, field: '{name}', value: null}});"
        )
        shown = self._fields[NAME.name]
        button.js_on_click(
            args={"fig": self._figure, "typed": self._channel, "shown": shown}, code=code
        )

    def _field(self, name: str, label: str) -> Any:
        if name in _TEXTS:
            width = WIDTH - (130 if name == NAME.name else 10)
            return self._models.TextInput(
                title=label, name=name, value="", width=width, margin=MARGIN
            )
        return self._models.Spinner(
            title=label, name=name, mode="float", step=1, width=(WIDTH - 40) // 2, margin=MARGIN,
            visible=False,
        )  # fmt: skip


def _typed(told: dict[str, Any]) -> Typed:
    return Typed(told["detector"], told["region"], told["field"], told["value"])

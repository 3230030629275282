"""A parameter of a notebook on a slider, and the picture of what it gives."""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any, Generic, TypeVar

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import InputError, WorkbenchError
from workbench.core.extras import MissingToolError, load
from workbench.widgets.views.choice import is_interactive

Made = TypeVar("Made")
Value = int | float | None
PURPOSE = "a slider"
DIGITS = 3  # of the places where a slider may stand: people are to type them
MOST = 500  # places


class Slider(Generic[Made]):
    """One number, what a notebook makes of it, and the picture of that.

    Cells below take `value` and `made`: after the slider was moved, running them again gives what
    a notebook gives whose parameter has that value.

    Parameters
    ----------
    name, value, unit
        Of the parameter.
    values
        Where the slider may stand: numbers, rounded to three digits; of more than 500 some are
        left out. `value` joins them as it is; None: no number.
    make
        What the notebook makes of a value.
    draw
        Picture of what was made.
    """

    def __init__(
        self,
        name: str,
        value: Value,
        values: Iterable[float],
        make: Callable[[Any], Made],
        draw: Callable[[Made], Any],
        unit: str = "",
    ) -> None:
        self.name, self.unit = name, "" if unit == "1" else unit
        stops = [_typed(each) for each in values]
        some = {value, *stops[:: 1 + len(stops) // MOST]}
        self.values = tuple(sorted(some, key=lambda one: (one is not None, one or 0)))
        self._make, self._draw = make, draw
        self._box: Any = None
        self._error: WorkbenchError | None = None
        self._set(value)

    @property
    def value(self) -> Value:
        """Where the slider stands."""
        return self._value

    @property
    def made(self) -> Made:
        """What was made of the value; raises what making it raised."""
        if self._error is not None:
            raise self._error
        return self._made

    @property
    def text(self) -> str:
        """The parameter and its value, as the parameters cell would have it."""
        return f"{self.name} = {self._value!r}"

    def move(self, value: Value) -> None:
        """Put the slider to another of its values; what cannot be made of it is said beside it."""
        if value not in self.values:
            raise InputError(f"{self.name} = {value} is none of {list(self.values)}")
        try:
            self._set(value)
        except WorkbenchError as error:
            self._error = error

    @property
    def note(self) -> str:
        """What is said beside the slider."""
        if self._error is not None:
            return f"{self.text}: {self._error}"
        keep = "to keep it, put it into the parameters"
        return f"{self.text}: run the cells below for its numbers; {keep}"

    def _set(self, value: Value) -> None:
        self._value = value
        self._error = WorkbenchError(
            "nothing could be made of it; run the cell with this value to see why"
        )
        made = self._make(value)
        self._png, self._about = self._draw(made)._repr_png_()
        self._made, self._error = made, None

    def _widget(self) -> Any:
        make = load("ipywidgets", PURPOSE, "widgets")
        labels = ["none" if one is None else f"{one:g} {self.unit}".rstrip() for one in self.values]
        slider = make.SelectionSlider(
            options=[(label, place) for place, label in enumerate(labels)],
            index=self.values.index(self._value), description=self.name, continuous_update=False,
            style={"description_width": "initial"}, layout={"width": "480px"},
        )  # fmt: skip
        image = make.Image(
            value=self._png, format="png", layout={"max_width": "100%", "align_self": "flex-start"}
        )
        note = make.HTML()

        def moved(change: Any) -> None:
            try:
                self.move(self.values[change["new"]])
            finally:
                note.value = escape(self.note)
            image.value = self._png

        slider.observe(moved, "index")
        return make.VBox([slider, note, image])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        still = {"image/png": self._png, "text/plain": self.text}
        about = {"image/png": self._about}
        if not is_interactive():
            return still, about
        try:
            self._box = self._box or self._widget()
        except MissingToolError as error:
            return {**still, "text/plain": f"{self.text}; {error}"}, about
        return {**self._box._repr_mimebundle_(include=include, exclude=exclude), **still}, about


def slider(
    name: str,
    value: Value,
    values: Iterable[float],
    make: Callable[[Any], Made],
    draw: Callable[[Made], Any],
    *,
    unit: str = "",
) -> Slider[Made]:
    """Put a parameter of a notebook on a slider beside the picture of what it gives.

    The last expression of a cell shows it. Cells below use ``.made``, and publish ``.value``. In
    batch it is the picture at the parameter's value. Arguments: see `Slider`.
    """
    return Slider(name, value, values, make, draw, unit)


def percentiles(
    values: Array | None, first: float = 0, last: float = 50, places: int = 11
) -> tuple[float, ...]:
    """Return where the slider of a cut may stand: percentiles of what is cut on, in its unit.

    What is not finite is left out. Of nothing there are none: the slider has no other place than
    its parameter's value.

    Parameters
    ----------
    values
        Of any shape.
    first, last, places
        From which percentile to which, in how many even steps.
    """
    there = np.empty(0) if values is None else values[np.isfinite(values)]
    steps = np.linspace(first, last, places)
    return tuple(np.percentile(there, steps).tolist()) if there.size else ()


def _typed(value: float) -> int | float:
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")

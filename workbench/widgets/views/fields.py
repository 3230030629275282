"""Regions as typed fields: the twin of drawing them, whatever shows the fields."""

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.regions import Box, Circle, Polygon, Rectangle, Region, RegionError, Ring
from workbench.widgets.models import Viewport

Drawn = Region | Box
Value = int | float | str


@dataclass(frozen=True)
class Field:
    """One typed number or text of a region.

    Parameters
    ----------
    name
        Of the region's attribute.
    label
        For people.
    value
        A whole number, a number, or a text; the kind stays.
    """

    name: str
    label: str
    value: Value


LABELS = {
    "top": "rows from", "bottom": "rows to", "left": "columns from", "right": "columns to",
    "row": "centre row", "col": "centre column", "radius": "radius", "inner": "inner radius",
    "outer": "outer radius", "points": "points (row, column), ...",
    "bounds": "[low, high] per axis",
}  # fmt: skip
NAME = Field("name", "Name", "")
DECIMALS = 3  # of a pixel, in fields of a region
_ORDER = {
    Rectangle: ("top", "bottom", "left", "right"),
    Circle: ("row", "col", "radius"),
    Ring: ("row", "col", "inner", "outer"),
}


def fields_of(region: Drawn) -> tuple[Field, ...]:
    """Return what can be typed about a region; ends of ranges are not included [pixel].

    Numbers are shown to a thousandth of a pixel; the region keeps all of their digits.
    """
    if isinstance(region, Polygon):
        return (Field("points", LABELS["points"], points_text(region.points)),)
    if isinstance(region, Box):
        return (Field("bounds", LABELS["bounds"], str(region.bounds)),)
    return tuple(
        Field(name, LABELS[name], round(getattr(region, name), DECIMALS))
        for name in _ORDER[type(region)]
    )


def number_text(value: float | None) -> str:
    """Return a number as it is shown in a field, to seven digits; None: nothing."""
    return "" if value is None else f"{value:.7g}"


def number_of(text: str, label: str, known: float | None) -> float | None:
    """Return a typed number, None of an empty text; `InputError` names the field.

    For fields that may be empty: Panel's own fields of numbers show these as "NaN".

    Parameters
    ----------
    text, label
        Of the field.
    known
        What the field was filled with: a text that is that still is this number, all of its digits.
    """
    if text == number_text(known):
        return known
    try:
        value = float(text) if text.strip() else None
    except ValueError:
        value = math.nan
    if value is not None and not math.isfinite(value):
        raise InputError(f"{label}: type a number, or nothing, not {text!r}")
    return value


def points_text(points: Sequence[tuple[float, float]]) -> str:
    """Return points (row, col) as they are typed."""
    return ", ".join(f"({row:g}, {col:g})" for row, col in points)


def points_of(text: str) -> list[tuple[float, float]]:
    """Return the points of a text, none of an empty one; `RegionError` says what cannot be read."""
    return [(float(row), float(col)) for row, col in _literal(f"[{text}]")]


def with_values(region: Drawn, values: Mapping[str, Any]) -> Drawn:
    """Return a region with typed values; `RegionError` says what cannot be read."""
    if isinstance(region, Polygon):
        return Polygon(tuple(_literal(f"[{values['points']}]")))
    if isinstance(region, Box):
        return Box(Bounds.from_pairs(_literal(values["bounds"])))
    missing = [LABELS[name] for name, value in values.items() if value is None]
    if missing:
        raise RegionError(f"{missing[0]}: type a number [pixel]")
    return replace(region, **values)


def typed_region(text: str, frame_shape: tuple[int, ...], view: Viewport | None) -> Drawn:
    """Return the region of a text as configs write it, ``[[157, 487], [294, 598]]``.

    Parameters
    ----------
    text
        [low, high) for each axis of the frames; empty: a rectangle in the middle of the view.
    frame_shape
        (row, col) or (tile, row, col).
    view
        What is on the screen; None: not shown anywhere.
    """
    if text.strip():
        pairs = _literal(text)
        if len(pairs) == 2 and len(frame_shape) == 2:
            (top, bottom), (left, right) = pairs
            return Rectangle(top, bottom, left, right)
        return Box(Bounds.from_pairs(pairs))
    height, width = frame_shape[-2:]
    top, bottom, left, right = (
        (0, height, 0, width) if view is None else (view.top, view.bottom, view.left, view.right)
    )
    rows, cols = (bottom - top) / 10, (right - left) / 10
    row, col = (top + bottom) / 2, (left + right) / 2
    return Rectangle.around((row - rows, col - cols), (row + rows, col + cols))


def with_typed(region: Drawn, name: str, field: str, value: Value | None) -> Drawn:
    """Return a region with one typed value; `RegionError` where the region has no such field.

    Parameters
    ----------
    region, name
        As it is by now; its name, for the message.
    field, value
        Of the region's attribute, and what was typed; None: the field was emptied.
    """
    if field not in {one.name for one in fields_of(region)}:
        raise RegionError(
            f"{name} has another shape by now: {LABELS[field]} {value} was typed late, nothing was "
            "changed"
        )
    return with_values(region, {field: value})


def in_config(region: Any) -> str:
    """Return the words for a `ConfigRegion`: what the config will say."""
    mask = "" if region.good is None else ", with a mask"
    return f"{region.bounds}{mask}"


def _literal(text: str) -> list[Any]:
    try:
        value = ast.literal_eval(text.strip())
        return [(float(a), float(b)) if isinstance(a, float) else (a, b) for a, b in value]
    except (ValueError, SyntaxError, TypeError) as error:
        raise RegionError(
            f"cannot read {text!r}: type pairs of numbers, as [[157, 487], [294, 598]] or "
            "(10, 20), (10, 60), (40, 60)"
        ) from error

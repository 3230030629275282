"""Numbers that a notebook declares as its results, and their harvest from its outputs."""

import math
from collections.abc import Mapping
from typing import Any, TypedDict

from workbench.batch.parameters import ParameterError, plain
from workbench.core.declared import RESULT_MIME
from workbench.core.errors import InputError
from workbench.core.rounding import with_error

NOT_SET = "not set"  # a parameter that was left open


class Result(TypedDict):
    """One published result; `error` is None where there is none, `value` where not measured."""

    value: float | int | str | bool | None
    unit: str
    error: float | None


def publish(name: str, value: object, unit: str = "1", error: object = None) -> None:
    """Declare a result of this notebook: shown in the cell, harvested into tables by `batch`.

    Parameters
    ----------
    name
        Short name, unique in the notebook: "t0".
    value
        Number or text; NaN means not measured, None (a limit left open) is kept as "not set".
    unit
        UDUNITS string; "1" for a pure number.
    error
        One standard deviation, in the same unit; None where there is none.
    """
    from IPython.display import publish_display_data  # only notebooks publish

    result = make_result(name, value, unit, error)
    data = {RESULT_MIME: {"name": name, **result}, "text/plain": result_text(name, result)}
    publish_display_data(data)  # type: ignore[no-untyped-call]


def make_result(name: str, value: object, unit: str = "1", error: object = None) -> Result:
    """Return a checked result in plain Python."""
    if not name.isidentifier():
        raise InputError(f"result {name!r}: the name must be one word of letters, digits and _")
    try:
        number, spread = plain(value), plain(error)
    except ParameterError as refusal:
        raise InputError(f"result {name!r}: {refusal}") from None
    if isinstance(number, list):
        raise InputError(f"result {name!r} is an array; publish single numbers or texts")
    if spread is not None and (isinstance(spread, bool) or not isinstance(spread, int | float)):
        raise InputError(f"result {name!r}: the error {spread!r} is not a number")
    if number is None:
        return Result(value=NOT_SET, unit="1", error=None)
    return Result(
        value=None if isinstance(number, float) and not math.isfinite(number) else number,
        unit=unit,
        error=None if spread is None or not math.isfinite(spread) else float(spread),
    )


def result_text(name: str, result: Result) -> str:
    """Return one line: name, value with error, unit."""
    return f"{name} = {value_text(result)}"


def value_text(result: Result) -> str:
    """Return value, error and unit with as many digits as the error warrants."""
    value, unit = result["value"], result["unit"]
    if isinstance(value, float):
        return with_error(value, result["error"], unit)
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value}" if unit in {"", "1"} else f"{value} {unit}"


def harvest(notebook: Mapping[str, Any]) -> dict[str, Result]:
    """Return the results that an executed notebook published, by name; the last one counts.

    ``Any``: a notebook is whatever JSON its file holds.
    """
    found: dict[str, Result] = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {}).get(RESULT_MIME)
            if data is not None:
                found[data["name"]] = Result(
                    value=data["value"], unit=data["unit"], error=data["error"]
                )
    return found

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from papermill.translators import PythonTranslator

from workbench.batch.parameters import (
    Parameter,
    ParameterError,
    ParametersCellError,
    check_values,
    parse_cell,
    parse_values,
    plain,
)

CELL = '''"""Parameters."""
run: int = 1  # [1] run number, range 1..
i0_low: float | None = None  # [J] lowest pulse energy, range 0..0.01
bin_width = 0.05  # [ps] width of a delay bin, range 0.001..10
signal = "epix_1/ROI_0_sum"  # field to analyse
edges: list[float] = [-2, 5.5]  # [ps] first and last delay
use_tt = True  # correct by the time tool
'''
PARAMETERS = parse_cell(CELL, where="test")


def by_name(name: str) -> Parameter:
    return next(parameter for parameter in PARAMETERS if parameter.name == name)


def test_a_cell_declares_names_types_units_ranges_and_meanings() -> None:
    assert [(p.name, p.type, p.unit, p.meaning, p.low, p.high) for p in PARAMETERS] == [
        ("run", "int", "1", "run number", 1, None),
        ("i0_low", "float | None", "J", "lowest pulse energy", 0, 0.01),
        ("bin_width", "float", "ps", "width of a delay bin", 0.001, 10),
        ("signal", "str", "", "field to analyse", None, None),
        ("edges", "list[float]", "ps", "first and last delay", None, None),
        ("use_tt", "bool", "", "correct by the time tool", None, None),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("run=14", 14),
        ("i0_low=1e-4", 1e-4),
        ("i0_low=None", None),
        ("signal=a b=c", "a b=c"),
        ("edges=[-1, 2.5]", [-1.0, 2.5]),
        ("edges=-1,2", [-1.0, 2.0]),
        ("use_tt=false", False),
    ],
)
def test_text_is_read_by_the_type_of_the_parameter(text: str, value: object) -> None:
    (found,) = parse_values(PARAMETERS, [text], where="test").values()
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rum=3", "did you mean run"),
        ("run=three", "whole number"),
        ("run=2.5", "whole number"),
        ("run=0", "range 1.."),
        ("i0_low=0.5", "range 0..0.01"),
        ("bin_width=nan", "range 0.001..10"),
        ("bin_width=", "a number in ps"),
        ("use_tt=maybe", "true or false"),
        ("edges=1,x", "a list of float"),
        ("run", "name=value"),
        ("signal=a\0b", "a text"),
    ],
)
def test_a_wrong_text_is_refused_with_the_way_out(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        parse_values(PARAMETERS, [text], where="test")


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ParameterError, match="'run' is given twice"):
        parse_values(PARAMETERS, ["run=3", "run=4"], where="test")


def test_all_wrong_parameters_are_named_at_once() -> None:
    with pytest.raises(ParameterError, match=r"rum.*use_tt"):
        parse_values(PARAMETERS, ["rum=3", "use_tt=maybe"], where="test")


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("run", np.int64(3), 3),
        ("bin_width", np.float64(0.1), 0.1),
        ("bin_width", 2, 2.0),
        ("edges", (1, 2), [1.0, 2.0]),
        ("edges", np.array([1.5, 2.0], np.float32), [1.5, 2.0]),
        ("edges", range(3), [0.0, 1.0, 2.0]),
        ("signal", Path("/a/b"), "/a/b"),
        ("use_tt", np.bool_(True), True),
    ],
)
def test_values_of_numpy_tuples_ranges_and_paths_become_plain(
    name: str, given: object, kept: object
) -> None:
    assert check_values(PARAMETERS, {name: given}, where="test") == {name: kept}
    assert repr(check_values(PARAMETERS, {name: given}, where="test")[name]) == repr(kept)


@pytest.mark.parametrize("value", [{1, 2}, 3j, object(), np.datetime64("2026-01-01")])
def test_values_without_a_plain_form_are_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="cannot be a parameter"):
        check_values(PARAMETERS, {"signal": value}, where="test")


def test_true_is_no_number() -> None:
    with pytest.raises(ParameterError, match="whole number"):
        check_values(PARAMETERS, {"run": True}, where="test")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(PLAIN)
@settings(max_examples=200, deadline=None)
def test_every_plain_value_survives_the_way_into_a_notebook(value: object) -> None:
    code = PythonTranslator.codify({"x": plain(value)})
    scope: dict[str, object] = {}
    exec(code, scope)
    assert scope["x"] == value
    assert repr(scope["x"]) == repr(value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os", "only 'name: type = value"),
        ("a = 1 + b", "plain value"),
        ("a: dict = 1", "no type of a parameter"),
        ("a = None", "no type of a parameter"),
        ("a: int = 'x'", "default is refused"),
        ("a: int = 5  # [1] things, range 0..3", "default is refused"),
        ("a = (", "line 1"),
    ],
)
def test_a_cell_that_is_no_list_of_parameters_is_refused(source: str, words: str) -> None:
    with pytest.raises(ParametersCellError, match=words):
        parse_cell(source, where="test")

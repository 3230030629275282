"""A parameter on a slider: what it gives, what it says, and what is left of it in batch."""

import ast
from unittest.mock import patch

import nbformat
import pytest

from workbench.batch import Template, templates
from workbench.core.errors import InputError
from workbench.plots.style import Picture
from workbench.widgets import slider
from workbench.widgets.views.slider import Slider

INTERACTIVE = "workbench.widgets.views.slider.is_interactive"


def share(parts: float | None) -> float:
    if parts == 0:
        raise InputError("nothing can be parted into 0")
    return 12 / (parts or 1)


def drawn(made: float) -> Picture:
    picture = Picture(figsize=(1, 1))
    picture.alt = f"{made:g}"
    return picture


def made(value: float | None = 4, values: tuple[float, ...] = (0, 3, 1.23456)) -> Slider[float]:
    return slider("parts", value, values, share, drawn, unit="um")


def test_cells_below_get_what_was_made_of_the_value_where_the_slider_stands() -> None:
    parts = made()
    assert parts.values == (0, 1.23, 3, 4)  # to be typed: three digits
    assert (parts.value, parts.made) == (4, 3)
    parts.move(3)
    assert (parts.value, parts.made) == (3, 4)
    with pytest.raises(InputError, match=r"parts = 7 is none of \[0, 1.23, 3, 4\]"):
        parts.move(7)
    assert (parts.value, parts.made) == (3, 4)


def test_what_cannot_be_made_of_a_value_is_said_and_reaches_no_cell_below() -> None:
    parts = made()
    parts.move(0)
    assert parts.note == "parts = 0: nothing can be parted into 0"
    with pytest.raises(InputError, match="parted into 0"):
        _ = parts.made
    parts.move(3)
    assert parts.note.startswith("parts = 3: run the cells below")
    assert parts.made == 4


def test_a_fault_of_the_notebook_itself_leaves_no_old_numbers_under_a_new_value() -> None:
    parts = slider("parts", 4, [0, 2], lambda value: 12 // value, drawn)
    with pytest.raises(ZeroDivisionError):
        parts.move(0)
    with pytest.raises(Exception, match="run the cell with this value to see why"):
        _ = parts.made


def test_no_number_is_a_value_too_and_many_values_are_thinned_out() -> None:
    parts = made(None)
    assert parts.values == (None, 0, 1.23, 3)
    assert parts.made == 12
    with patch(INTERACTIVE, return_value=True):
        parts._repr_mimebundle_()
        assert parts._box.children[0].label == "none"
    many = slider("shot", 777, range(1, 100_001), float, drawn)
    assert len(many.values) <= 501
    assert 777 in many.values


def test_in_batch_it_is_its_picture_and_for_a_person_a_slider_as_well() -> None:
    parts = made()
    data, about = parts._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert data["text/plain"] == "parts = 4"
    assert about == {"image/png": {"alt": "3"}}
    with patch(INTERACTIVE, return_value=True):
        data, _ = parts._repr_mimebundle_()
        assert {"application/vnd.jupyter.widget-view+json", "image/png"} <= set(data)
        knob, note, image = parts._box.children
        knob.index = parts.values.index(3)
        assert parts.made == 4
        assert bytes(image.value).startswith(b"\x89PNG")
        assert (
            note.value == "parts = 3: run the cells below for its numbers; to keep it, put it "
            "into the parameters"
        )
        before = bytes(image.value)
        knob.index = parts.values.index(0)
        assert "parted into 0" in note.value
        assert bytes(image.value) == before


def sliders(template: Template) -> list[list[str]]:
    """Return the first two arguments of each slider of a template, as text."""
    cells = nbformat.read(template.path, as_version=4).cells
    calls = (
        node
        for cell in cells
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "widgets.slider"
    )
    return [[ast.unparse(one) for one in call.args[:2]] for call in calls]


def test_a_slider_of_a_template_moves_a_parameter_and_its_value_is_among_the_results() -> None:
    found = {template.name: sliders(template) for template in templates()}
    groups = {name.partition("/")[0] for name, some in found.items() if some}
    assert groups == {"common", "xpp", "xcs", "mec"}
    for template in templates():
        source = template.path.read_text()
        for text, value in found[template.name]:
            assert text == f"'{value}'", template.name
            assert template.declares(value), template.name
            assert f'wb.publish(\\"{value}\\", shown.value' in source, template.name


def test_every_template_declares_results() -> None:
    for template in templates():
        *_, last = nbformat.read(template.path, as_version=4).cells
        assert last.id == "results", template.name
        assert last.source.count("wb.publish(") >= 2, template.name

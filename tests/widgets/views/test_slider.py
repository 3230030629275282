"""A parameter on a slider: what it gives, what it says, and what is left of it in batch."""

import ast
from unittest.mock import patch

import nbformat
import numpy as np
import pytest

from workbench.batch import Template, templates
from workbench.core.errors import InputError
from workbench.plots.style import Picture
from workbench.widgets import percentiles, slider
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


def test_places_of_a_cut_are_percentiles_of_what_was_measured() -> None:
    values = np.append(np.random.default_rng(1).permutation(np.arange(101.0)), [np.nan, np.inf])
    assert percentiles(values) == tuple(range(0, 55, 5))
    assert percentiles(values, 90, 100, 3) == (90, 95, 100)
    assert percentiles(np.full(3, np.nan)) == percentiles(None) == ()


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_the_slider_of_a_template_moves_a_parameter_and_its_value_is_among_the_results(
    template: Template,
) -> None:
    ((text, value),) = sliders(template)
    assert text == f"'{value}'"
    assert template.declares(value)
    assert f'wb.publish(\\"{value}\\", shown.value' in template.path.read_text()


def test_every_template_declares_results() -> None:
    for template in templates():
        *_, last = nbformat.read(template.path, as_version=4).cells
        assert last.id == "results", template.name
        assert last.source.count("wb.publish(") >= 2, template.name

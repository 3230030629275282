import math

import numpy as np
import pytest

from workbench.batch.results import harvest, make_result, publish, result_text
from workbench.core.declared import RESULT_MIME
from workbench.core.errors import InputError


@pytest.mark.parametrize(
    ("value", "error", "unit", "text"),
    [
        (0.123456, 0.0123, "ps", "x = 0.123 ± 0.012 ps"),
        (1234.5, 300.0, "1", "x = (1.23 ± 0.30)e+03"),
        (np.float64(2.5), None, "mJ", "x = 2.5 mJ"),
        (np.int32(7), None, "1", "x = 7"),
        (math.nan, 1.0, "ps", "x = not measured"),
        (None, None, "J", "x = not set"),
        (True, None, "1", "x = yes"),
        ("converged", None, "1", "x = converged"),
    ],
)
def test_a_result_reads_with_its_error_and_unit(
    value: object, error: object, unit: str, text: str
) -> None:
    assert result_text("x", make_result("x", value, unit, error)) == text


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("two words", 1, None), ("x", [1, 2], None), ("x", 1, "big"), ("x", {1}, None)],
)
def test_a_result_that_is_no_number_or_text_is_refused(
    name: str, value: object, error: object
) -> None:
    with pytest.raises(InputError):
        make_result(name, value, "1", error)


def test_the_last_publication_of_a_name_is_harvested() -> None:
    def output(value: float) -> dict[str, object]:
        data = {RESULT_MIME: {"name": "t0", **make_result("t0", value, "ps", 0.1)}}
        return {"output_type": "display_data", "data": data, "metadata": {}}

    cells = [
        {"cell_type": "markdown"},
        {"cell_type": "code", "outputs": [output(1.0)]},
        {"cell_type": "code", "outputs": [{"output_type": "stream"}, output(2.0)]},
    ]
    assert harvest({"cells": cells}) == {"t0": {"value": 2.0, "unit": "ps", "error": 0.1}}


def test_outside_a_notebook_a_result_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    publish("t0", 0.5, "ps", 0.01)
    assert capsys.readouterr().out.strip() == "t0 = 0.500 ± 0.010 ps"

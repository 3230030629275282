import math

import pytest

from workbench.core.rounding import rounded, with_error
from workbench.core.table import Table


@pytest.mark.parametrize(
    ("value", "error", "unit", "text"),
    [
        (0.149288, 0.00199215, "ps", "0.1493 ± 0.0020 ps"),
        (0.123456, 0.0123, "ps", "0.123 ± 0.012 ps"),
        (12.0, 1.5, "1", "12.0 ± 1.5"),
        (1234.5, 300.0, "1", "(1.23 ± 0.30)e+03"),
        (2.07e10, 1.2e7, "keV/J", "(2.0700 ± 0.0012)e+10 keV/J"),
        (2e-6, 3e-8, "J", "(2.000 ± 0.030)e-06 J"),
        (0.0, 0.01, "mm", "0.000 ± 0.010 mm"),
        (2.5, None, "mJ", "2.5 mJ"),
        (2.5, math.nan, "mJ", "2.5 mJ"),
        (math.nan, 1.0, "mJ", "not measured"),
    ],
)
def test_a_value_has_the_digits_that_its_error_warrants(
    value: float, error: float | None, unit: str, text: str
) -> None:
    assert with_error(value, error, unit) == text


@pytest.mark.parametrize(
    ("value", "error", "texts"),
    [
        (7058.00812, 0.0134, ("7058.008", "0.013")),
        (9.65859, 2.69e-5, ("9.658590", "0.000027")),
        (3.1686e10, 3.2e7, ("3.1686e+10", "3.2e+07")),
        (1234.5, 300.0, ("1.23e+03", "3.0e+02")),
        (3.126e-7, 4.5e-8, ("3.13e-07", "4.5e-08")),
        (math.nan, 0.1, ("nan", "0.1")),
        (2.5, 0.0, ("2.5", "0")),
    ],
)
def test_a_value_and_its_error_in_two_columns_have_the_same_last_place(
    value: float, error: float, texts: tuple[str, str]
) -> None:
    assert rounded(value, error) == texts


def test_a_table_shows_a_number_in_the_digits_of_the_error_beside_it() -> None:
    rows = (("energy", 7058.00812, 0.0134, 7058.0), ("shots", 3, "exact", 3))
    table = Table(("what", "value", "error [eV]", "truth"), rows)
    assert "7058.008  0.013" in str(table)
    assert '<td style="text-align: left">0.013</td>' in table._repr_html_()
    assert table.as_dicts()[0]["value"] == 7058.00812


def test_a_second_pair_of_value_and_error_and_a_pull_are_rounded_as_well() -> None:
    columns = ("term", "value", "error", "in keV", "error in keV", "pull")
    table = Table(columns, (("offset", 0.00071, 0.0149, 26.614, 557.98, -0.034706),))
    assert str(table).splitlines()[-1].split() == [
        "offset", "0.001", "0.015", "2.7e+01", "5.6e+02", "-0.03",
    ]  # fmt: skip


def test_a_table_without_rows_says_none() -> None:
    table = Table(("run", "what"), ())
    assert str(table).splitlines()[-1] == "none"
    assert '<td colspan="2">none</td>' in table._repr_html_()

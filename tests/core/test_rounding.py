import math

import pytest

from workbench.core.rounding import with_error


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

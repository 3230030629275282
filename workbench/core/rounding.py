"""Numbers with their errors, in as many digits as the error warrants."""

import math


def with_error(value: float, error: float | None = None, unit: str = "1") -> str:
    """Return "0.1493 ± 0.0020 ps": two digits of the error, the value to the same place.

    Without a positive error the value has six digits; a value that is not finite is "not measured".
    """
    tail = "" if unit in {"", "1"} else f" {unit}"
    if not math.isfinite(value):
        return "not measured"
    if error is None or not math.isfinite(error) or error <= 0:
        return f"{value:.6g}{tail}"
    digits = _places(error)
    if 0 <= digits <= 6 and abs(value) < 1e7:
        return f"{value:.{digits}f} ± {error:.{digits}f}{tail}"
    exponent = math.floor(math.log10(max(abs(value), error)))
    scale, digits = 10.0**exponent, max(0, digits + exponent)
    return f"({value / scale:.{digits}f} ± {error / scale:.{digits}f})e{exponent:+03d}{tail}"


def rounded(value: float, error: float) -> tuple[str, str]:
    """Return value and error as two texts, for columns: two digits of the error, both to one place.

    Without a positive, finite error, or where the value is not finite, both have five digits.
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{value:.5g}", f"{error:.5g}"
    digits = _places(error)
    if 0 <= digits <= 6 and abs(value) < 1e7:
        return f"{value:.{digits}f}", f"{error:.{digits}f}"
    exponent = math.floor(math.log10(max(abs(value), error)))
    return f"{value:.{max(0, digits + exponent)}e}", f"{error:.1e}"


def _places(error: float) -> int:
    """Return how many places after the point two digits of an error take; negative before it."""
    return 1 - math.floor(math.log10(error))

"""Text of ``experiment.toml`` as arithmetic: polynomials and conditions of one field."""

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyadd, polymul, polyval

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError

_TOKEN = re.compile(r"[()]|[^\s()]+")
_COMPARE: dict[str, Callable[[Floats, float], Bools]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}
SPACES = "write spaces around + - * / and comparisons: names of fields hold these signs too"


@dataclass(frozen=True)
class Expression:
    """A polynomial of one field.

    Parameters
    ----------
    field
        Name of a dataset, or of a column of one (``diodeU/channels[2]``).
    coefficients
        From the constant upwards; (0, 1) is the field itself.
    """

    field: str
    coefficients: tuple[float, ...] = (0.0, 1.0)

    @property
    def is_plain(self) -> bool:
        """Tell whether the field's values are taken as they are."""
        return self.coefficients == (0.0, 1.0)

    def __call__(self, values: Floats) -> Floats:
        """Return the polynomial of an array."""
        return np.asarray(polyval(values, self.coefficients))

    def __str__(self) -> str:
        if self.is_plain:
            return self.field
        powers = ("", f" x {self.field}", *(f" x {self.field}^{n}" for n in range(2, 99)))
        terms = zip(self.coefficients, powers, strict=False)
        return " + ".join(f"{factor:g}{power}" for factor, power in terms if factor)


@dataclass(frozen=True)
class Condition:
    """A comparison of one field with a number: ``ai/ch03 > 2 V``.

    Parameters
    ----------
    field
        Name of a dataset, of a column or of a friendly name.
    sign
        One of ``> >= < <= ==``.
    value
        What is compared with.
    unit
        Its unit; empty: that of the field.
    """

    field: str
    sign: str
    value: float
    unit: str = ""

    def __call__(self, values: Floats, scale: float) -> Bools:
        """Tell where it holds; `scale` brings the values to the unit of the condition."""
        return _COMPARE[self.sign](values * scale, self.value)

    def __str__(self) -> str:
        return f"{self.field} {self.sign} {self.value:g} {self.unit}".rstrip()


def parse_condition(text: str) -> Condition:
    """Return a condition from ``FIELD SIGN NUMBER [UNIT]``; `InputError` says what is wrong."""
    words = text.split()
    if len(words) in {3, 4} and words[1] in _COMPARE and _number(words[2]) is not None:
        return Condition(words[0], words[1], float(words[2]), words[3] if len(words) == 4 else "")
    raise InputError(
        f"{text!r} is no condition; write a field, one of {' '.join(_COMPARE)}, a number and its "
        "unit, as in 'ai/ch03 > 2 V'"
    )


def parse_expression(text: str) -> Expression:
    """Return a polynomial of one field from text such as ``0.9376 * (epicsAll/delay - 3.1)``.

    Raises `InputError` where there is no field, more than one, or something else than
    ``+ - * /``, numbers and parentheses.
    """
    names = {word for word in _TOKEN.findall(text) if _is_name(word)}
    if len(names) != 1:
        found = ", ".join(sorted(names)) or "none"
        raise InputError(f"{text!r}: an expression holds exactly one field, here {found}; {SPACES}")
    parser = _Parser(text)
    coefficients = parser.total()
    if parser.left:
        raise InputError(f"{text!r}: cannot read from {parser.left!r}; {SPACES}")
    return Expression(names.pop(), tuple(coefficients.tolist()))


class _Parser:
    """Reads sums of products of polynomials, each an array from the constant upwards."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: Iterator[str] = iter(_TOKEN.findall(text))
        self.left = next(self._words, "")

    def total(self) -> Floats:
        result: Floats = self._product()
        while self.left in {"+", "-"}:
            sign = 1.0 if self._take() == "+" else -1.0
            result = np.asarray(polyadd(result, sign * self._product()))
        return result

    def _product(self) -> Floats:
        result = self._atom()
        while self.left in {"*", "/"}:
            sign, other = self._take(), self._atom()
            if sign == "/":
                if other.size > 1 or not other[0]:
                    raise InputError(f"{self._text!r}: only a number other than 0 can divide")
                other = 1 / other
            result = np.asarray(polymul(result, other))
        return result

    def _atom(self) -> Floats:
        word = self._take()
        if word == "(":
            inner = self.total()
            if self._take() != ")":
                raise InputError(f"{self._text!r}: a parenthesis is not closed")
            return inner
        value = _number(word)
        if value is not None:
            return np.array([value])
        if not _is_name(word):
            raise InputError(f"{self._text!r}: a number or a field is missing; {SPACES}")
        return np.array([0.0, 1.0])

    def _take(self) -> str:
        word, self.left = self.left, next(self._words, "")
        return word


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _is_name(word: str) -> bool:
    return bool(re.match(r"[A-Za-z_]", word)) and _number(word) is None

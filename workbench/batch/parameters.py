"""Typed parameters of a template: read from its parameters cell, checked before anything runs."""

import ast
import io
import math
import os
import re
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.errors import InputError, near

Plain = None | bool | int | float | str | list["Plain"]

_SCALARS: dict[str, type] = {"int": int, "float": float, "bool": bool, "str": str}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NOUNS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
_COMMENT = re.compile(
    r"^#\s*(?:\[(?P<unit>[^\]]*)\]\s*)?(?P<meaning>.*?)"
    r"(?:,?\s*range\s+(?P<low>[-+.\deE]*?)\.\.(?P<high>[-+.\deE]*))?\s*$"
)


class ParameterError(InputError):
    """Parameters that a template refuses; the text names each of them and what would do."""


class ParametersCellError(InputError):
    """A parameters cell that is not a list of ``name: type = literal  # [unit] meaning``."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a template.

    Parameters
    ----------
    name
        Name of the variable in the parameters cell.
    kind
        "int", "float", "bool", "str" or "list".
    default
        Value in the parameters cell.
    item
        Kind of the entries of a list; empty for the others.
    optional
        Whether None is allowed.
    unit
        Unit from the comment, empty where it has none.
    meaning
        One line from the comment.
    low, high
        Allowed range, both ends included; None where open.
    """

    name: str
    kind: str
    default: Plain
    item: str = ""
    optional: bool = False
    unit: str = ""
    meaning: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def type(self) -> str:
        """Type as an annotation would write it."""
        base = f"list[{self.item}]" if self.kind == "list" else self.kind
        return f"{base} | None" if self.optional else base

    @property
    def range(self) -> str:
        """Allowed range as the comment writes it, "0.1..10"; empty where all is allowed."""
        if self.low is None and self.high is None:
            return ""
        low, high = ("" if end is None else f"{end:g}" for end in (self.low, self.high))
        return f"{low}..{high}"

    def parse(self, text: str) -> Plain:
        """Read a value from text, as ``-p name=value`` gives it."""
        if self.optional and text.strip().lower() in {"none", ""}:
            return None
        if self.kind != "list":
            return self.check(_read(self.kind, text, self))
        inner = text.strip().removeprefix("[").removesuffix("]").strip()
        parts = [part.strip().strip("'\"") for part in inner.split(",")] if inner else []
        return self.check([_read(self.item, part, self) for part in parts])

    def check(self, value: object) -> Plain:
        """Return the value as plain Python, or raise `ParameterError`."""
        value = plain(value)
        if value is None and self.optional:
            return None
        if self.kind != "list":
            return self._scalar(self.kind, value)
        if not isinstance(value, list):
            raise self.refusal(value)
        return [self._scalar(self.item, entry) for entry in value]

    def refusal(self, value: object) -> ParameterError:
        """Return the error which says that this value will not do, and what would."""
        noun = f"a list of {self.item}" if self.kind == "list" else _NOUNS[self.kind]
        text = f"{self.name} = {value!r}: it must be {noun}"
        text += f" in {self.unit}" if self.unit not in {"", "1"} else ""
        text += " or None" if self.optional else ""
        text += f", range {self.range}" if self.range else ""
        return ParameterError(text + (f" ({self.meaning})" if self.meaning else ""))

    def _scalar(self, kind: str, value: Plain) -> Plain:
        wanted = _SCALARS[kind]
        if kind == "float" and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise self.refusal(value)
        if isinstance(value, str) and "\0" in value:
            raise self.refusal(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            below = self.low is not None and value < self.low
            above = self.high is not None and value > self.high
            if math.isnan(value) or below or above:
                raise self.refusal(value)
        return value


def plain(value: object) -> Plain:
    """Return a value as plain Python: numpy scalars and arrays, tuples, ranges, paths included."""
    if value is None or isinstance(value, bool | int | float | str):
        return _exact(value)
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, list | tuple | range):
        return [plain(entry) for entry in value]
    raise ParameterError(
        f"a value of type {type(value).__name__} cannot be a parameter; use numbers, texts, "
        "true/false, None or lists of them"
    )


def _exact(value: bool | int | float | str | None) -> Plain:
    # np.float64 and enumerations are children of float, int and str: papermill would write
    # their repr into the notebook.
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return None


def parse_values(
    parameters: Sequence[Parameter], assignments: Iterable[str], *, where: str
) -> dict[str, Plain]:
    """Read ``name=value`` texts against a template's parameters; all problems in one error."""
    texts: dict[str, str] = {}
    problems: list[str] = []
    for assignment in assignments:
        name, sign, text = assignment.partition("=")
        if not sign:
            problems.append(f"{assignment!r} is not of the form name=value")
        elif name.strip() in texts:
            problems.append(f"{name.strip()!r} is given twice")
        texts[name.strip()] = text
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Plain] = {}
    for name, text in texts.items():
        if name not in known:
            problems.append(_unknown(name, known))
            continue
        try:
            values[name] = known[name].parse(text)
        except ParameterError as error:
            problems.append(str(error))
    _raise(problems, where)
    return values


def check_values(
    parameters: Sequence[Parameter], given: Mapping[str, object], *, where: str
) -> dict[str, Plain]:
    """Return given values as plain Python; all problems in one error."""
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Plain] = {}
    problems: list[str] = []
    for name, value in given.items():
        if name not in known:
            problems.append(_unknown(name, known))
            continue
        try:
            values[name] = known[name].check(value)
        except ParameterError as error:
            problems.append(str(error))
    _raise(problems, where)
    return values


def parse_cell(source: str, *, where: str) -> tuple[Parameter, ...]:
    """Read the parameters that a cell declares, in order."""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParametersCellError(f"{where}: line {error.lineno}: {error.msg}") from None
    comments = _comments(source)
    return tuple(
        _parameter(statement, comments.get(statement.end_lineno or 0, ""), where)
        for statement in statements
        if not _is_docstring(statement)
    )


def _parameter(statement: ast.stmt, comment: str, where: str) -> Parameter:
    place = f"{where}: parameters cell, line {statement.lineno}"
    target, value, annotation = _assignment(statement)
    if target is None or value is None:
        raise ParametersCellError(f"{place}: only 'name: type = value  # [unit] meaning' fits here")
    try:
        default = plain(ast.literal_eval(value))
    except (ValueError, TypeError):
        raise ParametersCellError(
            f"{place}: the default of {target!r} must be a plain value, not an expression"
        ) from None
    kind, item, optional = _type(ast.unparse(annotation) if annotation else "", default, place)
    facts = _COMMENT.match(comment)
    found = facts.groupdict() if facts else {}
    parameter = Parameter(
        name=target,
        kind=kind,
        default=default,
        item=item,
        optional=optional,
        unit=found.get("unit") or "",
        meaning=(found.get("meaning") or "").strip(),
        low=float(found["low"]) if found.get("low") else None,
        high=float(found["high"]) if found.get("high") else None,
    )
    try:
        parameter.check(default)
    except ParameterError as error:
        raise ParametersCellError(f"{place}: the default is refused: {error}") from None
    return parameter


def _assignment(
    statement: ast.stmt,
) -> tuple[str | None, ast.expr | None, ast.expr | None]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value, statement.annotation
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value, None
    return None, None, None


def _type(annotation: str, default: Plain, place: str) -> tuple[str, str, bool]:
    optional = annotation.endswith("| None")
    base = annotation.removesuffix("| None").strip()
    if not base:
        base = type(default).__name__
        if isinstance(default, list):
            base = f"list[{type(default[0]).__name__ if default else 'float'}]"
    if base in _SCALARS:
        return base, "", optional
    inner = re.fullmatch(r"list\[(\w+)\]", base)
    if inner and inner[1] in _SCALARS:
        return "list", inner[1], optional
    raise ParametersCellError(
        f"{place}: {base!r} is no type of a parameter; write int, float, bool, str, "
        "list[...] of them, or one of these with '| None'"
    )


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _read(kind: str, text: str, parameter: Parameter) -> Plain:
    if kind == "str":
        return text
    try:
        return _WORDS[text.strip().lower()] if kind == "bool" else _SCALARS[kind](text)
    except (ValueError, KeyError):
        raise parameter.refusal(text) from None


def _unknown(name: str, known: Iterable[str]) -> str:
    close = near(name, known)
    hint = f"did you mean {', '.join(close)}?" if close else f"it has {', '.join(known)}"
    return f"no parameter {name!r}; {hint}"


def _raise(problems: list[str], where: str) -> None:
    if problems:
        raise ParameterError(f"template {where}: " + "; ".join(problems))

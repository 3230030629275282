"""Rules of the style guide that no linter checks."""

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "workbench").rglob("*.py"))
LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 60  # lines


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_readable(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    for node in functions(path):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


def public() -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Return what packages export, functions and methods: name, tree, what its docstring says.

    What a class refuses when it is made stands in the docstring of the class.
    """
    for package in sorted((ROOT / "workbench").rglob("__init__.py")):
        module = ".".join(package.relative_to(ROOT).parent.parts)
        room = importlib.import_module(module)
        for name in getattr(room, "__all__", ()):
            thing = getattr(room, name)
            if not (inspect.isfunction(thing) or inspect.isclass(thing)):
                continue
            (tree,) = (one for one in parsed(thing.__module__) if one.name == thing.__name__)
            yield from documented(f"{module}.{name}", tree)


@cache
def parsed(module: str) -> list[ast.FunctionDef | ast.ClassDef]:
    """Return the functions and classes of a module."""
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def documented(
    name: str, tree: ast.FunctionDef | ast.ClassDef
) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    if isinstance(tree, ast.FunctionDef):
        yield name, tree, ast.get_docstring(tree) or ""
    for inner in tree.body if isinstance(tree, ast.ClassDef) else ():
        if isinstance(inner, ast.FunctionDef):
            made = inner.name in {"__init__", "__post_init__"}
            docstring = ast.get_docstring(tree if made else inner) or ""
            if made or not inner.name.startswith("_"):
                yield f"{name}.{inner.name}", inner, docstring


def raised(function: ast.FunctionDef) -> set[str]:
    """Return the errors that a function makes itself."""
    return {
        node.exc.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id.endswith("Error")
    }


def test_what_packages_export_says_which_errors_it_raises() -> None:
    seen = 0
    for name, function, docstring in public():
        for error in raised(function):
            seen += 1
            assert re.search(rf"\b{error}\b", docstring), (
                f"{name} does not say that it raises {error}"
            )
    assert seen > 200

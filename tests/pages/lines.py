"""The Python lines of a page, run in order as a notebook would, and the pictures they draw."""

import ast
import re
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

FENCED = re.compile(r"(?ms)^```python\n(.*?)^```")
SOMEWHERE = "/path/to"  # how pages write a folder that the reader has


def python_of(page: Path) -> list[str]:
    """Return the blocks of Python of a page, in order."""
    return FENCED.findall(page.read_text(encoding="utf-8"))


def run_lines(blocks: list[str], folder: Path, name: str) -> list[Figure]:
    """Run blocks in one namespace, show what a notebook would show; the figures among it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown: list[Any] = []
    for number, block in enumerate(blocks, 1):
        where = f"{name}, block {number}"
        for statement in ast.parse(block.replace(SOMEWHERE, str(folder)), where).body:
            if isinstance(statement, ast.Expr):
                code = compile(ast.Expression(statement.value), where, "eval")
                shown.append(eval(code, names))
            else:
                exec(compile(ast.Module([statement], []), where, "exec"), names)
    for value in shown:
        _show(value)
    return [value for value in shown if isinstance(value, Figure)]


def _show(value: object) -> None:
    for way in ("_repr_html_", "_repr_png_"):
        if hasattr(value, way):
            getattr(value, way)()
            return
    repr(value)

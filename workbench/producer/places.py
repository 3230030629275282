"""Where in a config's text an entry is written, for findings with line numbers."""

import ast
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class _Variable:
    """The name of a variable, not to be mistaken for an equal text."""

    name: str


@dataclass(frozen=True)
class Places:
    """The parsed text of a config."""

    tree: ast.Module

    @property
    def functions(self) -> dict[str, int]:
        """Names of functions on the top level, and their lines; the last definition counts."""
        return {node.name: node.lineno for node in self.tree.body if isinstance(node, _FUNCTIONS)}

    @property
    def variables(self) -> dict[str, int]:
        """Names assigned on the top level, and their lines; the last assignment counts."""
        found: dict[str, int] = {}
        for node in self.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = node.lineno
        return found

    @property
    def repeated(self) -> dict[str, list[int]]:
        """Names of functions and lists that are given again without use of the first; the lines.

        ``old = getROIs`` and ``detectors = [*detectors, "more"]`` are such a use.
        """
        found: dict[str, list[int]] = {}
        for node in self.tree.body:
            if isinstance(node, _FUNCTIONS):
                found.setdefault(node.name, []).append(node.lineno)
            elif isinstance(node, ast.Assign):
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Name):
                        found.pop(part.id, None)
                listed = isinstance(node.value, ast.List | ast.Dict)
                for target in node.targets if listed else ():
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, []).append(node.lineno)
        return {name: lines for name, lines in found.items() if len(lines) > 1}

    def line(self, name: str, *path: str | int) -> int:
        """Return the line of an entry: function or list `name`, then keys and list positions.

        Text keys are searched among the texts of the function (and texts given to variables on
        the top level); a position chooses among equal keys. The line of the innermost key that
        is found is returned, that of `name` if none is.
        """
        scope = self._scope(name)
        line = getattr(scope, "lineno", 0)
        position = 0
        for step in path:
            if isinstance(step, int):
                position = step
                continue
            lines = self._lines_of(scope, step)
            below = [found for found in lines if found >= line] or lines
            if below:
                line = below[min(position, len(below) - 1)]
                position = 0
        return line

    def _scope(self, name: str) -> ast.AST:
        scope: ast.AST = self.tree
        for node in self.tree.body:
            if isinstance(node, _FUNCTIONS) and node.name == name:
                scope = node
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    scope = node
        return scope

    def _lines_of(self, scope: ast.AST, text: str) -> list[int]:
        lines, named = self._lines_in(scope), self._names.get(text, ())
        return sorted([*lines.get(text, ()), *(at for one in named for at in lines.get(one, ()))])

    @cached_property
    def _names(self) -> dict[str, set[_Variable]]:
        """Variables that are given a text anywhere, by the text."""
        found: dict[str, set[_Variable]] = {}
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
                continue
            if isinstance(node.value.value, str):
                names = [_Variable(one.id) for one in node.targets if isinstance(one, ast.Name)]
                found.setdefault(node.value.value, set()).update(names)
        return found

    def _lines_in(self, scope: ast.AST) -> dict[str | _Variable, list[int]]:
        """Return the lines of texts and variables in a part of the config, searched once."""
        if scope not in self._known:
            found: dict[str | _Variable, list[int]] = {}
            for node in ast.walk(scope):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.setdefault(node.value, []).append(node.lineno)
                if isinstance(node, ast.Name):
                    found.setdefault(_Variable(node.id), []).append(node.lineno)
            self._known[scope] = found
        return self._known[scope]

    @cached_property
    def _known(self) -> dict[ast.AST, dict[str | _Variable, list[int]]]:
        return {}


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

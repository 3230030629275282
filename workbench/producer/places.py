"""Where in a config's text an entry is written, for findings with line numbers."""

import ast
from dataclasses import dataclass


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
        names = {
            target.id
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and node.value.value == text
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        found = [
            node.lineno
            for node in ast.walk(scope)
            if (isinstance(node, ast.Constant) and node.value == text)
            or (isinstance(node, ast.Name) and node.id in names)
        ]
        return sorted(found)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

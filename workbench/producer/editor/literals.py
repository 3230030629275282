"""Literals of a config that have a certain value, and their smallest change to another."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.producer.editor.source import Source, Span

Edits = tuple[tuple[Span, bytes], ...]


def changes_of(source: Source, key: str, old: Any, new: Any) -> Iterator[Edits]:
    """Yield every way to turn one literal of value `old` into `new`, likeliest first.

    Literals that stand for `key` (``'key': old``, ``['key'] = old``, ``key=old``) come first;
    other equal ones follow for lists only, since a lone number or True may mean anything.
    """
    keyed = list(_keyed(source.tree, key))
    nodes = [node for node in keyed if _is(node, old)]
    if isinstance(old, list):
        nodes += [
            node
            for node in ast.walk(source.tree)
            if isinstance(node, ast.List | ast.Tuple) and node not in nodes and _is(node, old)
        ]
    for node in nodes:
        yield tuple(_rewritten(source, node, new))


def added_item(source: Source, old: list[str], item: str) -> Iterator[Edits]:
    """Yield every way to append a text to one list literal of value `old`."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.List) or not _is(node, old):
            continue
        text = repr(item).encode()
        if node.elts:
            place = source.span(node.elts[-1]).stop
            yield ((Span(place, place), b", " + text),)
        else:
            place = source.span(node).start + 1
            yield ((Span(place, place), text),)


def plain_value(node: ast.expr) -> tuple[Any] | None:
    """Return a literal's value in a tuple, lists for tuples; None for anything else."""
    try:
        return (_lists(ast.literal_eval(node)),)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _keyed(tree: ast.Module, key: str) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for name, value in zip(node.keys, node.values, strict=True):
                if isinstance(name, ast.Constant) and name.value == key:
                    yield value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            index = node.targets[0].slice
            if isinstance(index, ast.Constant) and index.value == key:
                yield node.value
        elif isinstance(node, ast.keyword) and node.arg == key:
            yield node.value


def _is(node: ast.expr, value: Any) -> bool:
    found = plain_value(node)
    return found is not None and _same(found[0], value)


def _same(one: Any, other: Any) -> bool:
    """Compare with types: True is not 1, but 1e6 is 1000000 for bounds."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        return bool(one == other)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _rewritten(source: Source, node: ast.expr, new: Any) -> Iterator[tuple[Span, bytes]]:
    """Yield replacements of the smallest parts that differ, so layout and comments stay."""
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else None
    if parts is not None and isinstance(new, list) and len(parts) == len(new):
        for element, value in zip(parts, new, strict=True):
            if not _is(element, value):
                yield from _rewritten(source, element, value)
        return
    yield source.span(node), repr(new).encode()


def _lists(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_lists(item) for item in value]
    return value

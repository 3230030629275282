"""Managed blocks: run-guarded overrides that the workbench writes into a config and replaces.

A block stands before the last ``return <name>`` of the function that it changes. Where that would
not do (another kind of return, an early one, no such function) it stands at the end of the file
and wraps the function. Its first line carries a checksum of its content: a block that was changed
by hand is never replaced.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from workbench.producer.editor.changes import DEFAULT_NAMES, SINGLE, Change
from workbench.producer.editor.problems import CannotEditError
from workbench.producer.editor.source import Source, Span

STEP = "    "
BEGIN = re.compile(r"^[ \t]*# >>> workbench (?P<sum>[0-9a-f]{12}) (?P<name>\w+)\b")
END = "# <<< workbench"
_ADDED = "# adds "


@dataclass(frozen=True)
class Block:
    """A managed block of a config.

    Parameters
    ----------
    function
        Which function (or list) it changes.
    span
        Its lines.
    changes
        What it overrides, in order.
    added
        Detectors that it adds to the list of detectors.
    """

    function: str
    span: Span
    changes: tuple[Change, ...] = ()
    added: tuple[str, ...] = ()


def blocks(source: Source) -> tuple[Block, ...]:
    """Return the managed blocks; `CannotEditError` where one was changed by hand."""
    return tuple(_blocks(source))


def without(source: Source, function: str) -> Source:
    """Return the config without the block of one function."""
    gone = [(block.span, b"") for block in blocks(source) if block.function == function]
    return source.replaced(gone)


def inside(source: Source, function: str, changes: Sequence[Change]) -> Source | None:
    """Return the config with a block before the last return of a function; None if impossible."""
    found = _last_function(source, function)
    if found is None or not isinstance(last := found.body[-1], ast.Return):
        return None
    if not isinstance(last.value, ast.Name) or not found.args.args:
        return None
    start = source.span(last).start
    line = source.line_start(start)
    indent = source.text[line:start].decode()
    if indent.strip():
        return None
    body = _overrides(function, changes, last.value.id, found.args.args[0].arg)
    text = _block(source, function, body, indent)
    return source.replaced([(Span(line, line), text)])


def wrapped(source: Source, function: str, changes: Sequence[Change]) -> Source:
    """Return the config with a block at its end that wraps a function, or makes it."""
    before = f"_before_workbench_{function}"
    known = _binds(source, function)
    body = [f"{before} = {function}", "", ""] if known else []
    body += [f"def {function}(run):"]
    body += [f"{STEP}result = dict({before}(run))" if known else f"{STEP}result = {{}}"]
    body += [f"{STEP}{line}" for line in _overrides(function, changes, "result", "run")]
    body += [f"{STEP}return result"]
    return _appended(source, function, body)


def listed(source: Source, name: str, detectors: Sequence[str]) -> Source:
    """Return the config with a block at its end that adds detectors to the list of detectors."""
    known = _binds(source, name)
    items = ", ".join(map(repr, detectors))
    body = [f"{_ADDED}{list(detectors)!r}"]
    body += [f"{name} = [*{name}, {items}]" if known else f"{name} = [{items}]"]
    return _appended(source, name, body)


def _blocks(source: Source) -> Iterator[Block]:
    lines = source.lines()
    texts = [source.text[line.start : line.stop].decode() for line in lines]
    at = 0
    while at < len(lines):
        head = BEGIN.match(texts[at])
        if head is None:
            at += 1
            continue
        ends = [n for n in range(at, len(lines)) if texts[n].strip() == END]
        if not ends or head["sum"] != _checksum([text.strip() for text in texts[at + 1 : ends[0]]]):
            raise CannotEditError(
                f"{source.name}:{at + 1}: the block of {head['name']} that `workbench config` "
                "wrote was changed by hand; keep your version by deleting its first and last "
                "line, then edit again"
            )
        inner = [text.strip() for text in texts[at + 1 : ends[0]]]
        yield Block(
            head["name"],
            Span(lines[at].start, lines[ends[0]].stop),
            tuple(_changes(head["name"], inner)),
            tuple(name for line in inner if line.startswith(_ADDED) for name in _names(line)),
        )
        at = ends[0] + 1


def _names(line: str) -> list[str]:
    names: list[str] = ast.literal_eval(line.removeprefix(_ADDED))
    return names


def _checksum(lines: Sequence[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()[:12]


def _appended(source: Source, name: str, body: Sequence[str]) -> Source:
    end = len(source.text)
    gap = b"" if not end or source.text.endswith((b"\n", b"\r")) else source.newline
    return source.replaced([(Span(end, end), gap + _block(source, name, body, ""))])


def _block(source: Source, name: str, body: Sequence[str], indent: str) -> bytes:
    head = f"# >>> workbench {_checksum([line.strip() for line in body])} {name}: written by"
    lines = [f"{head} `workbench config`, which replaces this block", *body, END]
    newline = source.newline.decode()
    return "".join(f"{indent}{line}".rstrip() + newline for line in lines).encode()


def _overrides(function: str, changes: Sequence[Change], result: str, run: str) -> list[str]:
    """Return a table with one line per change, and the loop that applies it."""
    masked = any(change.mask for change in changes)
    return [
        *(["import os", "import numpy"] if masked else []),
        f"{_TABLE}",
        *(f"{STEP}{_row(change)}," for change in changes),
        "]:",
        f"{STEP}if int({run}) < wb_first or (wb_last is not None and int({run}) > wb_last):",
        f"{STEP * 2}continue",
        *(f"{STEP}{line}" for line in (_LOAD if masked else ())),
        *(f"{STEP}{line.replace('RESULT', result)}" for line in _loop(function)),
    ]


_TABLE = "for wb_first, wb_last, wb_det, wb_name, wb_new in [  # runs, detector, entry, new values"
_LOAD = (
    "if wb_new and wb_new.get('userMask'):",
    "    wb_here = os.path.dirname(os.path.abspath(__file__))",
    "    wb_new['userMask'] = numpy.load(os.path.join(wb_here, wb_new['userMask']))",
)


def _loop(function: str) -> tuple[str, ...]:
    if function in SINGLE:
        return (
            "RESULT[wb_det] = {**RESULT.get(wb_det, {}), **(wb_new or {})}",
            "if wb_new is None:",
            "    del RESULT[wb_det]",
        )
    named = f"wb_one.get('name', {DEFAULT_NAMES[function]!r}) == wb_name"
    return (
        "wb_all = RESULT.get(wb_det, [])",
        "wb_all = [wb_all] if isinstance(wb_all, dict) else list(wb_all)",
        f"if wb_new and not any({named} for wb_one in wb_all):",
        "    wb_all.append({'name': wb_name})",
        f"wb_all = [dict(wb_one, **(wb_new or {{}})) if {named} else wb_one for wb_one in wb_all]",
        f"RESULT[wb_det] = [wb_one for wb_one in wb_all if wb_new or not {named}]",
    )


def _row(change: Change) -> str:
    mask = {"userMask": change.mask} if change.mask else {}
    new = None if change.remove else {**change.values, **mask}
    return repr((change.from_run, change.to_run, change.detector, change.name, new))


def _changes(function: str, lines: Sequence[str]) -> Iterator[Change]:
    if _TABLE not in lines:
        return
    first = lines.index(_TABLE) + 1
    for line in lines[first : lines.index("]:")]:
        from_run, to_run, detector, name, new = ast.literal_eval(line.removesuffix(","))
        values = dict(new or {})
        mask = values.pop("userMask") if values.get("userMask") else ""
        yield Change(function, detector, name, from_run, to_run, values, mask, remove=new is None)


def _last_function(source: Source, name: str) -> ast.FunctionDef | None:
    found = [
        node for node in source.tree.body if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    return found[-1] if found else None


def _binds(source: Source, name: str) -> bool:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) == name:
            return True
    return False

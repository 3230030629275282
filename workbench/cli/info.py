"""``workbench info``: what a small-data file holds, and how two of them differ."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from workbench.smalldata.inventory import Change, Difference, Entry, Inventory

WIDE = 140  # characters of a line that goes to a file or a pager
MOST = 40  # lines of a list of differences; --json gives all
_GENERATIONS = {"lcls1": "LCLS-I", "lcls2": "LCLS-II"}


def info(
    file: Annotated[Path, typer.Argument(help="A small-data file (.h5).")],
    against: Annotated[
        Path | None, typer.Option("--against", help="Show how this other file differs.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show experiment, run, events and fields of a small-data file, or how another one differs."""
    from workbench.smalldata.inventory import Inventory, read_difference, read_inventory

    found = read_inventory(file) if against is None else read_difference(file, against)
    if json_:
        typer.echo(json.dumps(found.as_dict(), indent=1))
        return
    console = _console()
    lines = _inventory(found) if isinstance(found, Inventory) else _difference(found)
    for line in lines:
        if isinstance(line, str):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            console.print(line)


def _inventory(held: "Inventory") -> "Iterator[Table | str]":
    from rich.markup import escape

    table = _table("field", "shape", "type", "unit", "filled", "role")
    for group, members in groupby(held.entries, key=lambda entry: _group(entry.name)):
        if group:
            table.add_row(f"[bold]{escape(group)}[/bold]")
        for entry in members:
            leaf = entry.name.removeprefix(f"{group}/") if group else entry.name
            texts = (_shape(entry.shape), entry.dtype, entry.unit, _percent(entry), entry.role)
            table.add_row(
                f"{'  ' if group else ''}{escape(leaf)}", *(escape(text or "") for text in texts)
            )
    yield table
    yield _summary(held)


def _difference(found: "Difference") -> "Iterator[Table | str]":
    yield f"first:  {_summary(found.first)}"
    yield f"second: {_summary(found.second)}"
    for place, names in (("first", found.only_first), ("second", found.only_second)):
        if names:
            yield f"\nonly in the {place} file ({len(names)}):"
            yield from (f"  {line}" for line in _shortened(_by_group(names)))
    for title, changes in (("fields", found.fields), ("settings", found.settings)):
        if changes:
            yield f"\n{title} that differ ({len(changes)}):"
            yield _changes(changes)
            if len(changes) > MOST:
                yield f"and {len(changes) - MOST} more; --json lists all"
    if not (found.only_first or found.only_second or found.fields or found.settings):
        yield "\nthe same fields, units and settings"


def _changes(changes: Sequence["Change"]) -> "Table":
    from rich.markup import escape

    table = _table("name", "what", "first", "second")
    for change in changes[:MOST]:
        texts = (change.name, change.what, change.before, change.after)
        table.add_row(*map(escape, texts))
    return table


def _table(first: str, *titles: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for title in titles:
        wraps = title in {"first", "second"}
        right = title == "filled"
        table.add_column(title, justify="right" if right else "left", no_wrap=not wraps)
    return table


def _console() -> "Console":
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _summary(held: "Inventory") -> str:
    return (
        f"{held.label}: {held.n_events} events, {len(held.entries)} fields, written the "
        f"{_GENERATIONS[held.generation]} way"
    )


def _by_group(names: Iterable[str]) -> list[str]:
    """Return one line per detector with the names of its fields."""
    lines = []
    for group, members in groupby(names, key=_group):
        leaves = [name.removeprefix(f"{group}/") if group else name for name in members]
        lines.append(f"{group}: {', '.join(leaves)}" if group else ", ".join(leaves))
    return lines


def _shortened(lines: list[str]) -> list[str]:
    rest = len(lines) - MOST
    return lines if rest <= 0 else [*lines[:MOST], f"and {rest} detectors more; --json lists all"]


def _group(name: str) -> str:
    group, slash, _ = name.partition("/")
    return group if slash else ""


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(str(length) for length in shape) or "one value"


def _percent(entry: "Entry") -> str:
    filled = entry.filled
    if filled is None:
        return ""
    if 0 < filled < 0.0005 or 0.9995 < filled < 1:
        return "< 0.1 %" if filled < 0.5 else "> 99.9 %"
    return f"{100 * filled:.1f} %".replace(".0 %", " %")

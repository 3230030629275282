"""``workbench info``: what a small-data file holds."""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from workbench.smalldata import SmallDataFile

WIDE = 140  # characters of a line that goes to a file or a pager
Row = dict[str, Any]  # Any: a line of the JSON answer


def info(
    file: Annotated[Path, typer.Argument(help="A small-data file (.h5).")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show experiment, run, events and fields of a small-data file."""
    from workbench.smalldata import open_file

    with open_file(file) as small_data:
        rows = _rows(small_data)
        head: Row = {
            "experiment": small_data.experiment or None,
            "run": small_data.run,
            "generation": small_data.generation,
            "n_events": small_data.n_events,
        }
    if json_:
        typer.echo(json.dumps({**head, "fields": rows}, indent=1))
    else:
        _print(head, rows)


def _rows(file: "SmallDataFile") -> list[Row]:
    from workbench.core.errors import WorkbenchError
    from workbench.facility import role_names
    from workbench.smalldata import filled_fraction

    try:
        roles = role_names(file.experiment, file.generation)
    except WorkbenchError:  # a hutch that we hold no facts of
        roles = {}
    rows = []
    for name in file.names:
        field = file.info(name)
        rows.append(
            {
                "name": name,
                "shape": list(field.shape),
                "dtype": field.dtype,
                "unit": field.unit,
                "filled": filled_fraction(file, field),
                "role": roles.get(name),
            }
        )
    return rows


def _print(head: Row, rows: Sequence[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("field", overflow="fold")
    for title in ("shape", "type", "unit", "filled", "role"):
        table.add_column(title, justify="right" if title == "filled" else "left", no_wrap=True)
    for group, members in groupby(rows, key=_group):
        if group:
            table.add_row(f"[bold]{escape(group)}[/bold]")
        for row in members:
            leaf = row["name"].removeprefix(f"{group}/") if group else row["name"]
            cells = (_shape(row["shape"]), row["dtype"], row["unit"], _percent(row), row["role"])
            table.add_row(
                f"{'  ' if group else ''}{escape(leaf)}", *(escape(cell or "") for cell in cells)
            )
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(table)
    run = "?" if head["run"] is None else head["run"]
    console.print(
        f"{head['experiment'] or 'unknown experiment'}, run {run}: {head['n_events']} events, "
        f"{len(rows)} fields, written the {_GENERATIONS[head['generation']]} way",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


_GENERATIONS = {"lcls1": "LCLS-I", "lcls2": "LCLS-II"}


def _group(row: Row) -> str:
    group, slash, _ = str(row["name"]).partition("/")
    return group if slash else ""


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(str(length) for length in shape) or "one value"


def _percent(row: Row) -> str:
    filled = row["filled"]
    if filled is None:
        return ""
    if 0 < filled < 0.0005 or 0.9995 < filled < 1:
        return "< 0.1 %" if filled < 0.5 else "> 99.9 %"
    return f"{100 * filled:.1f} %".replace(".0 %", " %")

"""Write docs/reference/commands.md from the commands' own help."""

from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperGroup
from typer.main import get_command

from workbench.cli.app import app

HEAD = """# Commands

Made from the commands' own help. Exit codes: 0 done, 1 refused or failed with a reason, 2 wrong
usage, 3 done but parts were skipped, each named.
"""


def write_commands(folder: Path) -> Path:
    """Write the page into a folder; return it."""
    page = folder / "commands.md"
    page.write_text("\n".join([HEAD, *_describe(get_command(app), "workbench")]), encoding="utf-8")
    return page


def _describe(command: Any, name: str) -> list[str]:  # Any: typer names no type for both kinds
    if isinstance(command, TyperGroup):
        inner = [one for one in sorted(command.commands.items()) if not one[1].hidden]
        return [line for word, one in inner for line in _describe(one, f"{name} {word}")]
    rows = [_row(given) for given in command.params if given.name != "help"]
    table = ["| | |", "|---|---|", *rows] if rows else []
    return [f"\n## {name}\n", " ".join((command.help or "").split()) + "\n", *table]


def _row(given: Any) -> str:
    names = ", ".join(f"`{one}`" for one in [*given.opts, *given.secondary_opts])
    if isinstance(given, TyperArgument):
        names = f"`{(given.metavar or given.name).upper()}`"
    meaning = " ".join((given.help or "").split()).replace("|", "\\|")
    return f"| {names} | {meaning} |"

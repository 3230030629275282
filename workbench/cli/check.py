"""``workbench check``: what is wrong with small-data files, and what changed between them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.core.findings import Finding

FEW = 5  # lines shown of each file without --all
COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}
BETWEEN = "between these files"


def check(
    files: Annotated[
        list[Path], typer.Argument(help="Small-data files (.h5); several are compared too.")
    ],
    all_: Annotated[bool, typer.Option("--all", help="Show every finding, not the worst.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON with every finding.")] = False,
) -> None:
    """Say what is wrong with small-data files, worst first; exit 1 only for errors.

    Several files, as the runs of one experiment, are compared too: settings that changed between
    them, fields that some lack. docs/reference/findings.md explains every code.
    """
    from workbench.core.findings import has_errors
    from workbench.runs import check_between, check_path

    found = {str(file): check_path(file) for file in files}
    if len(files) > 1:
        found[BETWEEN] = check_between(files)
    ok = not any(has_errors(findings) for findings in found.values())
    if json_:
        plain = [_plain(name, each) for name, findings in found.items() for each in findings]
        typer.echo(json.dumps({"ok": ok, "findings": plain}, indent=1))
    else:
        for name, findings in found.items():
            _print(name, findings, FEW if not all_ else len(findings))
    if not ok:
        raise typer.Exit(1)


def _plain(name: str, finding: "Finding") -> dict[str, str | int]:
    record = replace(finding, file="" if name == BETWEEN else name).as_dict()
    return {key: record[key] for key in ("code", "severity", "file", "field", "count", "message")}


def _print(name: str, findings: Sequence["Finding"], lines: int) -> None:
    from rich.console import Console

    console = Console()
    for finding in findings[:lines]:
        _line(console, str(finding), style=COLOURS[finding.severity])
    counts = [
        f"{number} {severity}{'s' if number > 1 and severity != 'info' else ''}"
        for severity in COLOURS
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    hidden = len(findings) - lines
    more = f"; {hidden} more with --all" if hidden > 0 else ""
    good = () if findings and findings[0].severity == "error" else ("ok",)
    _line(console, f"{name}: {', '.join((*good, *counts))}{more}")


def _line(console: "Console", text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

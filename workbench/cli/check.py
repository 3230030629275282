"""``workbench check``: what is wrong with a small-data file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.core.findings import Finding

FEW = 5  # lines shown without --all


def check(
    file: Annotated[Path, typer.Argument(help="A small-data file (.h5).")],
    all_: Annotated[bool, typer.Option("--all", help="Show every finding, not the worst.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON with every finding.")] = False,
) -> None:
    """Say what is wrong with a small-data file, worst first; exit 1 only for errors."""
    from workbench.core.findings import has_errors
    from workbench.smalldata import check_file

    findings = check_file(file)
    ok = not has_errors(findings)
    if json_:
        typer.echo(
            json.dumps({"ok": ok, "findings": [_plain(each) for each in findings]}, indent=1)
        )
    else:
        _print(file, findings, FEW if not all_ else len(findings))
    if not ok:
        raise typer.Exit(1)


def _plain(finding: "Finding") -> dict[str, str | int]:
    record = finding.as_dict()
    return {key: record[key] for key in ("code", "severity", "field", "count", "message")}


def _print(file: Path, findings: Sequence["Finding"], lines: int) -> None:
    from rich.console import Console

    console = Console()
    colours = {"error": "red", "warning": "yellow", "info": "cyan"}
    for finding in findings[:lines]:
        console.print(
            str(finding),
            style=colours[finding.severity],
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    counts = [
        f"{number} {severity}{'s' if number > 1 and severity != 'info' else ''}"
        for severity in colours
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    hidden = len(findings) - lines
    more = f"; {hidden} more with --all" if hidden > 0 else ""
    good = () if findings and findings[0].severity == "error" else ("ok",)
    text = ", ".join((*good, *counts)) + more
    console.print(f"{file}: {text}", markup=False, highlight=False, soft_wrap=True)

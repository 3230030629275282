"""Options that several commands share: which experiment, on which site, below which folder."""

from pathlib import Path
from typing import Annotated

import typer

Experiment = Annotated[str, typer.Argument(help="Name of the experiment, such as xpplx1234.")]
SiteKey = Annotated[
    str, typer.Option("--site", help="s3df, ffb, psdm or local; left out: the first that has it.")
]
Root = Annotated[
    Path | None,
    typer.Option(help="Of the site local: the folder with HUTCH/EXPERIMENT; else the current one."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
SKIPPED = 3  # exit code: done, but parts were skipped, each named

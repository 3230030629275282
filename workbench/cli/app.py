"""The command's list of subcommands, and how an error leaves the program."""

import sys
from typing import Annotated

import typer

from workbench import __version__
from workbench.cli.app_board import boards
from workbench.cli.batch import batch
from workbench.cli.check import check
from workbench.cli.config import config
from workbench.cli.config_reports import check_config, config_status, show_config
from workbench.cli.constants import constants
from workbench.cli.demo import demo
from workbench.cli.hub_check import hub_check
from workbench.cli.info import info
from workbench.cli.kernel import kernel
from workbench.cli.link import link, quota
from workbench.cli.new import new
from workbench.cli.notebooks import notebooks
from workbench.cli.produce import produce
from workbench.cli.templates import templates, update
from workbench.cli.tiffs import tiffs
from workbench.cli.watch import watch
from workbench.core.errors import WorkbenchError

REFUSED = 1  # exit code: refused or failed, with a reason

app = typer.Typer(
    name="workbench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From a raw run to small data, plots and a report.",
    epilog="Exit codes: 0 done, 1 refused or failed with a reason, 2 wrong usage, "
    "3 done but parts were skipped, each named.",
)
for command in (demo, new, link, quota, info, check, produce, batch, watch, update):
    app.command()(command)
config.command("check")(check_config)
config.command("show")(show_config)
config.command("status")(config_status)
app.command()(kernel)
app.command("hub-check")(hub_check)
app.add_typer(config, name="config")
app.add_typer(constants, name="constants")
app.add_typer(templates, name="templates")
app.add_typer(notebooks, name="notebooks")
app.add_typer(tiffs, name="tiffs")
app.add_typer(boards, name="app")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; a `WorkbenchError` becomes one message and exit code 1."""
    try:
        app()
    except WorkbenchError as error:
        typer.echo(f"workbench: {error}", err=True)
        sys.exit(REFUSED)

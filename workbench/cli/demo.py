"""``workbench demo``: the whole way once, from made-up raw data with known physics to a report."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from workbench.batch import BatchItem
    from workbench.producer import ProduceResult
    from workbench.synthetic import PumpProbe, RawFiles

TEMPLATES = ("common/run_summary", "xpp/delay_scan")
QUANTITIES = ("t0", "tau", "amplitude")
ALLOWED = 3.0  # stated errors between a fitted number and its truth
FAILED = 1  # exit code


@dataclass(frozen=True)
class _Demo:
    produced: "ProduceResult"
    items: dict[str, "BatchItem"]
    quantities: list[dict[str, Any]]  # Any: name, value, error, truth, unit, pull of each
    size: int

    @property
    def fine(self) -> bool:
        """Whether every notebook ran and every fitted number agrees with the truth."""
        ran = all(item.state == "done" for item in self.items.values())
        found = len(self.quantities) == len(QUANTITIES)
        return ran and found and all(abs(row["pull"]) <= ALLOWED for row in self.quantities)


def demo(
    output: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("demo-output"),
    events: Annotated[int, typer.Option(min=300, help="Events of the run.")] = 3000,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per core.")] = 0,
    json_: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Make a pump-probe run with known physics, produce it, analyse it, compare with the truth."""
    from workbench.core.local_workers import available_cores
    from workbench.synthetic import PumpProbe

    _refuse_foreign(output)
    spec = PumpProbe(n_events=events)
    outcome = _run(spec, output, workers or available_cores())
    if json_:
        typer.echo(json.dumps(_plain(outcome), indent=1))
    else:
        _print(outcome, output)
    if not outcome.fine:
        raise typer.Exit(FAILED)


def _run(spec: "PumpProbe", output: Path, workers: int) -> _Demo:
    from workbench.synthetic import write_raw_run

    with _step(f"raw run of {spec.n_events} events, {output / 'xtc'}"):
        raw = write_raw_run(spec, output / "xtc")
    with _step(f"small data, {workers} workers"):
        produced = _produce(spec, raw, output / "hdf5", workers)
        shutil.copy(raw.truth, produced.output.with_suffix(".truth.json"))
    items = {}
    for name in TEMPLATES:
        with _step(f"notebook {name}"):
            items[name] = _execute(name, spec.run, produced.output, output / "reports")
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    return _Demo(produced, items, _compare(items[TEMPLATES[-1]], raw.truth), size)


def _produce(spec: "PumpProbe", raw: "RawFiles", output: Path, workers: int) -> "ProduceResult":
    from workbench.producer import ProduceRequest, produce

    return produce(
        ProduceRequest(
            experiment=spec.experiment,
            run=spec.run,
            xtc=raw.folder,
            output=output,
            config=raw.config,
            constants=raw.constants,
            workers=workers,
            replace=True,
            command="workbench demo",
        )
    )


def _execute(name: str, run: int, file: Path, output: Path) -> "BatchItem":
    from workbench.batch import BatchRequest, find_template, run_batch

    request = BatchRequest(find_template(name), runs=(run,), output=output, input=file)
    return run_batch(request)[0]


def _compare(item: "BatchItem", truth: Path) -> list[dict[str, Any]]:
    planted = json.loads(truth.read_text(encoding="utf-8"))["quantities"]
    rows = []
    for name in QUANTITIES:
        result = item.results.get(name)
        if result is None or result["value"] is None or not result["error"]:
            continue
        value, error, true = float(result["value"]), result["error"], planted[name]["value"]
        pull = (value - true) / error
        numbers = {"value": value, "error": error, "truth": true, "pull": pull}
        rows.append({"name": name, **numbers, "unit": result["unit"]})
    return rows


def _plain(outcome: _Demo) -> dict[str, Any]:
    return {
        "ok": outcome.fine,
        "reports": {name: item.report for name, item in outcome.items.items()},
        "small_data": str(outcome.produced.output),
        "events_per_s": round(outcome.produced.events_per_s, 1),
        "quantities": outcome.quantities,
        "bytes": outcome.size,
    }


def _print(outcome: _Demo, output: Path) -> None:
    for name, item in outcome.items.items():
        typer.echo(f"{name}: {item.state}{': ' + item.error if item.error else ''}")
        typer.echo(f"  report    {item.report}")
        typer.echo(f"  notebook  {item.notebook}")
    typer.echo(f"small data  {outcome.produced.output}")
    typer.echo(f"{'fitted':12}{'value':>10}{'error':>10}{'truth':>10}  unit  errors off")
    for row in outcome.quantities:
        numbers = f"{row['value']:10.4f}{row['error']:10.4f}{row['truth']:10.4f}"
        typer.echo(f"{row['name']:12}{numbers}  {row['unit']:4}  {row['pull']:+.1f}")
    if not outcome.fine:
        typer.echo("the demo did NOT find what it planted; please report this")
    typer.echo(
        f"this left {outcome.size / 1e9:.2f} GB in {output.resolve()}; remove it with: "
        f"rm -r {output}   (in a checkout, `make clean` removes it and the environment)"
    )


@contextmanager
def _step(text: str) -> Iterator[None]:
    from rich.console import Console

    start = time.monotonic()
    console = Console(stderr=True)
    with console.status(text):
        yield
    console.print(f"{time.monotonic() - start:6.1f} s  {text}", markup=False, highlight=False)


def _refuse_foreign(output: Path) -> None:
    from workbench.core.errors import InputError

    ours = {"xtc", "hdf5", "reports"}
    if output.exists() and not {path.name for path in output.iterdir()} <= ours:
        raise InputError(
            f"{output} holds other files than a demo's; give another folder with --output"
        )

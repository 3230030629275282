"""The page over several runs: state, results and a link to each report."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from workbench.batch.catalogue import Template
from workbench.batch.jobs import BatchItem
from workbench.batch.results import value_text
from workbench.core.shared import write_shared

_STYLE = Path(__file__).parent / "report_page" / "style.css"


def write_index(template: Template, items: Sequence[BatchItem], target: Path, place: str) -> Path:
    """Write one table with a row per run; reports are linked by relative name.

    `place` is the experiment, or where the files of the runs lie. Why a run failed stands over the
    whole width, below its results if it has any.
    """
    names = list(dict.fromkeys(name for item in items for name in item.results))
    failed = sum(item.state == "failed" for item in items)
    head = "".join(f"<th>{escape(name)}</th>" for name in ("run", "state", *names))
    body = "\n".join(_row(item, names) for item in items)
    write_shared(
        target,
        f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(template.title)}, {escape(place)}: {len(items)} runs</title>
<style>{_STYLE.read_text("utf-8")}</style></head>
<body><main>
<h1>{escape(template.title)}</h1>
<p>{escape(place)}, {escape(template.name)}: {len(items)} runs, {failed} failed.</p>
<table class="several"><thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table>
</main></body></html>
""",
    )
    return target


def _row(item: BatchItem, names: Sequence[str]) -> str:
    run = str(item.run)
    if item.report:
        run = f'<a href="{escape(Path(item.report).name)}">{run}</a>'
    state = f'<span class="state {item.state}">{item.state}</span>'
    values = [
        escape(value_text(item.results[name])) if name in item.results else "" for name in names
    ]
    row = f"<tr>{_cells(run, state, *values)}</tr>"
    if not item.error:
        return row
    span = max(1, len(names))
    why = f'<td colspan="{span}" class="why"><div>{escape(item.error)}</div></td>'
    if not item.results:
        return f"<tr>{_cells(run, state)}{why}</tr>"
    return f'{row}\n<tr><td colspan="2"></td>{why}</tr>'


def _cells(*cells: str) -> str:
    return "".join(f"<td>{cell}</td>" for cell in cells)

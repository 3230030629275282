"""One self-contained HTML file from an executed notebook, with where everything comes from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from traitlets.config import Config

from workbench.batch.execution import ERROR_TAG
from workbench.batch.notebooks import RECORD, Notebook, read_notebook
from workbench.batch.results import harvest, value_text
from workbench.core.declared import RESULT_MIME
from workbench.core.shared import write_shared

VANISHES = "vanishes"  # tag of cells that are left out of a report where they show nothing
_PAGE = Path(__file__).parent / "report_page"
# Widgets need a live front end: the picture or text that came with them is shown instead.
_SHOWN_FIRST = [
    "image/svg+xml",
    "image/png",
    "text/html",
    "text/markdown",
    "image/jpeg",
    "text/plain",
]
Rows = list[tuple[str, ...]]


def write_report(notebook: Path, target: Path) -> Path:
    """Write the report of an executed notebook; no network, no second file is needed to read it."""
    node = read_notebook(notebook)
    record: Mapping[str, Any] = node.metadata.get(RECORD, {})
    results = harvest(node)
    for cell in node.cells:
        if cell.cell_type == "code":  # results stand at the top of the page
            cell.outputs = [one for one in cell.outputs if not _only_result(one)]
    node.cells = [cell for cell in node.cells if _is_shown(cell)]
    config = Config()
    config.NbConvertBase.display_data_priority = _SHOWN_FIRST
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        config=config,
        template_name=_PAGE.name,
        extra_template_basedirs=[str(_PAGE.parent)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        embed_images=True,
    )
    page = {
        "title": _title(record, notebook),
        "where": _where(record),
        "state": record.get("state", "not run"),
        "error": record.get("error", ""),
        "failed_cell": _failed_cell(node),
        "results": [(name, value_text(result)) for name, result in results.items()],
        "record": record_tables(record),
        "style": _style(),
    }
    body, _ = exporter.from_notebook_node(node, resources={"page": page})
    write_shared(target, body)
    return target


def record_tables(record: Mapping[str, Any]) -> list[tuple[str, Rows]]:
    """Return the provenance record as titled tables, the input first."""
    template = record.get("template", {})
    file = record.get("input", {})
    tables: list[tuple[str, Rows]] = [
        (
            "Input and template",
            [
                ("small data", _text(file.get("path"))),
                ("size", f"{file.get('size', 0):,} bytes"),
                ("last changed", _text(file.get("changed"))),
                ("template", f"{_text(template.get('name'))} ({_text(template.get('path'))})"),
                ("template sha256", _text(template.get("sha256"))),
                ("run at", f"{_text(record.get('started'))}, {record.get('seconds', 0)} s"),
                ("host", _text(record.get("host"))),
            ],
        ),
        ("Parameters", [_parameter_row(entry) for entry in record.get("parameters", ())]),
        ("How the small data were made", _flat(record.get("small_data", {}))),
        (
            "Versions",
            [("python", _text(record.get("python"))), *_flat(record.get("versions", {}))],
        ),
    ]
    return [(title, rows) for title, rows in tables if rows]


def _parameter_row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    unit = "" if entry["unit"] in {"", "1"} else f" {entry['unit']}"
    given = "given" if entry["given"] else "default"
    return entry["name"], f"{entry['value']!r}{unit}", given, entry["meaning"]


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Rows:
    rows: Rows = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            rows.extend(_flat(value, f"{prefix}{key}."))
        else:
            rows.append((f"{prefix}{key}", _cut(_text(value))))
    return rows


def _text(value: object) -> str:
    return "unknown" if value is None else str(value)


def _cut(text: str, most: int = 2000) -> str:
    return text if len(text) <= most else f"{text[:most]} ... ({len(text)} characters in all)"


def _title(record: Mapping[str, Any], notebook: Path) -> str:
    if not record:
        return notebook.stem
    return f"{record['experiment']} {_runs(record)}: {record['template']['title']}"


def _where(record: Mapping[str, Any]) -> str:
    if not record:
        return ""
    return f"{record['experiment']}, {_runs(record)}, {record['template']['name']}"


def _runs(record: Mapping[str, Any]) -> str:
    runs = str(record.get("runs", record["run"]))
    return f"run {runs}" if runs.isdecimal() else f"runs {runs}"


def _is_shown(cell: Notebook) -> bool:
    tags = cell.metadata.get("tags", ())
    return ERROR_TAG not in tags and (VANISHES not in tags or bool(cell.get("outputs")))


def _only_result(output: Notebook) -> bool:
    """Tell whether an output shows nothing but a result; a verdict also shows its table."""
    data = output.get("data", {})
    return RESULT_MIME in data and "text/html" not in data


def _failed_cell(node: Notebook) -> str:
    for cell in node.cells:
        if any(output.output_type == "error" for output in cell.get("outputs", ())):
            return str(cell.get("id", ""))
    return ""


def _style() -> str:
    code: str = HtmlFormatter(style="default").get_style_defs(".highlight")
    return f"{(_PAGE / 'style.css').read_text('utf-8')}\n{code}"

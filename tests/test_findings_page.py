"""The page of findings and the code agree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from workbench.runs.experiment.codes import CODES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "findings.md"
FILES = [
    *(ROOT / "workbench" / "smalldata").glob("check.py"),
    *(ROOT / "workbench" / "smalldata").glob("isolated.py"),
    *(ROOT / "workbench" / "smalldata" / "checks").glob("*.py"),
    *(ROOT / "workbench" / "runs").rglob("*.py"),
]
ASSEMBLED = {"detector-": ("detector-damaged", "detector-partial")}  # f"detector-{state}"


def page_codes() -> list[str]:
    return re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.read_text(), flags=re.M)


def first_arguments(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
            "Finding",
            "Uncalibrated",
        }:
            if node.args and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)
            elif node.args and isinstance(node.args[0], ast.JoinedStr):
                yield from ASSEMBLED[str(node.args[0].values[0].value)]  # type: ignore[attr-defined]


def opening_codes() -> set[str]:
    from workbench.smalldata.check import _CODES

    return {code for _, code in _CODES}


def delay_codes() -> set[str]:
    """Codes that errors of the delay carry: any text in these files that looks like one."""
    found = set()
    for name in ("nominal", "arrival", "delay", "delay_findings"):
        text = (ROOT / "workbench" / "runs" / f"{name}.py").read_text()
        found |= set(re.findall(r'"((?:delay|time-tool|encoder)-[a-z-]+)"', text))
    return found


def test_every_code_has_one_row_on_the_page_and_every_row_a_code() -> None:
    codes = {code for path in FILES for code in first_arguments(path)}
    codes |= opening_codes() | delay_codes()
    page = page_codes()
    assert len(page) == len(set(page))
    assert set(page) == codes


def test_what_can_be_acknowledged_is_every_code_of_the_page() -> None:
    assert list(CODES) == sorted(page_codes())

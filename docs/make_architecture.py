"""Write docs/architecture.md from the first docstring line of every module, or check it."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
HEAD = """# Architecture

Made from the modules' docstrings by `make docs`; `make lint` fails when it is out of date.

Data goes down this list of rooms, imports go up only (`pyproject.toml`, import-linter):
`cli > synthetic > boards > automation > batch > widgets > plots > recipes > binning >
runs | producer > smalldata > sources | reductions > facility > regions > core`. `runs` and
`producer` do not know each other, nor do `sources` and `reductions`.
"""
ORDER = (
    "core",
    "regions",
    "facility",
    "sources",
    "reductions",
    "smalldata",
    "producer",
    "runs",
    "binning",
    "recipes",
    "plots",
    "widgets",
    "batch",
    "automation",
    "boards",
    "synthetic",
    "cli",
)


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not text:
        sys.exit(f"{path}: no docstring")
    return text.splitlines()[0]


def room(folder: Path) -> list[str]:
    """Return the page's lines about one room."""
    lines = ["", f"## {folder.name}", "", first_line(folder / "__init__.py"), ""]
    modules = sorted(path for path in folder.rglob("*.py") if path != folder / "__init__.py")
    if modules:
        lines += ["| module | what it does |", "|---|---|"]
    for path in modules:
        name = path.relative_to(folder).with_suffix("")
        shown = name.parent if name.name == "__init__" else name
        lines.append(f"| `{shown}` | {first_line(path)} |")
    return lines


def page() -> str:
    """Return the whole page."""
    package = ROOT / "workbench"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    if rooms != set(ORDER):
        sys.exit(f"docs/make_architecture.py: rooms {sorted(rooms ^ set(ORDER))} are not in ORDER")
    lines = [HEAD.rstrip()]
    for name in ORDER:
        lines += room(package / name)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/architecture.md is out of date: run `make docs` and commit it")
    else:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE}")

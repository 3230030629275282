"""Commands that README and pages show: each exists, with each of its options."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from workbench.cli.app import app

ROOT = Path(__file__).parents[1]
MADE = ROOT / "docs" / "reference" / "commands.md"  # from the commands themselves
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {MADE})]
SHOWN = re.compile(r"(?m)^ {4}(workbench .*)$|`(workbench [^`\n]+)`")
OPTION = re.compile(r"--[a-z][a-z-]*|-[a-z](?=\s|$)")


def shown(page: Path) -> list[str]:
    """Return the commands of a page; `new|update` and the like are several."""
    found = []
    whole = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))  # lines that go on
    for block, inline in SHOWN.findall(whole):
        text = (block or inline).partition("  #")[0]
        words = text.split()
        bars = [word for word in words[1:3] if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", word)]
        ways = bars[0].split("|") if bars else [""]
        found += [text.replace(bars[0], way, 1) if bars else text for way in ways]
    return found


def complaint(text: str) -> str:
    """Return what is wrong with a command; empty where nothing is."""
    command: Any = get_command(app)
    words = shlex.split(text.replace("...", ""))[1:]
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        word = words.pop(0)
        if word not in command.commands:
            return f"{text!r}: no command {word!r}"
        command = command.commands[word]
    known = {name for one in command.params for name in [*one.opts, *one.secondary_opts]}
    asked = OPTION.findall(" ".join(words))
    unknown = [option for option in asked if option not in known | {"--help"}]
    return f"{text!r}: no option {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_that_a_page_shows_is_there(page: Path) -> None:
    assert [what for what in map(complaint, shown(page)) if what] == []


def test_pages_show_commands_and_wrong_ones_are_found() -> None:
    assert sum(len(shown(page)) for page in PAGES) > 40
    assert complaint("workbench bathc delay_scan")
    assert complaint("workbench batch delay_scan --rusn 3")

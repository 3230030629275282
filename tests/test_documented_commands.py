"""Commands that README and pages show: each exists, can be called so, and the quick ones work."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from workbench.batch import find_template
from workbench.batch.parameters import parse_values
from workbench.cli.app import app
from workbench.synthetic import PumpProbe, write_small_data

ROOT = Path(__file__).parents[1]
MADE = ROOT / "docs" / "reference" / "commands.md"  # from the commands themselves
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {MADE})]
QUICK = {"templates", "notebooks", "info", "check"}
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


def lines(page: Path) -> list[str]:
    """Return the commands that stand on a line of their own, to be copied as they are."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    found = re.findall(r"(?m)^ {4}(workbench .*)$", text)
    return [one.partition("  #")[0].strip() for one in found if "..." not in one]


def parsed(text: str) -> Any:
    """Parse a command with all of its arguments as if it were called; typer's context."""
    command: Any = get_command(app)
    words = shlex.split(text)[1:]
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]
    return command.make_context(text, words)


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_line_to_be_copied_gives_all_that_its_command_needs(page: Path) -> None:
    for line in lines(page):
        given = parsed(line).params
        template = given.get("template")
        if template and not str(template).startswith("results/"):
            found = find_template(template)
            parse_values(found.parameters, given.get("parameter") or (), where=line)


def test_what_lists_copies_or_looks_into_a_file_works_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = PumpProbe(experiment="xpplx1234", run=14, n_events=64)
    (tmp_path / "hdf5").mkdir()
    write_small_data(spec, tmp_path / "hdf5")
    quick = {line.replace("/path/to", "hdf5") for page in PAGES for line in lines(page)}
    quick = {line for line in quick if line.split()[1] in QUICK}
    assert {line.split()[1] for line in quick} == QUICK
    for line in sorted(quick):
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}: {done.output}"
    copied = {line.split()[3] for line in quick if line.split()[2] == "copy"}
    assert {path.stem for path in tmp_path.glob("*.ipynb")} == copied

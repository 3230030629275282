"""Every statement of the explanations has a test: `statements.toml` says which one."""

import re
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGES = TESTS.parent / "docs" / "explanations"
STATEMENTS: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("statements.toml").read_text(encoding="utf-8")
)


def blocks(page: str) -> list[str]:
    """Return the paragraphs, items of lists and rows of tables of a page, each on one line."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^\|.*\n\|-.*$|^#.*$|^    .*$", "", text)  # heads, headings, formulas
    text = re.sub(r"(?m)^(?=[-|])", "\n", text)
    return [" ".join(block.split()) for block in text.split("\n\n") if block.strip()]


@pytest.mark.parametrize("page", STATEMENTS)
def test_statements_stand_on_their_page_word_by_word(page: str) -> None:
    text = " ".join((PAGES / f"{page}.md").read_text(encoding="utf-8").split())
    assert [words for words in STATEMENTS[page] if words not in text] == []


@pytest.mark.parametrize("page", STATEMENTS)
def test_every_paragraph_has_a_statement_with_a_test(page: str) -> None:
    bare = [b for b in blocks(page) if not any(words in b for words in STATEMENTS[page])]
    assert bare == []


@pytest.mark.parametrize("page", STATEMENTS)
def test_every_statement_names_tests_that_are_there(page: str) -> None:
    for tests in STATEMENTS[page].values():
        for name in tests:
            file, _, test = name.partition("::")
            assert f"def {test}(" in (TESTS / file).read_text(encoding="utf-8"), name
        assert tests

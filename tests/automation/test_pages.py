"""Pages: their record, their links, and nothing else of theirs is changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.automation.conftest import REPORT
from workbench.automation import ForeignPageError, PageRecord, Pages
from workbench.automation.links import changed_links
from workbench.core.errors import InputError

RECORD = PageRecord(
    run=14, state="done", path='/a "b" <c>&.h5', inputs=(("ä.h5", 10, 17_000_000_000_000_000_01),),
    made=1.5, previous=3,
)  # fmt: skip


def write(pages: Pages, text: str) -> None:
    page = pages.page(RECORD.run)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("live", [False, True])
def test_a_page_keeps_its_record_and_its_text_however_often_its_links_change(
    tmp_path: Path, live: bool
) -> None:
    pages = Pages(tmp_path, "RunSummary")
    report = REPORT.format(name="<!-- runs -->", text="<main>\n<meta charset='x'>")
    kept = replace(RECORD, live=live, state="running" if live else "done")
    first = pages.composed(report, kept)
    text = first
    for following in (15, 20, None):
        record = replace(kept, following=following)
        text = pages.composed(text, record)
        write(pages, text)
        assert pages.record(14) == record
    assert text == first
    assert first.partition("<p>content")[2] == report.partition("<p>content")[2]
    assert first.count("workbench-page") == 1
    assert first.count("http-equiv") == int(live)


def test_what_others_wrote_is_recognised(tmp_path: Path) -> None:
    pages = Pages(tmp_path, "RunSummary")
    assert pages.record(14) is None
    for text in ("", REPORT, '<meta name="workbench-page" content="{&quot;run&quot;:1}">',
                 '<meta name="workbench-page" content="[1]">'):  # fmt: skip
        write(pages, text)
        with pytest.raises(ForeignPageError, match="another program"):
            pages.record(14)


@pytest.mark.parametrize("title", ["", "a b", "../x", "Run/Summary", ".hidden"])
def test_a_title_that_makes_no_folder_is_refused(tmp_path: Path, title: str) -> None:
    with pytest.raises(InputError, match="use letters"):
        Pages(tmp_path, title)


def test_only_pages_beside_new_or_removed_ones_get_other_links() -> None:
    assert changed_links([1, 3, 9], [1, 3, 5, 9]) == [3, 5, 9]
    assert changed_links([1, 3, 9], [1, 9]) == [1, 9]
    assert changed_links([1, 3, 9], [1, 3, 9]) == []
    assert changed_links([], [4]) == [4]

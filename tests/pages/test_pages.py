"""The Python lines of every page run as they stand there, and draw the pictures it shows."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from tests.pages.lines import python_of
from tests.pages.made_up import MADE_UP
from tests.pages.pictures import DOCS, axes_of, drawn, note_of, pictures_of

PAGES = {str(page.relative_to(DOCS).with_suffix("")): page for page in sorted(DOCS.rglob("*.md"))}
STORED = {picture.stem: picture for picture in DOCS.glob("how-to/pictures/*.png")}
LARGEST = 100_000  # bytes of a stored picture
PARTS = (r"\*\*Question\.\*\*", r"(\*\*|## )Fields", r"(\*\*|## )Pictures?", r"(\*\*|## )Pitfalls")
NO_RECIPES = {"index", "a-page-per-run", "jupyterhub", "sliders", "watch-a-run", "write-tiffs"}
RECIPES = {name: page for name, page in PAGES.items() if name.startswith("how-to/")}
RECIPES = {name: page for name, page in RECIPES.items() if page.stem not in NO_RECIPES}


def test_every_page_with_python_lines_has_a_made_up_run_to_run_them_on() -> None:
    assert {name for name, page in PAGES.items() if python_of(page)} == set(MADE_UP)
    hidden = [
        name for name, page in PAGES.items() if re.search(r"(?m)^    import ", page.read_text())
    ]
    assert hidden == []  # Python that is not fenced would not be run


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_goes_from_a_question_over_fields_and_a_picture_to_pitfalls(name: str) -> None:
    text = RECIPES[name].read_text(encoding="utf-8")
    for part in PARTS:
        assert re.search(rf"(?m)^{part}", text), part
    assert pictures_of(RECIPES[name])


def test_pictures_are_small_and_drawn_by_the_lines_that_stand_on_their_page() -> None:
    shown = {picture: page for page in PAGES.values() for picture in pictures_of(page)}
    assert set(shown) == set(STORED)
    for picture, page in shown.items():
        assert note_of(STORED[picture])["lines"] == "".join(python_of(page)), picture
        assert STORED[picture].stat().st_size < LARGEST, picture


@pytest.mark.notebook
@pytest.mark.parametrize("name", MADE_UP)
def test_the_lines_of_a_page_run_and_draw_its_pictures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(tmp_path))
    figures = drawn(name, tmp_path)
    for picture in pictures_of(PAGES[name]):
        assert axes_of(figures[picture]) == note_of(STORED[picture])["axes"]
    assert plt.get_fignums() == []

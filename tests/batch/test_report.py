"""Reports of notebooks made by hand: no kernel runs here."""

from pathlib import Path

import nbformat
import pytest

from workbench.batch.report import VANISHES, record_tables, write_report

make = nbformat.v4
PNG = (  # one transparent pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def page_of(folder: Path, *cells: nbformat.NotebookNode, **record: object) -> str:
    notebook = make.new_notebook(cells=list(cells))
    if record:
        notebook.metadata["workbench"] = record
    nbformat.write(notebook, folder / "executed.ipynb")
    return write_report(folder / "executed.ipynb", folder / "report.html").read_text()


def cell_with(data: dict[str, object], *tags: str) -> nbformat.NotebookNode:
    output = make.new_output("display_data", data=data)
    return make.new_code_cell("draw()", outputs=[output], metadata={"tags": list(tags)})


def test_a_widget_is_shown_by_the_picture_that_came_with_it(tmp_path: Path) -> None:
    widget = {"model_id": "a", "version_major": 2, "version_minor": 0}
    data = {
        "application/vnd.jupyter.widget-view+json": widget,
        "image/png": PNG,
        "text/html": "<b>loading</b>",
        "text/plain": "Canvas()",
    }
    page = page_of(tmp_path, cell_with(data))
    assert f"data:image/png;base64,{PNG}" in page
    assert "loading" not in page
    assert "widget-view" not in page


def test_a_widget_without_picture_is_shown_as_text(tmp_path: Path) -> None:
    widget = {"model_id": "a", "version_major": 2, "version_minor": 0}
    data = {"application/vnd.jupyter.widget-view+json": widget, "text/plain": "IntSlider(value=3)"}
    assert "IntSlider(value=3)" in page_of(tmp_path, cell_with(data))


def test_a_warning_of_a_cell_stays_visible(tmp_path: Path) -> None:
    output = make.new_output("stream", name="stderr", text="RuntimeWarning: beware")
    page = page_of(tmp_path, make.new_code_cell("x", outputs=[output]))
    assert "output_stderr" in page
    assert "beware" in page


def test_cells_that_vanish_do_so_only_without_output(tmp_path: Path) -> None:
    empty = make.new_code_cell("nothing_here", metadata={"tags": [VANISHES]})
    page = page_of(tmp_path, empty, cell_with({"text/plain": "kept"}, VANISHES))
    assert "nothing_here" not in page
    assert "kept" in page


def test_a_notebook_without_record_still_makes_a_report(tmp_path: Path) -> None:
    page = page_of(tmp_path, make.new_markdown_cell("# Mine\n\nText."))
    assert "<title>executed</title>" in page
    assert "not run" in page


RECORD = {
    "experiment": "xpplx1234",
    "run": 3,
    "template": {"name": "xpp/t", "title": "T <1>", "path": "/t.ipynb", "sha256": "f00"},
    "input": {"path": "/d/<x>.h5", "size": 1234567, "changed": "2026-01-15"},
    "small_data": {"config": {"hash": "abc"}, "text": "y" * 5000},
    "parameters": [
        {"name": "w", "value": 0.1, "given": True, "unit": "ps", "meaning": "width"},
        {"name": "s", "value": "a", "given": False, "unit": "", "meaning": "signal"},
    ],
    "state": "failed",
    "error": "cell 3: ValueError: <bad>",
}


def test_the_record_is_shown_escaped_and_cut(tmp_path: Path) -> None:
    page = page_of(tmp_path, make.new_markdown_cell("# T"), **RECORD)
    for words in ("/d/&lt;x&gt;.h5", "1,234,567 bytes", "config.hash", "(5000 characters in all)"):
        assert words in page
    assert "ValueError: &lt;bad&gt;" in page
    assert "<bad>" not in page


def test_parameters_tell_whether_they_were_given() -> None:
    rows = dict(record_tables(RECORD))["Parameters"]
    assert rows == [("w", "0.1 ps", "given", "width"), ("s", "'a'", "default", "signal")]


@pytest.mark.parametrize("name", ["style.css", "index.html.j2", "conf.json"])
def test_the_files_of_the_page_ship_with_the_package(name: str) -> None:
    import workbench.batch

    assert (Path(workbench.batch.__file__).parent / "report_page" / name).is_file()

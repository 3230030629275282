"""Notebooks of the region editor in JupyterLab: written, opened, run; their kernel."""

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.servers import (
    TOKEN,
    Server,
    cell_errors,
    open_notebook,
    run_all,
    wait_for_kernel,
)

DIE = """() => new Promise((resolve) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const heard = (_, status) => {
        if (["autorestarting", "restarting"].includes(status)) resolve();
    };
    kernel.statusChanged.connect(heard);
    kernel.requestExecute({code: "import os; os._exit(1)"});
})"""

EXECUTE = """(code) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const asked = kernel.requestExecute({code});
    window.answers = (window.answers || []).concat(null);
    const number = window.answers.length - 1;
    asked.done.then((reply) => { window.answers[number] = reply.content.status; });
    return number;
}"""


def cells(*sources: str) -> str:
    """Return a notebook of code cells."""
    made = [
        {
            "cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [],
            "source": source, "id": f"cell-{number}",
        }
        for number, source in enumerate(sources)
    ]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def opened(page: Page, lab: Server, name: str, *sources: str) -> Path:
    """Open a notebook of these cells, run it; return its file."""
    file = lab.folder / f"{name}.ipynb"
    file.write_text(cells(*sources))
    open_notebook(page, f"{lab.url}/lab/tree/{file.name}?token={TOKEN}&reset")
    run_all(page)
    return file


def open_beside(page: Page, path: str) -> None:
    """Open a notebook in a JupyterLab that is loaded already, in front of others."""
    page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
    page.evaluate(
        "(path) => window.jupyterapp.commands.execute('docmanager:open', {path}).then(() => null)",
        path,
    )
    wait_for_kernel(page)


def close_in_front(page: Page) -> None:
    """Close the notebook in front, and end its kernel."""
    page.evaluate(
        """async () => {
            const panel = window.jupyterapp.shell.currentWidget;
            await panel.sessionContext.shutdown();
            panel.dispose();
        }"""
    )


def execute(page: Page, code: str, *, wait: bool = True) -> Callable[[], None]:
    """Run code in the kernel of the open notebook, beside its cells; return what waits for it."""
    number = page.evaluate(EXECUTE, code)

    def done() -> None:
        page.wait_for_function("(number) => window.answers[number]", arg=number, timeout=60_000)
        assert page.evaluate("(number) => window.answers[number]", number) == "ok"

    if wait:
        done()
    return done


def kill_kernel(page: Page) -> None:
    """Let the kernel of the open notebook die; JupyterLab starts another one."""
    page.evaluate(DIE)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
        " === 'idle'",
        timeout=60_000,
    )
    # JupyterLab says so in a dialog, which covers the page.
    page.locator(".jp-Dialog button", has_text="Ok").first.click()


def run_part(page: Page, which: str, cell: int) -> None:
    """Run the cells "above" one, or those "below" it and itself; a cell that failed fails."""
    page.evaluate(
        """([which, cell]) => {
            const app = window.jupyterapp;
            app.shell.currentWidget.content.activeCellIndex = cell;
            return app.commands.execute(`notebook:run-all-${which}`);
        }""",
        [which, cell],
    )
    assert cell_errors(page) == []


def outputs(page: Page) -> str:
    """Return all that the cells of the open notebook print and show as text."""
    text: str = page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
            .flatMap(cell => cell.toJSON().outputs || [])
            .flatMap(one => [one.text || (one.data || {})["text/plain"] || ""].flat())
            .join("\\n")"""
    )
    return text

"""What the editor has to say, in one line at its top; and callbacks that say what went wrong."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from types import TracebackType
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.extras import load

LINE = 54  # screen pixels, two lines kept free: the picture must not jump when they come or go
_COLOURS = {"info": ("#e7f3ec", "#1d5b36"), "error": ("#fdecea", "#8c1d18")}


class Notes:
    """The line; used in a ``with`` block, it shows the error that ends the block.

    A `WorkbenchError` is for the user: it is shown and goes no further. Any other error is shown
    and goes on to the log as well.

    Parameters
    ----------
    after
        Is called at the end of every block, to bring the change to the screen.

    Attributes
    ----------
    alone
        Held in every block and while a change is shown: what one thread fills with the latest
        state, another does not fill with an earlier one.
    """

    def __init__(self, after: Callable[[], None]) -> None:
        self._pn: Any = load("panel", "the region editor", "widgets")
        self.panel: Any = self._pn.pane.HTML(
            "", sizing_mode="stretch_width", margin=(0, 5), min_height=LINE
        )
        self._after = after
        self._quiet = False
        # JupyterLab hears its pages on another thread than the one that runs cells.
        self.alone = threading.RLock()

    def say(self, text: str) -> None:
        """Show that something was done."""
        self._show(text, "info")

    def complain(self, text: str) -> None:
        """Show that something is wrong."""
        self._show(text, "error")

    def afresh(self) -> "Notes":
        """Return itself, for a ``with`` block that begins something new: what was said is gone."""
        self.panel.object = ""
        return self

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Let fields be filled without their callbacks, for the length of a ``with`` block."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def guarded(
        self, act: Callable[[], object], *, then: Callable[[], object] | None = None
    ) -> Callable[[Any], None]:
        """Return a callback of a control that shows its errors.

        Parameters
        ----------
        act
            What the control does.
        then
            Is called afterwards, whatever came: to show what was refused as it was.
        """

        def work() -> None:
            with self.afresh():
                act()
            if then is not None:
                then()

        def acting(_event: Any) -> None:
            if not self._quiet:
                self._soon(work)

        return acting

    def _soon(self, work: Callable[[], None]) -> None:
        """Do it once the message that asked for it is dealt with.

        Within it, Panel holds back what is changed; and it calls without the lock that a change of
        Bokeh's figure needs in a board.
        """
        document = self._pn.state.curdoc
        if document is not None and document.session_context:
            document.add_next_tick_callback(work)
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # neither a board nor a notebook: a script
            work()
        else:
            loop.call_soon(work)

    def __enter__(self) -> "Notes":
        self.alone.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        known = isinstance(error, WorkbenchError)
        try:
            if error is not None:
                name = "" if known else f"{type(error).__name__}: "
                self.complain(f"{name}{error}")
            self._after()
        finally:
            self.alone.release()
        return known

    def _show(self, text: str, kind: str) -> None:
        back, front = _COLOURS[kind]
        role = "alert" if kind == "error" else "status"
        self.panel.object = (
            f'<div role="{role}" class="workbench-note" style="background:{back};color:{front};'
            f'padding:6px 12px;border-radius:4px;font-size:14px;white-space:pre-wrap">'
            f"{escape(text)}</div>"
        )

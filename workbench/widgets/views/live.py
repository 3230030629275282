"""The live picture in one cell of a notebook: drawn anew every few seconds until the run ends."""

import asyncio
from collections.abc import Mapping
from html import escape
from time import monotonic, strftime
from typing import Any

from numpy.typing import ArrayLike

from workbench.binning.live import Live, Snapshot
from workbench.core.errors import InputError, WorkbenchError
from workbench.core.extras import load
from workbench.runs import Cut, Run
from workbench.widgets.views.choice import is_interactive

EVERY = 2.0  # s between two pictures
SHARE = 3  # the kernel stays free for this many times as long as a picture took
_SHOWN: dict[tuple[str, ...], "LiveView"] = {}  # a cell that is run again takes the place of itself


class LiveView:
    """A picture that follows a run; only ipywidgets are needed to see it.

    Parameters
    ----------
    watched
        What is drawn.
    every
        Time from one picture to the next [s]; longer where a picture takes long, so that other
        cells can run.
    """

    def __init__(self, watched: Live, every: float = EVERY) -> None:
        make = load("ipywidgets", "the live picture", "widgets")
        self.watched, self.every = watched, every
        around = {"max_width": "100%", "align_self": "flex-start"}  # never larger than it is
        self.image = make.Image(format="png", layout=around)
        self.note = make.HTML()
        self.button = make.ToggleButton(description="Pause", tooltip="Draw no more for a while")
        self._box = make.VBox([make.HBox([self.button, self.note]), self.image])
        self._task: asyncio.Task[None] | None = None
        self.ended = False

    def draw(self) -> float:
        """Refresh and draw once, or show why not; return how long that took [s]."""
        started = monotonic()
        try:
            snapshot = self.watched.refresh()
            self.image.value = _picture(snapshot)._repr_png_()[0]
        except WorkbenchError as error:
            self._say(f"{error}; trying again")
        else:
            self.ended = snapshot.ended
            self._say(_told(snapshot))
        return monotonic() - started

    def follow(self) -> None:
        """Draw again and again on the kernel's event loop, between other cells."""
        self._task = asyncio.get_running_loop().create_task(self._follow())
        self._task.add_done_callback(self._stopped)

    def stop(self) -> None:
        """Draw no more."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(self) -> None:
        while not self.ended:
            took = 0.0 if self.button.value else self.draw()
            await asyncio.sleep(max(self.every, SHARE * took))

    def _stopped(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._say(f"stopped: {type(error).__name__}: {error}; run the cell again")

    def _say(self, text: str) -> None:
        self.note.value = escape(text)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self._box._repr_mimebundle_(include=include, exclude=exclude)


def _told(snapshot: Snapshot) -> str:
    """Say of when the picture is: one that stands still must not pass for a run that does."""
    if snapshot.ended:
        return "the run has ended: this is all of it"
    late = f", {snapshot.waiting:,} of them only on the left" if snapshot.waiting else ""
    return f"{snapshot.n_events:,} shots{late}, drawn at {strftime('%H:%M:%S')}"


def _picture(snapshot: Snapshot) -> Any:
    plots = load("workbench.plots", "the live picture", "widgets")
    return plots.live(snapshot)


def live_view(
    run: Run,
    axes: Mapping[str, ArrayLike],
    signal: str,
    where: Cut | None = None,
    by: str | None = "i0",
    *,
    last: int = 1200,
    every: float = EVERY,
    delay: Mapping[str, Any] | None = None,
) -> Any:
    """Show a run while it is taken: on/off curve, I0, time tool, presence, now and so far.

    In a notebook that a person uses, the picture is drawn anew until the run ends; run again after
    that, the same cell shows the finished run. In batch it is one picture of the moment.

    Parameters
    ----------
    run
        From ``wb.open_run(..., live=True)``.
    axes, signal, where, by, last, delay
        As for `binning.Live`.
    every
        Time from one picture to the next [s].

    Raises
    ------
    InputError
        For a time between pictures that is not positive.
    """
    if every <= 0:
        raise InputError(f"every {every}: the time between two pictures must be above 0 s")
    watched = Live(run, axes, signal, where, by, last=last, delay=delay)
    if not run.growing or not is_interactive():
        return _picture(watched.refresh())
    view = LiveView(watched, every)
    key = (run.label, signal, *axes)
    if key in _SHOWN:
        _SHOWN[key].stop()
    _SHOWN[key] = view
    view.follow()
    return view

"""One entry to the region editor, which picks the view that works where it is called."""

import os
import sys
from pathlib import Path
from typing import Any, Literal

from workbench.core.errors import InputError
from workbench.core.extras import MissingToolError, load
from workbench.widgets.models import Changed, RegionModel, Session
from workbench.widgets.opening import Opened, Source, open_source
from workbench.widgets.views.static import still_png

View = Literal["auto", "panel", "matplotlib", "typed", "static"]
VIEWS = ("auto", "panel", "matplotlib", "typed", "static")
STATE = "regions.json"


class StillView:
    """A picture with its regions that nobody can touch: in batch, in reports."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def model(self) -> RegionModel:
        """The model of the detector that is shown."""
        return self.session.shown

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:  # noqa: ARG002
        names = ", ".join(self.model.regions) or "none"
        text = f"{self.model.picture.detector}, {self.model.picture.origin}; regions: {names}"
        return {"image/png": still_png(self.model), "text/plain": text}


def region_editor(
    source: Source | Session,
    *,
    config: str | Path | None = None,
    run: int | None = None,
    detector: str = "",
    constants: str | Path | None = None,
    events: int = 30,
    state: str | Path | None = STATE,
    view: View = "auto",
) -> Any:
    """Return a widget to draw regions, masks and a beam centre on a detector picture.

    Parameters
    ----------
    source
        An opened run (small data or raw), the path of one, a picture, an array, or a session.
    config
        Producer config that the regions are written to, and whose common mode is taken off frames
        of a raw run; None: chosen in the widget.
    run
        First run that gets the regions; None: that of the source.
    detector
        Which one; empty: all, with a choice.
    constants
        Calibration constants of a raw run; None: ``constants.h5`` beside it, where it is.
    events
        Raw events that are averaged into the picture.
    state
        File that keeps what was drawn over a restart; is read back where it is. None: not kept.
    view
        "auto": Panel where it can be used, else typed fields; a still picture in batch. Or one of
        "panel", "matplotlib" (ipympl), "typed" (ipywidgets alone), "static"; else `InputError`.
    """
    if view not in VIEWS:
        raise InputError(f"view {view!r} is none of {', '.join(VIEWS)}")
    opened = (
        Opened(source, run=run)
        if isinstance(source, Session)
        else open_source(
            source,
            run=run,
            detector=detector,
            constants=None if constants is None else Path(constants),
            config=None if config is None else Path(config),
            events=events,
        )
    )
    kept = None if state is None else Path(state)
    if kept is not None:
        keep(opened.session, kept)
    if view == "auto":
        view = "panel" if is_interactive() else "static"
        if view == "panel" and not _works("panel"):
            view = "typed"
    number = opened.run if run is None else run
    return _made(view, opened, None if config is None else Path(config), number, kept)


def keep(session: Session, path: Path) -> None:
    """Read what was drawn back from a file, where it is, and keep every change there."""
    if path.is_file():
        session.restore(path)

    def save(changed: Changed) -> None:
        if changed.parts - {"shown", "picture"}:
            session.save(path)

    for model in session.models.values():
        model.on_change(save)


def is_interactive() -> bool:
    """Tell whether somebody can use a widget: in a Jupyter kernel with a person before it.

    Who executes notebooks without a person (papermill, nbconvert) tells the kernel that nobody can
    be asked for input.
    """
    if os.environ.get("WORKBENCH_BATCH"):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    return kernel is not None and bool(getattr(kernel, "_allow_stdin", True))


def _made(
    view: View, opened: Opened, config: Path | None, run: int | None, state: Path | None
) -> Any:
    if view == "panel":
        from workbench.widgets.views.editor import RegionEditor

        # Loaded with the page, not from a server elsewhere: hutches have no way to the internet.
        load("panel", "the region editor", "widgets").extension(inline=True)
        return RegionEditor(opened, config=config, run=run, state=state)
    if view == "matplotlib":
        from workbench.widgets.views.selector import SelectorView

        return SelectorView(opened.session)
    if view == "typed":
        from workbench.widgets.views.typed import TypedView

        return TypedView(opened.session)
    return StillView(opened.session)


def _works(package: str) -> bool:
    try:
        load(package, "the region editor", "widgets")
    except MissingToolError:
        return False
    return True

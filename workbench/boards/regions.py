"""The region board: the region editor as a page of its own, served by Panel."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from workbench.core.errors import InputError, WorkbenchError
from workbench.core.extras import load
from workbench.widgets.opening import Opened, open_source
from workbench.widgets.views.choice import keep
from workbench.widgets.views.editor import RegionEditor

TITLE = "Regions of a detector"
LOOPBACK = "127.0.0.1"
LOST = "The connection to Python is lost: reload this page. Regions are read back from their file."
WAITING = (
    '<p role="status" style="font-family:sans-serif;margin:8px">This page is being loaded. Where '
    "nothing more comes, its scripts cannot be reached from here: type regions in a notebook "
    '(<code>wb.region_editor(..., view="typed")</code>) or in a terminal '
    "(<code>workbench config set-roi</code>).</p>"
)
PAGE = """{% block contents %}
<div id="workbench-first">{{ first | safe }}</div>
<script>
new MutationObserver((_, watch) => {
  const page = document.querySelector("[data-root-id]");
  if (!page || !page.children.length) return;
  document.getElementById("workbench-first").remove();
  watch.disconnect();
}).observe(document.body, {childList: true, subtree: true});
</script>
{{ super() }}{% endblock %}"""


@dataclass(frozen=True)
class Wanted:
    """What the board opens.

    Parameters
    ----------
    source
        Path of small data or of raw data; empty: typed on the page.
    config
        Producer config that regions are written to; empty: typed on the page.
    run
        Run that is looked at, and the first that gets the regions; None: that of the source.
    detector
        The one wanted; empty: all.
    constants
        Calibration constants of a raw run; empty: ``constants.h5`` beside it.
    state
        File that keeps what was drawn; empty: not kept.
    """

    source: str = ""
    config: str = ""
    run: int | None = None
    detector: str = ""
    constants: str = ""
    state: str = ""


def board(wanted: Wanted) -> Any:
    """Return the page: fields for what to open, and the editor below them.

    Before its scripts run, and where they cannot, the page shows a picture that does not move.
    """
    made = _Board(wanted)
    document = load("panel", "the region board", "widgets").state.curdoc
    if document is not None:
        document.template, document.template_variables["first"] = PAGE, made.first
    return made.page


def serve(
    wanted: Wanted,
    *,
    port: int = 0,
    address: str = LOOPBACK,
    prefix: str = "",
    origins: Sequence[str] = (),
    unix_socket: Path | None = None,
    show: bool = False,
) -> None:
    """Serve the board until it is interrupted.

    Parameters
    ----------
    wanted
        What every new page opens.
    port, address
        Where it listens; port 0: a free one.
    prefix
        First part of the path, where a proxy adds it.
    origins
        ``host:port`` that pages may come from; empty: this machine.
    unix_socket
        Listen there instead of at a port: only who may open that file can use the board.
    show
        Open a browser.
    """
    panel = load("panel", "the region board", "widgets")
    # Whatever BOKEH_RESOURCES says: hutches have no way to the internet.
    load("bokeh.settings", "the region board", "widgets").settings.resources = "server"
    panel.extension(disconnect_notification=LOST, notifications=True)
    options: dict[str, Any] = {"address": address, "port": port}
    if unix_socket is not None:
        options = {"unix_socket": str(unix_socket)}
    panel.serve(
        {"regions": lambda: board(wanted)},
        title=TITLE,
        prefix=prefix,
        websocket_origin=list(origins) or None,
        show=show,
        index=None,
        **options,
    )


class _Board:
    """One page of the board, for one person."""

    def __init__(self, wanted: Wanted) -> None:
        self._pn = load("panel", "the region board", "widgets")
        make, wide = self._pn.widgets, 330
        self._source = make.TextInput(
            label="Small-data file, or folder of raw data", value=wanted.source, width=wide
        )
        self._config = make.TextInput(label="Producer config", value=wanted.config, width=wide)
        self._run = make.IntInput(label="Run", value=wanted.run, width=90)
        self._open = make.Button(label="Open", color="primary", width=70, align="end")
        self._open.on_click(lambda _event: self._show())
        self._wanted = wanted
        self._told = self._pn.pane.HTML("", sizing_mode="stretch_width")
        self._place = self._pn.Column(sizing_mode="stretch_width")
        fields = self._pn.FlexBox(
            self._source, self._config, self._run, self._open, align_items="flex-end"
        )
        self.page = self._pn.Column(
            fields, self._told, self._place, sizing_mode="stretch_width", margin=(5, 10)
        )
        self._editor: RegionEditor | None = None
        if wanted.source:
            self._show()

    @property
    def first(self) -> str:
        """HTML for what is seen before the page's scripts run."""
        return self._editor.still if self._editor else f"{WAITING}{self._told.object}"

    def _show(self) -> None:
        try:
            opened = self._opened()
        except WorkbenchError as error:
            text = escape(str(error))
            self._told.object = f'<div role="alert" style="color:#8c1d18">{text}</div>'
            return
        config = self._config.value.strip()
        state = Path(self._wanted.state) if self._wanted.state else None
        self._editor = RegionEditor(
            opened,
            config=Path(config) if config else None,
            run=self._run.value if self._run.value is not None else opened.run,
            state=state,
        )
        missing = "; ".join(f"{name}: {why}" for name, why in opened.missing.items())
        self._told.object = f"Without a picture: {escape(missing)}" if missing else ""
        self._place.objects = [self._editor.panel]

    def _opened(self) -> Opened:
        path = self._source.value.strip()
        if not path:
            raise InputError("give the path of a small-data file or of a folder with raw data")
        constants = Path(self._wanted.constants) if self._wanted.constants else None
        config = self._config.value.strip()
        opened = open_source(
            path,
            run=self._run.value,
            detector=self._wanted.detector,
            constants=constants,
            config=Path(config) if config else None,
        )
        if self._wanted.state:
            keep(opened.session, Path(self._wanted.state))
        return opened

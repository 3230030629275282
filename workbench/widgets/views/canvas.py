"""The picture on a Bokeh figure: levels, outlines, shapes that can be dragged, and the pointer."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import count
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.core.extras import load
from workbench.widgets.views.gestures import Frame

Bokeh = Any  # Bokeh's models carry no types
About = tuple[str, str]  # names of a detector and of its region that was shown
HEIGHT = 560  # screen pixels
NOTHING = "#e9e7e1"  # colour of places without a pixel
GUIDE = "#ffd400"  # colour of expected rings and picked points
DARK = "#1b1b1b"  # behind names
CHOSEN, OTHER = "#ff5c97", "#00c8ff"  # seen on every palette, by colour-blind readers too
LOST = (
    "<b>Python does not answer.</b> The kernel is busy, or it was stopped or restarted. If so, run "
    "the cell again (or reload the page): the regions are read back from {state}."
)


@dataclass(frozen=True)
class Seen:
    """The part of the picture that is on the screen, and the size of the frame there.

    Parameters
    ----------
    top, bottom, left, right
        [pixel of the picture]
    height, width
        [pixel of the screen]
    """

    top: float
    bottom: float
    left: float
    right: float
    height: int
    width: int


@dataclass(frozen=True)
class Pointer:
    """What is called when the person did something on the picture.

    Parameters
    ----------
    seen
        Another part of the picture is on the screen.
    drawn
        Which shape on which detector, by a drag or a closed line: rows, columns [pixel].
    dragged
        Of which region, "box", "inner" or "poly" was dragged to rows, columns [pixel]; whether it
        was let go.
    tapped
        Row, column [pixel].
    pressed
        The region that was shown; name of a key; whether with Shift.
    """

    seen: Callable[[Seen], None]
    drawn: Callable[[str, str, Sequence[float], Sequence[float]], None]
    dragged: Callable[[About, str, Sequence[float], Sequence[float], bool], None]
    tapped: Callable[[float, float], None]
    pressed: Callable[[About, str, bool], None]


@dataclass(frozen=True)
class Outline:
    """A region to be drawn.

    Parameters
    ----------
    name
        Is written above it.
    lines
        Points of (row, col) [pixel].
    chosen
        It is selected.
    fixed
        It cannot be dragged: its lines are dashed.
    """

    name: str
    lines: tuple[Floats, ...]
    chosen: bool = False
    fixed: bool = False


class Canvas:
    """A figure with a picture in it; it shows what it is told and reports what the pointer did."""

    def __init__(self, shape: tuple[int, int], pointer: Pointer, state: str) -> None:
        self._models = load("bokeh.models", "the region editor", "widgets")
        self._pointer = pointer
        self.channels: dict[str, Bokeh] = {}
        make = self._models.ColumnDataSource
        self._image = make(data={name: [] for name in ("image", "x", "y", "dw", "dh")})
        self._veil = make(data={name: [] for name in ("image", "x", "y", "dw", "dh")})
        self._lines = make(data={name: [] for name in ("xs", "ys", "color", "width", "dash")})
        self._names = make(data={name: [] for name in ("x", "y", "text", "color")})
        self._centre = make(data={"x": [], "y": []})
        self._points = make(data={"x": [], "y": []})
        self._guides = make(data={"xs": [], "ys": []})
        self._heard, self._greetings = make(data={"n": [0]}), count(1)
        self.notice = self._models.Div(text=LOST.format(state=state), visible=False)
        self._notice_style()
        self.figure = self._figure(shape)
        self._box, self._inner = self._handles("box"), self._handles("inner")
        self._poly = self._models.PolyAnnotation(
            editable=True, syncable=False, visible=False, fill_color=CHOSEN, fill_alpha=0.05,
            line_color=CHOSEN, line_alpha=1, line_width=9, line_dash="solid", level="overlay",
        )  # fmt: skip
        self._poly.line_alpha = 0.25
        for shape_ in (self._box, self._inner, self._poly):
            self.figure.add_layout(shape_)
        self._wire()

    def show_levels(self, levels: Array, extent: tuple[float, float, float, float]) -> None:
        """Paint 8-bit levels, (row, col), over (top, bottom, left, right) [pixel]."""
        self._image.data = _placed(levels, extent)

    def show_veil(self, bad: Array | None, extent: tuple[float, float, float, float]) -> None:
        """Tint masked pixels; None: nothing is masked."""
        empty: dict[str, list[Any]] = {name: [] for name in ("image", "x", "y", "dw", "dh")}
        self._veil.data = empty if bad is None else _placed(bad.astype(np.uint8), extent)

    def show_palette(self, colours: Sequence[str]) -> None:
        """Paint levels 1 to 255 in these colours."""
        self._mapper.palette = [NOTHING, *colours]

    def show_outlines(self, outlines: Sequence[Outline]) -> None:
        """Draw regions with their names."""
        data: dict[str, list[Any]] = {name: [] for name in self._lines.data}
        names: dict[str, list[Any]] = {"x": [], "y": [], "text": [], "color": []}
        for one in outlines:
            colour = CHOSEN if one.chosen else OTHER
            for line in one.lines:
                data["xs"].append(line[:, 1].tolist())
                data["ys"].append(line[:, 0].tolist())
                data["color"].append(colour)
                data["width"].append(2.5 if one.chosen else 1.5)
                data["dash"].append("dashed" if one.fixed else "solid")
            top = one.lines[0][one.lines[0][:, 0].argmin()]
            for key, value in zip(names, (top[1], top[0], one.name, colour), strict=True):
                names[key].append(value)
        self._lines.data, self._names.data = data, names

    def show_chosen(self, detector: str, region: str) -> None:
        """Say whose handles are shown: the browser tells what was done to them with these names."""
        self._poly.tags = [detector, region]

    def show_handles(
        self,
        box: Frame | None,
        inner: Frame | None,
        points: Floats | None,
        *,
        symmetric: bool = False,
        fixed: bool = False,
    ) -> None:
        """Put the shapes that can be dragged around the selected region; None: not shown.

        Parameters
        ----------
        box, inner, points
            Around the region, around the hole of a ring; corners of a polygon.
        symmetric
            The box is resized about its middle.
        fixed
            The box is moved only, not resized.
        """
        self._box.update(symmetric=symmetric, resizable="none" if fixed else "all")
        for handles, frame in ((self._box, box), (self._inner, inner)):
            if frame is not None:
                (top, bottom), (left, right) = frame.rows, frame.cols
                handles.update(left=left, right=right, top=top, bottom=bottom)
            handles.visible = frame is not None
        if points is not None:
            self._poly.update(xs=points[:-1, 1].tolist(), ys=points[:-1, 0].tolist())
        self._poly.visible = points is not None

    def show_centre(self, centre: tuple[float, float] | None) -> None:
        """Mark the beam centre (row, col) [pixel]; None: unknown."""
        self._centre.data = {"x": [centre[1]], "y": [centre[0]]} if centre else {"x": [], "y": []}

    def show_points(self, points: Sequence[tuple[float, float]]) -> None:
        """Mark points (row, col) [pixel] that were picked on a ring."""
        self._points.data = {"x": [col for _, col in points], "y": [row for row, _ in points]}

    def show_guides(self, lines: Sequence[Floats]) -> None:
        """Draw lines of (row, col) [pixel] that cannot be touched; NaN ends a piece."""
        self._guides.data = {
            "xs": [line[:, 1].tolist() for line in lines],
            "ys": [line[:, 0].tolist() for line in lines],
        }

    def show_range(self, top: float, bottom: float, left: float, right: float) -> None:
        """Zoom to a part of the picture [pixel]; more is shown where the frame is not as square."""
        self.figure.x_range.update(start=left, end=right)
        self.figure.y_range.update(start=bottom, end=top)
        self._again.data = {"range": [[top, bottom, left, right]]}

    def draw_with(self, shape: str) -> None:
        """Let a drag (or clicks, for a polygon) draw this shape.

        With "pan" and "zoom" it draws none; with "points" every click is one.
        """
        bar = self.figure.toolbar
        others = dict.fromkeys(("pan", "polygon", "points"), self._pan)
        others["zoom"] = self._box_zoom
        bar.active_drag = others.get(shape, self._drag)
        self.figure.tags = [shape]
        self._drag.origin = "corner" if shape == "rectangle" else "center"

    def listen(self, name: str, report: Callable[[dict[str, Any]], None]) -> Bokeh:
        """Return a channel on which a script of the browser tells something; it is answered."""
        channel = self._models.ColumnDataSource(data={"text": []})

        def heard(_attribute: str, _old: Any, new: Any) -> None:
            if len(new["text"]):
                told = json.loads(new["text"][0])
                report(told)
                self._heard.data = {"n": [told["n"]]}

        channel.on_change("data", heard)
        self.channels[name] = channel
        return channel

    @contextmanager
    def greeting(self) -> Iterator[None]:
        """Let pages that are made in a ``with`` block tell nothing before they are greeted."""
        self._heard.tags = ["greets"]
        yield
        self._heard.tags = []

    def greet(self) -> None:
        """Say to a page that Python hears it from now on, and has answered nothing so far."""
        self._heard.data = {"n": [0], "greeting": [next(self._greetings)]}

    def _figure(self, shape: tuple[int, int]) -> Bokeh:
        models, plotting = self._models, load("bokeh.plotting", "the region editor", "widgets")
        height, width = shape
        dashes = {"fill_alpha": 0.05, "fill_color": CHOSEN, "line_color": CHOSEN, "line_width": 2}
        overlay = models.BoxAnnotation(visible=False, syncable=False, line_dash=[5, 4], **dashes)
        self._sketch = models.PolyAnnotation(
            visible=False, syncable=False, line_dash=[5, 4], line_alpha=1, **dashes
        )
        self._drag = models.BoxSelectTool(overlay=overlay)
        self._pan = models.PanTool()
        zoom = models.WheelZoomTool()
        self._box_zoom = models.BoxZoomTool(match_aspect=True)
        tools = [self._pan, self._drag, self._box_zoom, zoom]
        figure = plotting.figure(
            x_range=(0, width), y_range=(height, 0), height=HEIGHT, sizing_mode="stretch_width",
            min_width=320, tools=tools, active_scroll=zoom, active_drag=self._drag,
            toolbar_location=None, x_axis_location="above", output_backend="canvas",
            x_axis_label="column [pixel]", y_axis_label="row [pixel]",
            background_fill_color=NOTHING,
        )  # fmt: skip
        figure.x_range.syncable = figure.y_range.syncable = False  # told as a whole, by `seen`
        figure.add_layout(self._sketch)
        figure.grid.visible = False
        self._mapper = models.LinearColorMapper(palette=[NOTHING] * 256, low=-0.5, high=255.5)
        figure.image("image", "x", "y", "dw", "dh", source=self._image, color_mapper=self._mapper)
        veil = models.LinearColorMapper(palette=["#00000000", "#ff000066"], low=-0.5, high=1.5)
        figure.image("image", "x", "y", "dw", "dh", source=self._veil, color_mapper=veil)
        figure.multi_line(
            "xs", "ys", source=self._lines, line_color="color", line_width="width",
            line_dash="dash", nonselection_line_alpha=1.0, selection_line_alpha=1.0,
        )  # fmt: skip
        figure.multi_line(
            "xs", "ys", source=self._guides, line_color=GUIDE, line_width=1, line_dash=[6, 4],
            nonselection_line_alpha=1.0,
        )  # fmt: skip
        names = figure.text(
            "x", "y", text="text", source=self._names, text_color="color", y_offset=-3,
            text_font_size="13px", text_font_style="bold", background_fill_color=DARK,
            background_fill_alpha=0.75, padding=2, border_radius=3,
        )  # fmt: skip
        names.nonselection_glyph = None  # as it is, whatever a drag has selected
        figure.scatter("x", "y", source=self._points, marker="circle_cross", size=11,
                       line_color=GUIDE, fill_alpha=0.0, line_width=1.5,
                       nonselection_line_alpha=1.0, nonselection_fill_alpha=0.0)  # fmt: skip
        figure.scatter("x", "y", source=self._centre, marker="cross", size=18, line_color=CHOSEN,
                       line_width=2, nonselection_alpha=1.0)  # fmt: skip
        return figure

    def _handles(self, name: str) -> Bokeh:
        return self._models.BoxAnnotation(
            name=name, editable=True, syncable=False, visible=False, symmetric=name == "inner",
            left=0, right=1, top=0, bottom=1, movable="none" if name == "inner" else "both",
            fill_alpha=0.0, line_color=CHOSEN, line_alpha=0.0, hover_fill_color=CHOSEN,
            hover_fill_alpha=0.08, use_handles=True, level="overlay",
        )  # fmt: skip

    def _notice_style(self) -> None:
        self.notice.sizing_mode = "stretch_width"
        self.notice.styles = {
            "background": "#fff3cd", "color": "#5c4400", "padding": "8px 12px", "font-size": "14px",
            "border-left": "4px solid #e0a800",
        }  # fmt: skip

    def _wire(self) -> None:
        make = self._models.ColumnDataSource
        names = ("seen", "drawn", "dragged", "tapped", "pressed")
        channels = {name: self.listen(name, partial(self._report, name)) for name in names}
        self._again = make(data={"range": []})
        code = files("workbench.widgets.views").joinpath("canvas.js").read_text(encoding="utf-8")
        figure = self.figure
        args = {
            "fig": figure, "x_range": figure.x_range, "y_range": figure.y_range,
            "poly": self._poly, "sketch": self._sketch, "heard": self._heard,
            "notice": self.notice, "again": self._again,
        }  # fmt: skip
        script = self._models.CustomJS(args={**args, **channels}, code=code)
        for event in ("mouseenter", "mouseleave", "tap", "doubletap", "selectiongeometry"):
            figure.js_on_event(event, script)
        for name in ("inner_width", "inner_height", "tags"):
            figure.js_on_change(name, script)
        for one in (figure.x_range, figure.y_range):
            one.js_on_change("start", script)
            one.js_on_change("end", script)
        for one in (self._box, self._inner):
            for side in ("left", "right", "top", "bottom"):
                one.js_on_change(side, script)
        self._poly.js_on_change("xs", script)
        for one in (self._heard, self._again):
            one.js_on_change("data", script)

    def _report(self, name: str, told: dict[str, Any]) -> None:
        pointer = self._pointer
        if name == "seen":
            height, width = (int(told[size] * told["density"]) for size in ("height", "width"))
            pointer.seen(
                Seen(told["top"], told["bottom"], told["left"], told["right"], height, width)
            )
        elif name == "drawn":
            pointer.drawn(told["shape"], told["detector"], told["rows"], told["cols"])
        elif name == "dragged":
            if told["final"]:  # before, whatever is sent to the browser takes the drag back
                self._follow(told)
            about = told["detector"], told["region"]
            pointer.dragged(about, told["what"], told["rows"], told["cols"], bool(told["final"]))
        elif name == "tapped":
            pointer.tapped(told["row"], told["col"])
        else:
            pointer.pressed((told["detector"], told["region"]), told["key"], bool(told["large"]))

    def _follow(self, told: dict[str, Any]) -> None:
        """Know what the browser shows: only what differs from that is sent back."""
        rows, cols = told["rows"], told["cols"]
        if told["what"] == "poly":
            self._poly.update(xs=cols, ys=rows)
        else:
            one = self._box if told["what"] == "box" else self._inner
            one.update(top=rows[0], bottom=rows[1], left=cols[0], right=cols[1])


def _placed(levels: Array, extent: tuple[float, float, float, float]) -> dict[str, list[Any]]:
    top, bottom, left, right = extent
    return {
        "image": [np.ascontiguousarray(levels)], "x": [left], "y": [top],
        "dw": [right - left], "dh": [bottom - top],
    }  # fmt: skip

"""The picture that is drawn on: what the pointer does becomes a change of the model, and back."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.regions import Box, Polygon, Rectangle, Region, RegionError, Ring
from workbench.widgets.models import (
    MOST_LEVELS,
    RegionModel,
    Rendered,
    Session,
    Viewport,
    render,
    render_marks,
)
from workbench.widgets.views.canvas import HEIGHT, About, Canvas, Outline, Pointer, Seen
from workbench.widgets.views.fields import Drawn
from workbench.widgets.views.gestures import (
    dragged,
    drawn,
    frame_around,
    frame_of,
    inner_dragged,
    inner_frame,
)
from workbench.widgets.views.notes import Notes

STEP, LARGE = 1, 10  # pixels that a region moves with an arrow key; with Shift
FIRST_WIDTH = 1000  # screen pixels
MARGIN = 0.02  # of the picture, around it when all of it is shown
_ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
Preview = Callable[[Drawn], None]


class PictureView:
    """The picture of the detector that is shown, with its regions.

    Parameters
    ----------
    session
        Detectors and what is drawn on them.
    notes
        Where errors are shown.
    state
        Where regions are kept over a restart, for the message of a lost kernel.
    """

    def __init__(self, session: Session, notes: Notes, state: str) -> None:
        self._session = session
        self._notes = notes
        self._shape = "rectangle"
        # Before the browser has said what it shows: painted at once, without a round trip.
        self._seen = Viewport.whole(session.shown.picture.shape, height=HEIGHT, width=FIRST_WIDTH)
        self._previews: list[Preview] = []
        self._given: Mapping[str, tuple[Floats, ...]] = {}
        self._looks: list[Callable[[], None]] = []
        self._bad: Bools | None = None
        self.rendered: Rendered | None = None
        pointer = Pointer(self._look, self._draw, self._drag, self._tap, self._press)
        self.canvas = Canvas(self._model.picture.shape, pointer, state)
        self.draw_with(self._shape)
        self.repaint(frozenset({"shown"}))

    @property
    def view(self) -> Viewport:
        """What is on the screen."""
        return self._seen

    def on_preview(self, preview: Preview) -> None:
        """Have a function called with a region while it is being dragged."""
        self._previews.append(preview)

    def on_look(self, look: Callable[[], None]) -> None:
        """Have a function called when another part of the picture is on the screen."""
        self._looks.append(look)

    def draw_with(self, shape: str) -> None:
        """Let the pointer draw this shape; "pan" or "zoom": it moves over the picture."""
        self._shape = shape
        self.canvas.draw_with(shape)

    def fit(self) -> None:
        """Show the whole picture."""
        height, width = self._model.picture.shape
        rows, cols = MARGIN * height, MARGIN * width
        self.canvas.show_range(-rows, height + rows, -cols, width + cols)

    def zoom_to(self, top: float, bottom: float, left: float, right: float) -> None:
        """Show a part of the picture [pixel]."""
        view = Viewport(top, bottom, left, right, 1, 1)  # refuses what shows nothing
        self.canvas.show_range(view.top, view.bottom, view.left, view.right)

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle; a factor below 1 shows less of the picture, larger."""
        seen = self._seen
        middle = (seen.top + seen.bottom) / 2, (seen.left + seen.right) / 2
        rows = (seen.bottom - seen.top) / 2 * factor
        cols = (seen.right - seen.left) / 2 * factor
        self.zoom_to(middle[0] - rows, middle[0] + rows, middle[1] - cols, middle[1] + cols)

    def show_guides(self, lines: Sequence[Floats]) -> None:
        """Draw lines that cannot be touched, such as expected rings: (row, col) [pixel]."""
        self.canvas.show_guides(lines)

    def show_given(self, outlines: Mapping[str, tuple[Floats, ...]]) -> None:
        """Outline regions of the config that cannot be dragged: name -> lines [pixel]."""
        self._given = outlines
        self._paint_regions(self._model.regions)

    def show_palette(self, colours: Sequence[str]) -> None:
        """Paint in these colours, dark to bright."""
        self.canvas.show_palette(colours)

    def repaint(self, parts: frozenset[str]) -> None:
        """Show the model again, as far as it changed."""
        if parts & {"shown"}:
            self.fit()
        if parts & {"shown", "picture", "display", "mask_steps"}:
            self._paint_levels()
        if parts & {"shown", "picture", "mask_steps"}:
            self._mark_bad()
            self._paint_veil()
        if parts & {"shown", "regions", "selected"}:
            self._paint_regions(self._model.regions)
        if parts & {"shown", "centre"}:
            self.canvas.show_centre(self._model.state.centre)
        if parts & {"shown", "points"}:
            self.canvas.show_points(self._model.state.points)

    @property
    def _model(self) -> RegionModel:
        return self._session.shown

    def _look(self, seen: Seen) -> None:
        with self._notes:
            self._seen = Viewport(
                seen.top,
                seen.bottom,
                seen.left,
                seen.right,
                max(seen.height, 1),
                max(seen.width, 1),
            )
            self._paint_levels()
            self._paint_veil()
            for look in self._looks:
                look()

    def _draw(
        self, shape: str, detector: str, rows: Sequence[float], cols: Sequence[float]
    ) -> None:
        with self._notes.afresh():
            if detector != self._model.picture.detector:
                raise RegionError(f"the {shape} came late: {detector} is shown no more, draw again")
            self._model.add(drawn(shape, rows, cols))

    def _drag(
        self, about: About, what: str, rows: Sequence[float], cols: Sequence[float], final: bool
    ) -> None:
        with self._notes.afresh():
            if final:
                self._paint_regions(self._model.regions)  # as it is, should the new one be refused
            name = self._shown(about)
            changed = self._changed(self._model[name], what, rows, cols)
            if final:
                self._model.change(name, changed)
            elif name == self._model.selected:  # its handles are the pointer's meanwhile
                self._paint_outlines({**self._model.regions, name: changed})
                for preview in self._previews:
                    preview(changed)

    def _shown(self, about: About) -> str:
        """Return the region that something was done to, if it is there still."""
        detector, name = about[0], self._model.now_called(about[1])
        if detector != self._model.picture.detector or name not in self._model.regions:
            raise RegionError(
                f"what was done to {name} of {detector} came late: it is shown no more, nothing "
                "was changed"
            )
        return name

    def _changed(
        self, region: Drawn, what: str, rows: Sequence[float], cols: Sequence[float]
    ) -> Drawn:
        if isinstance(region, Box):
            places = self._model.picture.layout.to_rectangles(region)
            if len(places) == 1:  # within one tile: free to become any rectangle
                return dragged(places[0], rows, cols)
            (top, _), (left, _) = frame_around(places).rows, frame_around(places).cols
            way = min(rows) - top, min(cols) - left
            return self._model.picture.layout.moved(region, *way)
        if what == "poly":
            return drawn("polygon", rows, cols)
        if what == "inner" and isinstance(region, Ring):
            return inner_dragged(region, rows, cols)
        return dragged(region, rows, cols)

    def _tap(self, row: float, col: float) -> None:
        if self._shape == "points":
            with self._notes.afresh():
                point = round(row, 1), round(col, 1)
                self._model.set_points((*self._model.state.points, point))
            return
        place = np.array(int(row)), np.array(int(col))
        with self._notes:
            hit = [
                (float(np.ptp(self._lines(region)[0], axis=0).prod()), name)
                for name, region in self._model.regions.items()
                if any(one.covers(*place) for one in self._shapes(region))
            ]
            if hit and (smallest := min(hit)[1]) != self._model.selected:
                self._model.select(smallest)

    def _press(self, about: About, key: str, large: bool) -> None:
        with self._notes.afresh():
            if key in ("undo", "redo"):
                (self._model.undo if key == "undo" else self._model.redo)()
            elif not about[1]:
                return
            elif key in _ARROWS:
                step = LARGE if large else STEP
                self._model.move(self._shown(about), *(step * way for way in _ARROWS[key]))
            else:
                self._model.remove(self._shown(about))

    def _paint_levels(self) -> None:
        picture, display = self._model.picture, self._model.state.display
        most = MOST_LEVELS // 2 if self._model.state.mask_steps else MOST_LEVELS
        self.rendered = render(picture, self._seen, display, most=most)
        self.canvas.show_levels(self.rendered.levels, self.rendered.extent)

    def _mark_bad(self) -> None:
        """Place masked pixels on the picture, once for all views of it."""
        bad: Bools = ~self._model.good
        self._bad = self._model.picture.layout.on_picture(bad) if bad.any() else None

    def _paint_veil(self) -> None:
        if self._bad is None:
            self.canvas.show_veil(None, (0, 1, 0, 1))
            return
        marks = render_marks(self._bad, self._seen)
        self.canvas.show_veil(marks.levels > 0, marks.extent)

    def _paint_outlines(self, regions: Mapping[str, Drawn]) -> None:
        selected = self._model.selected
        outlines = [
            Outline(name, self._lines(one), name == selected) for name, one in regions.items()
        ]
        given = {name: lines for name, lines in self._given.items() if name not in regions}
        outlines += [Outline(name, lines, fixed=True) for name, lines in given.items()]
        self.canvas.show_outlines(outlines)

    def _paint_regions(self, regions: Mapping[str, Drawn]) -> None:
        selected = self._model.selected
        self.canvas.show_chosen(self._model.picture.detector, selected)
        self._paint_outlines(regions)
        chosen = regions.get(selected)
        if isinstance(chosen, Polygon):
            self.canvas.show_handles(None, None, chosen.outline()[0])
        elif isinstance(chosen, Box):
            places = self._model.picture.layout.to_rectangles(chosen)
            self.canvas.show_handles(frame_around(places), None, None, fixed=len(places) > 1)
        elif chosen is not None:
            symmetric = not isinstance(chosen, Rectangle)
            self.canvas.show_handles(
                frame_of(chosen), inner_frame(chosen), None, symmetric=symmetric
            )
        else:
            self.canvas.show_handles(None, None, None)

    def _lines(self, region: Drawn) -> tuple[Floats, ...]:
        return tuple(line for one in self._shapes(region) for line in one.outline())

    def _shapes(self, region: Drawn) -> tuple[Region, ...]:
        if isinstance(region, Box):
            return self._model.picture.layout.to_rectangles(region)
        return (region,)

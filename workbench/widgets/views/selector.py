"""The matplotlib view (ipympl): draw, move and resize rectangles, with the typed fields beside."""

from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.extras import load
from workbench.regions import Rectangle
from workbench.widgets.models import Changed, RegionModel, Session
from workbench.widgets.views.static import draw_picture, draw_regions
from workbench.widgets.views.typed import TypedView

SIZE = (6.2, 5.0)  # inches


class SelectorView:
    """A matplotlib canvas on which rectangles are drawn; owns no state.

    A drag draws a new region where none is selected, else it changes the selected rectangle.
    """

    def __init__(self, session: Session) -> None:
        backend = load("ipympl.backend_nbagg", "the matplotlib view", "widgets")
        figures = load("matplotlib.figure", "the matplotlib view", "widgets")
        widgets = load("matplotlib.widgets", "the matplotlib view", "widgets")
        self.session = session
        self._figure = figures.Figure(figsize=SIZE, layout="constrained")
        self.canvas = backend.Canvas(self._figure)
        # Moves are held back by 33 ms otherwise, and the last one comes after the release: a quick
        # drag would give another region than the one that was drawn.
        self.canvas.pan_zoom_throttle = 0
        self.canvas.header_visible = False
        self.canvas.toolbar_position = "bottom"  # on the left it covers the axis
        self._manager = backend.FigureManager(self.canvas, 0)
        self._axes = self._figure.add_subplot()
        self._drawn: list[Any] = []
        self._paint()
        # With blitting, animated artists are never drawn by this canvas.
        self.selector = widgets.RectangleSelector(
            self._axes, self._selected, useblit=False, interactive=True, button=[1],
            minspanx=0.5, minspany=0.5, spancoords="data",
            props={"facecolor": "none", "edgecolor": "#ff2d78", "linewidth": 2},
        )  # fmt: skip
        self.typed = TypedView(session, self.canvas)
        self.widget = self.typed.widget
        for model in session.models.values():
            model.on_change(self._changed)
        session.on_change(self._changed)
        self._changed(Changed(frozenset({"selected"})))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.widget._repr_mimebundle_(include=include, exclude=exclude)

    @property
    def _model(self) -> RegionModel:
        return self.session.shown

    def _changed(self, changed: Changed) -> None:
        if changed.parts & {"shown", "picture", "display"}:
            self._figure.clear()
            self._axes = self._figure.add_subplot()
            self._drawn = []
            self._paint()
            self.selector.ax = self._axes
        for artist in self._drawn:
            artist.remove()
        self._drawn = draw_regions(self._axes, self._model)
        chosen = self._model.regions.get(self._model.selected)
        shown = isinstance(chosen, Rectangle)
        if isinstance(chosen, Rectangle):
            self.selector.extents = (chosen.left, chosen.right, chosen.top, chosen.bottom)
        self.selector.set_visible(shown)
        self.canvas.draw_idle()

    def _paint(self) -> None:
        draw_picture(self._axes, self._model)

    def _selected(self, _press: Any, _release: Any) -> None:
        left, right, top, bottom = self.selector.extents
        try:
            region = Rectangle.around((top, left), (bottom, right))
            chosen = self._model.regions.get(self._model.selected)
            if isinstance(chosen, Rectangle):
                self._model.put(self._model.selected, region)
            else:
                self._model.add(region)
        except WorkbenchError as error:
            self.typed.complain(error)
            self._changed(Changed(frozenset()))

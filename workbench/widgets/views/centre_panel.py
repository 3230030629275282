"""Beam centre and geometry: typed, from rings, from a .poni file; what they give over q."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.core.table import Table
from workbench.regions import Calibrant, Circle, RefinedGeometry, RegionError, Ring, fit_centre
from workbench.widgets.models import (
    Beam,
    RegionModel,
    Session,
    azav_drawn,
    centre_by_itself,
    centre_of_points,
    expected_rings,
    load_poni,
    named_calibrant,
    profile,
    refined,
    save_poni,
    usable,
)
from workbench.widgets.views.answer_panel import Plot
from workbench.widgets.views.fields import number_of, number_text, points_of, points_text
from workbench.widgets.views.notes import Notes
from workbench.widgets.views.picture_view import PictureView

WIDTH = 120  # screen pixels
SECTORS = 8  # of which the profile is drawn, at most
FREE = {
    "centre": ("centre",),
    "centre and distance": ("centre", "distance"),
    "centre, distance, tilts": ("centre", "distance", "tilts"),
}


class CentrePanel:
    """Where the beam is and how far the sample; owns nothing but its fields."""

    def __init__(self, session: Session, notes: Notes, picture: PictureView) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._session, self._notes, self._picture = session, notes, picture
        make = self._pn.widgets

        def number(label: str, **more: Any) -> Any:
            return make.TextInput(label=label, width=WIDTH, **more)

        self._numbers = [
            number("Beam row"),
            number("Beam column"),
            number("Distance [mm]", placeholder="not known"),
            number("Energy [keV]", placeholder="not known"),
            number("Tilt tx [deg]"),
            number("Tilt ty [deg]"),
            number("Pixel [um]", placeholder="by positions"),
        ]
        self._half_typed: tuple[float | None, float | None] = (None, None)
        self._points = make.TextInput(
            label="Points on a ring: (row, column), ...", placeholder="click on the picture",
            width=330,
        )  # fmt: skip
        self._calibrant = make.TextInput(label="Calibrant", value="LaB6", width=WIDTH)
        self._band = make.FloatInput(label="Band [pixel]", value=20.0, start=4, width=WIDTH)
        self._free = make.Select(label="Refine", options=FREE, width=190)
        self._free.value = FREE["centre and distance"]
        self._poni = make.TextInput(label="Geometry file", placeholder="setup.poni", width=230)
        self._width = make.FloatInput(label="q bin [1/angstrom]", value=0.02, start=0, width=WIDTH)
        self._sectors = make.IntInput(label="Sectors", value=1, start=1, width=80)
        self._told = self._pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 10))
        self._plot = Plot("Azimuthal average", "q [1/angstrom]", "mean", SECTORS)
        self._connect()
        self.panel = self._layout()
        self.refresh(frozenset({"shown"}))

    def refresh(self, parts: frozenset[str]) -> None:
        """Show the model again, as far as it changed."""
        if not parts & {"shown", "centre", "beam", "points"}:
            return
        if parts & {"shown"}:
            self._told.object, self._half_typed = "", (None, None)
        with self._notes.quietly():
            self._fill()
        if parts & {"shown", "centre", "beam"}:  # rings and average of the geometry before
            self._picture.show_guides(())
            self._plot.show([])

    def _fill(self) -> None:
        for widget, value in zip(self._numbers, self._known(), strict=True):
            widget.value = number_text(value)
        self._points.value = points_text(self._model.state.points)

    def _known(self) -> tuple[float | None, ...]:
        """Return the number of each field, with all of its digits."""
        beam, centre = self._model.state.beam, self._model.state.centre or self._half_typed
        return (*centre, beam.distance, beam.energy, *beam.tilt, beam.pixel)

    def bins(self) -> dict[str, Any]:
        """Return the bins as an azimuthal entry of a config has them."""
        return {"qbin": self._width.value, "phiBins": self._sectors.value}

    @property
    def _model(self) -> RegionModel:
        return self._session.shown

    def _connect(self) -> None:
        for widget in self._numbers:
            widget.param.watch(self._guarded(self._type), "value")
        self._points.param.watch(
            self._guarded(lambda: self._model.set_points(points_of(self._points.value))), "value"
        )

    def _layout(self) -> Any:
        pn, button = self._pn, self._button

        def row(*parts: Any) -> Any:
            return pn.FlexBox(*parts, align_items="flex-end")

        finding = row(
            button("Find rings", self._find, 100),
            button("Middle of region", self._take_middle),
            button("Fit to drawn ring", self._fit),
        )
        return pn.Column(
            row(*self._numbers),
            finding,
            row(
                self._points,
                button("Fit to points", self._fit_points, 110),
                button("No points", lambda: self._model.set_points(()), 90),
            ),
            row(
                self._calibrant,
                self._band,
                self._free,
                button("Show rings", self._show_rings, 100),
                button("Refine on rings", self._refine),
            ),
            row(
                self._poni,
                button("Read .poni", self._read, 100),
                button("Write .poni", self._write, 100),
            ),
            self._told,
            row(self._width, self._sectors, button("Preview over q", self._preview)),
            pn.pane.Bokeh(self._plot.figure, sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )

    def _type(self) -> None:
        row, col, distance, energy, tx, ty, pixel = (
            number_of(one.value, one.label, known)
            for one, known in zip(self._numbers, self._known(), strict=True)
        )
        beam = Beam(distance, energy, (tx or 0.0, ty or 0.0), pixel)
        # One of the two alone is no centre yet: it waits for the other.
        whole = row is not None and col is not None
        self._half_typed = (None, None) if whole else (row, col)
        self._model.set_beam((row, col) if row is not None and col is not None else None, beam)

    def _take_middle(self) -> None:
        region = self._chosen()
        if not isinstance(region, Circle | Ring):
            raise RegionError("the middle is that of a circle or ring: select one")
        self._model.set_centre((region.row, region.col))

    def _find(self) -> None:
        self._told.object = f"Found by itself: {escape(str(centre_by_itself(self._model)))}"

    def _fit_points(self) -> None:
        self._told.object = f"Circle through points: {escape(str(centre_of_points(self._model)))}"

    def _fit(self) -> None:
        ring = self._chosen()
        if not isinstance(ring, Ring):
            raise RegionError("draw a ring so that a ring of light lies between its two circles")
        model = self._model
        image, good = usable(model)
        radius, width = (ring.inner + ring.outer) / 2, ring.outer - ring.inner
        fit = fit_centre(image, good, centre=(ring.row, ring.col), radii=[radius], width=width)
        model.set_centre((fit.row, fit.col))
        self._told.object = f"Fitted to the drawn ring: {escape(str(fit))}"

    def _refine(self) -> None:
        substance = self._substance()
        found = refined(self._model, substance, width=self._band.value, free=self._free.value)
        self._told.object = _residuals(found, substance)
        self._picture.show_guides(expected_rings(self._model, substance))

    def _show_rings(self) -> None:
        lines = expected_rings(self._model, self._substance())
        self._picture.show_guides(lines)
        self._notes.say(f"{len(lines)} rings of {self._calibrant.value} lie on the picture")

    def _substance(self) -> Calibrant:
        return named_calibrant(self._calibrant.value.strip())

    def _read(self) -> None:
        load_poni(self._model, self._path())
        self._notes.say(f"Read: {self._path()}")

    def _write(self) -> None:
        save_poni(self._model, self._path())
        self._notes.say(f"Written: {self._path()}, for the assembled picture")

    def _path(self) -> Path:
        text = self._poni.value.strip()
        if not text:
            raise InputError("Geometry file: give the path of a .poni file")
        return Path(text)

    def _preview(self) -> None:
        model = self._model
        found = profile(model.picture, azav_drawn(model, **self.bins()))
        self._plot.figure.yaxis[0].axis_label = f"mean [{found.unit}]"
        self._plot.show([(found.q, values) for values in found.values[:SECTORS]])

    def _chosen(self) -> Any:
        if not self._model.selected:
            raise RegionError("no region is selected: choose one in the list, or draw one")
        return self._model[self._model.selected]

    def _guarded(self, act: Callable[[], object]) -> Callable[[Any], None]:
        return self._notes.guarded(act, then=lambda: self.refresh(frozenset({"points"})))

    def _button(self, name: str, act: Callable[[], object], width: int = WIDTH + 20) -> Any:
        button = self._pn.widgets.Button(label=name, align="end", width=width)
        button.on_click(self._notes.guarded(act))
        return button


def _residuals(found: RefinedGeometry, substance: Calibrant) -> str:
    rows = tuple(
        (f"d = {substance.spacings[line]:.4f} angstrom", len(ring), f"{rms:.4f}")
        for line, ring, rms in zip(found.lines, found.rings, found.rms_of_rings, strict=True)
    )
    table = Table(("ring", "points", "rms [deg]"), rows)
    return f"Refined: {escape(str(found))}{table._repr_html_()}"

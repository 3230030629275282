"""Other runs of the same detector: their pictures, and whether a region still fits in them."""

from html import escape

from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.widgets.models import Picture, RegionModel, follow, run_numbers
from workbench.widgets.opening import Opened
from workbench.widgets.views.notes import Notes


class RunsPanel:
    """Opens pictures of other runs; follows the selected region over them."""

    def __init__(self, opened: Opened, notes: Notes) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._opened, self._notes = opened, notes
        make = self._pn.widgets
        self._runs = make.TextInput(label="Runs", placeholder="14-20, 23", width=200)
        self._told = self._pn.pane.HTML("", sizing_mode="stretch_width", margin=(5, 10))
        buttons = []
        for name, act in {"Does the region fit?": self._follow, "Add pictures": self._add}.items():
            button = make.Button(label=name, align="end", width=150)
            button.on_click(notes.guarded(act))
            buttons.append(button)
        buttons[0].color = "primary"
        self.panel = self._pn.Column(
            self._pn.FlexBox(self._runs, *buttons, align_items="flex-end"),
            self._told,
            sizing_mode="stretch_width",
        )

    def refresh(self, parts: frozenset[str]) -> None:
        """Forget a table that is no longer that of what is drawn."""
        if parts & {"shown", "regions", "selected"}:
            self._told.object = ""

    @property
    def _model(self) -> RegionModel:
        return self._opened.session.shown

    def _pictures(self) -> dict[int | str, Picture]:
        """Return the pictures of the runs that were typed, else those at hand."""
        detector, text = self._model.picture.detector, self._runs.value.strip()
        if not text:
            at_hand = self._opened.session.pictures(detector)
            return {origin: picture for origin, picture in at_hand.items()}  # noqa: C416
        if self._opened.another is None:
            raise InputError(
                "Runs: other runs are not at hand; open the editor on the path of a raw run or of "
                "a small-data file"
            )
        return {run: self._opened.another(run, detector) for run in run_numbers(text)}

    def _add(self) -> None:
        if not self._runs.value.strip():
            raise InputError("Runs: type the runs whose pictures to add, as 14-20, 23")
        for picture in self._pictures().values():
            self._opened.session.add(picture)
        self._notes.say("Added; choose one under Picture")

    def _follow(self) -> None:
        name = self._model.selected
        if not name:
            raise InputError("no region is selected: choose one in the list, or draw one")
        drift = follow(self._pictures(), name, self._model[name])
        findings = "".join(f"<li>{escape(str(one))}</li>" for one in drift.findings)
        fits = "<p>The region fits in all of them.</p>"
        table = drift.table._repr_html_()
        self._told.object = f"{f'<ul>{findings}</ul>' if findings else fits}{table}"

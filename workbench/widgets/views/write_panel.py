"""Writing what is drawn into the producer config: runs, the diff first, findings, undo."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from workbench.core.errors import InputError, WorkbenchError
from workbench.core.extras import load
from workbench.producer.editor import undo
from workbench.widgets.models import (
    Existing,
    Planned,
    RegionModel,
    Saved,
    WriteBack,
    affected,
    produce_commands,
    runs_in,
)
from workbench.widgets.models.state import Drawn
from workbench.widgets.opening import Opened
from workbench.widgets.views.notes import Notes
from workbench.widgets.views.picture_view import PictureView

AREAS = {"as it is": None, "keep": True, "do not keep": False}
MASKED = {"not the drawn one": False, "the drawn one": True}
ALL, SELECTED = "all regions", "the selected region"
MASK, AZAV_MASK = "the mask, for the selected region", "the mask, for the azimuthal average"
CENTRE, REMOVE = "the centre, for the azimuthal average", "no more: an entry of the config"


class WritePanel:
    """From what is drawn to the config: shown as a diff, and written only then."""

    def __init__(
        self,
        opened: Opened,
        notes: Notes,
        picture: PictureView,
        bins: Callable[[], Mapping[str, Any]],
        *,
        config: Path | None,
        run: int | None,
    ) -> None:
        self._pn = load("panel", "the region editor", "widgets")
        self._opened, self._notes, self._bins = opened, notes, bins
        self._picture = picture
        self._back: WriteBack | None = None  # holds the plan that is shown
        # What picture and config had alike when they were last compared: detector, name -> region.
        self._agreed: dict[tuple[str, str], Drawn] = {}
        make = self._pn.widgets
        self._config = make.TextInput(
            label="Config", value=str(config or ""), placeholder="prod_config_xpp.py", width=330
        )
        self._first = make.IntInput(label="From run", value=run, width=100)
        self._last = make.IntInput(label="To run", value=None, placeholder="all later", width=100)
        self._what = make.Select(label="Write", options=list(self._plans), width=290)
        self._area = make.Select(
            label="Pixels of every event", width=160,
            options=list(AREAS),
        )  # fmt: skip
        self._floor = make.FloatInput(
            label="Count as zero below", value=None, placeholder="as it is", width=150
        )
        # No check box: Bokeh's has no name that a screen reader could tell.
        self._masked = make.Select(label="Mask", options=list(MASKED), width=160)
        self._entry = make.Select(label="Entry", options=[], visible=False, width=160)
        self._config.param.watch(notes.guarded(self._use_config), "value")
        self._what.param.watch(notes.guarded(self._show_options), "value")
        self._entry.param.watch(lambda _event: self._plan_no_more(), "value")
        self._write = make.Button(
            label="Write to the config", color="success", disabled=True, align="end"
        )
        self._write.on_click(notes.guarded(self._save))
        self._diff = self._pn.pane.HTML("", sizing_mode="stretch_width", margin=(5, 10))
        self.panel = self._layout()

    def refresh(self, parts: frozenset[str]) -> None:
        """Forget a plan that is no longer what is drawn, and regions of another detector."""
        if parts & {"shown"}:
            self._picture.show_given({})
        if parts & {"shown", "regions", "mask_steps", "centre", "beam"} and self._back is not None:
            self._forget()
            self._diff.object = "Something was changed since: show the changes again."
        if "selected" in parts and self._model.selected in self._entry.options:
            self._entry.value = self._model.selected

    def take_over(self, told: Sequence[str] = ()) -> None:
        """Draw the regions that the config has for the run, besides those drawn already.

        Those that a mask makes are outlined only: they are no shape that could be dragged. What
        was told before is said with the rest.
        """
        with self._new() as back:
            taken = back.take_over(self._model)
        found = self._outline()
        self._model.select("")
        others = {name: found[name] for name in sorted(set(found) - set(self._model.regions))}
        lines = [*told, f"In the config for this run: {', '.join(found) or 'no region'}"]
        lines += _undrawn(others)
        self._notes.say("\n".join(lines))
        if taken:
            self._forget()

    def _outline(self) -> dict[str, Existing]:
        """Outline the regions that the config has now for the run; return them."""
        with self._new() as back:
            found = back.existing(self._model)
        self._follow(found)
        layout = self._model.picture.layout
        self._picture.show_given(
            {name: around for name, one in found.items() if (around := one.outline(layout))}
        )
        selected = self._model.selected
        names, chosen = list(found), self._entry.value
        kept = next((name for name in (selected, chosen) if name in found), None)
        self._entry.param.update(options=names, value=kept or next(iter(names), None))
        return found

    def _follow(self, found: Mapping[str, Existing]) -> None:
        """Move regions that somebody else moved in the config, and nobody here since both agreed.

        Else the next write of all regions would take their change back.
        """
        model, shape = self._model, self._model.picture.frame.shape
        for name in [name for name in found if name in model.regions]:
            one, key = found[name], (self._detector, name)
            if one.region is None or one.same_pixels(model.config_of(name), shape):
                self._agreed[key] = model[name]
            elif model[name] == self._agreed.get(key) and not one.has_mask:
                model.change(name, one.region)
                self._agreed[key] = one.region

    def _use_config(self) -> list[str]:
        """Take the common mode of the config off the frames, as a production does."""
        path = Path(self._config.value.strip())
        told = self._opened.use_config(path) if path.is_file() else []
        if told:
            self._notes.say("\n".join(told))
        return told

    def _read_again(self) -> None:
        self.take_over(self._use_config())

    def _show_options(self) -> None:
        self._plan_no_more()
        regions = self._what.value in (ALL, SELECTED)
        self._area.visible = self._floor.visible = regions
        self._masked.visible = regions or self._what.value == CENTRE
        self._entry.visible = self._what.value == REMOVE
        if self._entry.visible:
            self._outline()

    def _plan_no_more(self) -> None:
        self._forget()
        self._diff.object = ""

    @property
    def _model(self) -> RegionModel:
        return self._opened.session.shown

    def _layout(self) -> Any:
        box, make = self._pn.FlexBox, self._pn.widgets
        acts = {
            "Regions of the config": self._read_again,
            "Show the changes": self._plan,
            "Undo the last write": self._undo,
        }
        buttons = []
        for name, act in acts.items():
            button = make.Button(label=name, align="end")
            button.on_click(self._notes.guarded(act))
            buttons.append(button)
        load_, show, back = buttons
        show.color = "primary"
        end = {"align_items": "flex-end"}
        return self._pn.Column(
            box(self._config, self._first, self._last, load_, **end),
            box(self._what, self._entry, self._area, self._floor, self._masked, **end),
            box(show, self._write, back, **end),
            self._diff,
            sizing_mode="stretch_width",
        )

    def _new(self) -> WriteBack:
        path = self._config.value.strip()
        if not path:
            raise InputError("Config: give the path of the producer config")
        if self._first.value is None:
            raise InputError("From run: give the first run that gets the regions")
        return WriteBack(path, from_run=self._first.value, to_run=self._last.value)

    @property
    def _plans(self) -> dict[str, Callable[[WriteBack], Planned]]:
        return {
            ALL: lambda back: self._plan_regions(back, list(self._model.regions)),
            SELECTED: lambda back: self._plan_regions(back, [self._chosen()]),
            MASK: lambda back: back.plan_mask(self._model, self._chosen()),
            AZAV_MASK: lambda back: back.plan_mask(self._model, "azav", function="azav"),
            CENTRE: self._plan_centre,
            REMOVE: lambda back: back.plan_removal(self._detector, self._listed()),
        }

    def _plan(self) -> None:
        self._forget()
        self._outline()
        planning = self._plans[self._what.value]
        self._back = self._new()
        try:
            planned = planning(self._back)
        except WorkbenchError:
            self._forget()
            raise
        self._write.disabled = not planned.changed or bool(planned.refused)
        self._diff.object = _told(planned)

    def _plan_regions(self, back: WriteBack, names: list[str]) -> Planned:
        if not names:
            raise InputError("there is no region to write: draw one")
        return back.plan_regions(
            self._model,
            names,
            write_area=AREAS[self._area.value],
            threshold=self._floor.value,
            with_mask=MASKED[self._masked.value],
        )

    def _plan_centre(self, back: WriteBack) -> Planned:
        return back.plan_centre(self._model, with_mask=MASKED[self._masked.value], **self._bins())

    @property
    def _detector(self) -> str:
        return self._model.picture.detector

    def _chosen(self) -> str:
        if not self._model.selected:
            raise InputError("no region is selected: choose one in the list, or draw one")
        return self._model.selected

    def _listed(self) -> str:
        name: str | None = self._entry.value
        if name is None:
            raise InputError(f"the config gives no region of {self._detector} for this run")
        return name

    def _save(self) -> None:
        if self._back is None:
            raise InputError("show the changes first, then write them")
        back = self._back
        try:
            saved = back.save()
        finally:
            self._forget()
        self._diff.object = ""
        self._outline()
        self._notes.say("\n".join([_written(saved), *self._commands(back)]))

    def _commands(self, back: WriteBack) -> list[str]:
        """Return what produces the affected runs again, where their raw data are at hand."""
        opened = self._opened
        if opened.folder is None or not opened.experiment:
            return []
        runs = affected(runs_in(opened.folder), from_run=back.from_run, to_run=back.to_run)
        commands = produce_commands(
            opened.experiment, runs, xtc=opened.folder, config=back.path, constants=opened.constants
        )
        return ["To produce the affected runs again:", *commands] if commands else []

    def _undo(self) -> None:
        self._forget()
        with self._new() as back:
            version = undo(back.path)
        self._outline()
        self._notes.say(f"The config is as it was before: {version.what}")
        self._diff.object = ""

    def _forget(self) -> None:
        if self._back is not None:
            self._back.close()
        self._back = None
        self._write.disabled = True


def _undrawn(others: Mapping[str, Existing]) -> list[str]:
    """Return why regions of the config cannot be dragged."""
    masked = [name for name, one in others.items() if one.config is not None and not one.problem]
    lines = [f"{name} is not drawn: {one.problem}" for name, one in others.items() if one.problem]
    if masked:
        lines.append(
            f"Dashed: {', '.join(masked)}. A mask chooses their pixels, so they cannot be dragged; "
            "they stay as they are until regions of these names are drawn and written, or until "
            f"they are taken out (Write: {REMOVE})."
        )
    return lines


def _written(saved: Saved) -> str:
    if not saved.written:
        return f"{saved.path} said all this already; nothing was written."
    kept = " Changes that somebody else made meanwhile are kept." if saved.theirs else ""
    return f"Written: {saved.path}.{kept}"


def _told(planned: Planned) -> str:
    findings = "".join(f"<li>{escape(str(finding))}</li>" for finding in planned.findings)
    colours = {"+": "#1d5b36", "-": "#8c1d18", "@": "#5b4b8a"}
    lines = "\n".join(
        f'<span style="color:{colours.get(line[:1], "#333")}">{escape(line)}</span>'
        for line in planned.diff.splitlines()
    )
    refused = "<p>This cannot be written: see the errors below.</p>" if planned.refused else ""
    text = lines or "The config says all this already: nothing to write."
    return (
        f'<pre class="workbench-diff" aria-label="What would change" style="background:#f7f7f5;'
        f'padding:8px;font-size:13px;overflow-x:auto;max-height:320px">{text}</pre>{refused}'
        + (f"<ul>{findings}</ul>" if findings else "")
    )

"""Editing a config: changes are planned and checked one by one, shown as a diff, saved together."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from workbench.core.findings import Finding, Severity, worst_first
from workbench.producer.editor import beside, journal, masks, poni
from workbench.producer.editor.changes import (
    DEFAULT_NAMES,
    ROIS,
    Change,
    remove_entry,
    set_azav,
    set_mask,
    set_poni,
    set_roi,
)
from workbench.producer.editor.effects import key_values
from workbench.producer.editor.evaluator import Evaluator, Outcome, list_name
from workbench.producer.editor.planning import Plan, function_name, plan
from workbench.producer.editor.review import Shapes, present, review
from workbench.producer.editor.source import Source
from workbench.producer.editor.together import Masked, plan_together
from workbench.regions import check_mask


class ConfigEdit:
    """An edit of one config file; nothing is written before `save`.

    Use it in a ``with`` block, or call `close`. Each change is kept only if it does exactly what
    was asked, in exactly the runs asked for: `EditRefusedError` otherwise, and the edit is as
    before.

    Parameters
    ----------
    path
        The config.
    evaluator
        Shared between edits where many are made.
    new_detectors
        Detectors of the run that a change may add to the config; one that the config does not
        have is else refused by `UnknownDetectorError`, as a slip of the pen.
    """

    def __init__(
        self,
        path: str | Path,
        evaluator: Evaluator | None = None,
        *,
        new_detectors: Collection[str] = (),
    ) -> None:
        self.path = Path(path).absolute()
        self._new_detectors = frozenset(new_detectors)
        self._evaluator = evaluator or Evaluator()
        self._owned = evaluator is None
        self._before = Source(journal.read_bytes(self.path), str(path))
        self._now = self._before
        self._plans: list[tuple[Change, Plan, Any]] = []
        self._kept: list[Path] = []
        self._good: dict[Path, tuple[str, Any, tuple[int, ...] | None]] = {}
        self._doubts: list[Finding] = []

    def __enter__(self) -> "ConfigEdit":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the edit; what was not saved is forgotten."""
        for path in self._kept:
            beside.discard(self.path, path)
        self._kept = []
        if self._owned:
            self._evaluator.close()

    def set_roi(
        self, detector: str, name: str, bounds: Sequence[Sequence[int]], **options: Any
    ) -> Plan:
        """Set a region; the options are those of `changes.set_roi`."""
        return self.apply(set_roi(detector, name, bounds, **options))

    def set_azav(self, detector: str, **options: Any) -> Plan:
        """Set parameters of azimuthal integration; the options are those of `changes.set_azav`."""
        return self.apply(set_azav(detector, **options))

    def set_mask(
        self,
        detector: str,
        name: str,
        good: Any,
        *,
        shape: tuple[int, ...] | None = None,
        **options: Any,
    ) -> Plan:
        """Give an entry a mask, kept in a file beside the config.

        Parameters
        ----------
        detector, name
            The entry.
        good
            Boolean array of the shape of the frames, True = use; or the path of a file, see
            `masks.store`.
        shape
            Of the detector's frames: a mask of another one is refused. None: not known.
        options
            Those of `changes.set_mask`.
        """
        self._check_entry(detector, name, **options)
        stored = self.keep_mask(name, good, shape)
        origin = str(good) if isinstance(good, str | Path) else "the mask"
        self._doubts += check_mask(np.load(stored.path), field=f"{detector} {name}", origin=origin)
        change = set_mask(detector, name, stored.relative, **options)
        return self.apply(change, mask=stored.told)

    def set_poni(self, detector: str, source: str | Path, **options: Any) -> Plan:
        """Give a detector's integration by pyFAI a geometry file, kept beside the config.

        Parameters
        ----------
        detector
            The detector.
        source
            The ``.poni`` file, of which a copy is kept.
        options
            Those of `changes.set_poni`.
        """
        return self.apply(set_poni(detector, self.keep_poni(detector, source), **options))

    def remove(self, detector: str, name: str, **options: Any) -> Plan:
        """Take an entry away; the options are those of `changes.remove_entry`."""
        return self.apply(remove_entry(detector, name, **options))

    def apply(self, change: Change, mask: Any = None) -> Plan:
        """Plan one change on top of those before; return what was done."""
        made = self._plan(self._now, change, mask)
        self._plans.append((change, made, mask))
        self._now = made.source
        return made

    def apply_together(self, changes: Sequence[Masked]) -> Plan:
        """Plan many changes of one function as one block, with one check for all of them.

        Each comes with its mask's value as `masks.store` tells it, or None. The detectors must be
        listed already.
        """
        made = plan_together(self._now, changes, self.path, self._evaluator)
        self._plans += [(change, made, mask) for change, mask in changes]
        self._now = made.source
        return made

    def keep_mask(
        self, name: str, good: Any, shape: tuple[int, ...] | None = None
    ) -> masks.StoredMask:
        """Keep a mask beside the config for `apply`; it is forgotten if the edit is not saved."""
        stored = masks.store(self.path, name, good, shape)
        if stored.made:
            self._kept.append(stored.path)
        self._good[stored.path] = (name, good, shape)
        return stored

    def keep_poni(self, detector: str, source: str | Path) -> str:
        """Keep a ``.poni`` file beside the config, as `keep_mask` does; return its path."""
        stored = poni.store(self.path, detector, source)
        if stored.made:
            self._kept.append(stored.path)
        return str(stored.path)

    def replanned(self) -> str:
        """Plan the same changes on what the file holds now; return the new diff.

        For use after `ChangedMeanwhileError`: somebody else's changes stay. Where a change cannot
        be made any more its error is raised, and the edit is as before.
        """
        before = Source(journal.read_bytes(self.path), self._before.name)
        now = before
        plans: list[tuple[Change, Plan, Any]] = []
        for change, _, mask in self._plans:
            made = self._plan(now, change, mask)
            plans.append((change, made, mask))
            now = made.source
        self._before, self._now, self._plans = before, now, plans
        return self.diff

    @property
    def changed(self) -> bool:
        """Tell whether there is anything to save."""
        return self._now.raw != self._before.raw

    @property
    def text(self) -> str:
        """The new text."""
        return self._now.text.decode()

    @property
    def diff(self) -> str:
        """What would be written, as a unified diff; empty where nothing changes."""
        return unified(self._before.text, self._now.text, self.path.name)

    def entries(self, run: int, function: str = ROIS) -> Mapping[str, Any]:
        """Return what the config, with the changes so far, gives for each detector in one run."""
        name = function_name(self._now, Change(function, "any", "any", run, remove=True))
        return present(self._evaluator.values(self._now, self.path, [run])[run], name)

    def _plan(self, source: Source, change: Change, mask: Any) -> Plan:
        return plan(source, change, self.path, self._evaluator, mask, self._new_detectors)

    def _check_entry(
        self, detector: str, name: str, *, from_run: int, function: str = ROIS, **_: Any
    ) -> None:
        """Tell that there is no entry yet that could get a mask."""
        found = self.entries(from_run, function).get(detector, [])
        listed = [found] if isinstance(found, Mapping) else found
        default = DEFAULT_NAMES[function_name(self._now, remove_entry(
            detector, name, function=function, from_run=from_run))]  # fmt: skip
        names = [one.get("name", default) for one in listed if isinstance(one, Mapping)]
        if name in names:
            return
        made = "a region of all pixels that the mask uses is made"
        if function != ROIS:
            made = "an entry with nothing but the mask is made, to be completed with set-azav"
        way = f" (it has {', '.join(names)})" if names else ""
        text = f"{detector} has no {name!r} in run {from_run}{way}: {made}"
        self._doubts.append(
            Finding("new-entry", Severity.WARNING, text, detector, file=str(self.path))
        )

    @property
    def before(self) -> bytes:
        """The text as it was read, in UTF-8."""
        return self._before.text

    def detectors(self, run: int) -> list[Any]:
        """Return the config's list of detectors in one run, with the changes so far."""
        values = self._evaluator.values(self._now, self.path, [run])[run]
        found = values.get(list_name(self._now), Outcome([])).value
        return list(found) if isinstance(found, list) else []

    def entry_before(self, run: int, function: str, detector: str, name: str) -> Any:
        """Return one entry as the text that was read gives it; None where there is none."""
        change = Change(function, detector, name, run, remove=True)
        values = self._evaluator.values(self._before, self.path, [run])[run]
        return key_values(function_name(self._before, change), change, values)

    def findings(self, run: int, shapes: Shapes | None = None) -> list[Finding]:
        """Return what is wrong with the regions of a run, and doubtful in masks of this edit."""
        changed = {
            change.detector
            for change, _, _ in self._plans
            if change.function == ROIS and not change.remove
        }
        found = review(self.entries(run), shapes or {}, str(self.path), changed)
        return worst_first([*found, *self._doubts])

    def save(self) -> bool:
        """Write the new text; False where nothing changes.

        The old version goes to the journal beside the config. Raises `ChangedMeanwhileError` if
        the file is no longer what was read.
        """
        if not self.changed:
            return False
        for path, (name, good, shape) in self._good.items():
            if not path.exists():  # another edit made it, and was given up meanwhile
                masks.store(self.path, name, good, shape)
        what = "; ".join(f"{one.detector} {one.name}: {made.how}" for one, made, _ in self._plans)
        journal.save(self.path, self._before.raw, self._now.raw, what)
        self._before, self._plans, self._kept = self._now, [], []
        return True


def edit_config(path: str | Path, *, new_detectors: Collection[str] = ()) -> ConfigEdit:
    """Begin an edit of a producer config, which may add some detectors; see `ConfigEdit`."""
    return ConfigEdit(path, new_detectors=new_detectors)


def unified(old: bytes, new: bytes, name: str) -> str:
    """Return a unified diff of two texts."""
    before, after = (text.decode().splitlines(keepends=True) for text in (old, new))
    lines = difflib.unified_diff(before, after, f"{name} (before)", f"{name} (after)")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

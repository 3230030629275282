"""From the picture into the producer config: planned, shown as a diff, then written.

A plan writes nothing but mask files, which go again if it is given up. If the config is changed by
somebody else before it is saved, the same wishes are planned anew on the new text, unless the other
changed the very same entries: then both changes are shown and nothing is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from workbench.core.arrays import Bools
from workbench.core.errors import InputError, WorkbenchError, near
from workbench.core.findings import Finding, Severity, worst_first
from workbench.producer.editor import (
    Change,
    ChangedMeanwhileError,
    ConfigEdit,
    remove_entry,
    set_roi,
)
from workbench.producer.editor.changes import ROIS, set_azav
from workbench.producer.editor.editing import unified
from workbench.producer.editor.evaluator import Evaluator
from workbench.regions import Box, ConfigRegion, check_mask
from workbench.widgets.models.answers import masked
from workbench.widgets.models.beam import azav_values
from workbench.widgets.models.existing import Existing, existing_regions
from workbench.widgets.models.model import RegionModel
from workbench.widgets.models.plans import BothChangedError, Planned, Saved, Wish
from workbench.widgets.models.state import Drawn

MASK, PYFAI = "userMask", "pyfai"
ATTEMPTS = 3  # to save while others do


class WriteBack:
    """Brings what was drawn into a config, for a range of runs; use it in a ``with`` block.

    Parameters
    ----------
    config
        The producer config.
    from_run, to_run
        First and last run concerned, both included; None: all later runs.
    """

    def __init__(self, config: str | Path, *, from_run: int, to_run: int | None = None) -> None:
        self.path = Path(config).absolute()
        self.from_run, self.to_run = from_run, to_run
        self._evaluator = Evaluator()
        self._planned: Planned | None = None

    def __enter__(self) -> "WriteBack":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up what was planned and not saved."""
        self._give_up()
        self._evaluator.close()

    def existing(self, model: RegionModel) -> dict[str, Existing]:
        """Return the regions that the config gives now for the detector in the first run."""
        picture = model.picture
        return existing_regions(self.path, picture.detector, picture.frame.shape, run=self.from_run)

    def take_over(self, model: RegionModel) -> list[str]:
        """Draw the regions of the config that can be read and have no mask; return their names."""
        found = self.existing(model)
        taken = [
            name
            for name, one in found.items()
            if one.config is not None and one.config.good is None and name not in model.regions
        ]
        for name in taken:
            region = found[name].region
            assert region is not None
            model.put(name, region)
        return taken

    def plan_regions(
        self,
        model: RegionModel,
        names: Iterable[str] | None = None,
        *,
        write_area: bool | None = None,
        threshold: float | Sequence[float] | None = None,
        with_mask: bool = False,
        values: Mapping[str, Any] | None = None,
    ) -> Planned:
        """Plan regions of a model; those that the config gives already are left alone.

        Parameters
        ----------
        model
            Where they are drawn.
        names
            Which; None: all but those that were taken over and stand as the config gives them.
        write_area, threshold
            As of `producer.editor.set_roi`; None: as it is.
        with_mask
            Take out what the model's mask takes out.
        values
            Further keys of the entries, such as ``{"proj_ax": 0}``.
        """
        there, findings, wishes, kept = self.existing(model), [], [], []
        shape, options = model.picture.frame.shape, dict(values or {})
        for name in model.regions if names is None else names:
            config = masked(model.config_of(name), model.good if with_mask else None)
            old = there.get(name)
            if names is None and old is not None and _as_taken(old, model[name]):
                continue
            plain = write_area is None and threshold is None and not options
            if plain and old is not None and old.same_pixels(config, shape):
                kept.append(name)
                continue
            if old is not None and not old.same_pixels(config, shape):
                findings.append(self._replaced(model, old))
            wishes.append(self._wish(model, name, config, old, write_area, threshold, options))
        findings += _of_mask(model, "these regions", with_mask=with_mask)
        self.plan(wishes, {model.picture.detector: shape}, findings)
        assert self._planned is not None
        self._planned = replace(self._planned, kept=tuple(kept))
        return self._planned

    def plan_mask(self, model: RegionModel, name: str, *, function: str = ROIS) -> Planned:
        """Plan to give an entry of the config the drawn mask.

        Parameters
        ----------
        model
            With the mask.
        name
            Of the entry.
        function
            "getROIs", "azav" or "pyfai".
        """
        picture = model.picture
        change = Change(
            function, picture.detector, name, self.from_run, self.to_run, mask="to be stored"
        )
        findings = _of_mask(model, name, with_mask=True)
        return self.plan(
            [Wish(change, model.good, seen=True)], {picture.detector: picture.frame.shape}, findings
        )

    def plan_centre(self, model: RegionModel, *, with_mask: bool = True, **bins: Any) -> Planned:
        """Plan the azimuthal average of a model's beam; `azav_drawn` shows what it gives.

        Parameters
        ----------
        model
            With the beam.
        with_mask
            Give the entry the model's mask, where there is one; else its mask stays as it is.
        bins
            Other keys of the entry: ``qbin`` [1/angstrom], ``phiBins``, ...
        """
        change = set_azav(
            model.picture.detector, from_run=self.from_run, to_run=self.to_run,
            **azav_values(model), **bins,
        )  # fmt: skip
        return self._plan_average(model, change, with_mask=with_mask)

    def plan_poni(
        self, model: RegionModel, path: Path, *, with_mask: bool = True, **values: Any
    ) -> Planned:
        """Plan an average by pyFAI's geometry file, kept beside the config; see `integration_of`.

        Parameters
        ----------
        model
            Of the detector, with its mask.
        path
            The ``.poni`` file, for the assembled picture; `save_poni` writes one.
        with_mask
            Give the entry the model's mask, where there is one; else its mask stays as it is.
        values
            Other keys of the entry: ``npts``, ``return2d``, ...
        """
        change = Change(PYFAI, model.picture.detector, PYFAI, self.from_run, self.to_run, values)
        return self._plan_average(model, change, with_mask=with_mask, poni=Path(path))

    def plan_azav(
        self, detector: str, *, name: str = "azav", good: Bools | None = None, **values: Any
    ) -> Planned:
        """Plan parameters of azimuthal integration; see `producer.editor.set_azav`.

        Parameters
        ----------
        detector, name
            The entry.
        good
            Its mask, shape of the frames, True = use; None: as it is.
        values
            As of `set_azav`.
        """
        change = set_azav(detector, from_run=self.from_run, to_run=self.to_run, name=name, **values)
        return self.plan([Wish(change, good)], {}, [])

    def plan_removal(self, detector: str, *names: str) -> Planned:
        """Plan to take regions out of the config."""
        wishes = [
            Wish(remove_entry(detector, name, from_run=self.from_run, to_run=self.to_run))
            for name in names
        ]
        return self.plan(wishes, {}, [])

    def plan(
        self,
        wishes: Sequence[Wish],
        shapes: Mapping[str, tuple[int, ...]],
        findings: Sequence[Finding] = (),
    ) -> Planned:
        """Plan changes on the config as it is on disk now; gives up the plan before."""
        self._give_up()
        seen = {wish.change.detector for wish in wishes if wish.seen}
        edit = ConfigEdit(self.path, self._evaluator, new_detectors=seen)
        self._planned = Planned(edit, tuple(wishes))  # so that its masks go if it fails
        runs = dict.fromkeys((self.from_run, self.to_run or self.from_run))
        before = [one for run in runs for one in edit.findings(run, shapes)]
        added = self._added(edit, seen)
        how = tuple(self._apply(edit, wishes))
        found = dict.fromkeys([*findings, *added])
        for run in runs:
            found |= dict.fromkeys(edit.findings(run, shapes))
        told = tuple(worst_first(found))
        refused = (one for one in told if one.severity is Severity.ERROR and one not in before)
        self._planned = Planned(edit, tuple(wishes), how, told, tuple(refused))
        return self._planned

    def save(self) -> Saved:
        """Write what was planned last.

        Raises `InputError` where the plan brings an error (`Planned.refused`), `BothChangedError`
        where somebody else changed the same entries meanwhile; other changes of theirs are kept.
        `WorkbenchError` where nothing is planned, `ChangedMeanwhileError` where others change the
        file again and again.
        """
        if self._planned is None:
            raise WorkbenchError("nothing is planned: plan first, look at the diff, then save")
        planned, first = self._planned, self._planned.edit
        if planned.refused:
            raise InputError(f"nothing was written: {planned.refused[0]}")
        for _ in range(ATTEMPTS):
            try:
                diff, written = planned.diff, planned.edit.save()
            except ChangedMeanwhileError:
                self._compare(planned)
                planned = self.plan(planned.wishes, {})
                continue
            self._give_up()
            theirs = (
                ""
                if planned.edit is first
                else unified(first.before, planned.edit.before, self.path.name)
            )
            return Saved(self.path, written, diff, theirs)
        raise ChangedMeanwhileError(
            f"{self.path}: others change it all the time; nothing was written, save again"
        )

    def _plan_average(
        self, model: RegionModel, change: Change, *, with_mask: bool, poni: Path | None = None
    ) -> Planned:
        masks = with_mask and bool(model.state.mask_steps)
        findings = _of_mask(model, "the azimuthal average", with_mask=masks)
        wish = Wish(change, model.good if masks else None, poni, seen=True)
        return self.plan([wish], {}, findings)

    def _added(self, edit: ConfigEdit, seen: Iterable[str]) -> list[Finding]:
        """Return which detectors the config does not list and gets: the name may be a slip."""
        listed = [name for name in edit.detectors(self.from_run) if isinstance(name, str)]
        findings = []
        for name in sorted(set(seen).difference(listed)):
            alike = ", ".join(near(name, listed))
            text = f"{name} is not in the config's list of detectors and is added"
            text += f"; or did you mean {alike}?" if alike else ""
            findings.append(Finding("new-detector", Severity.INFO, text, name, file=str(self.path)))
        return findings

    def _apply(self, edit: ConfigEdit, wishes: Sequence[Wish]) -> Iterable[str]:
        """Make literal changes one by one, which keeps them small; all others together."""
        there, listed = edit.entries(self.from_run), edit.detectors(self.from_run)
        together: list[tuple[Change, Any]] = []
        for wish in wishes:
            change, told = wish.change, None
            if wish.poni is not None:
                path = edit.keep_poni(change.detector, wish.poni)
                change = _with_values(change, {**change.values, "poni_file": path})
            if wish.good is not None:
                stored = edit.keep_mask(change.name, wish.good)
                change, told = _with_mask(change, stored.relative), stored.told
            # The first change of a detector that is not listed adds it to the list.
            if change.detector in listed and _needs_block(change, there.get(change.detector)):
                together.append((change, told))
            else:
                yield f"{change.name}: {edit.apply(change, told).how}"
                listed.append(change.detector)
        if together:
            names = ", ".join(change.name for change, _ in together)
            yield f"{names}: {edit.apply_together(together).how}"

    def _wish(
        self,
        model: RegionModel,
        name: str,
        config: ConfigRegion,
        old: Existing | None,
        write_area: bool | None,
        threshold: float | Sequence[float] | None,
        options: Mapping[str, Any],
    ) -> Wish:
        pairs = list(zip(config.bounds.low, config.bounds.high, strict=True))
        change = set_roi(
            model.picture.detector, name, pairs, from_run=self.from_run, to_run=self.to_run,
            write_area=write_area, threshold=threshold,
        )  # fmt: skip
        values = {**change.values, **options}
        had_mask = old is None or old.config is None or old.config.good is not None
        if config.good is None and old is not None and had_mask:
            values[MASK] = None  # the old mask must not cut the new region
        return Wish(_with_values(change, values), config.good, seen=True)

    def _replaced(self, model: RegionModel, old: Existing) -> Finding:
        what = "an entry that cannot be read" if old.config is None else str(old.config.bounds)
        text = f"the config gives {old.name} already in run {self.from_run}: {what} is replaced"
        return Finding(
            "region-replaced", Severity.WARNING, text, model.picture.detector, file=str(self.path)
        )

    def _compare(self, planned: Planned) -> None:
        """Refuse where somebody else changed the entries that are to be changed."""
        keys = {(w.change.function, w.change.detector, w.change.name) for w in planned.wishes}
        with ConfigEdit(self.path, self._evaluator) as now:
            for run in dict.fromkeys((self.from_run, self.to_run or self.from_run)):
                for function, detector, name in keys:
                    mine = planned.edit.entry_before(run, function, detector, name)
                    if mine != now.entry_before(run, function, detector, name):
                        theirs = unified(planned.edit.before, now.before, self.path.name)
                        raise BothChangedError(self.path, theirs, planned.diff)

    def _give_up(self) -> None:
        if self._planned is not None:
            self._planned.edit.close()
            self._planned = None


def _as_taken(old: Existing, drawn: Drawn) -> bool:
    """Tell whether a region stands as it was taken over from the config."""
    return isinstance(drawn, Box) and old.config is not None and drawn.bounds == old.config.bounds


def _of_mask(model: RegionModel, what: str, *, with_mask: bool) -> list[Finding]:
    """Return what is to be known of the drawn mask, and that it is left out where it is."""
    if with_mask:
        status, detector = model.picture.good, model.picture.detector
        return check_mask(model.good, status=status, field=detector, origin="the drawn mask")
    if not model.state.mask_steps:
        return []
    text = f"the mask of {len(model.state.mask_steps)} steps is not part of {what}"
    return [Finding("mask-not-written", Severity.INFO, text, model.picture.detector)]


def _needs_block(change: Change, found: Any) -> bool:
    """Tell whether no literal of the config can be changed: a new region, or one with a mask."""
    listed = [found] if isinstance(found, Mapping) else found
    named = isinstance(listed, list) and any(
        isinstance(one, Mapping) and one.get("name", "ROI") == change.name for one in listed
    )
    return change.function == ROIS and not change.remove and (bool(change.mask) or not named)


def _with_mask(change: Change, relative: str) -> Change:
    values = {key: value for key, value in change.values.items() if key != MASK}
    return Change(
        change.function, change.detector, change.name, change.from_run, change.to_run, values,
        relative,
    )  # fmt: skip


def _with_values(change: Change, values: Mapping[str, Any]) -> Change:
    return Change(
        change.function, change.detector, change.name, change.from_run, change.to_run, values
    )

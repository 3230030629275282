"""What keeps a field of several runs from being one: shapes, units, axes, masks, settings."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding, Severity
from workbench.core.table import Table
from workbench.runs.channel import Channel
from workbench.smalldata import DetectorSettings, FieldInfo, FunctionSettings, open_file

if TYPE_CHECKING:
    from workbench.runs.run import Run

STATES = {  # what a conflict is about -> what it means, in words
    "absent": "is not in every run",
    "shape": "has another shape",
    "type": "has another number type",
    "unit": "has another unit",
    "value": "has another value",
    "axis": "lies on other axes",
    "mask": "was made with another mask",
    "centre": "was made with another beam centre",
    "geometry": "was made with another geometry",
    "region": "was made with another region",
    "energy": "was made with another photon energy",
    "threshold": "was made with other thresholds",
    "code": "was written by another version of the code",
    "config": "was produced with another config",
}
SUMS = "Sums"  # run sums: added up, not compared
NEVER = frozenset({"shape"})  # cannot be joined, whatever the user says
HARMLESS = frozenset({"type", "code", "config"})  # told, not refused
ALLOWABLE = tuple(state for state in STATES if state not in NEVER | HARMLESS)
_PARAMETERS: Mapping[str, tuple[str, ...]] = {  # of functions, as the producers call them
    "axis": ("q", "qbins", "phiVec", "bins", "npts", "npts_az"),
    "mask": ("mask", "mask_img", "userMask"),
    "centre": ("xcen", "ycen", "center"),
    "geometry": ("dis_to_sam", "tx", "ty", "poni_file", "azcfg_dist", "azcfg_poni1", "azcfg_poni2"),
    "region": ("bound", "ROI"),
    "energy": ("eBeam", "lam", "azcfg_wavelength"),
    "threshold": (
        *("thresADU", "thresADUhigh", "thresRms", "threshold", "thresholdLow", "useRms"),
        *("ADU_per_photon", "thr_fraction", "aduspphot"),
    ),
}
STATE_OF = {name: state for state, names in _PARAMETERS.items() for name in names}
PLACED = {"azav", "pyfai", "image"}  # kinds of function that need to know where the pixels are


@dataclass(frozen=True)
class Conflict:
    """One way in which runs do not agree on a field.

    Parameters
    ----------
    field
        The dataset; "" for the runs as a whole.
    state
        A key of `STATES`.
    runs
        The runs that differ from the first that has the field.
    what
        What differs, in a few words.
    """

    field: str
    state: str
    runs: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return f"{self.field or 'the file'} {STATES[self.state]} in {listed(self.runs)}{self.what}"

    def refused(self, allowed: Iterable[str]) -> bool:
        """Tell whether the field must not be read, given what the user allows."""
        return self.state in NEVER or self.state not in {*HARMLESS, *allowed}

    def finding(self) -> Finding:
        """Return this as a finding, for the check of several runs."""
        code = "fields-differ" if self.state in {"absent", "shape", "type"} else "settings-differ"
        severity = Severity.INFO if self.state in HARMLESS else Severity.WARNING
        message = f"{STATES[self.state]} in {listed(self.runs)}{self.what}"
        return Finding(code, severity, message, self.field, len(self.runs))


class ConflictError(WorkbenchError, ValueError):
    """A field on which the runs do not agree; the text says how, and how to read it still."""

    def __init__(self, label: str, field: str, conflicts: Sequence[Conflict]) -> None:
        super().__init__(field)
        self.label = label
        self.field = field
        self.conflicts = tuple(conflicts)

    def __reduce__(self) -> tuple[type, tuple[str, str, tuple[Conflict, ...]]]:
        return type(self), (self.label, self.field, self.conflicts)

    def __str__(self) -> str:
        states = sorted({conflict.state for conflict in self.conflicts})
        text = f"{self.label}: {'; '.join(str(conflict) for conflict in self.conflicts)}"
        alone = "read it run by run, as in runs[number], or take runs that agree, as in runs.only()"
        if NEVER & set(states):
            return f"{text}; {alone}"
        return f"{text}; {alone}; or accept it: runs.allowing({', '.join(map(repr, states))})"


class Agreement:
    """On what several runs agree; settings are compared when a field is asked for.

    Parameters
    ----------
    label
        How messages name the runs together.
    runs
        Each run by its name.
    allow
        States with which a field may be read.
    """

    def __init__(self, label: str, runs: Mapping[str, "Run"], allow: Collection[str]) -> None:
        self.label = label
        self.runs = runs
        self.allow = allow
        self.of_infos = tuple(info_conflicts({name: run.infos for name, run in runs.items()}))
        self._of_values: dict[str, tuple[Conflict, ...]] = {}

    def conflicts(self) -> list[Conflict]:
        """Return every conflict; reads settings, axes and what is kept once, no event."""
        names = sorted({name for run in self.runs.values() for name in run.infos})
        found = [*self.of_infos, *record_conflicts(self.runs)]
        return found + [one for name in names for one in self._values(name)]

    def check_form(self, name: str) -> None:
        """Refuse a field that cannot be one array, by what is known without reading."""
        self._refuse(name, [one for one in self.of_infos if one.state in NEVER])

    def check(self, name: str) -> None:
        """Refuse a field on which the runs do not agree, unless that is allowed."""
        self._refuse(name, [*self.of_infos, *self._values(name)])

    def refuses(self, name: str) -> bool:
        """Tell whether `check` would refuse a field."""
        every = (*self.of_infos, *self._values(name))
        return any(one.field == name and one.refused(self.allow) for one in every)

    def _refuse(self, name: str, conflicts: Iterable[Conflict]) -> None:
        found = [one for one in conflicts if one.field == name and one.refused(self.allow)]
        if found:
            raise ConflictError(self.label, name, found)

    def _values(self, name: str) -> tuple[Conflict, ...]:
        if name not in self._of_values:
            having = {run: member for run, member in self.runs.items() if name in member.infos}
            self._of_values[name] = tuple(_value_conflicts(having, name))
        return self._of_values[name]


def _value_conflicts(runs: Mapping[str, "Run"], name: str) -> Iterator[Conflict]:
    kind = next(iter(runs.values())).infos[name].kind
    if kind != "once":
        yield from setting_conflicts(runs, name)
    elif name.split("/")[0] != SUMS:
        first, *others = ((run, member[name].read_stored()) for run, member in runs.items())
        differing = tuple(run for run, value in others if not same_values(first[1], value))
        if differing:
            yield Conflict(name, "value", differing, "")


def listed(runs: Sequence[str]) -> str:
    """Return runs as text: "run 14", "runs 14, 16"."""
    return f"run{'s' if len(runs) > 1 else ''} {', '.join(runs)}"


def conflicts_table(conflicts: Sequence[Conflict], allowed: Iterable[str]) -> Table:
    """List conflicts, those that keep a field from being read first."""
    allowed = tuple(allowed)
    ordered = sorted(conflicts, key=lambda one: (not one.refused(allowed), one.field, one.state))
    rows = tuple(
        (
            one.field or "(the files)",
            one.state,
            ", ".join(one.runs),
            f"{STATES[one.state]}{one.what}",
            "refused" if one.refused(allowed) else "read",
        )
        for one in ordered
    )
    caption = "" if rows else "the runs agree"
    return Table(("field", "state", "runs", "what", "reading it is"), rows, caption)


def info_conflicts(infos: Mapping[str, Mapping[str, FieldInfo]]) -> Iterator[Conflict]:
    """Compare names, shapes, types and units; `infos` by run. Reads nothing."""
    for field in sorted({name for one in infos.values() for name in one}):
        found = {run: one[field] for run, one in infos.items() if field in one}
        absent = tuple(run for run in infos if run not in found)
        if absent:
            yield Conflict(field, "absent", absent, "")
        first = next(iter(found.values()))
        for state, value in (("shape", _form), ("type", _type), ("unit", _unit)):
            others = tuple(run for run, info in found.items() if value(info) != value(first))
            if others:
                other = value(found[others[0]])
                yield Conflict(field, state, others, f" ({value(first)}, there {other})")
                break


def setting_conflicts(runs: Mapping[str, "Run"], field: str) -> Iterator[Conflict]:
    """Compare the axes of a field and the settings of the function that made it; reads them."""
    states: dict[str, dict[str, list[str]]] = {}
    reference: Mapping[tuple[str, str], Callable[[], Any]] | None = None
    for run, member in runs.items():
        if field not in member:
            continue
        facts = dict(_facts(member, field))
        if reference is None:
            reference = facts
            continue
        for key in sorted({*facts, *reference}):
            if not _equal(facts.get(key), reference.get(key)):
                states.setdefault(key[0], {}).setdefault(key[1], []).append(run)
    for state, differing in states.items():
        members = tuple(run for run in runs if any(run in them for them in differing.values()))
        yield Conflict(field, state, members, f" ({', '.join(differing)})")


def record_conflicts(runs: Mapping[str, "Run"]) -> Iterator[Conflict]:
    """Compare what the files record of how they were made: code version and config."""
    records = {}
    for run, member in runs.items():
        with open_file(member.path) as file:
            records[run] = file.provenance
    first = next(iter(records.values()))
    for state, key in (("code", "versions"), ("config", "config_sha256")):
        others = tuple(run for run, record in records.items() if record.get(key) != first.get(key))
        if others:
            yield Conflict("", state, others, "")


def same_values(first: Array, other: Array) -> bool:
    """Tell whether two arrays hold the same values; NaN equals NaN."""
    if first.shape != other.shape or (first.dtype.kind == "O") != (other.dtype.kind == "O"):
        return False
    floats = first.dtype.kind in "fc" and other.dtype.kind in "fc"
    return bool(np.array_equal(first, other, equal_nan=floats))


def _facts(run: "Run", field: str) -> Iterator[tuple[tuple[str, str], Callable[[], Any]]]:
    """Yield ((state, name), value when called) of all that a field depends on."""
    channel = run[field]
    if len(channel.shape) > 1:
        yield from _along(channel)
    detector, _, leaf = field.rpartition("/")
    settings = run.settings.get(detector)
    if settings is None:
        return
    fitting = [name for name in settings.functions if leaf == name or leaf.startswith(f"{name}_")]
    function = settings.functions[max(fitting, key=len)] if fitting else None
    yield from _settings(settings, function)


def _along(channel: Channel) -> Iterator[tuple[tuple[str, str], Callable[[], Any]]]:
    for dim, (_, values, _) in channel.labels().items():
        if dim not in {"time", "run"}:
            yield ("axis", dim), partial(np.asarray, values)


def _settings(
    settings: DetectorSettings, function: FunctionSettings | None
) -> Iterator[tuple[tuple[str, str], Callable[[], Any]]]:
    if function is not None:
        for name in function:
            if name in STATE_OF:
                yield (STATE_OF[name], name), partial(function.__getitem__, name)
    if function is None or "mask" not in function:
        for name in {"mask", "cmask"} & set(settings):
            yield ("mask", name), partial(settings.__getitem__, name)
    if function is not None and function.kind in PLACED:
        for name in {"x", "y", "z"} & set(settings):
            yield ("geometry", name), partial(settings.__getitem__, name)


def _equal(one: Callable[[], Any] | None, other: Callable[[], Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return same_values(np.asarray(one()), np.asarray(other()))


def _form(info: FieldInfo) -> str:
    inner = info.shape if info.kind == "once" else info.shape[1:]
    return " x ".join(("text" if info.dtype == "str" else "numbers", info.kind, *map(str, inner)))


def _type(info: FieldInfo) -> str:
    return info.dtype


def _unit(info: FieldInfo) -> str:
    return info.unit or "unit not known"

"""The fields of a run as a table: name, shape, type, unit, role, percent filled."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from workbench.core.errors import UnknownNameError
from workbench.core.table import Table
from workbench.smalldata import FieldInfo

if TYPE_CHECKING:
    from workbench.runs.run import Run


@dataclass(frozen=True)
class Field:
    """One dataset of a run.

    Parameters
    ----------
    name
        Path in the file.
    shape
        As stored: event first where there is one row per event.
    dtype
        NumPy name, or "str".
    unit
        UDUNITS string; "" where not known.
    role
        What it serves for at this hutch: "i0", "delay" ...; "" for none.
    kind
        "event" one row per event, "once" one value per run, "ragged" another length per event,
        "intg" one row per frame, "archived" times and values of their own.
    filled
        Percent of events in which it was measured; None: not counted yet.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str
    role: str
    kind: str
    filled: float | None = None


@dataclass(frozen=True)
class Fields:
    """All fields of a run, as a table; call with ``filled=True`` to count missing values too.

    Parameters
    ----------
    fields
        One entry per dataset, by name.
    count
        Counts the percent of events in which a field was measured, by reading it.
    """

    fields: tuple[Field, ...]
    count: Callable[[Field], float | None]

    def __call__(self, like: str = "", *, filled: bool = False) -> "Fields":
        """Return the fields whose name contains `like`; with ``filled=True`` counted by reading."""
        chosen = tuple(field for field in self.fields if like in field.name)
        if filled:
            chosen = tuple(replace(field, filled=self.count(field)) for field in chosen)
        return Fields(chosen, self.count)

    def __len__(self) -> int:
        return len(self.fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __contains__(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)

    def __getitem__(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise UnknownNameError("field", name, (field.name for field in self.fields), "this run")

    def __str__(self) -> str:
        return str(self.table)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        groups = self.groups
        if len(groups) == 1:
            return self.table._repr_html_()
        folded = "".join(
            f"<details><summary>{escape(name or 'no detector')} ({len(fields)})</summary>"
            f"{fields.table._repr_html_()}</details>"
            for name, fields in groups.items()
        )
        return f"<div><b>{len(self)} fields of {len(groups)} detectors and groups</b>{folded}</div>"

    @property
    def groups(self) -> dict[str, "Fields"]:
        """The fields of each detector or other folder of the file; "" for those in none."""
        members: dict[str, list[Field]] = {}
        for field in self.fields:
            members.setdefault(group_of(field.name), []).append(field)
        return {name: Fields(tuple(fields), self.count) for name, fields in members.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(field.name for field in self.fields)

    @property
    def table(self) -> Table:
        """The fields as rows of text."""
        rows = tuple(
            (
                field.name,
                " x ".join(str(length) for length in field.shape),
                field.dtype,
                field.unit,
                field.role,
                "not counted" if field.filled is None else f"{field.filled:.1f} %",
            )
            for field in self.fields
        )
        return Table(("field", "shape", "type", "unit", "role", "filled"), rows)


def group_of(name: str) -> str:
    """Return the detector, or other folder, of a field; "" for none."""
    group, slash, _ = name.partition("/")
    return group if slash else ""


def fields_of(run: "Run", roles: Mapping[str, str]) -> Fields:
    """Return the table of a run's datasets.

    Parameters
    ----------
    roles
        What datasets serve for at this hutch, by name.
    """
    rows = tuple(
        Field(
            name,
            tuple(info.shape),
            info.dtype,
            info.unit,
            roles.get(name, ""),
            info.kind,
            _counted(run, info),
        )
        for name, info in sorted(run.infos.items())
    )
    return Fields(rows, partial(_filled, run))


def _counted(run: "Run", info: FieldInfo) -> float | None:
    if info.kind != "event" or info.missing is None or not run.n_events:
        return None
    return 100 * (1 - info.missing / run.n_events)


def _filled(run: "Run", field: Field) -> float | None:
    if field.kind != "event" or not run.n_events:
        return None
    return 100 * (1 - float(run[field.name].missing.mean()))

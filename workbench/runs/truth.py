"""Truth: what a made-up run was made with, read from the JSON beside it; real runs have none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import InputError, UnknownNameError
from workbench.core.table import Table


class TruthError(InputError):
    """A truth file that cannot be read."""


@dataclass(frozen=True)
class Quantity:
    """One planted number.

    Parameters
    ----------
    value
        In `unit`; a list for a set of numbers, such as ring positions.
    unit
        UDUNITS string.
    meaning
        One line for people.
    """

    value: float | tuple[float, ...]
    unit: str
    meaning: str = ""


@dataclass(frozen=True)
class Truth:
    """The numbers that a made-up run was made with, by name.

    Parameters
    ----------
    quantities
        "t0", "tau", "amplitude" ... to value and unit.
    file
        Where they were read.
    """

    quantities: Mapping[str, Quantity]
    file: str = ""

    def __contains__(self, name: str) -> bool:
        return name in self.quantities

    def __getitem__(self, name: str) -> Quantity:
        try:
            return self.quantities[name]
        except KeyError:
            raise UnknownNameError("quantity", name, self.quantities, self.file) from None

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    @property
    def table(self) -> Table:
        """Name, value, unit and meaning of every quantity."""
        rows = tuple(
            (name, _plain(quantity.value), quantity.unit, quantity.meaning)
            for name, quantity in self.quantities.items()
        )
        return Table(("quantity", "value", "unit", "meaning"), rows, caption=self.file)


def truth_path(run: Path) -> Path:
    """Return where the truth of a run's file would lie: ``<stem>.truth.json`` beside it."""
    return run.with_name(f"{run.stem}.truth.json")


def read_truth(run: Path) -> Truth | None:
    """Read the truth beside a run's file; None on real data, `TruthError` if it is damaged."""
    path = truth_path(run)
    if not path.exists():
        return None
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["quantities"]
        quantities = {name: _quantity(entry) for name, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TruthError(
            f"{path}: not a truth file ({type(error).__name__}: {error}); make the run again or "
            "remove the file"
        ) from error
    return Truth(quantities, path.name)


def _quantity(entry: Mapping[str, float | list[float] | str]) -> Quantity:
    value = entry["value"]
    numbers = tuple(float(item) for item in value) if isinstance(value, list) else float(value)
    return Quantity(numbers, str(entry["unit"]), str(entry.get("meaning", "")))


def _plain(value: float | tuple[float, ...]) -> float | str:
    if isinstance(value, tuple):
        return ", ".join(f"{item:.6g}" for item in value)
    return value

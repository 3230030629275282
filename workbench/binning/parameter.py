"""One fitted number with its error and unit."""

from dataclasses import dataclass

from workbench.core.rounding import with_error


@dataclass(frozen=True)
class Parameter:
    """One fitted number: value and standard error, both in `unit`."""

    value: float
    error: float
    unit: str

    def __str__(self) -> str:
        return with_error(self.value, self.error, self.unit)

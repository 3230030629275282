"""How the result of a fit is shown: its parameters as a table, in a terminal and in a notebook."""

from collections.abc import Mapping

from workbench.binning import Parameter
from workbench.core.table import Table


class Shown:
    """What a frozen result of a fit inherits, to be shown as a table of its parameters."""

    parameters: Mapping[str, Parameter]
    chi2: float
    dof: int
    state: str
    message: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said below the table."""
        return (self.message,)

    @property
    def table(self) -> Table:
        """Parameters with errors and units."""
        rows = tuple(
            (name, one.value, one.error, one.unit) for name, one in self.parameters.items()
        )
        caption = f"{self.state}: chi2 {self.chi2:.1f} for {self.dof} degrees of freedom"
        return Table(("parameter", "value", "error", "unit"), rows, caption, self.notes)

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

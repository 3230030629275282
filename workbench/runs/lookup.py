"""From a name to a channel: a dataset, a column of one, or a friendly name of the experiment."""

from typing import TYPE_CHECKING

from workbench.core.errors import UnknownNameError
from workbench.runs.channel import Channel
from workbench.runs.columns import column_channel, friendly_channel, is_column, split_column
from workbench.runs.protocol import AnyRun

if TYPE_CHECKING:
    from workbench.runs.run import Run

COMPUTED = ("delay", "jitter")  # roles that several fields serve for together


def holds(run: "Run", name: str) -> bool:
    """Tell whether the run's file has what a name stands for."""
    friendly = run.setup.channels.get(name)
    field = friendly.expression.field if friendly else name
    return field in run.infos or _column(run, field) is not None


def find(run: "Run", name: str) -> Channel:
    """Return the channel of a name; `UnknownNameError` with suggestions where there is none.

    A friendly name of ``experiment.toml`` comes before a dataset of the same name.
    """
    friendly = run.setup.channels.get(name)
    if friendly is None:
        return _stored(run, name, run.label)
    where = f"{run.label} (what {name} is made of, says {run.setup.why})"
    field = _stored(run, friendly.expression.field, where)
    return friendly_channel(field, friendly, run.setup.why, run.mask)


def _column(run: "Run", name: str) -> tuple[str, int] | None:
    found = split_column(name)
    if found and found[0] in run.infos and is_column(run.infos[found[0]].shape, found[1]):
        return found
    return None


def _stored(run: "Run", name: str, where: str) -> Channel:
    column = None if name in run.infos else _column(run, name)
    if column:
        return column_channel(_stored(run, column[0], where), column[1], run.mask)
    if name not in run.infos:
        raise UnknownNameError("channel", name, run, where, meant(run, name))
    return run.stored(name)


def meant(run: AnyRun, name: str) -> str:
    """Say what a name is that is no channel: a role, or a detector; empty for neither."""
    if name in COMPUTED or run.role_fields(name):
        return f"{name} is a role: use run.role({name!r})"
    fields = [field for field in run.infos if field.startswith(f"{name}/")]
    few = ", ".join(fields[:5]) + (", ..." if len(fields) > 5 else "")
    return f"{name} holds {few}" if fields else ""

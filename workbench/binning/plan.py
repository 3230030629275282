"""Which event goes into which bin, with which normalisation; and why the others do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.edges import bin_numbers, check_edges
from workbench.core.arrays import Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.runs import Channel, Cut
from workbench.runs.protocol import AnyRun

Background = Literal["none", "dark"]


class NothingLeftError(InputError):
    """A selection that leaves no event; the text says at which stage."""


@dataclass(frozen=True)
class Axis:
    """One axis of bins: where every event lies on it.

    Parameters
    ----------
    name
        As the caller wrote it: dimension of the result.
    channel
        Whose values are binned.
    values
        One per event; NaN where not measured.
    edges
        n + 1 rising numbers; bin i is [e_i, e_i+1).
    """

    name: str
    channel: Channel
    values: Floats
    edges: Floats

    @property
    def centres(self) -> Floats:
        """Middle of each bin."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def bins(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1


@dataclass(frozen=True)
class Plan:
    """Bin and normalisation of every event of a run.

    Parameters
    ----------
    axes
        In the order of the result's dimensions.
    numbers
        Flat bin of each event; -1: not used.
    norm
        I of each event, dark mean subtracted; 1 without normalisation.
    norm_channel
        None without normalisation.
    excluded
        Events not used, by reason.
    label
        How messages name the run.
    """

    axes: tuple[Axis, ...]
    numbers: Ints
    norm: Floats
    norm_channel: Channel | None
    excluded: Mapping[str, int]
    label: str = ""

    @property
    def used(self) -> Bools:
        """Tell which events are in a bin."""
        return np.asarray(self.numbers >= 0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bins along each axis."""
        return tuple(axis.bins for axis in self.axes)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(np.prod(self.shape, dtype=np.int64))


def make_axes(run: AnyRun, axes: Mapping[str | Channel, ArrayLike]) -> tuple[Axis, ...]:
    """Read the values of every axis; a name is a channel, a role, or "delay"."""
    if not axes:
        raise InputError("binning needs at least one axis, as in {'delay': edges}")
    made = []
    for wanted, edges in axes.items():
        channel = run.channel(wanted)
        if channel.shape != (run.n_events,):
            raise InputError(
                f"axis {channel.name} has shape {channel.shape}: an axis needs one value per event"
            )
        values = channel.read().astype(np.float64)
        name = wanted if isinstance(wanted, str) else channel.name
        made.append(Axis(name, channel, values, check_edges(name, edges)))
    return tuple(made)


def make_plan(
    axes: Sequence[Axis],
    selected: Bools,
    norm: Floats,
    norm_channel: Channel | None,
    label: str = "",
) -> Plan:
    """Sort the selected events into bins; count those that no bin takes, each for one reason.

    Parameters
    ----------
    axes
        From `make_axes`.
    selected
        Events that pass the cuts.
    norm
        I of each event; NaN where not measured. Zero and negative values are left out.
    norm_channel
        Where I comes from; None without normalisation.
    label
        How messages name the run.
    """
    left = selected.copy()
    excluded = {"not selected": int(np.count_nonzero(~selected))}

    def leave_out(reason: str, events: Bools) -> None:
        excluded[reason] = int(np.count_nonzero(events & left))
        left[events] = False

    if norm_channel is not None:
        leave_out(f"{norm_channel.name} missing", np.isnan(norm))
        leave_out(f"{norm_channel.name} not positive", ~(norm > 0))
    flat = np.zeros(len(selected), dtype=np.int64)
    for axis in axes:
        numbers = bin_numbers(axis.values, axis.edges)
        leave_out(f"{axis.name} missing", numbers == -2)
        leave_out(f"{axis.name} below the bins", numbers == -1)
        leave_out(f"{axis.name} above the bins", numbers >= axis.bins)
        flat = flat * axis.bins + np.where(left, numbers, 0)
    return Plan(tuple(axes), np.where(left, flat, -1), norm, norm_channel, excluded, label)


def dark_events(run: AnyRun, where: Cut | None) -> Bools:
    """Return the events without X-rays that give the background.

    Only cuts of scope "dark" apply: a cut on I0 or on the X-rays would leave none.
    """
    selected = run.classes.dark
    for part in () if where is None else where.parts:
        if part.scopes == {"dark"}:
            selected = selected & run.mask(part)
    return selected

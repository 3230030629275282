"""Pump-probe pairs: which laser-off shots each laser-on shot is compared with.

Two ways beside the mean of all off shots: the k nearest in time, which follow drift slower than the
time that k off shots take; and the two on either side (interleaved), joined by a straight line in
time, so that even a linear drift cancels. Partners belong to the same run and the same step of a
scan and are not farther away than a given time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.runs.channel import Channel
from workbench.runs.protocol import AnyRun

Pairing = Literal["nearest", "interleaved"]
NEAREST = 10  # off shots
WITHIN = 10.0  # s
BLOCK = 8192  # on shots whose distances are compared at a time
STEPS = ("varStep", "step_value")  # how the DAQ calls the number of a scan step


@dataclass(frozen=True)
class Pairs:
    """Laser-on shots and the laser-off shots that each is compared with.

    Parameters
    ----------
    on
        Event number of each paired on shot, shape (pair,).
    off
        Event numbers of its partners, shape (pair, k); -1 where there are fewer.
    weight
        Share of each partner in the reference, shape (pair, k); adds up to 1 for each on shot.
    unpaired
        Event numbers of on shots without any partner.
    counts
        What was found and what was dropped.
    how
        The rule in words.
    """

    on: Ints
    off: Ints
    weight: Floats
    unpaired: Ints
    counts: Table
    how: str

    def iter_references(self, channel: Channel) -> Iterator[tuple[Ints, Floats]]:
        """Yield (event numbers of on shots, reference of each), a bounded number at a time.

        The reference is the weighted mean of the channel over the partners, shape (pair, ...).
        Partners in which it was not measured are left out; NaN where none was.
        """
        step = max(1, channel.block_rows)
        for first in range(0, len(self.on), step):
            off, weight = self.off[first : first + step], self.weight[first : first + step]
            rows = np.unique(off[off >= 0])
            wanted = np.zeros(len(channel), dtype=np.bool_)
            wanted[rows] = True
            values = channel.read(where=wanted).astype(np.float64)
            yield (
                self.on[first : first + step],
                _weighted_means(values, np.searchsorted(rows, off), off >= 0, weight),
            )

    def references(self, channel: Channel) -> Floats:
        """Return the reference of every paired on shot, shape (pair, ...), in the order of `on`."""
        found = np.empty((len(self.on), *channel.shape[1:]))
        first = 0
        for events, values in self.iter_references(channel):
            found[first : first + len(events)] = values
            first += len(events)
        return found


def find_pairs(
    run: AnyRun,
    on: Bools | None = None,
    off: Bools | None = None,
    *,
    pairing: Pairing = "nearest",
    nearest: int = NEAREST,
    within: float = WITHIN,
    step: str | Channel | None = None,
) -> Pairs:
    """Find for every laser-on shot the laser-off shots that it is compared with.

    Parameters
    ----------
    run
        From `open_run`.
    on, off
        Which shots may be paired, one boolean per event; by default the classes of the run.
    pairing
        "nearest" or "interleaved".
    nearest
        Off shots per on shot, for "nearest".
    within
        Farthest partner [s]; an on shot with fewer partners takes those, with none it is dropped.
    step
        Channel whose value partners share; by default the step number of a scan, if there is one.

    Raises
    ------
    InputError
        For a pairing that there is not, and for `nearest` or `within` that is not positive.
    """
    if pairing not in get_args(Pairing):
        raise InputError(f"pairing {pairing!r}: use one of {', '.join(get_args(Pairing))}")
    if nearest < 1 or not within > 0:
        raise InputError(f"pairs of {nearest} off shots within {within} s: both must be positive")
    on = run.classes.on if on is None else on
    off = run.classes.off if off is None else off
    group, why = _groups(run, step)
    since = clock.nanoseconds(run.timestamps)
    columns = nearest if pairing == "nearest" else 2
    found: list[tuple[Ints, Ints, Floats]] = []
    for number in np.unique(group[on]):
        members = group == number
        ons, offs = (np.flatnonzero(members & some) for some in (on, off))
        ons, offs = (rows[np.argsort(since[rows], kind="stable")] for rows in (ons, offs))
        found += _of_group(ons, offs, since, pairing, columns)
    how = _words(pairing, nearest, within, why)
    interleaved = pairing == "interleaved"
    return _pairs(found, columns, how, within, since, off, both_needed=interleaved)


def _words(pairing: Pairing, nearest: int, within: float, why: str) -> str:
    shots = (
        f"the {nearest} laser-off shots nearest in time"
        if pairing == "nearest"
        else "the laser-off shots before and after, joined by a line in time"
    )
    return f"{shots}, of {why}, within {within:g} s"


def _groups(run: AnyRun, step: str | Channel | None) -> tuple[Ints, str]:
    """Return a number of each event that partners share, and what it stands for."""
    if step is None:
        named = (field.name for field in run.role_fields("scan"))
        step = next((n for n in named if n.rpartition("/")[2] in STEPS and n in run), None)
    if step is None:
        return np.asarray(run.run_index), "the same run"
    channel = run.channel(step)
    if channel.shape != (run.n_events,):
        raise InputError(f"step {channel.name}: one value per event is needed, not {channel.shape}")
    values = channel.read().astype(np.float64)
    steps = np.unique(values, return_inverse=True, equal_nan=True)[1].reshape(-1)
    group = np.asarray(run.run_index) * (int(steps.max(initial=0)) + 1) + steps
    return group, f"the same run and step ({channel.name})"


def _of_group(
    ons: Ints, offs: Ints, since: Ints, pairing: Pairing, columns: int
) -> list[tuple[Ints, Ints, Floats]]:
    """Return (on shots, partners, weights) of one run and step, whatever their distance."""
    found = []
    for first in range(0, len(ons), BLOCK):
        some = ons[first : first + BLOCK]
        place = np.searchsorted(since[offs], since[some])
        reach = columns if pairing == "nearest" else 1
        near = place[:, None] + np.arange(-reach, reach)
        there = (near >= 0) & (near < len(offs))
        partners = np.full(near.shape, -1)
        partners[there] = offs[near[there]]
        distance = np.where(there, np.abs(since[partners] - since[some][:, None]), np.inf)
        if pairing == "nearest":
            order = np.argsort(distance, axis=1, kind="stable")[:, :columns]
            partners = np.take_along_axis(partners, order, axis=1)
            weight = np.ones(partners.shape)
        else:
            # A line through both, read at the time of the on shot: the nearer one weighs more.
            both = there.all(axis=1, keepdims=True)
            partners = np.where(both, partners, -1)
            span = distance.sum(axis=1, keepdims=True)
            with np.errstate(invalid="ignore", divide="ignore"):
                weight = np.where(span > 0, distance[:, ::-1] / span, 0.5)
        found.append((some, partners, weight))
    return found


def _pairs(
    found: Sequence[tuple[Ints, Ints, Floats]],
    columns: int,
    how: str,
    within: float,
    since: Ints,
    off: Bools,
    *,
    both_needed: bool,
) -> Pairs:
    nothing = (np.zeros(0, np.int64), np.zeros((0, columns), np.int64), np.zeros((0, columns)))
    ons, partners, weight = (np.concatenate(parts) for parts in zip(nothing, *found, strict=True))
    seconds = np.abs(since[partners] - since[ons][:, None]) / 1e9
    far = (partners >= 0) & (seconds > within)
    lost = far.any(axis=1, keepdims=True) & (partners >= 0) if both_needed else far
    partners = np.where(lost, -1, partners)
    used = partners >= 0
    paired = used.any(axis=1)
    weight = np.where(used, weight, 0.0)[paired]
    weight = weight / weight.sum(axis=1, keepdims=True)
    uses = np.bincount(partners[used], minlength=1)
    rows = (
        ("laser-on shots", len(ons)),
        (f"with all {columns} partners", int(used.all(axis=1).sum())),
        ("with fewer", int((paired & ~used.all(axis=1)).sum())),
        ("without any: dropped", int((~paired).sum())),
        (f"partners dropped: farther than {within:g} s", int(far.sum())),
        ("laser-off shots", int(np.count_nonzero(off))),
        ("laser-off shots used", int(np.count_nonzero(uses))),
        ("most uses of one of them", int(uses.max())),
        ("median distance [s]", float(np.median(seconds[used])) if used.any() else None),
    )
    counts = Table(("pairs", "number"), rows, caption=how)
    return Pairs(ons[paired], partners[paired], weight, ons[~paired], counts, how)


def _weighted_means(values: Array, place: Ints, there: Bools, weight: Floats) -> Floats:
    """Return Σ w v / Σ w over the measured partners of each on shot."""
    inner = (1,) * (values.ndim - 1)
    total = np.zeros((len(place), *values.shape[1:]))
    weights = np.zeros_like(total)
    for column in range(place.shape[1]):
        rows = np.flatnonzero(there[:, column])
        taken = values[place[rows, column]]
        share = weight[rows, column].reshape(-1, *inner) * np.isfinite(taken)
        total[rows] += share * np.nan_to_num(taken)
        weights[rows] += share
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / weights)

"""What cuts ask of events, answered from the channels of a run or of several runs."""

from collections.abc import Iterator

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.runs.answers import CutError
from workbench.runs.protocol import AnyRun
from workbench.smalldata.layout import length_name


def cut_values(run: AnyRun, field: str) -> tuple[Array, Bools]:
    """Return one value per event and where it is missing; refuses array fields."""
    channel = run.channel(field)
    info = run.infos.get(channel.name)
    if info is not None and info.kind == "ragged":
        raise CutError(
            f"cut on {field}: it has another number of values in each event; cut on their number, "
            f"{length_name(channel.name)}, or compute one value from run.ragged({field!r}) and "
            "add it with run.with_channel(name, channel)"
        )
    if len(channel.shape) != 1 or len(channel) != run.n_events:
        raise CutError(
            f"cut on {field}: it has shape {channel.shape}, a cut needs one value per event; "
            'say how to make one, as in cut(..., reduce="sum"), or compute one and add it with '
            "run.with_channel(name, channel)"
        )
    return channel.read_stored(), channel.missing


def cut_stacks(run: AnyRun, fields: tuple[str, ...]) -> Iterator[tuple[Array, ...]]:
    """Yield the values of several fields, stack by stack, NaN where missing."""
    channels = [run.channel(field) for field in fields]
    for channel in channels:
        if len(channel) != run.n_events or not channel.per_event:
            raise CutError(f"cut on {channel.name}: it has no value per event")
    size = min(channel.block_rows for channel in channels)
    stacks = (channel.iter_stacks(size) for channel in channels)
    for together in zip(*stacks, strict=True):
        yield tuple(values for _, values in together)


def field_name(run: AnyRun, field: str) -> str:
    """Return the name of the dataset behind a role; other names as they are."""
    if field in run or not (field == "delay" or run.role_fields(field)):
        return field
    name = run.channel(field).name
    return name if name in run else field


def code_present(run: AnyRun, code: int) -> Bools:
    """Tell in which events an event code was sent, from either generation's record of codes."""
    if f"evr/code_{code}" in run:
        return np.asarray(run[f"evr/code_{code}"].read() == 1)
    if "timing/eventcodes" not in run:
        raise CutError(f"{run.label} holds no event codes (timing/eventcodes, evr/code_*)")
    codes = run["timing/eventcodes"]
    if not 0 <= code < codes.shape[1]:
        raise CutError(f"event code {code}: this run records codes 0 to {codes.shape[1] - 1}")
    stacks = [values[:, code] == 1 for _, values in codes.iter_stacks()]
    return np.concatenate(stacks) if stacks else np.zeros(0, dtype=np.bool_)

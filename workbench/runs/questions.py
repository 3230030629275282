"""What cuts ask of events, answered from the channels of a run or of several runs."""

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.runs.answers import CutError
from workbench.runs.protocol import AnyRun


def cut_values(run: AnyRun, field: str) -> tuple[Array, Bools]:
    """Return one value per event and where it is missing; refuses array fields."""
    channel = run.channel(field)
    if len(channel.shape) != 1 or len(channel) != run.n_events:
        raise CutError(
            f"cut on {field}: it has shape {channel.shape}, a cut needs one value per event; "
            "compute one and add it with run.with_channel(name, channel)"
        )
    return channel.read_stored(), channel.missing


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

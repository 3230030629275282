"""Values of a channel as float, NaN wherever the event was not measured."""

import numpy as np

from workbench.core.arrays import Floats
from workbench.runs.channel import Channel


def measured(channel: Channel) -> Floats:
    """Return a channel's values as float64; NaN stands for NaN, the sentinel and its wraps."""
    values: Floats = channel.read_stored().astype(np.float64)
    values[channel.missing] = np.nan
    return values

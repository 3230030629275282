"""Steps of a scan, from the transitions that begin and end them."""

from collections.abc import Sequence

import numpy as np

from workbench.core.arrays import Times
from workbench.sources.base import Steps
from workbench.sources.xtc2.layout import Service
from workbench.sources.xtc2.pieces import RunPiece


def find_steps(pieces: Sequence[RunPiece], timestamps: Times) -> Steps:
    """Return the steps of a run; a step without an end lasts until the next one begins."""
    begins = _times(pieces, Service.BEGIN_STEP)
    ends = np.unique(np.concatenate([_times(pieces, Service.END_STEP), begins]))
    first = np.searchsorted(timestamps, begins)
    following = np.searchsorted(ends, begins, side="right")
    at_end = np.append(np.searchsorted(timestamps, ends), len(timestamps))
    return Steps(begins, first.astype(np.int64), at_end[following].astype(np.int64))


def _times(pieces: Sequence[RunPiece], service: Service) -> Times:
    return np.unique(np.concatenate([piece.times_of(service) for piece in pieces]))

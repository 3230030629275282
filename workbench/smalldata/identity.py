"""Which experiment, run and DAQ generation a file belongs to, and its event time stamps."""

import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array, Times
from workbench.smalldata.opening import NotSmallDataError
from workbench.smalldata.record import text_attribute

TIME_KEYS = {  # dataset with the event's time -> generation; first one found decides
    "timestamp": "lcls2",
    "event_time": "lcls1",
    "EvtID/time": "lcls1",  # the oldest files
}
EPOCHS = {"lcls1": 0, "lcls2": clock.EPICS_EPOCH}  # s, Unix time at which time stamps count 0
FIDUCIAL_KEYS = ("fiducials", "EvtID/fid")
_NAME = re.compile(r"(?:ldat_)?(?P<experiment>[A-Za-z]\w*?)_Run(?P<run>\d+)")


_PART = re.compile(r"(?P<whole>.+)_part\d+")


@dataclass(frozen=True)
class Identity:
    """What a file is: experiment, run, generation, and the dataset that counts its events.

    Parameters
    ----------
    experiment, run
        From the file's attributes, else from its name; empty and None where neither says.
    generation
        "lcls1" or "lcls2".
    time_key
        The dataset with the time stamps.
    n_events
        Its length.
    ours
        Whether the workbench wrote the file.
    growing
        Whether a writer that lets others read along (SWMR) has it open, or was killed.
    """

    experiment: str
    run: int | None
    generation: str
    time_key: str
    n_events: int
    ours: bool
    growing: bool = False


def identify(h5: h5py.File, path: Path, own_format: str) -> Identity:
    """Find out what a file is, from its attributes, else from its content and name."""
    key = next((key for key in TIME_KEYS if isinstance(h5.get(key), h5py.Dataset)), "")
    if not key or not h5[key].ndim:
        raise NotSmallDataError(
            f"{path}: HDF5, but no small data: it has none of the datasets {', '.join(TIME_KEYS)}; "
            "name a file from hdf5/smalldata"
        )
    if h5[key].dtype.kind not in "iu":
        raise NotSmallDataError(
            f"{path}: its {key} holds {h5[key].dtype}, not whole seconds and nanoseconds; name a "
            "file from hdf5/smalldata"
        )
    match = _NAME.search(path.stem)
    experiment = text_attribute(h5, "experiment") or (match["experiment"] if match else "")
    number = text_attribute(h5, "run") or (match["run"] if match else "")
    return Identity(
        experiment=experiment,
        run=int(number) if number.isdigit() else None,
        generation=text_attribute(h5, "generation") or TIME_KEYS[key],
        time_key=key,
        n_events=len(h5[key]),
        ours=text_attribute(h5, "format") == own_format,
        growing=bool(h5.swmr_mode),
    )


def whole_of(path: Path) -> Path | None:
    """Return the file of the whole run that a part file of LCLS-II belongs to; None for no part."""
    match = _PART.fullmatch(path.stem)
    return path.with_name(f"{match['whole']}{path.suffix}") if match else None


def pack_times(values: Array) -> Times:
    """Return time stamps as read, as uint64: seconds in the high 32 bits, ns in the low."""
    if values.ndim == 2 and values.shape[1] == 2:  # the oldest files: seconds, nanoseconds
        return clock.pack(values[:, 0], values[:, 1])
    stamps: Times = values.astype(np.int64).view(np.uint64)
    return stamps

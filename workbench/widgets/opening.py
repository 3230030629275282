"""From what a person has at hand (a run, a path, an array) to the pictures of a session."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array
from workbench.core.errors import InputError, NotThereError
from workbench.producer.frames import SMALL_ARRAY, frame_fields
from workbench.runs import Run, open_run
from workbench.sources import RawRun, open_raw
from workbench.widgets.models import (
    EmptyPictureError,
    NoFramesError,
    Picture,
    RawFrames,
    Session,
    picture_of_array,
    picture_of_run,
    sums_in,
)
from workbench.widgets.raw_pictures import RawPictures

Source = Run | RawRun | Picture | Array | str | Path
HDF5 = (".h5", ".hdf5")
_NUMBER = re.compile(r"(?i)(run|-r)_?(\d+)")  # in the name of a small-data file
EVENTS = 30  # of a raw run that are averaged


@dataclass(frozen=True)
class Opened:
    """What the editor begins with.

    Parameters
    ----------
    session
        Pictures of all detectors.
    frames
        Detector -> how its frames are opened, event by event; only of raw runs.
    run
        Number of the run; None where there is none.
    missing
        Detectors without a picture, and why.
    another
        Number of a run, detector -> its picture in that run; None where other runs are not known.
    experiment, folder, constants
        Of a raw run, for the command that produces it again: name, folder of its files, file of
        constants; empty or None where not known.
    raw
        What makes the pictures of a raw run; None: of anything else.
    """

    session: Session
    frames: Mapping[str, Callable[[], RawFrames]] = field(default_factory=dict)
    run: int | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    another: Callable[[int, str], Picture] | None = None
    experiment: str = ""
    folder: Path | None = None
    constants: Path | None = None
    raw: RawPictures | None = None

    def use_config(self, config: Path) -> list[str]:
        """Take off the common mode of a config; return what changed, see `RawPictures`."""
        return [] if self.raw is None else self.raw.use_config(self.session, config)


def open_source(
    source: Source,
    *,
    run: int | None = None,
    detector: str = "",
    constants: Path | None = None,
    config: Path | None = None,
    events: int = EVENTS,
) -> Opened:
    """Open the pictures of a source.

    Parameters
    ----------
    source
        An opened run (small data or raw), the path of one, a picture, or an array.
    run
        Which run, where the path is a folder of several raw runs.
    detector
        The one wanted; empty: all that have a picture. For an array: its name.
    constants
        Calibration constants for frames of a raw run; None: those beside it, where there are any.
    config
        Producer config whose common mode is taken off frames of a raw run; None: none is.
    events
        Raw events that are averaged.
    """
    if isinstance(source, Picture):
        return Opened(Session(source), run=run)
    if isinstance(source, np.ndarray):
        return Opened(Session(picture_of_array(source, detector=detector or "detector")), run=run)
    if isinstance(source, str | Path):
        opened = _open_path(Path(source), run)
        folder = Path(source) if Path(source).is_dir() else Path(source).parent
        beside = folder / "constants.h5"
        if constants is None and not isinstance(opened, Run) and beside.is_file():
            constants = beside
        made = open_source(
            opened, detector=detector, constants=constants, config=config, events=events
        )
        if isinstance(opened, Run):
            return replace(made, another=partial(_beside, Path(source)))
        assert made.raw is not None
        made.raw.folder = folder
        return replace(made, folder=folder, another=made.raw.another)
    if isinstance(source, Run):
        make = partial(picture_of_run, source)
        return _opened(make, [detector] if detector else list(sums_in(source)), source.run)
    if not hasattr(source, "frames"):
        raise InputError(f"cannot draw on {type(source).__name__}: give a run, a path or an array")
    names = [detector] if detector else _cameras(source)
    raw = RawPictures(source, events, constants, config)
    made = _opened(raw.picture, names, source.number)
    frames = {name: partial(raw.frames, name) for name in made.session.models}
    return replace(made, frames=frames, experiment=source.experiment, constants=constants, raw=raw)


def _beside(path: Path, run: int, detector: str) -> Picture:
    """Return a detector's picture from the small-data file of another run, named alike."""
    found = _NUMBER.search(path.stem)
    if found is None:
        raise InputError(f"{path.name} has no number of a run: other runs cannot be told from it")
    digits = f"{run:0{len(found[2])}d}"
    name = f"{path.stem[: found.start(2)]}{digits}{path.stem[found.end(2) :]}{path.suffix}"
    opened = _open_path(path.with_name(name), run)
    assert isinstance(opened, Run)
    return picture_of_run(opened, detector)


def _opened(make: Callable[[str], Picture], names: list[str], run: int | None) -> Opened:
    pictures, missing = [], {}
    for name in names:
        try:
            pictures.append(make(name))
        except (NoFramesError, EmptyPictureError) as error:
            if len(names) == 1:
                raise
            missing[name] = str(error)
    if not pictures:
        why = "; ".join(missing.values()) or "it holds no frames and no sums of frames"
        raise NoFramesError(f"no picture to draw on: {why}")
    return Opened(Session(*pictures), run=run, missing=missing)


def _cameras(raw: RawRun) -> list[str]:
    """Return detectors with frames, and those in no event whose arrays could be frames."""
    sized = {
        name
        for name, one in frame_fields(raw).items()
        if len(one.shape) in (2, 3) and prod(one.shape) > SMALL_ARRAY
    }
    absent = {
        name
        for name, algorithms in raw.detectors.items()
        if name not in sized
        and any(one.rank in (2, 3) for fields in algorithms.values() for one in fields.values())
        and not raw.present(name).any()
    }
    return [name for name in raw.detectors if name in sized | absent]


def _open_path(path: Path, run: int | None) -> Run | RawRun:
    if not path.exists():
        raise NotThereError(f"no file or folder {path}; give a small-data file or raw data")
    if path.suffix in HDF5:
        return open_run(path)
    return open_raw(path, run)

"""The picture of a detector that regions are drawn on, and where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.frames import FrameSpec
from workbench.regions import Layout, pixel_places
from workbench.runs import Run
from workbench.sources import RawRun
from workbench.widgets.models.frames import NoFramesError, RawFrames, label_of

EVENTS = 30  # of a raw run that are averaged
SAMPLE = 1 << 18  # pixels that stand for all when percentiles are asked for
SUMS = "Sums/"
LARGEST = "_max"  # sums that keep the largest value instead of adding


class PictureError(InputError):
    """Values that make no picture of a detector; the text says what would."""


class EmptyPictureError(PictureError):
    """A picture without any measured pixel."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame of a detector and where its pixels lie.

    Parameters
    ----------
    detector
        As in the run and in the config.
    frame
        (row, col) or (tile, row, col) as the detector gives it; NaN (and what is infinite
        becomes NaN) where not measured [unit].
    layout
        Place of each pixel in the assembled picture.
    good
        Shape of `frame`, True = use.
    unit
        Of the values, "keV" or "ADU".
    origin
        One sentence: where the values come from.
    x, y, z
        Pixel centres in the laboratory frame [um], shape of `frame`; None without geometry.

    Raises
    ------
    PictureError
        Where layout or mask are not of the frame's shape.
    EmptyPictureError
        Where no pixel was measured.
    """

    detector: str
    frame: Floats
    layout: Layout
    good: Bools
    unit: str = "ADU"
    origin: str = "an array"
    x: Floats | None = field(default=None, repr=False)
    y: Floats | None = field(default=None, repr=False)
    z: Floats | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        frame = np.array(self.frame, dtype=np.float64)
        frame[~np.isfinite(frame)] = np.nan
        object.__setattr__(self, "frame", frame)
        shapes = {"layout": self.layout.frame_shape, "mask": self.good.shape}
        for what, shape in shapes.items():
            if shape != frame.shape:
                raise PictureError(
                    f"{self.detector}: the {what} has shape {shape}, the frame {frame.shape}; "
                    "take both from the same detector"
                )
        if np.isnan(frame).all():
            raise EmptyPictureError(
                f"{self.detector}: no pixel was measured in {self.origin}; take other events or "
                "another run"
            )

    @cached_property
    def image(self) -> Floats:
        """The assembled picture, (row, col); NaN where there is no pixel or no value."""
        return self.layout.picture(self.frame)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the assembled picture."""
        return self.layout.shape

    @cached_property
    def sample(self) -> Floats:
        """Values of usable pixels, sorted; a fixed random part of them where they are many."""
        values = self.frame[self.good & np.isfinite(self.frame)]
        if not values.size:  # every pixel is masked: better these than no colours
            values = self.frame[np.isfinite(self.frame)]
        if values.size > SAMPLE:
            values = values[np.random.default_rng(0).integers(0, values.size, SAMPLE)]
        return np.sort(values)

    @property
    def spec(self) -> FrameSpec:
        """What reductions are told of the frame."""
        return FrameSpec(self.frame.shape, self.unit, self.good, "float64")


def picture_of_array(
    array: Array,
    *,
    detector: str = "detector",
    good: Array | None = None,
    layout: Layout | None = None,
    unit: str = "ADU",
    origin: str = "an array",
) -> Picture:
    """Return the picture of a frame.

    Parameters
    ----------
    array
        (row, col) or (tile, row, col); NaN = not measured.
    detector
        Its name in the run and in the config.
    good
        Same shape, True or 1 = use; None: every pixel.
    layout
        Place of each pixel; None: tiles one below the other.
    unit, origin
        Unit of the values; where they come from, in words.
    """
    frame = _frame(array, detector)
    mask = np.ones(frame.shape, np.bool_) if good is None else np.asarray(good).astype(np.bool_)
    return Picture(detector, frame, layout or Layout.flat(frame.shape), mask, unit, origin)


def picture_of_raw(
    raw: RawRun,
    detector: str,
    *,
    events: int = EVENTS,
    constants: Path | None = None,
    config: Path | None = None,
) -> Picture:
    """Return the mean of a raw run's first frames, calibrated.

    Raises `UnknownNameError` where no detector of the name has frames, `NoFramesError` where it
    is in no event.

    Parameters
    ----------
    raw, detector
        The run and its detector.
    events
        How many frames are averaged, at most.
    constants
        File of calibration constants; None: raw readings [ADU].
    config
        Producer config whose common mode is taken off; None: none is.
    """
    return picture_of_frames(
        RawFrames.of(raw, detector, constants=constants, config=config), events
    )


def picture_of_frames(frames: RawFrames, events: int = EVENTS) -> Picture:
    """Return the mean of the first frames of a raw run's detector.

    Raises
    ------
    InputError
        For fewer than one event.
    """
    if events < 1:
        raise InputError(f"{events} events make no picture; give 1 or more")
    mean, count = frames.mean(events)
    known, detector = frames.constants, frames.field.detector
    x, y, z = (None, None, None) if known is None else (known.x, known.y, known.z)
    told = f", {frames.common_mode}" if frames.common_mode else ""
    return Picture(
        detector, _frame(mean, detector), _layout(mean.shape, x, y), frames.calibration.good,
        frames.calibration.unit, f"mean of {count} events of {label_of(frames.raw)}{told}", x, y, z,
    )  # fmt: skip


def picture_of_run(run: Run, detector: str, *, what: str = "") -> Picture:
    """Return the picture that a small-data file keeps of a detector: its frames added up.

    The sum is divided by the number of events where the file has it. Raises `UnknownNameError`
    where there is no such sum, `NoFramesError` where it holds no event.

    Parameters
    ----------
    run, detector
        An opened run and its detector.
    what
        Which sum, as "calib_max"; empty: "calib", else the first.
    """
    found = sums_in(run)
    if detector not in found:
        raise UnknownNameError("sum of frames of detector", detector, found, run.label)
    what = what or ("calib" if "calib" in found[detector] else found[detector][0])
    if what not in found[detector]:
        raise UnknownNameError("sum", what, found[detector], f"{run.label}, {detector}")
    name = f"{SUMS}{detector}_{what}"
    channel = run[name]
    values, count = np.asarray(channel.read(), np.float64), _summed(run, detector, what)
    if count == 0:
        raise NoFramesError(f"{name} of {run.label} holds no event; choose another sum or run")
    largest = what.endswith(LARGEST)
    if count and not largest:
        values = values / count
    told = f"{'mean' if not largest else 'largest'} of {count} events" if count else "sum of events"
    maps = {one.name: one.values for one in run.pixel_maps(name)}
    frame = _frame(values, detector)
    at = {axis: np.asarray(maps[axis], np.float64) for axis in "xyz" if axis in maps}
    good = maps.get("good", np.ones(frame.shape, np.bool_)).astype(np.bool_)
    if "ix" in maps and "iy" in maps:
        layout = Layout(*(maps[axis].astype(np.int64) for axis in ("ix", "iy")))
    else:
        layout = _layout(frame.shape, at.get("x"), at.get("y"))
    return Picture(
        detector, frame, layout, good, channel.unit or "ADU", f"{told}, {name} of {run.label}",
        at.get("x"), at.get("y"), at.get("z"),
    )  # fmt: skip


def sums_in(run: Run) -> dict[str, list[str]]:
    """Return which sums a small-data file keeps of which detector."""
    detectors = sorted(run.settings, key=len, reverse=True)
    found: dict[str, list[str]] = {}
    for name in run.infos:
        if not name.startswith(SUMS) or len(run.infos[name].shape) not in (2, 3):
            continue
        leaf = name.removeprefix(SUMS)
        owner = next((one for one in detectors if leaf.startswith(f"{one}_")), leaf.split("_")[0])
        found.setdefault(owner, []).append(leaf.removeprefix(f"{owner}_"))
    return found


def _summed(run: Run, detector: str, what: str) -> int | None:
    name = f"UserDataCfg/{detector}/{what}__n_events"
    return int(run[name].read()) if name in run.infos else None


def _frame(array: Array, detector: str) -> Array:
    frame = np.asarray(array)
    if frame.dtype.kind not in "biuf" or frame.ndim not in (2, 3) or not frame.size:
        raise PictureError(
            f"{detector}: a picture is (row, col) or (tile, row, col) numbers, not {frame.dtype} "
            f"of shape {frame.shape}"
        )
    return frame


def _layout(shape: Sequence[int], x: Floats | None, y: Floats | None) -> Layout:
    places = None if x is None or y is None else pixel_places(x, y)
    return Layout.flat(tuple(shape)) if places is None else Layout(*places)

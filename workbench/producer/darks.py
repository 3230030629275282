"""Dark runs to constants: pedestal, noise and usable pixels of one detector."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.constants import Constants
from workbench.core.errors import InputError, UnknownNameError
from workbench.producer.area_detector import GROUP_BYTES
from workbench.producer.frames import FrameField, frame_fields, range_choice_of
from workbench.reductions.calibrate import GAIN_BITS
from workbench.reductions.dark import Darks, DarkSums
from workbench.reductions.ranges import ONE_RANGE, GainBits
from workbench.sources import RawRun

SIGMAS = 6.0  # from the median of a tile, beyond which a pixel is bad


@dataclass(frozen=True, eq=False)
class DarkResult:
    """Constants from dark runs, and what they rest on.

    Parameters
    ----------
    constants
        Of the detector; gain and positions are those that it had before.
    frames
        Dark frames used.
    kept
        Gain ranges that the runs do not show and that keep what they had before.
    unknown
        Gain ranges without constants: their pixels become NaN, and are counted.
    reasons
        Reason -> how many pixels it takes out.
    """

    constants: Constants
    frames: int
    kept: tuple[str, ...]
    unknown: tuple[str, ...]
    reasons: dict[str, int]


def measure_darks(
    raws: Sequence[RawRun],
    detector: str,
    *,
    before: Constants | None = None,
    sigmas: float = SIGMAS,
) -> DarkResult:
    """Measure pedestal, noise and usable pixels in dark runs, all their events together.

    Parameters
    ----------
    raws
        Runs without X-rays; for detectors with gain ranges, those that show each of them.
    detector
        Whose frames to take.
    before
        Constants so far: gain and positions stay, and gain ranges that the runs do not show.
    sigmas
        Pixels whose level or noise is further than this from their tile's median are bad.

    Raises `UnknownNameError` without the detector, `InputError` where there are too few frames or
    the frames are not raw readings.
    """
    fields = [_frames_of(raw, detector) for raw in raws]
    if len({(field.shape, field.detector_type) for field in fields}) != 1:
        shapes = ", ".join(str(field.shape) for field in fields)
        raise InputError(f"{detector}: the runs have frames of shapes {shapes}; give runs of one")
    bits = GAIN_BITS.get(fields[0].detector_type, ONE_RANGE)
    sums, frames = DarkSums(fields[0].shape, bits), 0
    for raw, field in zip(raws, fields, strict=True):
        for _, some in field.read(raw, size=_together(field)):
            sums.add(_stacked(field, some))
            frames += len(some)
    if not frames:
        raise InputError(f"{detector}: no event holds a whole frame of it; give another run")
    darks = _by_range(sums.finish(sigmas=sigmas), bits, raws, fields)
    numbers = ", ".join(str(raw.number) for raw in raws)
    origin = f"{frames} dark frames of run {numbers}"
    return _result(replace(before or Constants(detector), origin=origin), darks, bits, frames)


def _frames_of(raw: RawRun, detector: str) -> FrameField:
    fields = frame_fields(raw)
    if detector not in fields:
        raise UnknownNameError("detector with frames", detector, fields, f"run {raw.number}")
    if np.dtype(fields[detector].dtype).kind != "u":
        raise InputError(
            f"{detector}: its frames are {fields[detector].dtype}, not raw readings of a digitiser"
        )
    return fields[detector]


def _together(field: FrameField) -> int:
    size = int(np.prod(field.shape)) * np.dtype(field.dtype).itemsize
    return max(1, GROUP_BYTES // size)


def _stacked(field: FrameField, frames: Sequence[Sequence[Array]]) -> Array:
    stacked = np.stack([np.stack(frame) for frame in frames])
    return stacked.reshape(len(frames), *field.shape)


def _by_range(
    darks: Darks, bits: GainBits, raws: Sequence[RawRun], fields: Sequence[FrameField]
) -> Darks:
    """Return darks by gain range where settings of the pixels tell which each code stands for."""
    if bits.n_ranges == max(1, len(bits.names)):
        return darks
    choices = [range_choice_of(raw, field) for raw, field in zip(raws, fields, strict=True)]
    first, *others = [choice for choice in choices if choice is not None]
    if any(not np.array_equal(first, other) for other in others):
        raise InputError(
            f"{fields[0].detector}: the runs have other gain settings; measure them one by one, "
            "into the same file"
        )
    pedestal, noise = (
        _placed(values, first, len(bits.names)) for values in (darks.pedestal, darks.noise)
    )
    return replace(darks, pedestal=pedestal, noise=noise)


def _placed(values: Floats, choice: Ints, ranges: int) -> Floats:
    placed = np.full((ranges, *values.shape[1:]), np.nan)
    for one, where in zip(values, choice, strict=True):
        for number in range(ranges):
            here = (where == number) & np.isfinite(one)
            placed[number][here] = one[here]
    return placed


def _result(before: Constants, darks: Darks, bits: GainBits, frames: int) -> DarkResult:
    masked = replace(before, good=darks.good)
    if not bits.names:
        constants = replace(masked, pedestal=darks.pedestal[0], noise=darks.noise[0])
        return DarkResult(constants, frames, (), (), darks.reasons)
    if before.gain is not None and before.ranges != bits.names:
        raise InputError(
            f"{before.detector}: its constants so far have no gain ranges, its frames have "
            f"{', '.join(bits.names)}; write to another file, or import the gains of all ranges"
        )
    old = before if before.ranges == bits.names else Constants(before.detector)
    pedestal = _completed(darks.pedestal, old.pedestal)
    noise = _completed(darks.noise, old.noise)
    constants = replace(masked, pedestal=pedestal, noise=noise, ranges=bits.names)
    shown = ~_blank(darks.pedestal)
    kept, unknown = ~shown & ~_blank(pedestal), _blank(pedestal)
    names = np.array(bits.names)
    return DarkResult(
        constants,
        frames,
        tuple(names[kept].tolist()),
        tuple(names[unknown].tolist()),
        darks.reasons,
    )


def _completed(values: Floats, old: Floats | None) -> Floats:
    """Return values with what is NaN taken from old ones."""
    return values if old is None else np.where(np.isnan(values), old, values)


def _blank(values: Floats) -> Bools:
    """Tell which gain ranges have no value in any pixel."""
    return np.asarray(np.isnan(values).reshape(len(values), -1).all(axis=1), np.bool_)

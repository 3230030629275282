"""Raw readings to keV: minus pedestal, over gain, each of the gain range that the pixel used."""

from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Frames, Ints
from workbench.core.bounds import Bounds
from workbench.core.constants import Constants
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.reductions import kernels
from workbench.reductions.common_mode import CommonMode
from workbench.reductions.ranges import EPIX10KA, JUNGFRAU, GainBits

# The DAQ stores which amplifier a pixel used in the bits above its reading.
READING_BITS = {"jungfrau": 14, "epix10ka": 14, "epix10kaquad": 14, "epix10ka2m": 14}
GAIN_BITS = {
    "jungfrau": JUNGFRAU,
    **dict.fromkeys(("epix10ka", "epix10kaquad", "epix10ka2m"), EPIX10KA),
}
NO_LIMIT = np.inf


class ConstantsShapeError(InputError):
    """Constants that do not fit the detector's frames: other shape, or other gain ranges."""


@dataclass(frozen=True, eq=False)
class RangeTable:
    """Constants of every gain range of one detector.

    Parameters
    ----------
    bits
        How raw values tell the range.
    pedestals
        [ADU], shape (range, ``*frame``); NaN where a range has none.
    gains
        [ADU/keV], ones where there are none; shape (range, ``*frame``).
    """

    bits: GainBits
    pedestals: Frames
    gains: Frames

    def within(self, bounds: Bounds) -> "RangeTable":
        """Return the constants of a part of the frame."""
        cut = (slice(None), *bounds.slices)
        pedestals, gains = self.pedestals[cut], self.gains[cut]
        return RangeTable(self.bits, np.ascontiguousarray(pedestals), np.ascontiguousarray(gains))


@dataclass(frozen=True)
class Calibration:
    """Pedestal and gain of one detector in the number type that the arithmetic uses.

    Parameters
    ----------
    pedestal
        [ADU]; zeros without constants.
    gain
        [ADU/keV]; ones without constants.
    good
        True = use.
    unit
        Of calibrated frames, "keV" or "ADU".
    limit
        Readings of this value and above were taken with another amplifier, for which there are
        no constants: they become NaN [ADU].
    calibrated
        False where frames stay raw for want of a pedestal.
    noise
        Standard deviation of each pixel without light, in `unit`; None where it is not known.
    table
        Constants of all gain ranges, `pedestal`, `gain` and `noise` being those of the first; None
        for detectors with one range, or constants of one.
    common
        Common mode that is taken off, of readings less pedestal; with `table`, of calibrated values
        of pixels that did not switch. It needs whole tiles: see `around`. None takes none off.
    """

    pedestal: Frames
    gain: Frames
    good: Bools
    unit: str
    limit: float = NO_LIMIT
    calibrated: bool = True
    noise: Frames | None = None
    table: RangeTable | None = None
    common: CommonMode | None = None

    @property
    def may_miss(self) -> bool:
        """Tell whether pixels can have used an amplifier without constants."""
        return self.table is not None or bool(np.isfinite(self.limit))

    @classmethod
    def of(
        cls,
        constants: Constants | None,
        *,
        shape: tuple[int, ...],
        dtype: str,
        detector_type: str = "",
        choice: Ints | None = None,
    ) -> "Calibration":
        """Prepare constants for frames of this shape and raw type; None leaves frames raw.

        Detectors whose pixels are set up one by one need `choice`: the range of each pixel for each
        code of its raw values, shape (code, ``*frame``), -1 for none.

        Raises
        ------
        ConstantsShapeError
            Where constants are not of the frames' shape.
        """
        kind = working_type(dtype)
        if constants is None:
            zeros, ones = np.zeros(shape, kind), np.ones(shape, kind)
            return cls(zeros, ones, np.ones(shape, np.bool_), "ADU", calibrated=False)
        if constants.ranges:
            coding, told = _by_code(constants, detector_type, choice)
            table = _table(coding, told, shape, kind)
            pedestal, gain, noise = (
                None if values is None else values[0]
                for values in (told.pedestal, told.gain, told.noise)
            )
            first = replace(told, pedestal=pedestal, gain=gain, noise=noise, ranges=())
            single = cls.of(first, shape=shape, dtype=dtype, detector_type=detector_type)
            return replace(single, limit=NO_LIMIT, table=table)
        known = constants.pedestal is not None
        pedestal = _filled(constants.pedestal, 0, shape, kind)
        gain = _filled(constants.gain if known else None, 1, shape, kind)
        good = _filled(constants.good, 1, shape, "bool")
        noise = None if constants.noise is None else constants.noise.astype(kind, copy=False)
        named = (("pedestal", pedestal), ("gain", gain), ("mask", good), ("noise", noise))
        for name, values in named:
            if values is not None and values.shape != shape:
                raise ConstantsShapeError(
                    f"{constants.detector}: the {name} has shape {values.shape}, its frames "
                    f"{shape}; give constants made for this detector ({constants.origin})"
                )
        bits = READING_BITS.get(detector_type)
        limit = float(1 << bits) if bits and known else NO_LIMIT
        good = good & np.isfinite(pedestal) & np.isfinite(gain) & (gain != 0)
        if noise is not None:
            noise = np.divide(noise, gain, out=np.full_like(noise, np.nan), where=gain != 0)
        spread = noise if known else None
        return cls(pedestal, gain, good, constants.unit, limit, calibrated=known, noise=spread)

    def around(self, bounds: Bounds) -> Bounds:
        """Return the part of a frame that must be calibrated for a region."""
        if self.common is None:
            return bounds
        axes = self.good.ndim - 2
        low = (*bounds.low[:axes], 0, 0)
        return Bounds(low, (*bounds.high[:axes], *self.good.shape[-2:]))

    def within(self, bounds: Bounds) -> "Calibration":
        """Return the constants of a part of the frame.

        Raises
        ------
        InputError
            For a part of a tile where common mode is to be taken off.
        """
        cut = bounds.slices
        if self.around(bounds) != bounds:
            raise InputError(f"common mode is that of whole tiles, not of {bounds}")
        return replace(
            self,
            pedestal=np.ascontiguousarray(self.pedestal[cut]),
            gain=np.ascontiguousarray(self.gain[cut]),
            good=np.ascontiguousarray(self.good[cut]),
            noise=None if self.noise is None else np.ascontiguousarray(self.noise[cut]),
            table=None if self.table is None else self.table.within(bounds),
        )

    @property
    def spec(self) -> FrameSpec:
        """What reductions are told about the calibrated frames."""
        kind = self.pedestal.dtype.name
        return FrameSpec(self.good.shape, self.unit, self.good, kind, self.noise)


def working_type(dtype: str) -> str:
    """Return the float type that holds every raw value of `dtype` exactly, float32 if it can."""
    exact = np.can_cast(np.dtype(dtype), np.float32, casting="safe")
    return "float32" if exact else "float64"


def calibrate(raw: Array, calibration: Calibration) -> Frames:
    """Return frames in `calibration.unit`, shape (event, ...)."""
    if calibration.common is not None:
        return _without_common_mode(raw, calibration, calibration.common)
    pixels = np.ascontiguousarray(raw)
    size = calibration.pedestal.size
    out = np.empty(pixels.shape, calibration.pedestal.dtype)
    if (table := calibration.table) is not None:
        kernels.calibrate_ranges(
            pixels.reshape(len(pixels), size),
            table.pedestals.reshape(-1, size),
            table.gains.reshape(-1, size),
            table.bits.bits,
            np.array(table.bits.ranges, np.int64),
            out.reshape(len(pixels), size),
        )
        return out
    kernels.calibrate(
        pixels.reshape(len(pixels), size),
        calibration.pedestal.reshape(size),
        calibration.gain.reshape(size),
        calibration.limit,
        out.reshape(len(pixels), size),
    )
    return out


def lacking(frames: Frames, calibration: Calibration) -> Bools:
    """Tell which calibrated frames have a good pixel without a value, shape (event,).

    Such a pixel used an amplifier without constants.
    """
    good = np.ascontiguousarray(calibration.good).reshape(-1)
    return kernels.lacking(np.ascontiguousarray(frames).reshape(len(frames), good.size), good)


def _without_common_mode(raw: Array, calibration: Calibration, common: CommonMode) -> Frames:
    plain = replace(calibration, common=None)
    used = np.broadcast_to(calibration.good, raw.shape)
    if (table := calibration.table) is not None:
        first = np.array(table.bits.ranges)[np.asarray(raw) >> table.bits.bits] == 0
        return common.correct(calibrate(raw, plain), used & first)
    readings = calibrate(raw, replace(plain, gain=np.ones_like(calibration.gain)))
    return common.correct(readings, used) / calibration.gain


def _filled(values: Array | None, fill: int, shape: tuple[int, ...], kind: str) -> Array:
    """Return constants in the type wanted; `fill` everywhere where there are none."""
    return np.full(shape, fill, kind) if values is None else values.astype(kind, copy=False)


def _by_code(
    constants: Constants, detector_type: str, choice: Ints | None
) -> tuple[GainBits, Constants]:
    """Return how raw values tell ranges, and the constants in the order of these."""
    bits = GAIN_BITS.get(detector_type)
    if bits is None or bits.names != constants.ranges:
        known = ", ".join(bits.names) if bits else "none that its raw values tell"
        raise ConstantsShapeError(
            f"{constants.detector}: constants of the gain ranges {', '.join(constants.ranges)}, a "
            f"detector of type {detector_type or 'unknown'} has {known}; take one range only "
            "(`workbench constants import --range`)"
        )
    if bits.n_ranges == len(bits.names):
        return bits, constants
    if choice is None:
        raise ConstantsShapeError(
            f"{constants.detector}: its gain ranges depend on its settings, which are not given"
        )
    pedestal, gain, noise = (
        None if values is None else _chosen(values, choice, constants.detector)
        for values in (constants.pedestal, constants.gain, constants.noise)
    )
    return bits, replace(constants, pedestal=pedestal, gain=gain, noise=noise)


def _chosen(values: Floats, choice: Ints, detector: str) -> Floats:
    if values.shape[1:] != choice.shape[1:]:
        raise ConstantsShapeError(
            f"{detector}: constants of shape {values.shape[1:]}, settings of {choice.shape[1:]}"
        )
    found: Floats = np.take_along_axis(values, np.maximum(choice, 0), axis=0)
    return np.where(choice < 0, np.nan, found)


def _table(bits: GainBits, constants: Constants, shape: tuple[int, ...], kind: str) -> RangeTable:
    """Return the constants of all ranges, in the order of the codes."""
    whole = (bits.n_ranges, *shape)
    missing, ones = np.full(whole, np.nan, kind), np.ones(whole, kind)
    pedestals = (
        missing if constants.pedestal is None else constants.pedestal.astype(kind, copy=False)
    )
    gains = ones if constants.gain is None else constants.gain.astype(kind, copy=False)
    for name, values in (("pedestal", pedestals), ("gain", gains)):
        if values.shape != whole:
            raise ConstantsShapeError(
                f"{constants.detector}: the {name} has shape {values.shape}, its ranges and frames "
                f"{whole}; give constants made for this detector ({constants.origin})"
            )
    return RangeTable(bits, pedestals, gains)

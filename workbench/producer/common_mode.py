"""``get_common_mode`` of a config: which detectors have their common mode taken off, and how."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workbench.core.errors import InputError
from workbench.producer.entries import EntryError
from workbench.producer.frames import FrameField
from workbench.producer.given import Given, naming
from workbench.producer.report import Report, kind, suggestion
from workbench.reductions import Calibration
from workbench.reductions.common_mode import BANKS, CommonMode
from workbench.reductions.epix_medians import EPIX_MODES, RANGE, EpixMedians

FUNCTION = "get_common_mode"
KEYS = ("mode", "cormax", "npix_min")
MODES = range(1, 8)  # bits: 1 rows, 2 columns, 4 banks


@dataclass(frozen=True)
class CommonModeEntry:
    """The common mode of one detector, whose banks its type tells."""

    detector: str
    mode: CommonMode
    line: int = 0

    def __str__(self) -> str:
        return f"{FUNCTION}[{self.detector!r}]"

    def applied(self, calibration: Calibration, frames: FrameField) -> Calibration:
        """Return a calibration that takes it off; `EntryError` where that cannot be.

        That of another detector is returned as it is.
        """
        if frames.detector != self.detector:
            return calibration
        if not calibration.calibrated:
            text = "common mode is taken off frames without pedestal: give constants"
            raise EntryError("no-constants", text)
        if isinstance(self.mode, EpixMedians):
            noise = calibration.noise
            adu = None if noise is None else noise * calibration.gain
            made: CommonMode = replace(self.mode, noise=adu)
        else:
            made = replace(self.mode, grid=BANKS.get(frames.detector_type, (1, 1)))
        try:
            made.check(calibration.spec.shape)
        except InputError as error:
            raise EntryError("does-not-fit", str(error)) from error
        return replace(calibration, common=made)


def read_common_mode(value: object) -> CommonMode | None:
    """Return what one detector asks for, or raise `EntryError`; None and mode 0 ask for nothing.

    A dictionary of `KEYS`, or psana's ``cmpars``: (algorithm, mode, cormax, npix_min), of which the
    algorithm is always the median. Numbers by themselves are refused: LCLS-I counts modes
    otherwise.
    """
    if value is None:
        return None
    if isinstance(value, list) and 3 <= len(value) <= 4:
        value = dict(zip(KEYS, value[1:], strict=False))
    if not isinstance(value, dict):
        text = "write {'mode': 7, 'cormax': 100, 'npix_min': 10}, mode 1 rows + 2 columns + 4 banks"
        raise EntryError("wrong-type", f"{text}, not {kind(value)}")
    given = Given(value, KEYS, "a common mode")
    mode = given.whole("mode", 7)
    if mode in EPIX_MODES:
        with naming("cormax"):
            return EpixMedians(limit=given.number("cormax", RANGE), mode=mode)
    if mode == 0:
        return None
    if mode not in MODES:
        text = f"mode is 1 (rows) + 2 (columns) + 4 (banks), or 45, 46, 47 (ePix100), not {mode}"
        raise EntryError("wrong-type", text, "mode")
    with naming("cormax"):
        return CommonMode(
            bool(mode & 1),
            bool(mode & 2),
            bool(mode & 4),
            given.number("cormax", 100.0),
            given.whole("npix_min", 10),
        )


def read_common_modes(
    value: object, listed: tuple[str, ...], report: Report
) -> Iterator[CommonModeEntry]:
    """Yield the usable entries; the others go to `report`."""
    if not isinstance(value, dict):
        report.skip("wrong-type", f"{FUNCTION} must return a dict, not {kind(value)}", FUNCTION)
        return
    for detector, given in value.items():
        try:
            if detector not in listed:
                hint = suggestion(str(detector), listed) if listed else ""
                text = f"detector {detector!r} is not in the list `detectors`{hint}"
                raise EntryError("detector-not-listed", text)
            mode = read_common_mode(given)
        except EntryError as error:
            path = (FUNCTION, detector, error.key) if error.key else (FUNCTION, detector)
            report.skip(error.code, str(error), *path)
        else:
            if mode is not None:
                yield CommonModeEntry(detector, mode, report.line(FUNCTION, detector))

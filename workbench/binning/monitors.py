"""Which intensity monitor follows the detector: every candidate for I0, ranked, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.binning.background import dark_mean
from workbench.binning.binned import NO_DARK, normalisation
from workbench.binning.linearity import FEWEST, SURE, Linearity, linearity
from workbench.binning.plan import Background, NothingLeftError, dark_events
from workbench.core.arrays import Bools, Floats
from workbench.core.table import Table
from workbench.runs import Channel, Cut, need_events
from workbench.runs.lines import fit_line
from workbench.runs.protocol import AnyRun

TOO_MANY = 0.1  # of the shots without usable value: a monitor that loses them is ranked behind


@dataclass(frozen=True)
class Monitor:
    """How well one intensity monitor follows the detector.

    Parameters
    ----------
    name
        Channel.
    correlation
        Pearson's, over the shots that hold both.
    residual
        Scatter of the detector around the line on the monitor, over its mean; outliers do not
        widen it.
    missing, not_positive
        Share of the shots without a value, and with one that is not above the dark mean.
    fit
        Offset and curvature; None where too few shots hold both.
    """

    name: str
    correlation: float
    residual: float
    missing: float
    not_positive: float
    fit: Linearity | None

    @property
    def usable(self) -> bool:
        """Tell whether it has a positive value for nearly every shot and the detector follows."""
        return self.fit is not None and self.missing + self.not_positive <= TOO_MANY

    @property
    def bent(self) -> float:
        """Curvature in units of its error; NaN without fit."""
        return np.nan if self.fit is None else self.fit.curvature / self.fit.curvature_error

    @property
    def why(self) -> str:
        """What speaks for and against it."""
        if self.fit is None:
            return "too few shots hold both"
        said = [f"detector scatters {100 * self.residual:.2g} % around the line"]
        if self.missing + self.not_positive > TOO_MANY:
            lost = 100 * (self.missing + self.not_positive)
            said.append(f"{lost:.3g} % of the shots lack a positive value")
        if abs(self.bent) > SURE:
            said.append(f"not linear: curvature is {self.bent:.2g} errors")
        if abs(self.fit.offset) > SURE * self.fit.offset_error:
            percent = 100 * self.fit.offset
            said.append(f"offset {percent:.2g} % of the signal")
        return "; ".join(said)


@dataclass(frozen=True)
class MonitorReport:
    """Monitors, best first.

    Parameters
    ----------
    detector
        Channel that they are compared with.
    monitors
        Ranked: usable ones first, then by the scatter of the detector around the line.
    absent
        Known monitors that the run does not hold.
    """

    detector: str
    monitors: tuple[Monitor, ...]
    absent: tuple[str, ...]

    @property
    def best(self) -> Monitor:
        """The monitor to divide by; `NothingLeftError` where none is usable."""
        if not self.monitors or not self.monitors[0].usable:
            raise NothingLeftError(f"no monitor follows {self.detector}:\n{self.table}")
        return self.monitors[0]

    @property
    def table(self) -> Table:
        """One line per monitor, with the reason for its place."""
        columns = (
            "monitor",
            "correlation",
            "residual",
            "missing",
            "not positive",
            "curvature/error",
            "why",
        )
        rows = tuple(
            (
                one.name,
                one.correlation,
                one.residual,
                one.missing,
                one.not_positive,
                one.bent,
                one.why,
            )
            for one in self.monitors
        )
        notes = (f"not in this run: {', '.join(self.absent)}",) if self.absent else ()
        return Table(columns, rows, f"which monitor {self.detector} follows, best first", notes)

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def i0_report(
    run: AnyRun,
    detector: str | Channel,
    where: Cut | None = None,
    *,
    of: str = "off",
    monitors: Sequence[str] | None = None,
    background: Background = "dark",
) -> MonitorReport:
    """Compare every candidate for I0 with a detector, over laser-off shots by default.

    Parameters
    ----------
    run
        From `open_run`.
    detector
        One value per event.
    where
        Which events; a cut on one of the monitors would favour it.
    of
        Class of events.
    monitors
        Channels to compare; by default all that the field dictionary knows for the hutch.
    background
        "dark": subtract the dark means first.

    Raises
    ------
    NothingLeftError
        Where no shot of the class holds the detector.
    """
    need_events(run, 2)
    where = None if where is None else where.freeze(run)
    channel = run.channel(detector)
    listed = [field.name for field in run.role_fields("i0")] if monitors is None else monitors
    names = [name for name in dict.fromkeys(listed) if monitors is not None or name in run]
    dark = dark_mean(channel, dark_events(run, where)) if background == "dark" else NO_DARK
    signal = channel.read().astype(np.float64) - dark.mean
    shots = run.mask(where, of=of) & np.isfinite(signal)
    if not shots.any():
        raise NothingLeftError(
            f"{run.label}: no shot of class {of!r} with {channel.name} is left of {run.n_events} "
            "events; look at run.check() and at the cuts"
        )
    judged = []
    for name in names:
        intensity, _, _ = normalisation(run, name, where, background)
        good = shots & np.isfinite(intensity) & (np.nan_to_num(intensity) > 0)
        fit = None
        if np.count_nonzero(good) >= FEWEST and np.ptp(intensity[good]) > 0:
            fit = linearity(run, channel, name, where, of=of, background=background)
        judged.append(_judge(name, signal, intensity, shots, good, fit))
    judged.sort(key=lambda one: (not one.usable, np.nan_to_num(one.residual, nan=np.inf)))
    absent = tuple(name for name in listed if name not in names)
    return MonitorReport(channel.name, tuple(judged), absent)


def _judge(
    name: str,
    signal: Floats,
    intensity: Floats,
    shots: Bools,
    good: Bools,
    fit: Linearity | None,
) -> Monitor:
    missing = float(np.isnan(intensity[shots]).mean())
    not_positive = float((np.nan_to_num(intensity[shots], nan=1.0) <= 0).mean())
    if fit is None:
        return Monitor(name, np.nan, np.nan, missing, not_positive, None)
    x, y = intensity[good], signal[good]
    correlation = float(np.corrcoef(x, y)[0, 1])
    residual = fit_line(x, y, "linear").sigma / abs(float(y.mean()))
    return Monitor(name, correlation, residual, missing, not_positive, fit)

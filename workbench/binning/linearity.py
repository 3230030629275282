"""Does the signal follow the intensity: offset and curvature, which a ratio of sums hides."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.binning.background import dark_mean
from workbench.binning.binned import NO_DARK, normalisation
from workbench.binning.labels import ratio_unit
from workbench.binning.parameter import Parameter
from workbench.binning.plan import Background, NothingLeftError, dark_events, make_plan
from workbench.core.arrays import Floats
from workbench.core.table import Table
from workbench.runs import Channel, Cut, need_events
from workbench.runs.protocol import AnyRun

FEWEST = 10  # shots for three numbers with errors
SURE = 3.0  # errors
UNKNOWN = "not known"


@dataclass(frozen=True)
class Linearity:
    """Fit S = a + b I + c I² over single shots, in units of the means of S and I.

    Parameters
    ----------
    offset, slope, curvature
        a / <S>, b <I> / <S>, c <I>² / <S>; a perfect pair gives 0, 1, 0.
    offset_error, slope_error, curvature_error
        Standard errors that hold for any dependence of the scatter on I; that of the offset holds
        the errors of the dark means too.
    shots
        Number of shots fitted.
    names
        Signal and intensity.
    means
        <S> and <I>, in their units.
    units
        Of S and I; empty where nobody knows it.
    excluded
        Events not fitted, by reason.
    dark_events
        Events that gave the dark means of S and I; 0 where none was subtracted.
    """

    offset: float
    offset_error: float
    slope: float
    slope_error: float
    curvature: float
    curvature_error: float
    shots: int
    names: tuple[str, str]
    means: tuple[float, float]
    units: tuple[str, str]
    excluded: Mapping[str, int]
    dark_events: tuple[int, int]

    @property
    def linear(self) -> bool:
        """Tell whether offset and curvature are within 3 errors of zero."""
        pairs = ((self.offset, self.offset_error), (self.curvature, self.curvature_error))
        return all(abs(value) <= SURE * error for value, error in pairs)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Offset and curvature under the names that the truth of a made-up run has for them."""
        return {
            "i0_offset": Parameter(self.offset, self.offset_error, "1"),
            "i0_curvature": Parameter(self.curvature, self.curvature_error, "1"),
        }

    @property
    def state(self) -> str:
        """Say in a word whether signal and intensity are proportional."""
        return "linear" if self.linear else "not linear"

    @property
    def message(self) -> str:
        """Say what the fit was made of."""
        return f"{self.names[0]} against {self.names[1]}, {self.shots} shots"

    @property
    def table(self) -> Table:
        """Term, value and error, relative and in the units of S and I."""
        signal, intensity = self.means
        one, per = self.units
        terms = (
            ("offset a / <S>", self.offset, self.offset_error),
            ("slope b <I> / <S>", self.slope, self.slope_error),
            ("curvature c <I>² / <S>", self.curvature, self.curvature_error),
        )
        scales = (signal, signal / intensity, signal / intensity**2)
        square = per if per in {"", "1"} else f"({per})²"
        units = (one, ratio_unit(one, per), ratio_unit(one, square))
        rows = tuple(
            (text, value, error, value * scale, error * abs(scale), unit or UNKNOWN)
            for (text, value, error), scale, unit in zip(terms, scales, units, strict=True)
        )
        caption = f"{self.names[0]} against {self.names[1]}, {self.shots} shots"
        note = "linear within 3 errors" if self.linear else "not linear: a ratio of sums is biased"
        dark = "dark means over {} and {} events subtracted".format(*self.dark_events)
        left = ", ".join(f"{why} {count}" for why, count in self.excluded.items() if count)
        notes = (note, dark, f"left out: {left}" if left else "nothing left out")
        columns = ("term", "value", "error", "in its unit", "error in its unit", "unit")
        return Table(columns, rows, caption, notes)

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def linearity(
    run: AnyRun,
    field: str | Channel,
    by: str | Channel = "i0",
    where: Cut | None = None,
    *,
    of: str = "off",
    background: Background = "dark",
) -> Linearity:
    """Fit signal against intensity shot by shot; by default over laser-off shots.

    The dark means of S and I are subtracted first; shots with I <= 0 are left out and counted.
    Noise of the intensity monitor flattens the slope and so feigns an offset, by about the noise
    squared over the spread of I squared: compare with a second monitor before believing a small
    one.

    Raises
    ------
    NothingLeftError
        With too few shots that hold both signal and intensity.
    """
    need_events(run, FEWEST)
    channel = run.channel(field)
    intensity, norm_dark, norm = normalisation(run, by, where, background)
    assert norm is not None
    dark = dark_mean(channel, dark_events(run, where)) if background == "dark" else NO_DARK
    signal = channel.read().astype(np.float64) - dark.mean
    plan = make_plan((), run.mask(where, of=of), intensity, norm)
    lost = plan.used & ~np.isfinite(signal)
    good = plan.used & ~lost
    if np.count_nonzero(good) < FEWEST:
        raise NothingLeftError(
            f"{run.label}: only {np.count_nonzero(good)} shots of class {of!r} hold both "
            f"{channel.name} and {norm.name}: at least {FEWEST} are needed to tell whether they "
            "are linear; loosen the cuts, or name another monitor"
        )
    means = float(signal[good].mean()), float(intensity[good].mean())
    values, errors = _polynomial(intensity[good] / means[1], signal[good])
    shift = np.hypot(float(dark.error), values[1] * float(norm_dark.error) / means[1])
    errors[0] = np.hypot(errors[0], shift)
    (a, b, c), (da, db, dc) = (values / means[0]).tolist(), (errors / abs(means[0])).tolist()
    return Linearity(
        offset=a,
        offset_error=da,
        slope=b,
        slope_error=db,
        curvature=c,
        curvature_error=dc,
        shots=int(good.sum()),
        names=(channel.name, norm.name),
        means=means,
        units=(channel.unit, norm.unit),
        excluded={**plan.excluded, f"{channel.name} missing": int(np.count_nonzero(lost))},
        dark_events=(dark.count, norm_dark.count),
    )


def _polynomial(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return coefficients of 1, x, x² and errors from the residuals of each shot (sandwich)."""
    design = np.stack([np.ones_like(x), x, x**2], axis=1)
    inverse = np.linalg.pinv(design.T @ design)
    values = inverse @ (design.T @ y)
    weighted = design * (y - design @ values)[:, None]
    covariance = inverse @ (weighted.T @ weighted) @ inverse * len(x) / (len(x) - 3)
    return values, np.sqrt(np.diag(covariance))

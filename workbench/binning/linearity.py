"""Does the signal follow the intensity: offset and curvature, which a ratio of sums hides."""

from dataclasses import dataclass

import numpy as np

from workbench.binning.plan import NothingLeftError
from workbench.core.arrays import Floats
from workbench.core.table import Table
from workbench.runs import Channel, Cut
from workbench.runs.protocol import AnyRun

FEWEST = 10  # shots for three numbers with errors
SURE = 3.0  # errors


@dataclass(frozen=True)
class Linearity:
    """Fit S = a + b I + c I² over single shots, in units of the means of S and I.

    Parameters
    ----------
    offset, slope, curvature
        a / <S>, b <I> / <S>, c <I>² / <S>; a perfect pair gives 0, 1, 0.
    offset_error, slope_error, curvature_error
        Standard errors that hold for any dependence of the scatter on I.
    shots
        Number of shots fitted.
    names
        Signal and intensity.
    """

    offset: float
    offset_error: float
    slope: float
    slope_error: float
    curvature: float
    curvature_error: float
    shots: int
    names: tuple[str, str]

    @property
    def linear(self) -> bool:
        """Tell whether offset and curvature are within 3 errors of zero."""
        pairs = ((self.offset, self.offset_error), (self.curvature, self.curvature_error))
        return all(abs(value) <= SURE * error for value, error in pairs)

    @property
    def table(self) -> Table:
        """Term, value and error."""
        rows = (
            ("offset a / <S>", self.offset, self.offset_error),
            ("slope b <I> / <S>", self.slope, self.slope_error),
            ("curvature c <I>² / <S>", self.curvature, self.curvature_error),
        )
        caption = f"{self.names[0]} against {self.names[1]}, {self.shots} shots"
        note = "linear within 3 errors" if self.linear else "not linear: a ratio of sums is biased"
        return Table(("term", "value", "error"), rows, caption, (note,))

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
) -> Linearity:
    """Fit signal against intensity shot by shot; by default over laser-off shots.

    Noise of the intensity monitor flattens the slope and so feigns an offset, by about the noise
    squared over the spread of I squared: compare with a second monitor before believing a small
    one.
    """
    channel, norm = run.channel(field), run.channel(by)
    signal, intensity = (entry.read().astype(np.float64) for entry in (channel, norm))
    good = run.mask(where, of=of) & np.isfinite(signal) & np.isfinite(intensity)
    if np.count_nonzero(good) < FEWEST:
        raise NothingLeftError(
            f"only {np.count_nonzero(good)} shots of class {of!r} hold both {channel.name} and "
            f"{norm.name}: at least {FEWEST} are needed to tell whether they are linear"
        )
    values, errors = _polynomial(intensity[good] / intensity[good].mean(), signal[good])
    scale = signal[good].mean()
    (a, b, c), (da, db, dc) = values / scale, errors / abs(scale)
    names = (channel.name, norm.name)
    return Linearity(
        float(a), float(da), float(b), float(db), float(c), float(dc), int(good.sum()), names
    )


def _polynomial(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return coefficients of 1, x, x² and errors from the residuals of each shot (sandwich)."""
    design = np.stack([np.ones_like(x), x, x**2], axis=1)
    inverse = np.linalg.pinv(design.T @ design)
    values = inverse @ (design.T @ y)
    weighted = design * (y - design @ values)[:, None]
    covariance = inverse @ (weighted.T @ weighted) @ inverse * len(x) / (len(x) - 3)
    return values, np.sqrt(np.diag(covariance))

"""Peaks of powder patterns: positions, spacings, errors; calibrant check; shift and strain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.recipes.line_fit import FWHM, SMOOTH, fit_line, line_start, scale_of, smoothed
from workbench.recipes.powder import Pattern
from workbench.regions import Calibrant

SURE = 5.0  # standard errors of a height that make a peak
FEWEST = 8  # bins in a window
CLOSE = 0.45  # of the distance to the next line, at most, on either side of a peak
NAN = Parameter(float("nan"), float("nan"), "deg")


class PeakError(InputError):
    """A pattern without peaks, or peaks that have no partner."""


@dataclass(frozen=True)
class Peak:
    """One peak: a Gaussian on a straight line, fitted in a window.

    Parameters
    ----------
    two_theta, width
        Position and full width at half maximum [deg].
    height
        Above the line, in the unit of the pattern.
    spacing
        d = lambda / (2 sin theta) [angstrom].
    state
        "found", "no signal" (height below 5 errors), "at the edge" (the fit left its window),
        "no pixels" (too few bins), "no fit" (it did not converge).
    chi2, dof
        Of the fit; errors grow by sqrt(chi2 / dof) where chance has such a chi2 once in 100 fits.
    """

    two_theta: Parameter
    width: Parameter
    height: Parameter
    spacing: Parameter
    state: str
    chi2: float = float("nan")
    dof: int = 0


@dataclass(frozen=True)
class CalibrantCheck:
    """Rings of a calibrant against their tabulated positions.

    Parameters
    ----------
    name
        Of the calibrant.
    expected
        Tabulated 2 theta of each line inside the pattern [deg].
    peaks
        What was found there.
    """

    name: str
    expected: Floats
    peaks: tuple[Peak, ...]

    @property
    def residuals(self) -> Floats:
        """Measured minus tabulated [deg]; NaN where there is no peak."""
        return np.array([
            peak.two_theta.value - line if peak.state == "found" else np.nan
            for peak, line in zip(self.peaks, self.expected, strict=True)
        ])  # fmt: skip

    @property
    def rms(self) -> float:
        """Root mean square of the residuals of the rings that were found [deg]."""
        found = self.residuals[np.isfinite(self.residuals)]
        return float(np.sqrt(np.mean(found**2))) if len(found) else float("nan")

    @property
    def table(self) -> Table:
        """Line, tabulated and measured position, residual with its error."""
        rows = tuple(
            (
                float(line), peak.two_theta.value if peak.state == "found" else None,
                float(residual) if np.isfinite(residual) else None,
                peak.two_theta.error if peak.state == "found" else None, peak.state,
            )
            for line, peak, residual in zip(
                self.expected, self.peaks, self.residuals, strict=True
            )
        )  # fmt: skip
        columns = ("tabulated [deg]", "measured [deg]", "residual [deg]", "error [deg]", "state")
        count = int(np.isfinite(self.residuals).sum())
        caption = f"{self.name}: {count} of {len(rows)} rings found, rms {self.rms:.4f} deg"
        return Table(columns, rows, caption=caption)


@dataclass(frozen=True)
class PatternComparison:
    """Peaks of a pattern against those of a reference.

    Parameters
    ----------
    reference, label
        What is compared.
    pairs
        Peaks of the reference and what became of them.
    only_reference, only_here
        Peaks without a partner.
    parameters
        "strain": the mean relative change of the spacings, with its error; "pairs".
    state, message
        "compared", or "nothing to compare"; the same in words.
    """

    reference: str
    label: str
    pairs: tuple[tuple[Peak, Peak], ...]
    only_reference: tuple[Peak, ...]
    only_here: tuple[Peak, ...]
    parameters: Mapping[str, Parameter]
    state: str
    message: str = ""

    @property
    def table(self) -> Table:
        """Position, spacing, shift and strain of each pair; then what has no partner."""
        rows = []
        for old, new in self.pairs:
            shift, strain = _shift(old, new), _strain(old, new)
            rows.append(
                (
                    str(old.two_theta), str(new.two_theta), str(old.spacing), str(new.spacing),
                    str(shift), f"{strain.value:.5f} ± {strain.error:.5f}",
                )
            )  # fmt: skip
        rows += [(str(one.two_theta), "none", str(one.spacing), "", "", "")
                 for one in self.only_reference]  # fmt: skip
        rows += [("none", str(one.two_theta), "", str(one.spacing), "", "")
                 for one in self.only_here]  # fmt: skip
        columns = (
            f"{self.reference}: 2 theta", f"{self.label}: 2 theta", f"{self.reference}: d",
            f"{self.label}: d", "shift", "strain (change of d / d)",
        )  # fmt: skip
        return Table(columns, tuple(rows), caption=self.message)


def fit_peak(pattern: Pattern, centre: float, half_width: float) -> Peak:
    """Fit the peak within `half_width` of a position [deg]."""
    x, y, error = pattern.two_theta, pattern.value, pattern.error
    inside = (np.abs(x - centre) <= half_width) & np.isfinite(y) & (error > 0)
    if inside.sum() < FEWEST:
        return _no_peak("no pixels", pattern.unit)
    x, y, error = x[inside], y[inside], error[inside]
    fit = fit_line(x, y, error, line_start(x, y, centre, half_width), half_width)
    if fit is None:
        return _no_peak("no fit", pattern.unit)
    found, spread, chi2, dof = fit
    height, place, sigma = (float(value) for value in found[:3])
    state = "found"
    if height < SURE * spread[0]:
        state = "no signal"
    elif min(place - x[0], x[-1] - place) < sigma:
        state = "at the edge"
    theta, turn = np.deg2rad(place / 2), np.deg2rad(float(spread[1]) / 2)
    spacing = pattern.wavelength / (2 * np.sin(theta))
    return Peak(
        Parameter(place, float(spread[1]), "deg"),
        Parameter(FWHM * sigma, FWHM * float(spread[2]), "deg"),
        Parameter(height, float(spread[0]), pattern.unit),
        Parameter(float(spacing), float(spacing / np.tan(theta) * turn), "angstrom"),
        state,
        chi2,
        dof,
    )


def find_peaks(pattern: Pattern, *, least: float = 8.0, half_width: float = 0.0) -> list[Peak]:
    """Return the peaks that stand out of a pattern, by rising angle.

    Parameters
    ----------
    pattern
        With errors.
    least
        Standard errors of a bin by which a peak must stand out.
    half_width
        Half of the window that is fitted [deg]; 0: one and a quarter of each peak's own width.

    Raises
    ------
    PeakError
        For a pattern with too few bins that hold values.
    """
    known = np.isfinite(pattern.value) & (pattern.error > 0)
    if known.sum() < FEWEST:
        raise PeakError(f"the pattern of {pattern.label} has no bins with pixels: check mask, poni")
    x = pattern.two_theta
    level = np.interp(x, x[known], pattern.value[known])
    noise = np.interp(x, x[known], pattern.error[known])
    smooth = smoothed(level)
    from scipy import signal  # brings all of scipy.stats: only where peaks are looked for

    places, facts = signal.find_peaks(
        smooth, prominence=least * noise / np.sqrt(2 * SMOOTH), width=2
    )
    step = float(np.median(np.diff(x)))
    found = []
    for number, place in enumerate(places):
        near = [abs(x[other] - x[place]) for other in places if other != place]
        width = half_width or 1.25 * float(facts["widths"][number]) * step
        window = min([max(width, FEWEST * step / 2), *(CLOSE * gap for gap in near)])
        found.append(fit_peak(pattern, float(x[place]), window))
    return [peak for peak in found if peak.state == "found"]


def check_calibrant(
    pattern: Pattern, calibrant: Calibrant, *, half_width: float = 0.3
) -> CalibrantCheck:
    """Compare the rings of a calibrant with their tabulated positions.

    Parameters
    ----------
    pattern
        Of the calibrant.
    calibrant
        Its spacings.
    half_width
        Half of the window around each ring [deg]; less where lines are closer.

    Raises
    ------
    PeakError
        For a pattern without values, and where no ring of the calibrant lies in it.
    """
    lines = np.rad2deg(calibrant.angles(pattern.energy))
    lines = np.unique(np.round(lines, 9))
    known = pattern.two_theta[np.isfinite(pattern.value)]
    if not len(known):
        raise PeakError(f"the pattern of {pattern.label} has no bins with pixels: check mask, poni")
    inside = lines[(lines > known[0]) & (lines < known[-1])]
    if not len(inside):
        raise PeakError(
            f"{calibrant.name} has no ring between {known[0]:.2f} and {known[-1]:.2f} deg at "
            f"{pattern.energy:.3f} keV: check energy, distance and calibrant"
        )
    peaks = []
    for line in inside:
        gaps = np.abs(lines[lines != line] - line)
        window = min(half_width, CLOSE * float(gaps.min())) if len(gaps) else half_width
        peaks.append(fit_peak(pattern, float(line), window))
    return CalibrantCheck(calibrant.name, inside, tuple(peaks))


def compare_patterns(
    reference: Pattern,
    pattern: Pattern,
    *,
    largest_shift: float = 1.0,
    peaks: tuple[Sequence[Peak], Sequence[Peak]] | None = None,
) -> PatternComparison:
    """Pair the peaks of two patterns: each other's nearest, and not further than allowed [deg].

    The strain is the mean of (d - d0) / d0, each with the weight of its error; where the rings
    disagree by more than chance, its error is that of their scatter.
    """
    old, new = peaks or (find_peaks(reference), find_peaks(pattern))
    pairs = _pairs(old, new, largest_shift)
    used = {id(one) for pair in pairs for one in pair}
    strains = [_strain(*pair) for pair in pairs]
    message = f"{len(pairs)} of {len(old)} peaks of {reference.label} found again"
    given: dict[str, Parameter] = {}
    if strains:
        mean, chi2 = _weighted(strains)
        given["strain"] = mean
        if scale_of(chi2, len(pairs) - 1) > 1:
            message += "; the rings do not shift by one strain (not hydrostatic, or mixed phases)"
    return PatternComparison(
        reference.label,
        pattern.label,
        tuple(pairs),
        tuple(one for one in old if id(one) not in used),
        tuple(one for one in new if id(one) not in used),
        given,
        "compared" if pairs else "nothing to compare",
        message,
    )


def peaks_table(peaks: Sequence[Peak], label: str = "") -> Table:
    """Return position, width, spacing and height of peaks."""
    rows = tuple(
        (str(one.two_theta), str(one.width), str(one.spacing), str(one.height), one.state)
        for one in peaks
    )
    return Table(("2 theta", "FWHM", "d", "height", "state"), rows, caption=label)


def _no_peak(state: str, unit: str) -> Peak:
    nothing = float("nan")
    return Peak(NAN, NAN, Parameter(nothing, nothing, unit),
                Parameter(nothing, nothing, "angstrom"), state)  # fmt: skip


def _pairs(old: Sequence[Peak], new: Sequence[Peak], largest: float) -> list[tuple[Peak, Peak]]:
    if not old or not new:
        return []
    left, right = (np.array([one.two_theta.value for one in side]) for side in (old, new))
    away = np.abs(left[:, np.newaxis] - right)
    return [
        (one, new[near])
        for number, one in enumerate(old)
        if away[:, (near := int(away[number].argmin()))].argmin() == number
        and away[number, near] <= largest
    ]


def _shift(old: Peak, new: Peak) -> Parameter:
    error = float(np.hypot(old.two_theta.error, new.two_theta.error))
    return Parameter(new.two_theta.value - old.two_theta.value, error, "deg")


def _strain(old: Peak, new: Peak) -> Parameter:
    ratio = new.spacing.value / old.spacing.value
    before, after = (one.spacing.error / one.spacing.value for one in (old, new))
    return Parameter(ratio - 1, float(ratio * np.hypot(before, after)), "1")


def _weighted(values: Sequence[Parameter]) -> tuple[Parameter, float]:
    value = np.array([one.value for one in values])
    weight = np.array([one.error for one in values]) ** -2.0
    mean = float((weight * value).sum() / weight.sum())
    chi2 = float((weight * (value - mean) ** 2).sum())
    scale = scale_of(chi2, len(values) - 1)
    return Parameter(mean, float(np.sqrt(scale / weight.sum())), "1"), chi2

"""Lines of a spectrum: energy axis from two known ones, elastic and inelastic scattering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import optimize
from scipy.ndimage import gaussian_filter1d

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.table import Table
from workbench.recipes.line_fit import FWHM, fit_line, line_start, scale_of, smoothed
from workbench.recipes.spectrometer import PIXEL, Spectrum, SpectrumError

SURE = 5.0  # standard errors that make a line


@dataclass(frozen=True)
class Dispersion:
    """A straight energy axis through two lines: E = energy + slope * (pixel - place).

    Parameters
    ----------
    place, energy
        First line [pixel], [eV].
    slope
        [eV/pixel]
    error
        Standard error of the energy half-way between the lines [eV].
    lines
        Fitted position of either line.
    """

    place: float
    energy: float
    slope: Parameter
    error: float
    lines: tuple[Parameter, Parameter]

    def over_energy(self, spectrum: Spectrum) -> Spectrum:
        """Return the spectrum over the energy, rising."""
        energy = self.energy + self.slope.value * (spectrum.x - self.place)
        order = np.argsort(energy)
        return replace(
            spectrum, x=energy[order], value=spectrum.value[order], error=spectrum.error[order],
            axis="eV",
        )  # fmt: skip

    @property
    def table(self) -> Table:
        """Lines and slope."""
        rows = (
            ("first line", str(self.lines[0])),
            ("second line", str(self.lines[1])),
            ("dispersion", str(self.slope)),
            ("error of the energy between the lines", f"{self.error:.3f} eV"),
        )
        return Table(("energy axis", "value"), rows)


@dataclass(frozen=True)
class ElasticInelastic:
    """An elastic and an inelastic line on a constant.

    Parameters
    ----------
    parameters
        elastic_energy, elastic_fwhm, inelastic_shift (loss of energy), inelastic_fwhm,
        inelastic_ratio (area of inelastic over elastic); their names end in "_pixel" where there
        is no energy axis.
    state
        "fitted", "no inelastic" (below 5 errors: the numbers are of the elastic line alone), "no
        signal", "no fit".
    message
        The same in words.
    curves
        The fitted curve and its elastic part at the points of the spectrum.
    """

    parameters: Mapping[str, Parameter]
    state: str
    message: str = ""
    curves: tuple[Floats, Floats] | None = field(default=None, repr=False, compare=False)

    @property
    def table(self) -> Table:
        """The numbers with their errors."""
        rows = tuple((name, str(one)) for name, one in self.parameters.items())
        return Table(("quantity", "value"), rows, caption=self.state, notes=(self.message,))


def dispersion(
    spectrum: Spectrum,
    energies: Sequence[float],
    *,
    pixels: Sequence[float] = (),
    half_width: float = 12.0,
    rising: bool = True,
) -> Dispersion:
    """Return the energy axis from two lines of known energy [eV].

    Parameters
    ----------
    spectrum
        In which both are lines, over pixels.
    energies
        Of the two lines [eV].
    pixels
        About where they are, in the order of `energies`; empty: the two strongest lines.
    half_width
        Of the window of either fit [pixel].
    rising
        Whether the energy rises with the pixel; used where `pixels` are not given.

    Raises
    ------
    SpectrumError
        Unless two different energies are given, with no or two pixels, and two lines are found
        apart.
    """
    if len(energies) != 2 or energies[0] == energies[1] or len(pixels) not in {0, 2}:
        raise SpectrumError("an energy axis needs two lines of different energy, and no or two "
                            "pixels")  # fmt: skip
    if not pixels:
        two_strongest = _strongest(spectrum, half_width)
        low, high = min(two_strongest), max(two_strongest)
        pixels = (low, high) if (energies[0] < energies[1]) == rising else (high, low)
    one = _line(spectrum, pixels[0], half_width)
    two = _line(spectrum, pixels[1], half_width)
    apart = two.value - one.value
    if abs(apart) < 2:
        raise SpectrumError(f"both lines are at pixel {one.value:.1f}: say where they are")
    slope = (energies[1] - energies[0]) / apart
    error = float(np.hypot(one.error, two.error))
    middle = abs(slope) * error / 2
    return Dispersion(
        one.value, energies[0], Parameter(slope, abs(slope / apart) * error, "eV/pixel"), middle,
        (one, two),
    )  # fmt: skip


def fit_elastic(spectrum: Spectrum, *, axis_error: float = 0.0) -> ElasticInelastic:
    """Fit an elastic and an inelastic Gaussian on a constant.

    Parameters
    ----------
    spectrum
        Over energy, or over pixels, where the loss has the sign of the pixels.
    axis_error
        Of the energies [eV], which adds to the error of the elastic line's.
    """
    known = np.isfinite(spectrum.value) & (spectrum.error > 0)
    x, y, error = spectrum.x[known], spectrum.value[known], spectrum.error[known]
    if len(x) < 16:
        return ElasticInelastic({}, "no signal", "fewer than 16 points with errors")
    start = _start(x, y, error)
    if start is None:
        return ElasticInelastic({}, "no signal", "no line stands out of its errors")
    step, span = float(x[1] - x[0]), float(x[-1] - x[0])
    least = 0.0 if spectrum.axis == "eV" else -span
    bounds = ([0, x[0], 0.3 * step, 0, least, 0.5 * step, -np.inf],
              [np.inf, x[-1], span / 4, np.inf, span, span / 2, np.inf])  # fmt: skip
    try:
        found, covariance = optimize.curve_fit(
            _two_lines, x, y, start, error, absolute_sigma=True, bounds=bounds, maxfev=4000
        )
    except (RuntimeError, ValueError) as problem:
        return ElasticInelastic({}, "no fit", str(problem))
    chi2 = float((((y - _two_lines(x, *found)) / error) ** 2).sum())
    covariance = covariance * scale_of(chi2, len(x) - len(found))
    spread = np.sqrt(np.diag(covariance))
    if not np.isfinite(spread).all():
        return ElasticInelastic({}, "no fit", "the data do not determine all numbers")
    sure = found[3] > SURE * spread[3]
    elastic = found.copy()
    elastic[3] = 0.0
    curves = (_two_lines(spectrum.x, *found), _two_lines(spectrum.x, *elastic))
    message = f"chi2 {chi2:.0f} for {len(x) - len(found)} degrees of freedom"
    return ElasticInelastic(
        _named(found, covariance, spectrum.axis, axis_error, both=bool(sure)),
        "fitted" if sure else "no inelastic",
        message,
        curves,
    )


def _named(
    found: Floats, covariance: Floats, axis: str, axis_error: float, *, both: bool
) -> dict[str, Parameter]:
    spread = np.sqrt(np.diag(covariance))
    ratio = found[3] / found[0]
    slopes = np.array([-ratio / found[0], 1 / found[0]])
    variance = float(slopes @ covariance[np.ix_([0, 3], [0, 3])] @ slopes)
    values = {
        "elastic_energy": (found[1], np.hypot(spread[1], axis_error), axis),
        "elastic_fwhm": (FWHM * found[2], FWHM * spread[2], axis),
    }
    if both:
        values |= {
            "inelastic_shift": (found[4], spread[4], axis),
            "inelastic_fwhm": (FWHM * found[5], FWHM * spread[5], axis),
            "inelastic_ratio": (ratio, np.sqrt(variance), "1"),
        }
    end = "" if axis == "eV" else "_pixel"
    return {
        name if unit == "1" else name + end: Parameter(float(value), float(error), unit)
        for name, (value, error, unit) in values.items()
    }


def _two_lines(
    x: Floats, area: float, place: float, sigma: float, more: float, loss: float, wide: float,
    level: float,
) -> Floats:  # fmt: skip
    elastic = area / sigma * np.exp(-((x - place) ** 2) / (2 * sigma**2))
    inelastic = more / wide * np.exp(-((x - place + loss) ** 2) / (2 * wide**2))
    return np.asarray((elastic + inelastic) / np.sqrt(2 * np.pi) + level)


def _start(x: Floats, y: Floats, error: Floats) -> list[float] | None:
    """Return where the fit begins; None where nothing stands out."""
    step, smooth = float(x[1] - x[0]), smoothed(y)
    level = float(np.median(y))
    top = int(smooth.argmax())
    if smooth[top] - level < SURE * error[top]:
        return None
    half = level + (smooth[top] - level) / 2
    right = int(np.argmax(smooth[top:] < half)) or 1
    left = int(np.argmax(smooth[top::-1] < half)) or 1
    sigma = max(min(left, right) * step / (FWHM / 2), 0.5 * step)
    rest = smoothed(smooth - level) - (smooth[top] - level) * np.exp(
        -((x - x[top]) ** 2) / (2 * sigma**2)
    )
    rest[np.abs(x - x[top]) < 2 * sigma] = -np.inf
    side = int(gaussian_filter1d(np.maximum(rest, 0.0), 4.0).argmax())
    loss = float(x[top] - x[side])
    wide = max(abs(loss) / 3, sigma)
    norm = np.sqrt(2 * np.pi)
    more = max(float(smooth[side] - level), 0.01 * float(smooth[top] - level)) * wide * norm
    area = float(smooth[top] - level) * sigma * norm
    loss = loss if loss > 0 else abs(loss) if x[0] > 1e3 else loss
    return [area, float(x[top]), sigma, more, loss, wide, level]


def _strongest(spectrum: Spectrum, half_width: float) -> tuple[float, float]:
    left = smoothed(np.nan_to_num(spectrum.value))
    first = int(left.argmax())
    left[np.abs(spectrum.x - spectrum.x[first]) < half_width] = -np.inf
    return float(spectrum.x[first]), float(spectrum.x[int(left.argmax())])


def _line(spectrum: Spectrum, pixel: float, half_width: float) -> Parameter:
    near = (np.abs(spectrum.x - pixel) <= half_width) & (spectrum.error > 0)
    x, y, error = spectrum.x[near], spectrum.value[near], spectrum.error[near]
    fit = None
    if len(x) > 8:
        fit = fit_line(x, y, error, line_start(x, y, pixel, half_width), half_width)
    if fit is None or fit[0][0] < SURE * fit[1][0]:
        raise SpectrumError(
            f"no line within {half_width:g} pixels of {pixel:.1f} in {spectrum.label}: say where "
            "the two lines are, or name the run that shows them"
        )
    return Parameter(float(fit[0][1]), float(fit[1][1]), PIXEL)

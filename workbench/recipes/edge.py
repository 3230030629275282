"""The energy of an absorption edge: an arctangent and a white line fitted to a spectrum."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from workbench.binning import Parameter
from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.recipes.shown import Shown

NAMES = ("edge_energy", "edge_width", "edge_height", "floor")
LINE_NAMES = ("line_energy", "line_width", "line_height")
SPARE = 3  # energies beyond the number of parameters
TOO_LARGE = 5.0  # standard deviations of chi2 above its mean
SIGNIFICANT = 25.0  # by which an edge must lower chi2 below that of a constant


@dataclass(frozen=True)
class EdgeFit(Shown):
    """floor + height (1/2 + arctan(2 (E - E0) / width) / pi), and a Lorentzian on it.

    The arctangent is the edge of a continuum of levels with a Lorentzian width (Richtmyer, Barnes
    and Ramberg, Phys. Rev. 46, 843 (1934)). Errors are never rescaled by chi2.

    Parameters
    ----------
    parameters
        "edge_energy", "edge_width" (full width at half maximum of its derivative) [keV],
        "edge_height", "floor" in the unit of the spectrum; with a white line "line_energy",
        "line_width" (full width at half maximum) [keV] and "line_height".
    half_maximum
        Energy at which the measured spectrum first reaches half its height above the floor [keV]:
        no model; NaN where it does not.
    chi2, dof
        Sum of squared residuals in units of the errors, and degrees of freedom.
    state
        "converged", "no-signal", "degenerate", "poor-fit" or "not-converged".
    message
        The state in words.
    """

    parameters: Mapping[str, Parameter]
    half_maximum: float
    chi2: float
    dof: int
    state: str
    message: str

    def curve(self, energy: Floats) -> Floats:
        """Return the model at each energy [keV]."""
        return _model(np.array([one.value for one in self.parameters.values()]), energy)

    @property
    def notes(self) -> tuple[str, ...]:
        """The state in words, and where half of the height is reached."""
        return (self.message, f"half of the height is reached at {self.half_maximum:.5f} keV")


def fit_edge(
    energy: Floats, value: Floats, error: Floats, *, white_line: bool = True, unit: str = "1"
) -> EdgeFit:
    """Fit an edge to a spectrum.

    Parameters
    ----------
    energy
        [keV], rising.
    value, error
        Spectrum and its standard errors.
    white_line
        Whether a Lorentzian near the edge is fitted too.
    unit
        Of the spectrum.

    Raises
    ------
    InputError
        With fewer energies than the fit needs.
    """
    good = np.isfinite(energy) & np.isfinite(value) & np.isfinite(error) & (error > 0)
    energy, value, error = energy[good], value[good], error[good]
    names = NAMES + (LINE_NAMES if white_line else ())
    if len(energy) < len(names) + SPARE:
        raise InputError(
            f"{len(energy)} energies cannot fix the {len(names)} numbers of an edge: at least "
            f"{len(names) + SPARE} are needed; scan more, or fit without white line"
        )
    starts = _starts(energy, value, white_line)

    def residuals(searched: Floats) -> Floats:
        return np.asarray((_model(searched, energy) - value) / error)

    found = min(
        (least_squares(residuals, start, x_scale="jac", max_nfev=400) for start in starts),
        key=lambda one: float(one.cost),
    )
    plain = found.x.copy()
    plain[[1, *([5] if white_line else [])]] = np.abs(plain[[1, *([5] if white_line else [])]])
    normal = found.jac.T @ found.jac
    singular = np.linalg.matrix_rank(normal / np.outer(*[np.sqrt(np.diag(normal))] * 2)) < len(
        names
    )
    spread = np.full(len(names), np.inf) if singular else np.sqrt(np.diag(np.linalg.inv(normal)))
    units = ("keV", "keV", unit, unit, "keV", "keV", unit)[: len(names)]
    parameters = {
        name: Parameter(float(one), float(away), each)
        for name, one, away, each in zip(names, plain, spread, units, strict=True)
    }
    chi2, dof = 2 * float(found.cost), len(energy) - len(names)
    flat = (value - np.average(value, weights=error**-2)) / error
    gain = float((flat**2).sum()) - chi2
    state, message = _judge(parameters, energy, gain, (chi2, dof), bool(found.success))
    return EdgeFit(parameters, _half_maximum(energy, value), chi2, dof, state, message)


def _model(numbers: Floats, energy: Floats) -> Floats:
    centre, width, height, floor = numbers[:4]
    found = floor + height * (0.5 + np.arctan(2 * (energy - centre) / np.abs(width)) / np.pi)
    if len(numbers) > len(NAMES):
        line, line_width, line_height = numbers[4:]
        found = found + line_height / (1 + (2 * (energy - line) / line_width) ** 2)
    return np.asarray(found)


def _starts(energy: Floats, value: Floats, white_line: bool) -> list[Floats]:
    floor, top = np.median(np.sort(value)[: max(3, len(value) // 6)]), np.median(value[-5:])
    half = _half_maximum(energy, value)
    centre = half if np.isfinite(half) else float(energy.mean())
    span = float(np.ptp(energy))
    starts = []
    for width in (0.03 * span, 0.1 * span):
        edge = [centre, width, top - floor, floor]
        peak = float(energy[value.argmax()])
        line = [peak, width, max(float(value.max() - top), 0.0)] if white_line else []
        starts.append(np.array([*edge, *line]))
    return starts


def _half_maximum(energy: Floats, value: Floats) -> float:
    """Return where the spectrum first crosses half of its height, by a line between two points."""
    ends = max(3, len(value) // 10)
    floor, top = np.median(value[:ends]), np.median(value[-ends:])
    above = value >= (floor + top) / 2
    first = int(above.argmax())
    if not above.any() or first == 0 or top <= floor:
        return float("nan")
    part = ((floor + top) / 2 - value[first - 1]) / (value[first] - value[first - 1])
    return float(energy[first - 1] + part * (energy[first] - energy[first - 1]))


def _judge(
    found: Mapping[str, Parameter],
    energy: Floats,
    gain: float,
    fit: tuple[float, int],
    success: bool,
) -> tuple[str, str]:
    chi2, dof = fit
    if not success:
        return "not-converged", "the minimiser gave up; try without white line"
    if gain < SIGNIFICANT:
        return "no-signal", "a constant describes the spectrum as well as an edge does"
    edge, width = found["edge_energy"], found["edge_width"]
    inside = energy.min() < edge.value < energy.max()
    if not (inside and edge.error < np.ptp(energy) / 4 and width.error < width.value):
        return (
            "degenerate",
            "the scan does not fix the edge; scan farther or fit without white line",
        )
    if chi2 > dof + TOO_LARGE * np.sqrt(2 * dof):
        return "poor-fit", "chi2 is too large: more structure than edge and line, or drift"
    return "converged", "errors follow from the stated errors of the spectrum"

"""Points of a curve for a fit: value, error, and the stretch of delays that each bin covers."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.binning.scatter import moderated
from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError, UnknownNameError

FEWEST_SHOTS = 5  # a bin of fewer tells too little about its own error
SQRT3 = np.sqrt(3.0)


@dataclass(frozen=True)
class Points:
    """Usable bins of one curve, by rising delay.

    Parameters
    ----------
    low, high
        Stretch of delays [ps] over which a model is to be averaged.
    value, error
        One per bin; errors positive and independent of each other.
    shots, degrees
        Shots in each bin, and degrees of freedom of its error; infinite where not known.
    common
        Error that all values share, such as that of the off reference: constant and slope of its
        dependence on the value.
    unit
        Of the values.
    left_out
        Bins without value or error, or with too few shots.
    note
        What was done, for the user.
    """

    low: Floats
    high: Floats
    value: Floats
    error: Floats
    shots: Floats
    degrees: Floats
    common: tuple[float, float]
    unit: str
    left_out: int
    note: str = ""

    def __len__(self) -> int:
        return len(self.value)

    def leaning(self, slopes: Floats) -> "Points":
        """Return points whose errors, where shots are few, lean on the scatter of all bins.

        Parameters
        ----------
        slopes
            Of the curve in each bin, in `unit` per ps; zeros where not known.
        """
        if np.isinf(self.shots).any():
            return self
        return replace(self, error=moderated(self.error, self.shots, self.degrees, slopes))

    @property
    def centre(self) -> Floats:
        """Middle of each stretch [ps]."""
        return (self.low + self.high) / 2


def points_of_arrays(
    delay: Any,  # Any: whatever NumPy makes an array of
    value: ArrayLike,
    error: ArrayLike,
    *,
    width: ArrayLike | None,
    unit: str,
) -> Points:
    """Make points of plain arrays; bins whose value or error is not finite are left out."""
    centre, values, errors = (np.asarray(x, dtype=np.float64) for x in (delay, value, error))
    if not centre.shape == values.shape == errors.shape or centre.ndim != 1:
        raise InputError(
            f"fit: delays {centre.shape}, values {values.shape} and errors {errors.shape} must be "
            "three lists of the same length"
        )
    half = np.broadcast_to(
        np.asarray(0.0 if width is None else width, np.float64) / 2, centre.shape
    )
    good = _usable(centre, values, errors)
    return _sorted(centre - half, centre + half, values, errors, good, unit=unit)


def points_of_dataset(dataset: Any, name: str) -> Points:
    """Make points of one variable of a dataset of `on_off` or `bin_run` over one axis.

    Bins with fewer than 5 shots are left out. Where the dataset holds the error at the mean
    position, that one is used, because the fit is made there.
    """
    if not hasattr(dataset, "data_vars"):
        raise InputError("fit: give a dataset and the name of a variable, or three arrays")
    if name not in dataset or f"{name}_error" not in dataset:
        known = [key for key in dataset.data_vars if f"{key}_error" in dataset]
        raise UnknownNameError("variable with errors", name, map(str, known), "the dataset")
    variable = dataset[name]
    if variable.ndim != 1:
        raise InputError(f"fit: {name} has axes {variable.dims}; a fit needs one axis")
    axis = str(variable.dims[0])
    own = f"{name}_{axis}" if f"{name}_{axis}_mean" in dataset else axis
    mean, spread = dataset[f"{own}_mean"].values, dataset[f"{own}_std"].values
    shots = dataset[variable.attrs["count"]].values.astype(np.float64)
    at_mean = dataset.get(f"{name}_error_at_mean")
    errors = (dataset[f"{name}_error"] if at_mean is None else at_mean).values
    values = variable.values
    good = _usable(mean, values, errors) & (shots >= FEWEST_SHOTS)
    degrees = shots - 1 if at_mean is None else shots - 1 - (spread > 0)
    common = dataset.get(f"{name}_error_common")
    return _sorted(
        mean - SQRT3 * spread,
        mean + SQRT3 * spread,
        values,
        errors,
        good,
        counts=(shots, degrees),
        unit=str(variable.attrs.get("units", "1")),
        common=(0.0, 0.0) if common is None else _line(values[good], common.values[good]),
        why=f", without an error or with fewer than {FEWEST_SHOTS} shots",
    )


def _line(values: Floats, common: Floats) -> tuple[float, float]:
    """Return constant and slope of the common error: it grows with the value of a ratio."""
    if len(values) < 2:
        return 0.0, 0.0
    design = np.stack([np.ones_like(values), values], axis=1)
    (constant, slope), *_ = np.linalg.lstsq(design, common, rcond=None)
    return float(constant), float(slope)


def _usable(centre: Floats, values: Floats, errors: Floats) -> Bools:
    finite = np.isfinite(centre) & np.isfinite(values) & np.isfinite(errors)
    return np.asarray(finite & (np.where(finite, errors, 0) > 0))


def _sorted(
    low: Floats,
    high: Floats,
    values: Floats,
    errors: Floats,
    good: Bools,
    *,
    unit: str,
    counts: tuple[Floats, Floats] | None = None,
    common: tuple[float, float] = (0.0, 0.0),
    why: str = ", without value or error",
) -> Points:
    order = np.argsort((low + high)[good], kind="stable")
    left_out = int(np.count_nonzero(~good))
    note = f"{left_out} of {len(good)} bins left out{why}" if left_out else ""
    known = counts or (np.full(values.shape, np.inf), np.full(values.shape, np.inf))
    low, high, values, errors, shots, degrees = (
        array[good][order] for array in (low, high, values, errors, *known)
    )
    return Points(low, high, values, errors, shots, degrees, common, unit, left_out, note)

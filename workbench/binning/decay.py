"""Step times exponential decay seen through a Gaussian response: the model of a delay scan."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.arrays import Floats
from workbench.core.extras import load

_ROOT2 = np.sqrt(2.0)
_NARROWEST = 1e-3  # of sigma: a bin narrower than this is averaged as if it had this width


def step_decay(delay: ArrayLike, *, t0: ArrayLike, tau: float, sigma: float) -> Floats:
    """Return the model of height 1 at each delay [ps]: zero before `t0`, then exp(-u/tau).

    The step and the decay are convolved with a Gaussian of standard deviation `sigma`, so the
    maximum lies below 1:

    f(t) = 1/2 exp(sigma^2 / (2 tau^2) - u / tau) erfc((sigma / tau - u / sigma) / sqrt 2),
    u = t - t0. Where the exponential would overflow, the same value is computed with the scaled
    complementary error function.

    Parameters
    ----------
    delay
        [ps], any shape.
    t0
        Time zero [ps]; may be an array that broadcasts against `delay`.
    tau
        Decay time [ps].
    sigma
        Standard deviation of the response [ps].
    """
    erfc, erfcx = special("erfc"), special("erfcx")
    u = np.asarray(delay, dtype=np.float64) - np.asarray(t0, dtype=np.float64)
    z = (sigma / tau - u / sigma) / _ROOT2
    early = 0.5 * np.exp(-0.5 * (u / sigma) ** 2) * erfcx(np.maximum(z, 0.0))
    power = np.minimum(sigma**2 / (2 * tau**2) - u / tau, 0.0)
    late = 0.5 * np.exp(power) * erfc(np.minimum(z, 0.0))
    return np.asarray(np.where(z > 0, early, late))


def step_decay_in_bins(
    low: ArrayLike, high: ArrayLike, *, t0: ArrayLike, tau: float, sigma: float
) -> Floats:
    """Return the mean of `step_decay` over each bin from `low` to `high` [ps], exactly.

    The model obeys f' = g - f / tau with g the Gaussian, so its integral is
    tau (Phi((t - t0) / sigma) - f(t)) and no quadrature is needed.
    """
    ndtr = special("ndtr")
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    middle = (low + high) / 2
    half = np.maximum(high - low, _NARROWEST * sigma) / 2

    def integral(end: Floats) -> Floats:
        decay = step_decay(end, t0=t0, tau=tau, sigma=sigma)
        return np.asarray(tau * (ndtr((end - np.asarray(t0)) / sigma) - decay))

    return np.asarray((integral(middle + half) - integral(middle - half)) / (2 * half))


def special(name: str) -> Callable[..., Any]:  # Any: scipy carries no types
    """Return a function of `scipy.special`; `MissingToolError` where scipy is not installed."""
    found: Callable[..., Any] = getattr(load("scipy.special", "fitting"), name)
    return found

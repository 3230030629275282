"""Compile a loop over frames once per machine; without a writable cache, once per process."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile with numba, division as in NumPy: by zero gives inf or NaN, and vector code."""
    try:
        fast = njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba: "no locator available", no folder for the cache
        fast = njit(nogil=True, error_model="numpy")(function)
    return cast("Callable[Arguments, Result]", fast)

"""Compile a loop once per machine; without a writable cache, once per process."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile with numba.

    The compiled code is kept beside the package or in the user's cache folder, whichever can be
    written; where neither can, it lives as long as the process.
    """
    try:
        fast = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba: "no locator available", no folder for the cache
        fast = njit(nogil=True)(function)
    return cast("Callable[Arguments, Result]", fast)

"""The few pixels of a frame that reach a threshold, found at the speed of reading the frame.

Numba finds no vector code that keeps one bit a pixel, so the comparison is written out.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from workbench.core.arrays import Array, Frames
from workbench.reductions.compiled import compiled

TOGETHER = 64  # pixels, one bit each

_BITS = ir.IntType(TOGETHER)


@compiled
def candidates(frame: Frames, least: Frames, chosen: Array) -> int:
    """List the pixels at or above `least`, which rise, in `chosen`; return how many there are.

    `frame` and `least` are flat and of one type, each with its pixels beside each other; `chosen`
    holds whole numbers and has their length.
    """
    size, count = len(frame), 0
    whole, last = size - size % TOGETHER, np.uint64(1)
    for start in range(0, whole, TOGETHER):
        bits = reached(frame, least, start)
        while bits != 0:
            chosen[count] = start + first(bits)
            count += 1
            bits &= bits - last  # without its last bit
    for pixel in range(whole, size):
        chosen[count] = pixel
        count += frame[pixel] >= least[pixel]
    return count


@intrinsic
def _reached(_: Any, frame: Any, least: Any, start: Any) -> Any:
    """Compare `TOGETHER` pixels from `start` on; the first is the last bit."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        sides = []
        for kind, value in zip(signature.args[:2], values[:2], strict=True):
            array = context.make_array(kind)(context, builder, value)
            number = context.get_value_type(kind.dtype)
            place = builder.gep(array.data, [values[2]])
            row = builder.bitcast(place, ir.VectorType(number, TOGETHER).as_pointer())
            sides.append(builder.load(row, align=context.get_abi_sizeof(number)))
        return builder.bitcast(builder.fcmp_ordered(">=", *sides), _BITS)

    return types.uint64(frame, least, start), write


@intrinsic
def _first(_: Any, bits: Any) -> Any:
    """Tell how many zeros follow the last bit that is set."""

    def write(_: Any, builder: Any, __: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(bits), write


reached = cast("Callable[[Frames, Frames, int], np.uint64]", _reached)
first = cast("Callable[[np.uint64], int]", _first)

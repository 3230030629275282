"""Vector code that numba does not find by itself: four pixels of four frames, each to its slot.

A compiled loop that adds pixels to the sum that each belongs to does so one number at a time. Where
the sums of four frames lie beside each other, one instruction adds for all four.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from workbench.core.arrays import Array, Floats, Frames

ABREAST = 4  # frames, and pixels of each

_FOUR = ir.VectorType(ir.DoubleType(), ABREAST)


@intrinsic
def _four_by_four(_: Any, sums: Any, frames: Any, slots: Any, pixel: Any) -> Any:
    """Add `ABREAST` pixels, from `pixel` on, of `ABREAST` frames to ``sums[slot]``; compiled only.

    `sums` is (slot, `ABREAST`) float64, `frames` (`ABREAST`, pixel) float32 or float64 with the
    pixels beside each other, `slots` int32, one a pixel. Pixels are added in their order.
    """
    return types.void(sums, frames, slots, pixel), _add


add_four_by_four = cast("Callable[[Floats, Frames, Array, int], None]", _four_by_four)


def _add(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Write the instructions of `_four_by_four`."""
    kinds = signature.args
    sums, frames, slots = (
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(kinds[:3], values[:3], strict=True)
    )
    pixel = values[3]
    width = context.get_abi_sizeof(context.get_value_type(kinds[1].dtype))
    stride = builder.sdiv(builder.extract_value(frames.strides, 0), pixel.type(width))
    row = ir.VectorType(context.get_value_type(kinds[1].dtype), ABREAST)
    rows = []
    for frame in range(ABREAST):
        place = builder.add(builder.mul(stride, pixel.type(frame)), pixel)
        where = builder.bitcast(builder.gep(frames.data, [place]), row.as_pointer())
        rows.append(builder.load(where, align=width))
    for number, column in enumerate(_turned(builder, rows)):
        slot = builder.load(builder.gep(slots.data, [builder.add(pixel, pixel.type(number))]))
        place = builder.mul(builder.zext(slot, pixel.type), pixel.type(ABREAST))
        where = builder.bitcast(builder.gep(sums.data, [place]), _FOUR.as_pointer())
        exact = column if column.type == _FOUR else builder.fpext(column, _FOUR)
        builder.store(builder.fadd(builder.load(where, align=8), exact), where, align=8)
    return context.get_dummy_value()


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square of numbers."""

    def picked(first: Any, second: Any, *lanes: int) -> Any:
        return builder.shuffle_vector(first, second, ir.VectorType(ir.IntType(32), 4)(lanes))

    one, two = (picked(*pair, 0, 4, 1, 5) for pair in (rows[:2], rows[2:]))
    three, four = (picked(*pair, 2, 6, 3, 7) for pair in (rows[:2], rows[2:]))
    return [
        picked(*pair, *lanes)
        for pair in ((one, two), (three, four))
        for lanes in ((0, 1, 4, 5), (2, 3, 6, 7))
    ]

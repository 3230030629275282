"""What ImageJ opens of TIFF files: types of pixels, size of a file; and names for its slices.

By `ij.io.TiffDecoder` and `ij.io.Opener` of ImageJ 1: 8 bits without sign, 16 bits, 32 bits; no
BigTIFF; of a file with pages of several sizes or types the first page alone; descriptions of the
first page alone.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array
from workbench.core.extras import load

CLASSIC_BYTES = (1 << 32) - (1 << 25)  # room for what a file of 4 GiB says of its pages
WIDER = {"b1": np.uint8, "i1": np.int16, "f2": np.float32}  # the same values
ROUNDED = {"i8": np.float32, "u8": np.float32, "f8": np.float32}


def is_rounded(dtype: np.dtype) -> bool:
    """Tell whether `readable` rounds values of a type: those of 64 bits, to 24 binary digits."""
    return dtype.str[1:] in ROUNDED


def readable(values: Array) -> Array:
    """Return values in a type that ImageJ reads, the same ones or those that `is_rounded` names.

    Of 64 bits, numbers beyond 3.4e38 become infinite.
    """
    wanted = (WIDER | ROUNDED).get(values.dtype.str[1:], values.dtype)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, wanted)


def needs_bigtiff(size: int) -> bool:
    """Tell whether a file of so many bytes is too large for TIFF, and so for ImageJ."""
    return size > CLASSIC_BYTES


def name_slices(path: Path, names: Sequence[str]) -> None:
    """Add names of all pages to the JSON that describes the first one, which ImageJ shows."""
    tifffile = load("tifffile", "writing TIFF files", "export")
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tag = tiff.pages[0].tags["ImageDescription"]
        tag.overwrite(json.dumps({**json.loads(tag.value), "slices": list(names)}, indent=0))

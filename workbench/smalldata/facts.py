"""What a file itself says of one dataset, in plain values."""

from typing import NamedTuple


class Facts(NamedTuple):
    """What a file itself says of one dataset; plain values, so that they can be kept as JSON."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str | None
    long_name: str
    missing: int | None
    dims: tuple[str, ...]
    chunks: tuple[int, ...]
    grows: bool

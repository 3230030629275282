"""What a config has made of pixels that a region, droplets or photons give: entries in entries."""

import math
from collections.abc import Callable, Iterator

from workbench.producer.entries import EntryError
from workbench.producer.given import Given, naming
from workbench.reductions import (
    LineOut,
    PhotonProbability,
    Rebin,
    Reduction,
    Sparse,
    Sparsify,
    Spectrum,
)
from workbench.reductions.base import Nested

PICTURES = ("rebin", "lineout", "spectrum")  # of any picture
CHILDREN = (*PICTURES, "sparsify", "prob")


def read_children(given: Given) -> tuple[Nested[Reduction], ...]:
    """Return the reductions inside an entry, each under a key of `CHILDREN`.

    A key has one dictionary or a list of them; names must differ.
    """
    every = list(_children(given))
    names = [child.name for child in every]
    for name in names:
        if names.count(name) > 1:
            text = f"two functions inside are named {name!r}; give each a name of its own"
            raise EntryError("duplicate-name", text, "name")
    return tuple(every)


def read_store(given: Given) -> Sparse:
    """Return how lists are stored: ``nData`` entries of each event, or all of them for None."""
    if "nData" not in given:
        return Sparse()
    with naming("nData"):
        return Sparse(given.whole("nData"))


def _children(given: Given) -> Iterator[Nested[Reduction]]:
    for key, (keys, read) in _READERS.items():
        for inner in given.inner(key, ("name", *keys)):
            with naming(key):
                yield read(inner)
    if given.flag("prob", default=False):
        yield Nested("", PhotonProbability())


def _rebin(given: Given) -> Nested[Reduction]:
    return Nested(given.name("rebin"), Rebin(given.wholes("shape")))


def _lineout(given: Given) -> Nested[Reduction]:
    axis = given.whole("axis", 0)
    index = given.whole("idx") if "idx" in given else None
    return Nested(given.name(f"lo_ax_{axis}"), LineOut(axis, index))


def _spectrum(given: Given) -> Nested[Reduction]:
    return Nested(given.name("spectrum"), Spectrum.of(given.numbers("bins")))


def _sparsify(given: Given) -> Nested[Reduction]:
    low = given.number("thresADU", -math.inf)
    return Nested(given.name("sparse"), Sparsify(read_store(given), low))


_READERS: dict[str, tuple[tuple[str, ...], Callable[[Given], Nested[Reduction]]]] = {
    "rebin": (("shape",), _rebin),
    "lineout": (("axis", "idx"), _lineout),
    "spectrum": (("bins",), _spectrum),
    "sparsify": (("nData", "thresADU"), _sparsify),
}

"""``get_photon`` of a config: photons counted pixel by pixel, and what is made of their picture."""

import math

from workbench.producer.children import PICTURES, read_children, read_store
from workbench.producer.entries import EntryError
from workbench.producer.given import Given, naming
from workbench.producer.regions import read_roi
from workbench.reductions import PhotonCounting, Reduction, Sparsify
from workbench.reductions.base import Nested

KEYS = (
    "name", "ADU_per_photon", "thr_fraction", "thresADU", "mask", "nData", "roi", "prob", *PICTURES,
)  # fmt: skip
ADU_PER_PHOTON, FRACTION = 154.0, 0.9  # today's function's, where a config gives none


def read_photon(value: object) -> tuple[str, PhotonCounting]:
    """Return name and reduction of one dictionary of ``get_photon``, or raise `EntryError`.

    The keys are those of today's function. ``nData`` stores the photons as a list, ``roi`` holds
    regions of the picture of photons, ``prob`` stores P(k), of the whole or of a region.
    """
    given = Given(value, KEYS, "a photon entry")
    children = list(read_children(given))
    if given.names("nData"):
        children.append(Nested("sparse", Sparsify(read_store(given))))
    children += _regions(given)
    fraction = given.number("thr_fraction", FRACTION)
    if not 0 < fraction <= 1:
        raise EntryError("wrong-type", f"thr_fraction is 0 to 1, not {fraction}", "thr_fraction")
    with naming("ADU_per_photon"):
        return given.name("photon"), PhotonCounting(
            given.number("ADU_per_photon", ADU_PER_PHOTON),
            fraction,
            given.number("thresADU", -math.inf),
            given.mask("mask"),
            tuple(children),
        )


def _regions(given: Given) -> list[Nested[Reduction]]:
    regions: list[Nested[Reduction]] = []
    for region in given.several("roi"):
        name, roi = read_roi(region)
        if name in {one.name for one in regions}:
            raise EntryError("duplicate-name", f"two regions are named {name!r}", "roi")
        regions.append(Nested(name, roi))
    return regions

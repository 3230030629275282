"""``get_droplet`` and ``get_droplet2photon`` of a config: dictionaries to typed reductions."""

import math

from workbench.producer.children import PICTURES, read_children, read_store
from workbench.producer.entries import EntryError
from workbench.producer.given import Given, naming
from workbench.reductions import DropletPhotons, Droplets, Reduction, Sparse
from workbench.reductions.base import Nested

DROPLET_KEYS = (
    "name", "threshold", "thresholdLow", "thresADU", "pixmax", "useRms", "relabel", "mask",
)  # fmt: skip
PHOTON_KEYS = ("aduspphot", "mask", "roi_mask", "cputime")
THRESHOLD = 5.0  # today's producer's, where a config gives none


def read_droplet(value: object) -> tuple[str, Droplets]:
    """Return name and reduction of one dictionary of ``get_droplet``, or raise `EntryError`.

    ``nData`` is None for every droplet, or the number stored of each event. What is inside works
    on the picture with each droplet's sum in its pixel.
    """
    given = Given(value, (*DROPLET_KEYS, "nData", *PICTURES), "a droplet entry")
    store, children = read_store(given), read_children(given)
    return given.name("droplet"), droplets(given, store, children=children)


def read_droplet2photon(value: object) -> tuple[str, Droplets]:
    """Return name and reduction of one dictionary of ``get_droplet2photon``.

    It holds ``droplet`` and ``d2p``, ``nData`` and ``get_photon_img``; the last one stores nothing,
    as today. ``roi_mask`` is ``mask`` under another name. Times of computing are not kept: two
    productions of one run would differ. What is inside works on the picture of photons.
    """
    keys = ("droplet", "d2p", "nData", "get_photon_img", *PICTURES)
    given = Given(value, keys, "a droplet2photon entry")
    given.flag("get_photon_img", default=False)
    for key in ("droplet", "d2p"):
        if key not in given:
            raise EntryError("missing-key", f"a droplet2photon entry needs the dict {key!r}", key)
    photon = Given(given["d2p"], PHOTON_KEYS, "d2p")
    photon.flag("cputime", default=False)
    if "mask" in photon and "roi_mask" in photon:
        raise EntryError("wrong-type", "give mask or roi_mask, not both", "roi_mask")
    mask = photon.mask("mask") if "mask" in photon else photon.mask("roi_mask")
    with naming("aduspphot"):
        photons = DropletPhotons(
            photon.number("aduspphot"), mask, read_store(given), read_children(given)
        )
    droplet = Given(given["droplet"], DROPLET_KEYS, "droplet")
    return droplet.name("droplet"), droplets(droplet, photons=photons)


def droplets(
    given: Given,
    store: Sparse | None = None,
    photons: DropletPhotons | None = None,
    children: tuple[Nested[Reduction], ...] = (),
) -> Droplets:
    """Return the reduction of a dictionary with `DROPLET_KEYS`, or raise `EntryError`."""
    threshold = given.number("threshold", THRESHOLD)
    low = given.number("thresholdLow", threshold)
    if not given.flag("relabel", default=True) and low != threshold:
        text = "relabel: False with two thresholds has no meaning: touching droplets are one"
        raise EntryError("wrong-type", text, "relabel")
    with naming("threshold"):
        return Droplets(
            threshold,
            low,
            in_sigma=given.flag("useRms", default=True),
            least=given.number("thresADU", -math.inf),
            top=given.number("pixmax", math.inf),
            good=given.mask("mask"),
            store=store,
            photons=photons,
            children=children,
        )

"""``get_droplet`` and ``get_droplet2photon`` of a config: dictionaries to typed reductions."""

import math

from workbench.core.errors import InputError
from workbench.producer.entries import EntryError
from workbench.producer.given import Given
from workbench.reductions import DropletPhotons, Droplets, Sparse

DROPLET_KEYS = (
    "name", "threshold", "thresholdLow", "thresADU", "pixmax", "useRms", "relabel", "mask",
)  # fmt: skip
PHOTON_KEYS = ("aduspphot", "mask", "roi_mask", "cputime")
THRESHOLD = 5.0  # today's producer's, where a config gives none


def read_droplet(value: object) -> tuple[str, Droplets]:
    """Return name and reduction of one dictionary of ``get_droplet``, or raise `EntryError`.

    ``nData`` is None for every droplet, or the number stored of each event.
    """
    given = Given(value, (*DROPLET_KEYS, "nData"), "a droplet entry")
    return given.name("droplet"), _droplets(given, _store(given), None)


def read_droplet2photon(value: object) -> tuple[str, Droplets]:
    """Return name and reduction of one dictionary of ``get_droplet2photon``.

    It holds ``droplet`` and ``d2p``, ``nData`` and ``get_photon_img``; the last one stores nothing,
    as today. ``roi_mask`` is ``mask`` under another name. Times of computing are not kept: two
    productions of one run would differ.
    """
    keys = ("droplet", "d2p", "nData", "get_photon_img")
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
    try:
        photons = DropletPhotons(photon.number("aduspphot"), mask, _store(given))
    except EntryError:
        raise
    except InputError as error:
        raise EntryError("wrong-type", str(error), "aduspphot") from error
    droplet = Given(given["droplet"], DROPLET_KEYS, "droplet")
    return droplet.name("droplet"), _droplets(droplet, None, photons)


def _droplets(given: Given, store: Sparse | None, photons: DropletPhotons | None) -> Droplets:
    threshold = given.number("threshold", THRESHOLD)
    low = given.number("thresholdLow", threshold)
    if not given.flag("relabel", default=True) and low != threshold:
        text = "relabel: False with two thresholds has no meaning: touching droplets are one"
        raise EntryError("wrong-type", text, "relabel")
    try:
        return Droplets(
            threshold,
            low,
            in_sigma=given.flag("useRms", default=True),
            least=given.number("thresADU", -math.inf),
            top=given.number("pixmax", math.inf),
            good=given.mask("mask"),
            store=store,
            photons=photons,
        )
    except EntryError:
        raise
    except InputError as error:
        raise EntryError("wrong-type", str(error), "threshold") from error


def _store(given: Given) -> Sparse:
    if "nData" not in given:
        return Sparse()
    try:
        return Sparse(given.whole("nData"))
    except EntryError:
        raise
    except InputError as error:
        raise EntryError("wrong-type", str(error), "nData") from error

"""Dictionaries of get_droplet and get_droplet2photon, as shipped configs write them."""

from typing import Any

import numpy as np
import pytest

from workbench.core.frames import FrameSpec
from workbench.producer.droplet_entries import read_droplet, read_droplet2photon
from workbench.producer.entries import EntryError

SPEC = FrameSpec((4, 5), "keV", np.ones((4, 5), bool), noise=np.ones((4, 5), "f4"))
SHIPPED = {
    "droplet": {"threshold": 50, "thresADU": 0, "useRms": False},
    "d2p": {"aduspphot": 200, "cputime": True},
    "nData": None,
    "get_photon_img": False,
}


def paths(read: Any) -> list[str]:
    name, reduction = read
    return [output.under(name).path for output in reduction.outputs(SPEC)]


def test_a_shipped_entry_stores_photons_under_the_names_of_today() -> None:
    assert paths(read_droplet2photon(SHIPPED)) == [
        "droplet_nDroplets_all",
        "droplet_nDroplets",
        "droplet_droplet2phot_prob",
        "var_droplet_droplet2phot_sparse/data",
        "var_droplet_droplet2phot_sparse/row",
        "var_droplet_droplet2phot_sparse/col",
        "var_droplet_droplet2phot_sparse/tile",
    ]
    _, made = read_droplet2photon(SHIPPED)
    assert (made.threshold, made.low, made.in_sigma, made.least) == (50, 50, False, 0)
    assert made.photons is not None
    assert made.photons.per_photon == 200


def test_a_number_of_entries_makes_rectangles() -> None:
    entry = {"threshold": 10, "thresholdLow": 3, "nData": 3e4, "mask": np.ones((4, 5))}
    assert paths(read_droplet(entry))[2:] == [
        "droplet_sparse_data",
        "droplet_sparse_row",
        "droplet_sparse_col",
        "droplet_sparse_tile",
        "droplet_sparse_npix",
        "droplet_sparse_found",
    ]


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"treshold": 5}, "treshold"),
        ({"threshold": "5"}, "threshold"),
        ({"threshold": 3, "thresholdLow": 5}, "threshold"),
        ({"threshold": 5, "thresholdLow": 3, "relabel": False}, "relabel"),
        ({"nData": 0}, "nData"),
        ({"nData": 1.5}, "nData"),
        ({"mask": "mask.npy"}, "mask"),
        ({"name": "a/b"}, "name"),
        ([], ""),
    ],
)
def test_a_wrong_droplet_entry_names_its_key(entry: Any, key: str) -> None:
    with pytest.raises(EntryError) as caught:
        read_droplet(entry)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"d2p": None}, "d2p"),
        ({"droplet": None}, "droplet"),
        ({"d2p": {}}, "aduspphot"),
        ({"d2p": {"aduspphot": 0}}, "aduspphot"),
        ({"d2p": {"aduspphot": 2, "mask": np.ones(3), "roi_mask": np.ones(3)}}, "roi_mask"),
        ({"d2p": {"aduspphot": 2, "adu": 3}}, "adu"),
        ({"get_photon_img": "yes"}, "get_photon_img"),
    ],
)
def test_a_wrong_photon_entry_names_its_key(change: dict[str, Any], key: str) -> None:
    with pytest.raises(EntryError) as caught:
        read_droplet2photon(SHIPPED | change)
    assert caught.value.key == key

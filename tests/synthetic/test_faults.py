"""Faults change a file only in the way they say; who tells them is tested with the checks."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.smalldata import open_file
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS, UNVERIFIED

CHANGED = {  # fault -> begins of the names of what it may change in a file of XPP with LCLS-I
    "sentinel": ("ipm2/sum",),
    "nan": ("ipm2/sum",),
    "wrapped-sentinel": ("epix_1/droplet_nDroplets",),
    "dead-detector": ("ipm3/sum",),
    "unknown-beam": ("lightStatus/xray",),
    "ps-as-seconds": ("scan/lxt_ttc",),
    "time-tool-zero": ("tt/ttCorr", "tt/FLTPOS_PS"),
    "lock-jump": ("tt/",),
    "swapped-monitors": ("ipm2/sum", "ipm3/sum"),
    "shot-lag": ("epix_1/", "damage/epix_1"),
    "stale-pedestal": ("epix_1/signal_",),
    "closed-shutter": (
        *("ipm2/", "ipm3/", "lombpm/", "lomdiode/", "diode2/", "diodeU/"),
        *("epix_1/", "jungfrau1M/"),
    ),
    "saturated": ("epix_1/peak_",),
}


@pytest.fixture(scope="module")
def clean(module_folder: ModuleFolder) -> Path:
    spec = PumpProbe(n_events=1300, camera_every=1, n_steps=7)
    return write_small_data(spec, module_folder("clean"), generation="lcls1")


def same(first: np.ndarray, second: np.ndarray) -> bool:
    if first.dtype == object:
        pairs = zip(first, second, strict=True)
        return all(np.array_equal(one, other) for one, other in pairs)
    numbers = first.dtype.kind in "fiu"
    return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=numbers)


@pytest.mark.parametrize("name", CHANGED)
def test_a_fault_changes_what_it_says_and_nothing_else(
    tmp_path: Path, clean: Path, name: str
) -> None:
    path = Path(shutil.copy(clean, tmp_path))
    with FAULTS[name].inject(path, np.random.default_rng(5)) as injected:
        assert injected.paths[0] == path
    changed = set()
    with open_file(clean) as before, open_file(path) as after:
        assert before.names == after.names
        for field in before.names:
            if not field.startswith(("UserDataCfg", "Sums")):
                values = after.read(field)
                if not same(before.read(field), values):
                    changed.add(field)
    assert changed
    assert all(field.startswith(CHANGED[name]) for field in changed), changed


def test_a_shot_lag_moves_values_to_the_next_event(tmp_path: Path, clean: Path) -> None:
    path = Path(shutil.copy(clean, tmp_path))
    FAULTS["shot-lag"].inject(path, np.random.default_rng(5))
    with open_file(clean) as before, open_file(path) as after:
        for field in ("epix_1/signal_sum", "epix_1/peak_area"):
            np.testing.assert_array_equal(after.read(field)[1:], before.read(field)[:-1])
        droplets = [file.read("epix_1/var_droplet_sparse/data") for file in (before, after)]
    assert same(droplets[1][1:], droplets[0][:-1])


def test_the_same_random_numbers_give_the_same_fault(tmp_path: Path, clean: Path) -> None:
    found = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = Path(shutil.copy(clean, tmp_path / folder))
        FAULTS["closed-shutter"].inject(path, np.random.default_rng(9))
        with open_file(path) as file:
            found.append(file.read("epix_1/signal_sum"))
    np.testing.assert_array_equal(found[0], found[1])


def test_a_fault_without_a_second_source_is_expected_to_be_called_unverified() -> None:
    doubled = FAULTS["double-counted"]
    assert doubled.expected("xpp", "lcls1", "ours") == "delay-double-counted"
    assert doubled.expected("mec", "lcls1", "ours") == UNVERIFIED  # no slow value repeats the scan
    assert not FAULTS["encoder-stuck"].applies("mec", "lcls1", "ours")
    assert FAULTS["missing-part"].applies("xpp", "lcls2", "facility")

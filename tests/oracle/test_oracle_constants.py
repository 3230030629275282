"""Calibration files as psana writes them, and Jungfrau's gain ranges as psana tells them apart."""

import subprocess
from pathlib import Path

import numpy as np

from workbench.core.constants import Constants
from workbench.reductions import Calibration, calibrate
from workbench.reductions.common_mode import BANKS, CommonMode
from workbench.reductions.ranges import JUNGFRAU
from workbench.sources.calib_tree import read_array
from workbench.sources.epix10ka import range_choice

WRITE = """
import sys
import numpy as np
from psana.pscalib.calib.NDArrIO import save_txt
draw = np.random.default_rng(5)
for name, shape in (("one", (7,)), ("two", (3, 4)), ("three", (2, 3, 4)), ("four", (3, 2, 3, 4))):
    values = np.round(draw.normal(1000, 100, shape), 1)
    np.save(f"{sys.argv[1]}/{name}.npy", values)
    save_txt(f"{sys.argv[1]}/{name}.data", values, cmts=("DETECTOR  made up",), fmt="%.1f")
"""
RANGES = """
import sys
import numpy as np
from psana.detector.UtilsJungfrau import gainrange_statistics
raw = np.load(sys.argv[1])
print(*(int(number) for number in gainrange_statistics(raw)))
"""
CHOICE = """
import sys
from types import SimpleNamespace
import numpy as np
from psana.detector import UtilsEpix10ka as epix
pixels, trbits = np.load(sys.argv[1]).values()
panels = [
    epix.cbits_config_epix10ka(SimpleNamespace(asicPixelConfig=one.copy(), trbit=bits))
    for one, bits in zip(pixels, trbits)
]
for data_bit in (0, 32):
    maps = epix.gain_maps_epix10ka_any_alg(np.stack(panels) | data_bit)
    np.save(f"{sys.argv[1]}.{data_bit}.npy", np.stack(maps))
"""

COMMON_MODE = """
import sys
import numpy as np
from psana.detector.UtilsCommonMode import common_mode_apply
frames, good = np.load(sys.argv[1]).values()
for bits in (1, 2, 4, 7):
    corrected = frames.copy()
    common_mode_apply(corrected, good.astype(np.int16), cmpars=(0, bits, 100, 10))
    np.save(f"{sys.argv[1]}.{bits}.npy", corrected)
"""


def ask(python: str, script: str, argument: Path) -> str:
    done = subprocess.run(
        [python, "-c", script, str(argument)], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_files_that_psana_writes_are_read_with_every_number_and_shape(
    oracle_python: str, tmp_path: Path
) -> None:
    ask(oracle_python, WRITE, tmp_path)
    for name in ("two", "three", "four"):
        expected = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_array_equal(read_array(tmp_path / f"{name}.data"), expected)
    row = read_array(tmp_path / "one.data")
    np.testing.assert_array_equal(row, np.load(tmp_path / "one.npy"))


def test_each_pixel_of_an_epix10ka_is_in_the_gain_range_that_psana_says(
    oracle_python: str, tmp_path: Path
) -> None:
    draw = np.random.default_rng(7)
    pixels = draw.integers(0, 16, (4, 4, 176, 192)).astype(np.uint8)
    trbits = draw.integers(0, 2, (4, 4)).astype(np.uint8)
    trbits[:2] = [[1, 1, 1, 1], [0, 0, 0, 0]]
    np.savez(tmp_path / "settings.npz", pixels=pixels, trbits=trbits)
    ask(oracle_python, CHOICE, tmp_path / "settings.npz")
    choice = range_choice({"asicPixelConfig": pixels, "trbit": trbits})
    for code, data_bit in enumerate((0, 32)):
        maps = np.load(tmp_path / f"settings.npz.{data_bit}.npy")
        found = np.stack([choice[code] == number for number in range(7)])
        np.testing.assert_array_equal(found, maps)
    assert {*np.unique(choice)} == set(range(-1, 7))


def test_as_many_pixels_are_in_each_gain_range_as_psana_counts(
    oracle_python: str, tmp_path: Path
) -> None:
    raw = np.random.default_rng(6).integers(0, 1 << 16, (2, 512, 64)).astype(np.uint16)
    np.save(tmp_path / "raw.npy", raw)
    *counts, bad = map(int, ask(oracle_python, RANGES, tmp_path / "raw.npy").split())
    levels = np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1)
    # Pedestals far above any reading: the result tells which of them was subtracted.
    constants = Constants(
        "cam",
        np.broadcast_to(levels * 1e6, (3, *raw.shape)),
        np.ones((3, *raw.shape)),
        ranges=JUNGFRAU.names,
    )
    calibration = Calibration.of(
        constants, shape=raw.shape, dtype="uint16", detector_type="jungfrau"
    )
    found = calibrate(raw[np.newaxis], calibration)[0]
    used = np.round(-found / 1e6)
    assert [int((used == number).sum()) for number in (1, 2, 3)] == counts
    assert int(np.isnan(found).sum()) == bad
    assert sum(counts) + bad == raw.size


def test_common_mode_is_that_of_psana_to_the_last_bit(oracle_python: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    frames = draw.normal(0, 5, (1, 704, 768)).astype("f4")
    frames += np.repeat(draw.normal(0, 9, (1, 704, 8)), 96, axis=2).astype("f4")
    good = draw.random(frames.shape) > 0.05
    good[0, 5, :90] = False  # too few are left in that row of the first bank
    np.savez(tmp_path / "frames.npz", frames, good)
    ask(oracle_python, COMMON_MODE, tmp_path / "frames.npz")
    for bits in (1, 2, 4, 7):
        made = CommonMode(bool(bits & 1), bool(bits & 2), bool(bits & 4), grid=BANKS["epix100"])
        expected = np.load(tmp_path / f"frames.npz.{bits}.npy")
        np.testing.assert_array_equal(made.correct(frames, good), expected)

"""Calibration files as psana writes them, and Jungfrau's gain ranges as psana tells them apart."""

import subprocess
from pathlib import Path

import numpy as np

from workbench.core.constants import Constants
from workbench.reductions import Calibration, calibrate
from workbench.reductions.ranges import JUNGFRAU
from workbench.sources.calib_tree import read_array

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

"""Digitizers: a real run of two, whose samples are packed, and those that give waveforms."""

from pathlib import Path
from typing import Any

import numpy as np

from workbench.producer import ProduceRequest, produce
from workbench.smalldata import open_file
from workbench.sources import open_raw

CONFIG = """
detectors = ['xpphsd']

def getROIs(run):
    return {'xpphsd': {'hsd_0': [10, 100], 'hsd_1': [20, 80]}}
"""


def test_packed_samples_of_real_digitizers_are_kept_byte_for_byte_and_named(
    data_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.py").write_text(CONFIG)
    path = data_folder / "xtc2" / "test_hsd.xtc2"
    result = produce(ProduceRequest("xpplx1234", 0, path, tmp_path, config=tmp_path / "config.py"))
    told = {finding.code: finding for finding in result.findings}
    assert "psana unpacks them" in told["packed-waveforms"].message
    assert (told["packed-waveforms"].field, told["packed-waveforms"].count) == ("xpphsd", 1)
    assert "hsd_1" in told["hsd-region"].message
    assert told["hsd-region"].line == 5
    with open_file(result.output) as file:
        assert file.n_events == 84
        assert not [name for name in file.names if name.startswith("Sums/")]  # of a header
        stored = [file.read(f"xpphsd/var_chan00_{number}/data") for number in (0, 1)]
    raw = open_raw(path)
    for event in range(84):
        there = raw.event(event)["xpphsd.hsd.chan00"]
        for number, channel in enumerate(there):
            np.testing.assert_array_equal(stored[number][event], channel)


def test_every_digitizer_without_a_row_of_facts_is_kept_field_by_field(
    made: Any, tmp_path: Path
) -> None:
    result = produce(made.request(tmp_path, config=None))
    with open_file(result.output) as file:
        for stored, written in zip(file.read("wave/var_trace/data"), made.waves, strict=True):
            np.testing.assert_array_equal(stored, written)
    assert "packed-waveforms" not in {finding.code for finding in result.findings}

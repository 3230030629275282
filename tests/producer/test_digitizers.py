"""Digitizers: a real run of two, whose samples are packed, and those that give waveforms."""

from pathlib import Path
from typing import Any

import numpy as np

from workbench.producer import ProduceRequest, produce
from workbench.smalldata import open_file
from workbench.sources import open_raw
from workbench.sources.xtc2_writer import Names, Xtc2Writer

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


def test_what_is_made_of_a_monitor_of_eight_diodes_lies_beside_its_readings(
    tmp_path: Path,
) -> None:
    traces = np.random.default_rng(5).integers(0, 900, (6, 8, 40)).astype(np.uint16)
    names = [
        Names("rix_fim0", "wave8", "raw", fields={"raw": ("uint16", 2)}),
        Names("rix_fim0", "wave8", "fex", fields={"intensity": ("float64", 0)}),
    ]
    begin = 1_100_000_000 << 32
    with Xtc2Writer(tmp_path / "rixlx1234-r0007-s000-c000.xtc2", names) as stream:
        stream.configure(begin - 50)
        stream.begin_run(begin - 40, experiment="rixlx1234", run=7)
        stream.begin_step(begin - 30)
        stream.enable(begin - 20)
        for event, trace in enumerate(traces):
            stream.event(begin + event, {0: {"raw": trace}, 1: {"intensity": float(event)}})
        stream.end_run(begin + 1000)
    config = tmp_path / "config.py"
    config.write_text(
        "detectors = ['rix_fim0']\n"
        "def get_wf_integrate(run):\n"
        "    return {'rix_fim0': {'sig_roi': [10, 30], 'bkg_roi': [0, 10], 'name': 'wf'}}\n"
    )
    request = ProduceRequest("rixlx1234", 7, tmp_path, tmp_path / "out", config=config)
    result = produce(request)
    level = np.median(traces[..., :10], axis=2, keepdims=True)
    pulse = (traces[..., 10:30] - level).sum(axis=2)
    with open_file(result.output) as file:
        np.testing.assert_array_equal(file.read("rix_fim0/intensity"), np.arange(6))
        np.testing.assert_allclose(file.read("det_rix_fim0/wf"), pulse, rtol=1e-6)
        np.testing.assert_array_equal(file.read("Sums/det_rix_fim0_calib"), traces.sum(axis=0))
        assert "UserDataCfg/det_rix_fim0/wf__wf_sig_roi" in file.names

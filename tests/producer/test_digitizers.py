"""Digitizers: a real run of two, whose samples are packed, and those that give waveforms."""

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "sources"))  # records made by hand

from packed_records import BOTH, laid_out, left_out, literal, record, stream

from workbench.producer import ProduceRequest, ProduceResult, produce
from workbench.smalldata import open_file
from workbench.sources import open_raw
from workbench.sources.digitizers import SAMPLE_TIME
from workbench.sources.xtc2_writer import Names, Xtc2Writer

CONFIG = """
detectors = ['xpphsd']

def getROIs(run):
    return {'xpphsd': {'hsd_0': [280, 344], 'hsd_1': [0, 1e6], 'hsd_7': [0, 5], 'hsd_x': [1, 2]}}

def get_wf_integrate(run):
    return {'xpphsd': {'name': 'pulse', 'sig_roi': slice(504, 560), 'bkg_roi': (280, 288)}}

def get_wf_cfd(run):
    return {'xpphsd': {'channel': 1}}
"""
WHOLE = 20  # event of the real run with whole waveforms; most have windows alone


@pytest.fixture(scope="module")
def real(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ProduceResult:
    """A file made of the real run, with what the config asks for and whole waveforms."""
    folder = tmp_path_factory.mktemp("real")
    config, path = folder / "config.py", data_folder / "xtc2" / "test_hsd.xtc2"
    config.write_text(CONFIG)
    asked = ("xpphsd",)
    return produce(ProduceRequest("xpplx1234", 0, path, folder, config=config, detectors=asked))


@pytest.fixture(scope="module")
def truth(data_folder: Path) -> list[list[tuple[list[int], list[tuple[int, list[int]]]]]]:
    """Waveform and windows of each record, by a loop over its words: segment, event."""
    whole = open_raw(data_folder / "xtc2" / "test_hsd.xtc2").read(["xpphsd"])
    headers, records = whole["xpphsd.hsd.eventHeader"], whole["xpphsd.hsd.chan00"]
    return [
        [literal(records[event][row], int(headers[event][row, 0]), 800) for event in range(84)]
        for row in (0, 1)
    ]


def test_waveforms_and_windows_of_real_digitizers_are_kept_as_many_as_came(
    real: ProduceResult, truth: Any
) -> None:
    assert "packed-waveforms" not in {finding.code for finding in real.findings}
    with open_file(real.output) as file:
        for number in (0, 1):
            names = (f"var_wave_{number}/data", f"var_samples_{number}/data")
            waves, samples = (file.read(f"xpphsd/{name}") for name in names)
            places = f"xpphsd/var_windows_{number}"
            firsts, lengths = (file.read(f"{places}/{name}") for name in ("first", "length"))
            times = file.read(f"{places}/time")
            for event, (wave, windows) in enumerate(truth[number]):
                assert waves[event].tolist() == wave
                assert firsts[event].tolist() == [first for first, _ in windows]
                assert lengths[event].tolist() == [len(given) for _, given in windows]
                assert samples[event].tolist() == [value for _, given in windows for value in given]
                np.testing.assert_allclose(times[event], firsts[event] * SAMPLE_TIME)
            assert file.info(f"{places}/time").unit == "s"
            assert set(file.read(f"xpphsd/unpacked_{number}")) == {1}
            assert not any(map(len, file.read(f"xpphsd/var_packed_{number}/data")))


def test_whole_waveforms_and_parts_have_the_names_of_today_and_their_times(
    real: ProduceResult, truth: Any
) -> None:
    laid = np.array([[laid_out(*one, 800) for one in segment] for segment in truth])
    with open_file(real.output) as file:
        for number in (0, 1):
            np.testing.assert_array_equal(file.read(f"xpphsd/full_hsd_{number}"), laid[number])
            times = file.read(f"UserDataCfg/xpphsd/full__full_times_{number}")
            np.testing.assert_allclose(times, np.arange(800) / (6.4e9 * 13 / 14), rtol=1e-12)
            assert file.info(f"UserDataCfg/xpphsd/full__full_times_{number}").unit == "s"
        part = file.read("xpphsd/full_hsd_0__ROI_wf")
        np.testing.assert_array_equal(part, laid[0, :, 280:344])
        assert np.isfinite(part).all()  # a window of every event
        np.testing.assert_array_equal(file.read("xpphsd/full_hsd_0__ROI_sum"), part.sum(axis=1))
        sums = file.read("xpphsd/full_hsd_1__ROI_sum")
        np.testing.assert_array_equal(sums, laid[1].sum(axis=1))
        assert np.flatnonzero(np.isfinite(sums)).tolist() == [
            event for event, (wave, _) in enumerate(truth[1]) if wave
        ]


def test_reductions_of_waveforms_run_on_digitizers(real: ProduceResult, truth: Any) -> None:
    laid = np.array([[laid_out(*one, 800) for one in segment] for segment in truth])
    level = np.median(laid[:, :, 280:288], axis=2, keepdims=True)
    with open_file(real.output) as file:
        pulse = (laid[:, :, 504:560] - level).sum(axis=2)
        assert np.isfinite(pulse).all()
        np.testing.assert_allclose(file.read("xpphsd/pulse"), pulse.T, rtol=1e-12)
        hits, places = (
            file.read(f"xpphsd/hitFinderCFD_ch1_{name}") for name in ("nHits", "hitIndices")
        )
        assert hits[WHOLE] >= 1
        top = int(np.argmax(laid[1, WHOLE]))
        assert min(abs(places[WHOLE, : hits[WHOLE]] - top)) < 40  # samples: the pulse is found
    told = {finding.code: finding for finding in real.findings}
    assert told["nan_pixels"].count == sum(1 for wave, _ in truth[0] if not wave)


def test_parts_of_channels_that_are_none_are_named_with_their_line(real: ProduceResult) -> None:
    told = {finding.code: finding for finding in real.findings}
    assert "hsd_x" in told["wrong-type"].message
    assert "has no channel hsd_7; it has hsd_0, hsd_1" in told["no-channels"].message
    assert told["wrong-type"].line == told["no-channels"].line == 5


def test_records_that_cannot_be_unpacked_are_kept_as_bytes_named_and_counted(
    tmp_path: Path,
) -> None:
    wave, windows = list(range(40)), [*left_out(4, 0, 0, 0), 7, 8, 9, 10]
    good = record(stream(0, wave), stream(1, windows))
    marked = record(stream(0, wave, marks=4))
    records = [good, good[:-2], marked, record(stream(0, [*wave, 1])), good]
    headers = [BOTH, BOTH, 1 << 20, 1 << 20, BOTH]
    gates = {f"{kind}.gate": ("uint32", 1) for kind in ("raw", "fex")}
    names = [
        Names("hsd", "hsd", "hsd", fields={"eventHeader": ("uint32", 1), "chan00": ("uint8", 1)}),
        Names("hsd", "hsd", "config", fields={**gates, "fex.ymin": ("uint32", 1)}),
    ]
    one, begin = np.ones(1, np.uint32), 1_100_000_000 << 32
    with Xtc2Writer(tmp_path / "rixlx1234-r0007-s000-c000.xtc2", names) as writer:
        writer.configure(begin - 50, {1: {"raw.gate": one, "fex.gate": one, "fex.ymin": one}})
        writer.begin_run(begin - 40, experiment="rixlx1234", run=7)
        for event, (header, data) in enumerate(zip(headers, records, strict=True)):
            words = np.array([header, 0], np.uint32)
            writer.event(begin + event, {0: {"eventHeader": words, "chan00": data}})
        writer.end_run(begin + 1000)
    out = tmp_path / "out"
    request = ProduceRequest("rixlx1234", 7, tmp_path, out, detectors=("hsd",))
    result = produce(request)
    told = [one for one in result.findings if one.code == "packed-waveforms"]
    assert sorted(finding.count for finding in told) == [1, 1, 1]
    assert any("ends before its samples do" in finding.message for finding in told)
    assert result.failures["hsd"]["record_marked"] == 1
    with open_file(result.output) as file:
        whole = file.read("hsd/full_hsd_0")
        assert whole[[0, 4]].tolist() == [wave, wave]
        assert np.isnan(whole[1:4]).all()
        assert file.read("hsd/unpacked_0").tolist() == [1, 2, 4, 6, 1]
        kept = file.read("hsd/var_packed_0/data")
        assert [bytes(row.astype(np.uint8)) for row in kept] == [
            b"", good[:-2].tobytes(), marked.tobytes(), b"", b""
        ]  # fmt: skip
        assert file.read("hsd/var_wave_0/data")[3].tolist() == [*wave, 1]


SAMPLES, LATER, LEVEL = 200, 37, 2048  # per waveform; delay of the second pulse; baseline [ADU]
PLACE = 60  # sample at which the basis begins, and the first pulse with it
RANGE = 120  # samples of the basis
PLANTED = {  # strengths of both pulses in channel 1, what is sent of it
    0: (400, 300, "whole"),
    1: (1000, 0, "whole"),
    2: (300, 200, "windows"),  # the baseline and the range of the basis
    3: (500, 100, "pulse"),  # the first pulse alone: the fit lacks samples
    4: (0, 700, "both"),
}
FITS = """
detectors = ['hsd']

def get_wf_svd(run):
    return {{'hsd': {{'basis_file': {basis!r}, 'n_components': 1, 'n_pulse': 2, 'delay': [37]}}}}

def get_wf_hitfinder(run):
    return {{'hsd': {{'threshold': 2148, 'threshold_max': 1e6}}}}

def get_wf_cfd(run):
    return {{'hsd': {{'channel': 1, 'convFilterLength': 3, 'CFDOffset': 4, 'threshold': 2}}}}
"""


def pulse(later: int = 0) -> np.ndarray:
    """A pulse that rises within 4 samples and falls within 12; it begins at `PLACE`."""
    since = np.arange(SAMPLES) - PLACE - later
    shape = (1 - np.exp(-since.clip(0) / 4)) * np.exp(-since.clip(0) / 12)
    return np.where(since >= 0, shape / 0.4, 0.0)


def packed(wave: np.ndarray, sent: str) -> np.ndarray:
    """Return a record with the whole waveform, with windows, or with both."""
    spans = {"windows": [(0, 16), (PLACE, PLACE + RANGE)], "pulse": [(PLACE, PLACE + 32)]}
    words: list[int] = []
    end = 0
    for first, last in spans.get(sent, spans["windows"]):
        words += [*left_out(first - end, 0, 0, 0), *wave[first:last].tolist()]
        end = last
    whole = stream(0, wave if sent in {"whole", "both"} else [])
    return record(whole, stream(1, [] if sent == "whole" else words))


def test_planted_pulses_of_digitizers_are_fitted_and_found(tmp_path: Path) -> None:
    gates = {f"{kind}.gate": ("uint32", 1) for kind in ("raw", "fex")}
    fields = {"eventHeader": ("uint32", 1), "chan00": ("uint8", 1)}
    names = [
        *(Names("hsd", "hsd", "hsd", segment=row, fields=fields) for row in (0, 1)),
        Names("hsd", "hsd", "config", fields={**gates, "fex.ymin": ("uint32", 1)}),
    ]
    ticks = np.full(2, SAMPLES // 40, np.uint32)
    quiet = np.full(SAMPLES, LEVEL, np.uint16)
    waves = np.array(
        [np.rint(LEVEL + one * pulse() + two * pulse(LATER)) for one, two, _ in PLANTED.values()]
    ).astype(np.uint16)
    begin = 1_100_000_000 << 32
    with Xtc2Writer(tmp_path / "rixlx1234-r0007-s000-c000.xtc2", names) as writer:
        writer.configure(begin - 50, {2: {"raw.gate": ticks, "fex.gate": ticks, "fex.ymin": ticks}})
        writer.begin_run(begin - 40, experiment="rixlx1234", run=7)
        for event, (*_, sent) in PLANTED.items():
            words = np.array([BOTH, 0], np.uint32)
            records = {
                row: {"eventHeader": words, "chan00": packed(wave, sent if row else "whole")}
                for row, wave in enumerate((quiet, waves[event]))
            }
            writer.event(begin + event, records)
        writer.end_run(begin + 1000)
    basis, config = tmp_path / "basis.h5", tmp_path / "config.py"
    with h5py.File(basis, "w") as h5:
        h5["components"] = pulse()[np.newaxis, PLACE : PLACE + RANGE]
        h5["roi"], h5["background_index"], h5["channel"] = (PLACE, PLACE + RANGE), 16, 1
    config.write_text(FITS.format(basis=str(basis)))
    request = ProduceRequest("rixlx1234", 7, tmp_path, tmp_path / "out", config=config)
    result = produce(request)
    assert not result.skipped
    whole = [event for event, (*_, sent) in PLANTED.items() if sent != "pulse"]
    highest = pulse()[PLACE : PLACE + RANGE].max(), pulse(LATER)[PLACE : PLACE + RANGE].max()
    with open_file(result.output) as file:
        fitted = file.read("hsd/svdFit_ch1_intensities")
        for event in whole:
            planted = np.array(PLANTED[event][:2]) * highest
            np.testing.assert_allclose(fitted[event], planted, atol=1.0)  # readings are whole ADU
        score = file.read("hsd/svdFit_ch1_score")
        assert (score[whole] > 0.9999).all()
        assert np.isnan(fitted[3]).all()
        assert np.isnan(score[3])
        above = file.read("hsd/hitfinder")
        sent = np.zeros(SAMPLES, bool)
        sent[PLACE : PLACE + 32] = True
        for event, wave in enumerate(waves):
            np.testing.assert_array_equal(above[event, 0], np.zeros(SAMPLES))
            np.testing.assert_array_equal(
                above[event, 1], (wave > 2148) & (sent if event == 3 else True)
            )
        hits, places = (
            file.read(f"hsd/hitFinderCFD_ch1_{name}") for name in ("nHits", "hitIndices")
        )
        planted_at = {1: [PLACE], 4: [PLACE + LATER], 0: [PLACE, PLACE + LATER]}
        for event, begins in planted_at.items():
            assert hits[event] == len(begins)
            found = places[event, : hits[event]] - begins
            assert (np.abs(found) < 20).all()  # on the pulse
    assert result.failures["hsd"]["nan_pixels"] == 2  # windows alone in two events


def test_windows_of_version_3_keep_their_unit_and_their_baselines(tmp_path: Path) -> None:
    fields = {"eventHeader": ("uint32", 1), "chan00": ("uint8", 1)}
    settings = {"user.raw.gate_ns": 175, "user.fex.gate_ns": 175, "user.fex.corr.baseline": 9}
    names = [
        Names("hsd", "hsd", "raw", (3, 0, 0), fields=fields),
        Names("hsd", "hsd", "config", fields=dict.fromkeys(settings, ("uint32", 0))),
    ]
    begin, header = 1_100_000_000 << 32, np.array([2 << 20, 0], np.uint32)
    data = record(stream(1, [*left_out(3, 0, 1, 0), 7, 8, 9, 10, 21, 22, 23, 24]))
    with Xtc2Writer(tmp_path / "rixlx1234-r0007-s000-c000.xtc2", names) as writer:
        writer.configure(begin - 50, {1: settings})
        writer.begin_run(begin - 40, experiment="rixlx1234", run=7)
        writer.event(begin, {0: {"eventHeader": header, "chan00": data}})
        writer.event(begin + 1, {0: {"eventHeader": header, "chan00": data[:0]}})
        writer.end_run(begin + 1000)
    out = tmp_path / "out"
    result = produce(ProduceRequest("rixlx1234", 7, tmp_path, out, detectors=("hsd",)))
    with open_file(result.output) as file:
        assert [row.tolist() for row in file.read("hsd/var_samples_0/data")] == [
            [21, 22, 23, 24],
            [],
        ]
        assert file.info("hsd/var_samples_0/data").unit == "1"
        assert "1/16 ADU" in file.info("hsd/var_samples_0/data").long_name
        assert file.read("hsd/var_windows_0/first")[0].tolist() == [8]
        sent = [number + (1 << 14) for number in (7, 8, 9, 10)]
        assert file.read("hsd/baselines_0").tolist() == [sent, [-99999] * 4]
        assert np.isnan(file.read("hsd/full_hsd_0")).all()  # no whole waveform came


def test_a_digitizer_that_is_not_unpacked_is_kept_byte_for_byte_and_named(tmp_path: Path) -> None:
    names = [Names("hsd", "hsd", "raw", fields={"chan00": ("uint8", 1)})]
    begin = 1_100_000_000 << 32
    with Xtc2Writer(tmp_path / "rixlx1234-r0007-s000-c000.xtc2", names) as writer:
        writer.configure(begin - 50)
        writer.begin_run(begin - 40, experiment="rixlx1234", run=7)
        for event in range(3):
            writer.event(begin + event, {0: {"chan00": np.arange(9 + event, dtype=np.uint8)}})
        writer.end_run(begin + 1000)
    result = produce(ProduceRequest("rixlx1234", 7, tmp_path, tmp_path / "out"))
    told = {finding.code: finding for finding in result.findings}
    assert "chan00" in told["packed-waveforms"].message
    assert (told["packed-waveforms"].field, told["packed-waveforms"].count) == ("hsd", 1)
    with open_file(result.output) as file:
        stored = file.read("hsd/var_chan00/data")
        assert [row.tolist() for row in stored] == [[*range(9 + event)] for event in range(3)]


def test_every_digitizer_without_a_row_of_facts_is_kept_field_by_field(
    made: Any, tmp_path: Path
) -> None:
    result = produce(made.request(tmp_path, config=None))
    with open_file(result.output) as file:
        for stored, written in zip(file.read("wave/var_trace/data"), made.waves, strict=True):
            np.testing.assert_array_equal(stored, written)
    assert "packed-waveforms" not in {finding.code for finding in result.findings}


def produced_with_integrals(folder: Path) -> Path:
    """Produce run 7 of a folder, the waveforms of its monitor integrated."""
    config = folder / "config.py"
    config.write_text(
        "detectors = ['rix_fim0']\n"
        "def get_wf_integrate(run):\n"
        "    return {'rix_fim0': {'sig_roi': [10, 30], 'bkg_roi': [0, 10], 'name': 'wf'}}\n"
    )
    return produce(ProduceRequest("rixlx1234", 7, folder, folder / "out", config=config)).output


def pulses_of(traces: np.ndarray) -> np.ndarray:
    """Integrate the traces above the median of their first samples, without the package."""
    level = np.median(traces[..., :10], axis=2, keepdims=True)
    return (traces[..., 10:30] - level).sum(axis=2)


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
    output = produced_with_integrals(tmp_path)
    pulse = pulses_of(traces)
    with open_file(output) as file:
        np.testing.assert_array_equal(file.read("rix_fim0/intensity"), np.arange(6))
        np.testing.assert_allclose(file.read("det_rix_fim0/wf"), pulse, rtol=1e-6)
        np.testing.assert_array_equal(file.read("Sums/det_rix_fim0_calib"), traces.sum(axis=0))
        assert "UserDataCfg/det_rix_fim0/wf__wf_sig_roi" in file.names


def test_the_waveforms_of_all_diodes_of_a_monitor_are_one_frame(tmp_path: Path) -> None:
    traces = np.random.default_rng(8).integers(0, 900, (6, 8, 40)).astype(np.uint16)
    fields = {f"raw_{diode}": ("uint16", 1) for diode in range(8)}  # as the DAQ names them
    names = [
        Names("rix_fim0", "wave8", "raw", (0, 0, 1), fields=fields),
        Names("rix_fim0", "wave8", "fex", (0, 0, 1), fields={"integral_0": ("int32", 0)}),
    ]
    begin = 1_100_000_000 << 32
    with Xtc2Writer(tmp_path / "rixlx1234-r0007-s000-c000.xtc2", names) as stream:
        stream.configure(begin - 50)
        stream.begin_run(begin - 40, experiment="rixlx1234", run=7)
        for event, trace in enumerate(traces):
            waves = {f"raw_{diode}": wave for diode, wave in enumerate(trace)}
            records = {0: waves, 1: {"integral_0": -event}}
            stream.event(begin + event, records if event != 4 else {1: records[1]})
        stream.end_run(begin + 1000)
    output = produced_with_integrals(tmp_path)
    pulse = pulses_of(traces)
    pulse[4] = np.nan  # its waveforms are not in that event
    with open_file(output) as file:
        np.testing.assert_allclose(file.read("det_rix_fim0/wf"), pulse, rtol=1e-6)
        total = np.delete(traces, 4, axis=0).sum(axis=0)
        np.testing.assert_array_equal(file.read("Sums/det_rix_fim0_calib"), total)


def test_diodes_whose_waveforms_differ_in_length_give_no_frame_and_are_named(
    tmp_path: Path,
) -> None:
    fields = {f"raw_{diode}": ("uint16", 1) for diode in range(2)}
    begin = 1_100_000_000 << 32
    path = tmp_path / "rixlx1234-r0007-s000-c000.xtc2"
    with Xtc2Writer(path, [Names("rix_fim0", "wave8", "raw", fields=fields)]) as stream:
        stream.configure(begin - 50)
        stream.begin_run(begin - 40, experiment="rixlx1234", run=7)
        waves = {f"raw_{diode}": np.ones(5 + diode, np.uint16) for diode in range(2)}
        stream.event(begin, {0: waves})
        stream.end_run(begin + 1000)
    result = produce(ProduceRequest("rixlx1234", 7, tmp_path, tmp_path / "out"))
    told = {finding.code: finding.field for finding in result.findings}
    assert told["uneven-waveforms"] == "rix_fim0"
    with open_file(result.output) as file:
        assert file.read("rix_fim0/raw_1").tolist() == [[1] * 6]

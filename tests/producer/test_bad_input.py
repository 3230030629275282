"""Odd frames, masks, configs and disks: named, counted, and nothing else lost."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.atomic import CannotWriteError
from workbench.core.constants import Constants
from workbench.core.findings import Finding, Severity
from workbench.producer import ProducerConfig, ProduceRequest, produce
from workbench.sources.constants import write_constants
from workbench.sources.xtc2_writer import Names, Xtc2Writer

EXPERIMENT, RUN, EVENTS = "xpplx1234", 7, 6
SHAPE, LARGE = (72, 80), (2000, 1024)
NAN_EVENTS = (2, 5)
INFINITE = {1: np.inf, 4: -np.inf}  # by event
NAMES = (
    Names("dark", "epix100", "raw", fields={"raw": ("uint16", 2)}),  # no photon ever
    Names(
        "soft", "camera", "raw", fields={"raw": ("float32", 2)}
    ),  # NaN in two events, infinite in two
    Names("dots", "camera", "raw", fields={"raw": ("uint16", 2)}),  # a million droplets
)
CONFIG = """
import numpy
detectors = ['dark', 'soft', 'dots', 'gone']

def getROIs(run):
    nothing = numpy.zeros((72, 80))
    return {'dark': [{'name': 'masked', 'ROI': [[2, 9], [5, 25]], 'userMask': nothing},
                     {'name': 'spot', 'ROI': [[2, 9], [5, 25]]}],
            'soft': [{'name': 'near', 'ROI': [[0, 4], [0, 4]]},
                     {'name': 'far', 'ROI': [[40, 44], [0, 4]]}],
            'gone': [{'ROI': None}]}

def get_droplet(run):
    return {'dots': {'threshold': 5, 'useRms': False, 'nData': None}}

def get_droplet2photon(run):
    return {'dark': {'droplet': {'threshold': 5, 'useRms': False},
                     'd2p': {'aduspphot': 20}, 'nData': None}}

def get_sum_algos(run):
    if run == 7:
        return {}['calib']  # fails in this run alone
    return {'all': ['calib']}

def get_photon(run):
    return {'soft': {'ADU_per_photon': 1.0}}
"""


@pytest.fixture(scope="module")
def raw(module_folder: ModuleFolder) -> Path:
    folder = module_folder("odd")
    rows, cols = np.indices(LARGE)
    dots = np.where((rows + cols) % 2 == 0, 20, 0).astype(np.uint16)  # none touches another
    begin = 1_100_000_000 << 32
    with Xtc2Writer(folder / f"{EXPERIMENT}-r{RUN:04d}-s000-c000.xtc2", NAMES) as stream:
        stream.configure(begin)
        stream.begin_run(begin + 1, experiment=EXPERIMENT, run=RUN)
        stream.begin_step(begin + 2)
        stream.enable(begin + 3)
        for event in range(EVENTS):
            soft = np.full(SHAPE, 1.0 + event, np.float32)
            if event in NAN_EVENTS:
                soft[1, 1] = np.nan
            soft[2, 3] = INFINITE.get(event, soft[2, 3])
            records: dict[int, Any] = {0: {"raw": np.full(SHAPE, 100, np.uint16)}, 1: {"raw": soft}}
            if event == 0:
                records[2] = {"raw": dots}
            stream.event(begin + 100 + event, records)
        stream.end_run(begin + 1000)
    write_constants(folder / "constants.h5", [Constants("dark", np.full(SHAPE, 100.0))])
    (folder / "config.py").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def result(raw: Path, module_folder: ModuleFolder) -> Any:
    return produce(request(raw, module_folder("out")))


@pytest.fixture(scope="module")
def file(result: Any) -> Iterator[h5py.File]:
    with h5py.File(result.output) as opened:
        yield opened


def request(raw: Path, output: Path) -> ProduceRequest:
    return ProduceRequest(
        EXPERIMENT, RUN, raw, output, config=raw / "config.py", constants=raw / "constants.h5"
    )


def only(result: Any, code: str) -> Finding:
    (found,) = [one for one in result.findings if one.code == code]
    return found


def test_a_region_without_a_usable_pixel_is_missing_and_named(result: Any, file: Any) -> None:
    for name in ("sum", "mean", "max", "com"):
        assert np.isnan(file[f"dark/masked_{name}"][:]).all()
    np.testing.assert_array_equal(file["dark/spot_sum"][:], np.zeros(EVENTS))  # measured: 0
    found = only(result, "all-masked")
    assert found.field == "getROIs['dark'] (masked)"
    assert found.line == 7
    assert "check polarity" in found.message


def test_nan_and_infinite_pixels_cost_what_is_made_of_them_and_are_counted(
    result: Any, file: Any
) -> None:
    near, far = file["soft/near_sum"][:], file["soft/far_sum"][:]
    bad = np.isin(np.arange(EVENTS), [*NAN_EVENTS, *INFINITE])
    expected = 16 * (1.0 + np.arange(EVENTS))
    np.testing.assert_array_equal(near, np.where(bad, np.nan, expected))
    np.testing.assert_array_equal(far, expected)
    lacking = len(NAN_EVENTS) + len(INFINITE)
    assert result.failures["soft"]["nan_pixels"] == lacking
    assert only(result, "nan_pixels").count == lacking
    photons = file["soft/photon_nPhot"][:]
    np.testing.assert_array_equal(photons, (72 * 80 - bad) * (1 + np.arange(EVENTS)))
    assert "other_gain" not in result.failures["soft"]


@pytest.mark.parametrize(
    "algorithms", [["calib"], ["raw"], ["calib_max", "calib_thresADU2_square"]]
)
def test_nan_and_infinite_pixels_are_counted_where_frames_are_only_summed(
    tmp_path: Path, algorithms: list[str]
) -> None:
    begin, odd = 1_100_000_000 << 32, {1: np.nan, 4: np.inf, 5: -np.inf, 8: np.nan}
    good = np.ones(SHAPE)
    good[9, 9] = 0
    names = (Names("soft", "camera", "raw", fields={"raw": ("float32", 2)}),)
    with Xtc2Writer(tmp_path / f"{EXPERIMENT}-r{RUN:04d}-s000-c000.xtc2", names) as stream:
        stream.configure(begin)
        stream.begin_run(begin + 1, experiment=EXPERIMENT, run=RUN)
        for event in range(11):
            soft = np.full(SHAPE, 3.0, np.float32)
            soft[7, 5] = odd.get(event, 3.0)
            soft[9, 9] = np.nan  # masked
            stream.event(begin + 100 + event, {0: {"raw": soft}})
        stream.end_run(begin + 1000)
    config, constants = tmp_path / "config.py", tmp_path / "constants.h5"
    config.write_text(
        f"detectors = ['soft']\ndef get_sum_algos(run):\n    return {{'all': {algorithms}}}\n"
    )
    write_constants(constants, [Constants("soft", good=good.astype(bool))])
    out = tmp_path / "out"
    asked = ProduceRequest(EXPERIMENT, RUN, tmp_path, out, config=config, constants=constants)
    result = produce(asked)
    assert not result.skipped
    assert result.failures["soft"]["nan_pixels"] == len(odd)
    assert only(result, "nan_pixels").count == len(odd)
    with h5py.File(result.output) as file:
        summed = {name: file[f"Sums/soft_{name}"][7, 5] for name in algorithms}
    truth = {"calib": 21.0, "raw": 21.0, "calib_max": 3.0, "calib_thresADU2_square": 63.0}
    assert summed == {name: truth[name] for name in algorithms}  # seven events of 3


UNMEASURED = """
import numpy
only = numpy.zeros((72, 80))
only[:4, :4] = 1
detectors = ['soft', 'slow']

def _regions():
    return [{'name': 'near', 'ROI': [[0, 4], [0, 4]], 'writeArea': True,
             'pj': [{'name': 'pj', 'axis': 0}]}, {'name': 'far', 'ROI': [[40, 44], [0, 4]]}]

def getROIs(run):
    return {'soft': _regions(), 'slow': _regions()}

def get_photon(run):
    each = [{'name': 'all', 'ADU_per_photon': 1.0},
            {'name': 'few', 'ADU_per_photon': 1.0, 'mask': only}]
    return {'soft': each, 'slow': each}

def get_droplet(run):
    each = {'threshold': 0.5, 'useRms': False, 'nData': None}
    return {'soft': each, 'slow': each}

def get_intg(run):
    return 'slow', []
"""


def test_frames_without_a_measured_pixel_are_missing_in_all_that_is_made_of_them(
    tmp_path: Path,
) -> None:
    begin, gone, cut = 1_100_000_000 << 32, 3, 5  # events: without any pixel, without a region's
    names = tuple(
        Names(d, "camera", "raw", fields={"raw": ("float32", 2)}) for d in ("soft", "slow")
    )
    with Xtc2Writer(tmp_path / f"{EXPERIMENT}-r{RUN:04d}-s000-c000.xtc2", names) as stream:
        stream.configure(begin)
        stream.begin_run(begin + 1, experiment=EXPERIMENT, run=RUN)
        for event in range(8):
            frame = np.full(SHAPE, np.nan if event == gone else 2.0, np.float32)
            frame[:4, :4] = np.nan if event in (gone, cut) else 2.0
            every = {0: {"raw": frame}} | ({1: {"raw": frame}} if event % 2 else {})
            stream.event(begin + 100 + event, every)
        stream.end_run(begin + 1000)
    config = tmp_path / "config.py"
    config.write_text(UNMEASURED)
    result = produce(ProduceRequest(EXPERIMENT, RUN, tmp_path, tmp_path / "out", config=config))
    assert not result.skipped
    assert [result.failures[name]["nan_pixels"] for name in ("soft", "slow")] == [2, 2]
    few, near = 16 * 2, np.full(4, 8.0)
    whole, rest = 72 * 80 * 2, (72 * 80 - 16) * 2
    expected = {  # value, in the event without any pixel, in that without the region's
        "near_sum": (few, np.nan, np.nan), "near_mean": (2.0, np.nan, np.nan),
        "near_pj_data": (near, near * np.nan, near * np.nan),
        "far_sum": (few, np.nan, few), "far_max": (2.0, np.nan, 2.0),
        "all_nPhot": (whole, -99999, rest), "few_nPhot": (few, -99999, -99999),
        "droplet_nDroplets": (1, -99999, 1), "droplet_nDroplets_all": (1, -99999, 1),
    }  # fmt: skip
    with h5py.File(result.output) as file:
        for name, (usual, lost, part) in expected.items():
            values = file[f"soft/{name}"][:]
            rows = np.array([lost if e == gone else part if e == cut else usual for e in range(8)])
            np.testing.assert_array_equal(values, rows, err_msg=name)
            np.testing.assert_array_equal(file[f"intg/slow/{name}"][:], rows[1::2], err_msg=name)
            added = np.where(rows == -99999, np.nan, rows).reshape(4, 2, *rows.shape[1:])
            told = file[f"intg/slow/soft_sum_{name}"][:]
            np.testing.assert_array_equal(told, np.nansum(added, axis=1), err_msg=name)
            counts = file[f"intg/slow/soft_count_{name}"][:]
            np.testing.assert_array_equal(counts, np.isfinite(added).sum(axis=1), err_msg=name)


def test_frames_without_photons_give_zeros_not_gaps(file: Any) -> None:
    np.testing.assert_array_equal(file["dark/droplet_nDroplets"][:], np.zeros(EVENTS))
    prob = file["dark/droplet_droplet2phot_prob"][:]
    np.testing.assert_array_equal(prob[:, 0], np.ones(EVENTS))
    np.testing.assert_array_equal(prob[:, 1:], np.zeros((EVENTS, 11)))
    lengths = file["dark/var_droplet_droplet2phot_sparse_len"][:]
    np.testing.assert_array_equal(lengths, np.zeros(EVENTS))


def test_a_million_droplets_of_one_frame_are_all_kept(file: Any) -> None:
    million = LARGE[0] * LARGE[1] // 2
    counts = file["dots/droplet_nDroplets"][:]
    assert counts[0] == million
    np.testing.assert_array_equal(counts[1:], np.full(EVENTS - 1, -99999))  # not in the event
    sparse = file["dots/var_droplet_sparse"]
    assert len(sparse["data"]) == million
    assert (sparse["data"][:] == 20).all()
    assert ((sparse["row"][:] + sparse["col"][:]) % 2 == 0).all()


def test_a_detector_that_is_not_in_the_run_is_named_where_it_is_listed(result: Any) -> None:
    found = only(result, "detector-not-in-run")
    assert (found.severity, found.line) == (Severity.WARNING, 3)
    assert "'gone'" in found.message


def test_a_function_that_fails_in_one_run_costs_that_function_in_that_run(
    result: Any, raw: Path, file: Any
) -> None:
    found = only(result, "config-exception")
    assert found.line == 22
    assert "KeyError: 'calib'" in found.message
    assert "dark/spot_sum" in file
    later = ProducerConfig.load(raw / "config.py", 8)
    assert {entry.detector for entry in later.sums} == {"dark", "soft", "dots", "gone"}
    assert not later.findings


def test_where_no_more_files_may_be_made_that_is_said_and_nothing_is_left(
    raw: Path, tiny_disk: Callable[[str], Path]
) -> None:
    few_files = tiny_disk("nr_inodes=5")
    with pytest.raises(CannotWriteError, match="no more files may be made in"):
        produce(request(raw, few_files))
    assert list(few_files.iterdir()) == []

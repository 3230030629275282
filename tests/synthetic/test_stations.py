"""Made-up files of every hutch and generation: names of real files, the same truth in all."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.clock import EPICS_EPOCH
from workbench.core.errors import InputError
from workbench.runs import open_run
from workbench.smalldata import open_file
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.listings import read_listing
from workbench.synthetic.shots import blocks, event_times
from workbench.synthetic.station import GENERATIONS, HUTCHES, station
from workbench.synthetic.tiles import Q_EDGES

SPEC = {"n_events": 700, "camera_every": 1, "jungfrau_every": 3, "n_steps": 7, "seed": 3}
PLACES = [(hutch, generation) for hutch in HUTCHES for generation in GENERATIONS]


def spec_of(hutch: str, **more: object) -> PumpProbe:
    return PumpProbe(experiment=f"{hutch}syn0126", **{**SPEC, **more})


@pytest.fixture(scope="module")
def folder(module_folder: ModuleFolder) -> Path:
    made = module_folder("stations")
    for hutch, generation in PLACES:
        write_small_data(spec_of(hutch), made / generation, generation=generation)
    for generation in GENERATIONS:
        where = made / "facility" / generation
        write_small_data(spec_of("xpp"), where, generation=generation, style="facility")
    return made


def file_of(folder: Path, hutch: str, generation: str) -> Path:
    return folder / generation / f"{hutch}syn0126_Run0001.h5"


def column(path: Path, name: str) -> np.ndarray:
    with open_file(path) as file:
        return file.read(name)


@pytest.mark.parametrize(("hutch", "generation"), PLACES)
def test_monitors_follow_the_planted_intensity_in_their_own_unit(
    folder: Path, hutch: str, generation: str
) -> None:
    path = file_of(folder, hutch, generation)
    truth = json.loads(path.with_name(f"{path.stem}.truth.json").read_text())
    i0 = np.concatenate([block.i0 for block in blocks(spec_of(hutch))])
    for follows in ("upstream", "downstream"):
        name = station(hutch, generation).monitor(follows)
        planted = truth["monitors"][name.partition("/")[0]]
        left = column(path, name) - planted["gain"] * i0 - planted["offset"]
        assert np.nanstd(left) == pytest.approx(planted["noise"], rel=0.15)
        assert np.nanmean(left) == pytest.approx(0, abs=planted["noise"] / 5)
    large = np.nanmedian(column(path, station(hutch, generation).monitor("upstream")))
    low, high = (1e3, 4e4) if generation == "lcls1" else (1e-7, 1e-4)
    assert low < large < high  # what beam monitors of that generation usually read


@pytest.mark.parametrize(("hutch", "generation"), PLACES)
def test_the_delay_of_every_hutch_is_the_planted_one(
    folder: Path, hutch: str, generation: str
) -> None:
    delay = open_run(file_of(folder, hutch, generation)).delay().read()
    true = np.concatenate([block.delay for block in blocks(spec_of(hutch))])
    assert np.nanstd(delay - true) == pytest.approx(0.01, rel=0.2)
    assert np.isfinite(delay).sum() > 400


@pytest.mark.parametrize("hutch", HUTCHES)
def test_both_generations_hold_the_same_numbers_under_their_own_names(
    folder: Path, hutch: str
) -> None:
    old, new = (file_of(folder, hutch, generation) for generation in GENERATIONS)
    pairs = {
        "ebeam/photon_energy": "ebeamh/ebeamPhotonEnergy",
        "gas_detector/f_11_ENRC": "gasdet/f11ENRC",
        "tt/FLTPOS_PS": "tt/fltpos_ps",
        "tt/AMPL": "tt/ampl",
        "scan/lxt_ttc": "scan/lxt_ttc",
        f"{station(hutch, 'lcls1').spot}/signal_sum": f"{station(hutch, 'lcls2').spot}/signal_sum",
    }
    for first, second in pairs.items():
        np.testing.assert_array_equal(column(old, first), column(new, second), err_msg=first)
    edge = column(old, "tt/FLTPOS")
    c0, c1, c2 = column(old, "UserDataCfg/tt/ttCalib")
    corrected = np.where(edge == 0, 0, c0 + c1 * edge + c2 * edge**2)
    np.testing.assert_allclose(column(old, "tt/ttCorr"), corrected)


def test_events_of_lcls1_count_from_1970_and_by_fiducials(folder: Path) -> None:
    stamps = column(file_of(folder, "xcs", "lcls1"), "event_time")
    newer = event_times(spec_of("xcs"), np.arange(700)).astype(np.int64)
    np.testing.assert_array_equal((stamps >> 32) - (newer >> 32), EPICS_EPOCH)
    np.testing.assert_array_equal(stamps & 0xFFFFFFFF, newer & 0xFFFFFFFF)
    fiducials = column(file_of(folder, "xcs", "lcls1"), "fiducials")
    assert set(np.diff(fiducials)) == {3}  # 360 Hz counted at 120 Hz
    assert fiducials.max() < 0x1FFE0


@pytest.mark.parametrize(
    ("hutch", "code", "means_on"), [("xpp", 91, False), ("xcs", 89, False), ("mec", 182, True)]
)
def test_the_laser_s_event_code_is_that_of_the_hutch(
    folder: Path, hutch: str, code: int, means_on: bool
) -> None:
    path = file_of(folder, hutch, "lcls1")
    laser = column(path, "lightStatus/laser") == 1
    np.testing.assert_array_equal((column(path, f"evr/code_{code}") == 1) == means_on, laser)
    np.testing.assert_array_equal(
        column(path, "evr/code_137") == 1, column(path, "lightStatus/xray") == 1
    )


def test_default_detectors_of_xpp_are_those_of_real_files(folder: Path, data_folder: Path) -> None:
    listed = read_listing(data_folder / "smalldata_listings" / "xppl1001021_Run0070.tsv")
    users = ("epix_alc", "jungfrau", "epicsAll", "damage", "evr")
    real = {name for name in listed.events if not name.startswith(users)}
    with open_file(file_of(folder, "xpp", "lcls1")) as file:
        assert real - set(file.names) == set()
        for name in real - {"feeBld/hproj"}:
            assert file.info(name).shape[1:] == listed.events[name], name


@pytest.mark.parametrize("hutch", HUTCHES)
def test_rings_stand_at_the_lattice_s_scattering_vectors(folder: Path, hutch: str) -> None:
    path = file_of(folder, hutch, "lcls1")
    rings = station(hutch, "lcls1").rings
    mean = column(path, f"{rings}/azav_azav")
    q = column(path, f"UserDataCfg/{rings}/azav__azav_q")
    np.testing.assert_allclose(q, (Q_EDGES[1:] + Q_EDGES[:-1]) / 2)
    covered = np.isfinite(mean).any(axis=(0, 1))  # a small camera has no pixels at large q
    curve, q = np.nanmean(mean[:, :, covered], axis=(0, 1)), q[covered]
    expected = 2 * np.pi / 4.1569 * np.sqrt([1, 2])  # 100 and 110 of a cube of this side
    for peak in expected:
        near = np.abs(q - peak) < 0.2
        assert abs(q[near][np.nanargmax(curve[near])] - peak) < 0.05


def test_names_that_no_list_shows_are_marked_as_assumed() -> None:
    guessed = {place for place in PLACES if station(*place).assumed}
    assert guessed == {("mec", "lcls1"), ("xcs", "lcls2"), ("mec", "lcls2")}


def test_the_facility_writes_no_units_and_no_light_status_at_xpp_with_lcls2(folder: Path) -> None:
    new = folder / "facility" / "lcls2" / "xppsyn0126_Run0001.h5"
    with open_file(new) as file:
        assert not file.ours
        assert "lightStatus/xray" not in file.names
        assert not any(file.info(name).stored_unit for name in file.names)
        assert (np.diff(file.timestamps.astype(np.int64)) < 0).any()  # part after part
    parts = sorted(new.parent.glob("*_part*.h5"))
    assert len(parts) == 3
    run, mine = open_run(new), open_run(file_of(folder, "xpp", "lcls2"))
    counts = [(one.classes.on.sum(), one.classes.dark.sum()) for one in (run, mine)]
    assert counts[0] == counts[1]  # from the event codes
    order = run.time_order
    same = "XppSb2BmMon/totalIntensityJoules"
    there = np.isfinite(run[same].read()[order])
    assert there.sum() > 690
    np.testing.assert_array_equal(run[same].read()[order][there], mine[same].read()[there])


def test_pytables_layout_has_one_value_of_what_is_kept_once(folder: Path) -> None:
    with open_file(folder / "facility" / "lcls1" / "xppsyn0126_Run0001.h5") as file:
        assert file.info("UserDataCfg/epix_1/common_mode").shape == (1,)
        assert file.info("UserDataCfg/ipm2/name").shape == (1,)
        assert file.read("UserDataCfg/ipm2/name")[0] == "ipm2"
        lengths = file.read("epix_1/var_droplet_sparse_len")
        assert file.info("epix_1/var_droplet_sparse/data").shape == (lengths.sum(),)


def test_a_scan_of_the_laser_alone_is_seen_by_the_time_tool(tmp_path: Path) -> None:
    spec = spec_of("xcs", scan="lxt", delay_first=-0.8, delay_last=0.8)
    path = write_small_data(spec, tmp_path, generation="lcls1")
    nominal, seen = column(path, "scan/lxt") * 1e12, column(path, "tt/ttCorr")
    found = (seen != 0) & np.isfinite(seen)
    slope, _ = np.polyfit(nominal[found], seen[found], 1)
    assert slope == pytest.approx(1, abs=0.02)


def test_what_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="begins with xpp, xcs, mec"):
        write_small_data(PumpProbe(experiment="cxisyn0126"), tmp_path)
    with pytest.raises(InputError, match="lcls1 or lcls2"):
        write_small_data(PumpProbe(), tmp_path, generation="lcls3")
    with pytest.raises(InputError, match="'ours' or 'facility'"):
        write_small_data(PumpProbe(), tmp_path, style="theirs")
    with pytest.raises(InputError, match="no fast delay stage"):
        write_small_data(PumpProbe(experiment="mecsyn0126", scan="fast"), tmp_path)

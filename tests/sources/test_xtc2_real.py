"""Real files, compared with what is documented about them and with plain reading of the bytes."""

from pathlib import Path

import numpy as np
import pytest

from workbench.sources import RawRun, open_raw

# events, experiment, run number, detectors with the number of their events and segments
FACTS = {
    "test_data/intg_det": (17, "xpptut15", 1, {"hsd": (17, 1), "andor": (5, 1), "epix": (2, 1)}),
    "test_data/fakesteps": (10, "xpptut15", 1, {"hsd": (10, 1), "andor": (4, 1)}),
    "test_data/multi-seg-epics": (15, "xpptut15", 1, {"hsd": (15, 1), "andor": (15, 1)}),
    "test_data/mixed_rate": (100, "xpptut15", 14, {"xpphsd": (10, 4), "xppcspad": (10, 4)}),
    "test_data/chunking": (15, "xpptut15", 14, {"xpphsd": (15, 2), "xppcspad": (15, 2)}),
    "test_data/detector/test_jungfrau05M_calib.xtc2": (2, "mfx101332224", 7, {"jungfrau": (2, 1)}),
    "test_data/detector/test_epix_calib.xtc2": (2, "ueddaq02", 109, {"epixquad": (2, 4)}),
    "test_hsd.xtc2": (84, "", 0, {"xpphsd": (84, 2), "xppts": (84, 1)}),
    "test_timetool.xtc2": (1325, "", 0, {"tmott": (1325, 1)}),
}


@pytest.mark.parametrize("name", FACTS)
def test_events_run_and_detectors_are_the_documented_ones(data_folder: Path, name: str) -> None:
    run = open_raw(data_folder / "xtc2" / name)
    n_events, experiment, number, detectors = FACTS[name]
    assert (run.n_events, run.experiment, run.number) == (n_events, experiment, number)
    found = {det: (int(run.present(det).sum()), len(run.segments[det])) for det in run.detectors}
    assert found == detectors


def test_mixed_rates_leave_ninety_partial_events(data_folder: Path) -> None:
    run = open_raw(data_folder / "xtc2" / "test_data" / "mixed_rate")
    assert run.partial("xppcspad").sum() == 90
    assert not run.damaged("xppcspad").any()


def test_jungfrau_frames_are_the_bytes_of_the_file(data_folder: Path) -> None:
    path = data_folder / "xtc2" / "test_data" / "detector" / "test_jungfrau05M_calib.xtc2"
    run = open_raw(path)
    stack = run.read(["jungfrau"])
    frames = stack["jungfrau.raw.raw"]
    assert frames.shape == (2, 1, 512, 1024)
    assert not frames.flags.owndata
    content = path.read_bytes()
    for frame in frames:
        assert content.count(frame.tobytes()) == 1
    assert run.serials == {"jungfrau": "jungfrau_8000000020000-230920-20004002c"}
    assert len(run.steps) == 2
    assert run.steps.number_of(np.arange(2)).tolist() == [1, 1]


def test_a_step_changes_one_setting_of_the_jungfrau(data_folder: Path) -> None:
    path = data_folder / "xtc2" / "test_data" / "detector" / "test_jungfrau05M_calib.xtc2"
    settings = open_raw(path).config("jungfrau")
    assert len(settings) == 19
    assert "user.gainMode" in settings


def test_the_four_panels_of_the_epix_are_one_array(data_folder: Path) -> None:
    run = open_raw(data_folder / "xtc2" / "test_data" / "detector" / "test_epix_calib.xtc2")
    frames = run.read(["epixquad.raw.raw"])["epixquad.raw.raw"]
    assert frames.shape == (2, 4, 352, 384)
    assert frames.dtype == np.uint16
    for panel, stored in run.event(1).segments("epixquad.raw.raw").items():
        np.testing.assert_array_equal(frames[1, panel], stored)
    assert run.config("epixquad")["asicPixelConfig"].shape == (4, 4, 176, 192)
    assert len(run.config("epixquadhw")) > 1000


def test_the_cut_off_digitizer_file_says_how_much_is_missing(data_folder: Path) -> None:
    run = open_raw(data_folder / "xtc2" / "test_hsd.xtc2")
    (finding,) = [found for found in run.findings if found.code == "cut-off-tail"]
    assert finding.count == 3292
    waves = run.read(["xpphsd.hsd.chan00"])["xpphsd.hsd.chan00"]
    assert all(len(segments) == 2 for segments in waves)
    assert run.detectors["xppts"]["ts"]["data"].shape == (256,)


def test_the_time_tool_file_opens_and_says_that_it_has_no_begin_run(data_folder: Path) -> None:
    run = open_raw(data_folder / "xtc2" / "test_timetool.xtc2")
    assert "no-begin-run" in [finding.code for finding in run.findings]
    lengths = {len(data) for data in run.read(["tmott"])["tmott.ttalg.data"]}
    assert lengths == {144, 2208, 4272}  # the sizes that the format description names


@pytest.mark.parametrize("name", [name for name in FACTS if name.startswith("test_data")])
def test_any_split_into_stacks_gives_the_same_values(data_folder: Path, name: str) -> None:
    run: RawRun = open_raw(data_folder / "xtc2" / name)
    whole = run.read([*run.detectors])
    for size in (1, 3):
        stacks = list(run.stacks([*run.detectors], size=size))
        for field, values in whole.arrays.items():
            parts = np.concatenate([stack[field] for stack in stacks])
            np.testing.assert_array_equal(parts, values)
    for index in {0, run.n_events // 2, run.n_events - 1}:
        event = run.event(index)
        for field, values in whole.arrays.items():
            if event[field] is not None:
                np.testing.assert_array_equal(event[field], values[index])

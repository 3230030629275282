"""A production compared with a literal evaluation of what was written into the raw run."""

import json
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.atomic import CannotWriteError
from workbench.core.constants import Constants
from workbench.core.errors import NotThereError, UnknownNameError, WorkbenchError
from workbench.producer import (
    AlreadyProducingError,
    ConfigRefusedError,
    OutputExistsError,
    produce,
)
from workbench.producer.ranges import unit_ranges
from workbench.producer.workspace import CannotResumeError, parts_folder
from workbench.reductions import Roi
from workbench.runs import open_run
from workbench.smalldata import check_file, open_file
from workbench.sources.constants import write_constants


@pytest.fixture(scope="module")
def result(made: Any, module_folder: ModuleFolder) -> Any:
    return produce(made.request(module_folder("out")))


@pytest.fixture(scope="module")
def file(result: Any) -> Any:
    with open_file(result.output) as opened:
        yield opened


def kev(frames: np.ndarray) -> np.ndarray:
    return ((frames.astype(np.float32) - np.float32(1000)) / np.float32(25)).astype(float)


def good(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.ones(shape, bool)
    mask.flat[[3, 70, 133]] = False
    return mask


def test_every_event_has_a_row_and_its_time(made: Any, file: Any) -> None:
    assert file.n_events == 300
    np.testing.assert_array_equal(file.timestamps, made.stamps)
    assert (file.experiment, file.run, file.generation) == ("xpplx1234", 7, "lcls2")


def test_scalars_are_those_of_the_raw_run_and_nan_where_absent(made: Any, file: Any) -> None:
    absent = np.arange(300) % 10 == 3
    expected = np.where(absent, np.nan, made.intensity)
    np.testing.assert_array_equal(file.read("XppSb2BmMon/totalIntensityJoules"), expected)
    peaks = file.read("XppSb2BmMon/peakAmplitude")
    np.testing.assert_array_equal(peaks[~absent], made.intensity[~absent, None] * np.arange(16))
    assert np.isnan(peaks[absent]).all()
    info = file.info("XppSb2BmMon/totalIntensityJoules")
    assert (info.unit, bool(info.long_name)) == ("J", True)
    np.testing.assert_array_equal(file.read("timing/pulseId"), np.arange(10, 310))


def test_beam_status_follows_the_event_codes_of_the_hutch(made: Any, file: Any) -> None:
    np.testing.assert_array_equal(file.read("timing/eventcodes"), made.codes)
    np.testing.assert_array_equal(file.read("lightStatus/xray"), np.arange(300) % 23 != 0)
    np.testing.assert_array_equal(file.read("lightStatus/laser"), np.arange(300) % 8 != 0)


def test_texts_enumerations_and_waveforms_are_kept(made: Any, file: Any) -> None:
    assert file.read("log/text")[17] == "shot 17"
    np.testing.assert_array_equal(file.read("log/state"), np.arange(300) % 2)
    for stored, written in zip(file.read("wave/var_trace/data"), made.waves, strict=True):
        np.testing.assert_array_equal(stored, written)


def test_slow_values_are_those_at_or_before_the_event(file: Any) -> None:
    values = file.read("epics/att_T")
    assert np.isnan(values[:100]).all()
    np.testing.assert_array_equal(values[100:200], np.full(100, 100 / 300))
    np.testing.assert_array_equal(values[200:], np.full(100, 200 / 300))
    assert file.read("epics/note")[[0, 150]].tolist() == ["", "at 100"]
    np.testing.assert_array_equal(file.read("scan/lxt_ttc"), np.full(300, 1e-12))
    np.testing.assert_array_equal(file.read("scan/varStep"), np.zeros(300))


def test_presence_of_some_fields_tells_of_their_detectors_alone(result: Any) -> None:
    run = open_run(result.output)
    (note,) = run.presence("tiles/tile_sum").notes
    assert note.startswith("tiles, counted when the file was made: ")
    assert {note.split(",")[0] for note in run.presence().notes} == {"XppSb2BmMon", "cam", "tiles"}


def test_regions_follow_their_definition_in_events_with_the_camera(made: Any, file: Any) -> None:
    frames = kev(made.cam)[:, 2:12, 5:25]
    frames = np.where(frames < 1.5, 0, frames)
    used = np.where(good((70, 80))[2:12, 5:25], frames, 0)
    truth = {
        "area": frames,
        "sum": used.sum(axis=(1, 2)),
        "mean": used.mean(axis=(1, 2)),
        "max": used.max(axis=(1, 2)),
        "rows_data": used.sum(axis=2),
    }
    for name, expected in truth.items():
        stored = file.read(f"cam/spot_{name}")
        np.testing.assert_allclose(stored[made.has_cam], expected[made.has_cam], rtol=1e-6)
        assert np.isnan(stored[~made.has_cam]).all()
    whole = np.where(good((70, 80)), kev(made.cam), 0).sum(axis=(1, 2))
    np.testing.assert_allclose(
        file.read("cam/all_sum")[made.has_cam], whole[made.has_cam], rtol=1e-9
    )


def test_regions_on_one_tile_leave_out_events_with_a_missing_tile(made: Any, file: Any) -> None:
    used = np.where(good((2, 32, 80)), kev(made.tiles), 0)[:, 1, :, 3:9]
    stored = file.read("tiles/tile_sum")
    np.testing.assert_allclose(
        stored[made.has_tiles], used.sum(axis=(1, 2))[made.has_tiles], rtol=1e-9
    )
    assert np.isnan(stored[~made.has_tiles]).all()


def test_run_sums_hold_every_whole_frame_once(made: Any, file: Any) -> None:
    frames = kev(made.cam)
    whole = made.has_cam & (np.arange(300) != 30)  # event 30 is marked damaged
    dropped = whole & (np.arange(300) % 23 == 0)
    squares = np.where(frames < 2, 0, frames) ** 2
    truth = {
        "calib": frames[whole].sum(0),
        "calib_dropped": frames[dropped].sum(0),
        "calib_max": frames[whole].max(0),
        "calib_thresADU2_square": squares[whole].sum(0),
    }
    for name, expected in truth.items():
        np.testing.assert_allclose(file.read(f"Sums/cam_{name}"), expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(
        file.read("Sums/tiles_calib"), kev(made.tiles)[made.has_tiles].sum(0), atol=1e-9
    )
    assert file.read("UserDataCfg/cam/calib_dropped__n_events") == dropped.sum()
    assert file.info("Sums/cam_calib_thresADU2_square").unit == "keV^2"


def test_sums_without_the_first_frame_and_raw_ones_are_what_their_names_say(
    made: Any, tmp_path: Path
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    sums = "'calib_skipFirst', 'calib_skipFirst_max', 'calib_dropped_skipFirst', 'raw', 'raw_max'"
    config.write_text(made.config.read_text().replace("'calib_dropped'", sums))
    result = produce(made.request(tmp_path, config=config, workers=2))
    frames = kev(made.cam)
    whole = made.has_cam & (np.arange(300) != 30)
    later = whole & (np.arange(300) > 0)
    dropped = later & (np.arange(300) % 23 == 0)
    truth = {
        "calib_skipFirst": frames[later].sum(0),
        "calib_skipFirst_max": frames[later].max(0),
        "calib_dropped_skipFirst": frames[dropped].sum(0),
        "raw": made.cam[whole].astype(float).sum(0),  # as the DAQ stored them
        "raw_max": made.cam[whole].max(0),
    }
    with open_file(result.output) as file:
        for name, expected in truth.items():
            stored = file.read(f"Sums/cam_{name}")
            np.testing.assert_allclose(stored, expected, rtol=1e-12, atol=1e-9)
        assert file.read("UserDataCfg/cam/calib_skipFirst__n_events") == later.sum() == 98
        assert (file.info("Sums/cam_raw").unit, file.info("Sums/cam_calib_max").unit) == (
            "ADU",
            "keV",
        )


def test_absent_partial_and_damaged_events_are_counted_everywhere(
    made: Any, file: Any, result: Any
) -> None:
    partial = int(made.partial_tiles.sum())
    expected = {
        "cam": {"present": 100, "absent": 200, "damaged": 1},
        "tiles": {"present": int(made.has_tiles.sum()), "partial": partial},
        "XppSb2BmMon": {"present": 270, "absent": 30},
    }
    expected["tiles"]["absent"] = 300 - sum(expected["tiles"].values())
    for detector, counts in expected.items():
        assert file.failures[detector] == counts
        assert result.failures[detector] == counts
    flags = file.read("damage/cam")
    np.testing.assert_array_equal(flags, made.has_cam & (np.arange(300) != 30))
    assert {finding.code for finding in result.findings} == {"partial", "damaged"}
    assert result.skipped == ()


def test_constants_and_regions_are_stored_with_the_data(file: Any) -> None:
    assert file.read("UserDataCfg/cam/spot__spot_bound").tolist() == [[2, 12], [5, 25]]
    assert file.read("UserDataCfg/cam/mask").sum() == 5600 - 3
    np.testing.assert_array_equal(file.read("UserDataCfg/cam/gain"), np.full((70, 80), 25.0))


def test_the_record_tells_how_the_file_was_made(made: Any, file: Any) -> None:
    record = file.provenance
    assert record["config"] == made.config.read_text()
    assert len(str(record["config_sha256"])) == 64
    assert {Path(entry["path"]).suffix for entry in record["inputs"]} == {".xtc2"}
    assert all(entry["bytes"] > 0 and entry["modified"] for entry in record["inputs"])
    assert {"workbench", "numpy", "numba", "h5py", "python"} <= record["versions"].keys()
    assert record["calibration"]["cam"]["unit"] == "keV"


def test_the_checker_finds_nothing_wrong(result: Any) -> None:
    assert not [finding for finding in check_file(result.output) if finding.severity == "error"]


def test_nothing_but_the_file_is_left(result: Any) -> None:
    assert [path.name for path in result.output.parent.iterdir()] == ["xpplx1234_Run0007.h5"]


def test_units_of_work_follow_from_their_place_alone_without_gap() -> None:
    ranges = list(islice(unit_ranges(), 9))
    assert ranges == list(islice(unit_ranges(), 9))
    assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])]
    assert [stop - start for start, stop in ranges] == [*[256] * 4, *[1024] * 5]


def test_without_config_scalars_and_named_frames_are_kept(made: Any, tmp_path: Path) -> None:
    made_result = produce(made.request(tmp_path, config=None, detectors=("cam",)))
    with open_file(made_result.output) as opened:
        names = set(opened.names)
        area = opened.read("cam/full_area")
    assert not {name for name in names if name.startswith(("tiles/", "Sums/"))}
    np.testing.assert_array_equal(area[made.has_cam], kev(made.cam)[made.has_cam].astype("f4"))


def test_without_constants_frames_stay_in_adu_and_that_is_said_loudly(
    made: Any, tmp_path: Path
) -> None:
    raw = produce(made.request(tmp_path, constants=None))
    codes = [finding.code for finding in raw.findings]
    assert codes.count("no-constants") == 2
    assert raw.failures["cam"]["uncalibrated"] == 100
    with open_file(raw.output) as opened:
        assert opened.info("cam/all_sum").unit == "ADU"
        np.testing.assert_array_equal(
            opened.read("cam/all_sum")[made.has_cam], made.cam.sum(axis=(1, 2))[made.has_cam]
        )
        assert opened.failures["cam"]["uncalibrated"] == 100


def test_constants_of_another_shape_skip_that_detector_alone(made: Any, tmp_path: Path) -> None:
    constants = tmp_path / "constants.h5"
    shutil.copy(made.constants, constants)
    write_constants(constants, [Constants("cam", pedestal=np.zeros((4, 4)))], first_run=7)
    partly = produce(made.request(tmp_path, constants=constants))
    assert [entry.entry for entry in partly.skipped] == ["frames of cam"]
    with open_file(partly.output) as opened:
        assert "tiles/tile_sum" in opened.names
        assert not [name for name in opened.names if name.startswith("cam/")]


def test_bad_entries_are_skipped_and_named_in_file_and_result(made: Any, tmp_path: Path) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(made.config.read_text().replace("'thresADU'", "'thresAdu'"))
    partly = produce(made.request(tmp_path, config=config))
    assert [entry.entry for entry in partly.skipped] == ["getROIs['cam'][0]['thresAdu'] (spot)"]
    with open_file(partly.output) as opened:
        assert "cam/spot_sum" not in opened.names
        assert "cam/all_sum" in opened.names
        assert opened.provenance["skipped"][0]["line"] == 5
    assert json.dumps(partly.as_dict())


@pytest.mark.parametrize("text", ["def getROIs(run)\n", "raise SystemExit(2)\n"])
def test_a_config_that_does_not_run_still_leaves_the_scalars(
    made: Any, tmp_path: Path, text: str
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(text)
    partly = produce(made.request(tmp_path, config=config))
    assert partly.skipped
    with open_file(partly.output) as opened:
        assert "XppSb2BmMon/totalIntensityJoules" in opened.names
        assert opened.provenance["config"] == text


def test_strict_refuses_before_anything_is_written(made: Any, tmp_path: Path) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(made.config.read_text().replace("'writeArea'", "'writearea'"))
    output = tmp_path / "out"
    with pytest.raises(ConfigRefusedError, match="did you mean 'writeArea'"):
        produce(made.request(output, config=config, strict=True))
    assert not output.exists()


def test_a_reduction_that_fails_costs_its_events_and_nothing_else(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Roi.reduce_region
    calls = []

    def failing(self: Any, pixels: Any, spec: Any) -> Any:
        calls.append(len(pixels))
        if self.low == 1.5 and len(calls) < 3:
            raise ValueError("odd pixels")
        return inner(self, pixels, spec)

    monkeypatch.setattr(Roi, "reduce_region", failing)
    partly = produce(made.request(tmp_path))
    lost = partly.failures["cam"]["error_spot"]
    assert 0 < lost < 100
    with open_file(partly.output) as opened:
        lacking = np.isnan(opened.read("cam/spot_sum")[made.has_cam])
        assert np.isfinite(opened.read("cam/all_sum")[made.has_cam]).all()
    assert lacking.sum() == lost
    assert "ValueError: odd pixels" in partly.skipped[0].reason


def test_a_run_that_is_not_there_is_refused(made: Any, tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="8"):
        produce(replace(made.request(tmp_path / "out"), run=8))
    assert not (tmp_path / "out").exists()


def test_a_constants_file_that_is_not_there_is_refused(made: Any, tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match=r"none\.h5"):
        produce(made.request(tmp_path, constants=tmp_path / "none.h5"))


def test_a_detector_without_frames_is_refused_with_the_known_ones(
    made: Any, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="did you mean tiles"):
        produce(made.request(tmp_path, detectors=("tile",)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_writer_is_never_replaced(made: Any, tmp_path: Path) -> None:
    request = made.request(tmp_path, replace=True)
    with h5py.File(request.target, "w") as h5:
        h5["timestamp"] = np.arange(3)
    before = request.target.read_bytes()
    with pytest.raises(OutputExistsError, match="never replaced"):
        produce(request)
    assert request.target.read_bytes() == before


def test_our_own_file_is_replaced_only_on_request(made: Any, tmp_path: Path) -> None:
    produce(made.request(tmp_path, config=None))
    with pytest.raises(OutputExistsError, match="--replace"):
        produce(made.request(tmp_path))
    again = produce(made.request(tmp_path, replace=True))
    with open_file(again.output) as opened:
        assert "cam/spot_sum" in opened.names


def test_two_productions_of_one_file_do_not_meet(made: Any, tmp_path: Path) -> None:
    request = made.request(tmp_path)
    with (
        parts_folder(request.target, {}, resume=False),
        pytest.raises(AlreadyProducingError, match="another process"),
    ):
        produce(request)
    produce(request)


def test_a_stopped_production_is_resumed_unless_something_has_changed(
    made: Any, tmp_path: Path
) -> None:
    config = tmp_path / "config.py"
    shutil.copy(made.config, config)
    request = made.request(tmp_path / "out", config=config, resume=True)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        produce(request, stop)
    assert not request.target.exists()
    config.write_text(f"{made.config.read_text()}\ndetectors = ['cam']\n")
    with pytest.raises(CannotResumeError, match="changed since it was begun: config's text"):
        produce(request)
    shutil.copy(made.config, config)
    result = produce(request)
    assert result.resumed == 256  # one unit of work
    whole = produce(made.request(tmp_path / "whole")).output
    with h5py.File(result.output) as resumed, h5py.File(whole) as expected:
        for name in ("timestamp", "cam/spot_sum", "Sums/cam_calib", "Sums/tiles_calib"):
            np.testing.assert_array_equal(resumed[name], expected[name])
    assert [path.name for path in (tmp_path / "out").iterdir()] == [request.target.name]


def test_a_part_that_is_not_whole_is_made_again(made: Any, tmp_path: Path) -> None:
    request = made.request(tmp_path, resume=True)

    def stop(*_: int) -> None:
        (part,) = tmp_path.glob(".*.parts/*/unit_*.part")
        part.write_bytes(part.read_bytes()[:-1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        produce(request, stop)
    assert produce(request).resumed == 0


def test_a_manifest_that_was_cut_off_is_as_good_as_none(made: Any, tmp_path: Path) -> None:
    request = made.request(tmp_path, resume=True)
    left = tmp_path / f".{request.target.name}.parts" / "0123"
    left.mkdir(parents=True)
    (left / "manifest.json").write_text("")
    assert produce(request).resumed == 0


def test_parts_of_a_killed_production_are_removed(made: Any, tmp_path: Path) -> None:
    request = made.request(tmp_path)
    stale = tmp_path / f".{request.target.name}.parts" / "0123"
    stale.mkdir(parents=True)
    (stale / "unit_00000.h5").write_bytes(b"half a file")
    produce(request)
    assert [path.name for path in tmp_path.iterdir()] == [request.target.name]


def test_a_file_in_the_way_of_the_output_folder_is_refused(made: Any, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(CannotWriteError, match="out"):
        produce(made.request(tmp_path / "out"))

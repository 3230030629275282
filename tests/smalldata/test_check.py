from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.core.findings import Finding, Severity
from workbench.smalldata import check_file
from workbench.smalldata.check import inspect_file
from workbench.smalldata.checks.status import longest_stillness

Write = Callable[..., Path]
Values = dict[str, np.ndarray]


def found(path: Path) -> dict[str, Finding]:
    return {finding.code: finding for finding in inspect_file(path)}


def test_only_absent_default_detectors_are_noted_of_a_good_file(make_file: Write) -> None:
    def move(values: Values) -> None:  # a camera region that differs from pixel to pixel
        values["timing/eventcodes"][:, 40] = 1

    (finding,) = check_file(make_file(change=move))
    assert (finding.code, finding.severity) == ("detector-missing", "info")


def set_rows(name: str, value: float, rows: slice = slice(None)) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        values[name] = values[name].astype(np.float64 if value != value else values[name].dtype)
        values[name][rows] = value

    return change


@pytest.mark.parametrize(
    ("change", "code", "severity", "count"),
    [
        (set_rows("XppSb2BmMon/totalIntensityJoules", np.nan), "all-missing", "warning", 300),
        (
            set_rows("XppSb2BmMon/totalIntensityJoules", np.nan, slice(200)),
            "mostly-missing",
            "warning",
            200,
        ),
        (set_rows("epix_1/roi_area", np.nan, slice(200)), "mostly-missing", "info", 200),
        (set_rows("XppSb2BmMon/totalIntensityJoules", 2.0), "constant", "warning", 300),
        (set_rows("epix_1/roi_count", 2), "constant", "info", 1),
        (set_rows("lightStatus/laser", 1), "laser-never-off", "warning", 300),
        (set_rows("lightStatus/laser", 0), "laser-never-on", "info", 300),
        (set_rows("lightStatus/xray", 1), "xray-never-off", "info", 300),
        (set_rows("lightStatus/xray", 0), "xray-never-on", "warning", 300),
        (set_rows("lightStatus/xray", -1, slice(2)), "beam-state-unknown", "info", 2),
        (set_rows("lightStatus/laser", -1), "beam-state-unknown", "warning", 300),
    ],
)
def test_each_fault_of_a_column_is_named_with_its_weight(
    make_file: Write, change: Callable[[Values], None], code: str, severity: str, count: int
) -> None:
    findings = found(make_file(change=change))
    assert (findings[code].severity, findings[code].count) == (severity, count)


def test_a_slow_value_that_is_absent_or_still_is_no_warning(write_foreign: Write) -> None:
    n = 200
    path = write_foreign(
        "xppx1_Run0001.h5",
        {
            "timestamp": np.arange(n),
            "epics/gon_x": np.full(n, np.nan),
            "epics/lxt": np.zeros(n),
            "scan/varStep": np.zeros(n),
        },
    )
    assert {each.severity for each in inspect_file(path)} == {Severity.INFO}


def test_absent_fields_of_one_detector_are_one_finding(write_foreign: Write) -> None:
    fields = {f"cam/ROI_{k}_sum": np.full(5, np.nan) for k in range(9)}
    path = write_foreign("xppx1_Run0001.h5", {"timestamp": np.arange(5), **fields})
    (finding,) = [each for each in inspect_file(path) if each.code == "all-missing"]
    assert finding.field == "cam"
    assert "and 6 more" in finding.message


def test_a_column_of_another_length_is_an_error(write_foreign: Write) -> None:
    path = write_foreign(
        "xppx1_Run0001.h5",
        {"timestamp": np.arange(5), "ipm/sum": np.arange(4.0), "ipm/xpos": np.arange(5.0)},
    )
    finding = found(path)["rows-differ"]
    assert (finding.severity, finding.field, finding.count) == ("error", "ipm/sum", 1)


def test_integrating_detectors_and_archived_values_have_rows_of_their_own(
    write_foreign: Write,
) -> None:
    path = write_foreign(
        "xppx1_Run0001.h5",
        {
            "timestamp": np.arange(5),
            "intg/timestamp": np.arange(2),
            "intg/archon/sum": np.arange(2.0),
            "epics_archiver/PV": np.zeros((7, 2)),
            "user/comment": np.arange(3),
        },
    )
    assert "rows-differ" not in found(path)


@pytest.mark.parametrize(
    ("key", "name", "severity"),
    [
        ("timestamp", "xppx1_Run0001.h5", "info"),  # the facility's LCLS-II files are never sorted
        ("event_time", "xppx1_Run0001.h5", "warning"),
    ],
)
def test_unsorted_rows_matter_where_they_should_be_sorted(
    write_foreign: Write, key: str, name: str, severity: str
) -> None:
    finding = found(write_foreign(name, {key: np.array([3, 1, 2, 9])}))["unsorted"]
    assert (finding.severity, finding.count) == (severity, 1)


def test_unsorted_rows_in_our_own_file_are_an_error(make_file: Write) -> None:
    path = make_file()
    with h5py.File(path, "r+") as h5:
        h5["timestamp"][:2] = h5["timestamp"][:2][::-1]
    assert found(path)["unsorted"].severity == "error"


def test_duplicates_are_counted_and_fiducials_tell_events_apart(write_foreign: Write) -> None:
    times = np.array([1, 1, 2, 2])
    path = write_foreign("a_Run1.h5", {"event_time": times})
    assert found(path)["duplicate-events"].count == 2
    path = write_foreign("b_Run1.h5", {"event_time": times, "fiducials": np.array([3, 6, 3, 3])})
    assert found(path)["duplicate-events"].count == 1


def test_a_run_without_events_is_an_error(make_file: Write) -> None:
    (finding,) = check_file(make_file(events=[]))
    assert (finding.code, finding.severity) == ("no-events", "error")


def test_zeros_before_a_detector_appeared_are_named_in_the_facilitys_files(
    write_foreign: Write,
) -> None:
    values = 1.0 + np.arange(100)
    values[:40] = 0
    name = "XppSb3BmMon/totalIntensityJoules"
    data = {"timestamp": np.arange(100), name: values}
    finding = found(write_foreign("xppx1_Run0001.h5", data))["leading-zeros"]
    assert (finding.severity, finding.count) == ("info", 40)  # read as missing
    data["damage/XppSb3BmMon"] = np.ones(100, dtype=np.int64)
    finding = found(write_foreign("xppx1_Run0002.h5", data))["leading-zeros"]
    assert (finding.severity, finding.count) == ("warning", 40)  # damage says it was there


def test_missing_units_are_one_info(write_foreign: Write) -> None:
    data = {"timestamp": np.arange(3), "a/b": np.arange(3.0), "a/c": np.arange(3.0)}
    finding = found(write_foreign("xppx1_Run0001.h5", data))["units-missing"]
    assert (finding.severity, finding.count) == ("info", 3)


def test_what_the_production_could_not_do_is_reported(make_file: Write) -> None:
    record: dict[str, Any] = {
        "provenance": {
            "skipped": [{"entry": "getROIs['epix_1'][0]", "reason": "unknown key 'thresAdu'"}]
        },
        "failures": {
            "epix_1": {"present": 280, "absent": 20, "error_roi": 3, "damaged": 30, "partial": 1},
            "jungfrau1M": {"present": 0, "absent": 300},
        },
    }
    findings = found(make_file(**record))
    assert findings["produced-with-skipped-entries"].count == 1
    message = findings["produced-with-skipped-entries"].message
    assert "getROIs['epix_1'][0]: unknown key 'thresAdu'" in message
    assert (findings["reduction-failed"].field, findings["reduction-failed"].count) == ("epix_1", 3)
    assert (findings["detector-damaged"].severity, findings["detector-damaged"].count) == (
        "warning",
        30,
    )
    assert findings["detector-partial"].severity == "info"
    assert findings["detector-absent"].field == "jungfrau1M"
    assert not [each for each in findings.values() if each.severity is Severity.ERROR]


def test_an_encoder_that_freezes_is_told_from_one_that_rests() -> None:
    moving = np.arange(2000) * 0.1
    frozen = moving.copy()
    frozen[900:1400] = frozen[900]
    assert longest_stillness(frozen) == 500
    assert longest_stillness(moving) == 0
    assert longest_stillness(np.full(2000, 3.0)) == 0
    steps = np.repeat(np.arange(5.0), 400)
    assert longest_stillness(steps) == 0
    assert longest_stillness(frozen[:200]) == 0


def test_a_frozen_encoder_is_found_in_a_file(make_file: Write) -> None:
    def freeze(values: Values) -> None:
        values["enc/lasDelay"][200:700] = values["enc/lasDelay"][200]

    finding = found(make_file(events=range(1000), change=freeze))["encoder-stuck"]
    assert (finding.field, finding.count) == ("enc/lasDelay", 500)


def test_an_unreadable_column_is_an_error_and_the_rest_is_still_checked(
    make_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    import workbench.smalldata.checks.columns as module

    real = module.survey

    def failing(file: Any, info: Any) -> Any:
        if info.name == "enc/lasDelay":
            raise OSError("bad sector")
        return real(file, info)

    monkeypatch.setattr(module, "survey", failing)
    findings = found(make_file(change=set_rows("lightStatus/laser", 1)))
    assert findings["unreadable"].field == "enc/lasDelay"
    assert "laser-never-off" in findings

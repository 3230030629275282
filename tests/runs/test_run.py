import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.runs import (
    Channel,
    CutError,
    RoleError,
    TruthError,
    cut,
    event_code,
    open_run,
    open_runs,
    xray_on,
)

Write = Callable[..., Path]
XRAY = np.array([1, 1, 0, 1, -1, 1, 1, 0])
LASER = np.array([1, 0, 1, 1, 1, 0, -1, 0])
STATUS = {"lightStatus/xray": XRAY, "lightStatus/laser": LASER}


def test_classes_are_on_off_dark_and_unknown(write: Write) -> None:
    run = open_run(write(STATUS))
    assert np.flatnonzero(run.classes.on).tolist() == [0, 3]
    assert np.flatnonzero(run.classes.off).tolist() == [1, 5]
    assert np.flatnonzero(run.classes.dark).tolist() == [2, 7]
    assert np.flatnonzero(run.classes.unknown).tolist() == [4, 6]
    assert np.flatnonzero(run.mask(of="off")).tolist() == [1, 5]
    with pytest.raises(UnknownNameError, match="class of events"):
        run.mask(of="offf")


def test_without_light_status_the_classes_follow_from_event_codes(write: Write) -> None:
    codes = np.zeros((4, 288), dtype=np.int64)
    codes[:, 40] = 1  # sent with every pulse
    codes[[0, 1, 3], 137] = 1  # X-rays; event 2 dropped
    codes[[1], 89] = 1  # laser dropped
    run = open_run(write({"timing/eventcodes": codes}))
    assert run.classes.on.tolist() == [True, False, False, True]
    assert run.classes.off.tolist() == [False, True, False, False]
    assert run.classes.dark.tolist() == [False, False, True, False]
    assert "137" in run.classes.why
    assert run.mask(event_code(89)).tolist() == [False, True, False, False]
    with pytest.raises(CutError, match="codes 0 to 287"):
        run.mask(event_code(300))


def test_a_run_that_does_not_tell_has_only_unknown_events_and_a_finding(write: Write) -> None:
    run = open_run(write({"x": np.zeros(5)}))
    assert run.classes.unknown.all()
    assert "beam-state-unknown" in {finding.code for finding in run.check()}


def test_the_tally_counts_each_cut_alone_and_in_sequence_with_missing_apart(write: Write) -> None:
    x = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0, 7.0, 8.0])
    run = open_run(write({**STATUS, "x": x, "y": np.arange(8.0)}))
    table = run.tally(cut("x", 2, 7) & cut("y", 3, None, scope="on") & xray_on())
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["kept alone"] for row in rows] == [8, 4, 7, 5]
    assert [row["lost alone"] for row in rows] == [0, 3, 1, 2]
    assert [row["missing"] for row in rows] == [0, 1, 0, 1]
    assert [row["kept in sequence"] for row in rows] == [8, 4, 4, 3]
    assert [(row["on"], row["off"], row["dark"]) for row in rows][-1] == (1, 2, 0)
    assert rows[2]["scope"] == "on"
    for row in rows:
        assert row["kept alone"] + row["lost alone"] + row["missing"] == 8
    assert "<table>" in table._repr_html_()
    assert "2 <= x < 7" in str(table)


def test_the_same_selection_gives_the_same_events_every_time(write: Write) -> None:
    """Today's tool ignores laser and time-tool cuts after one laser-off selection."""
    run = open_run(write({**STATUS, "x": np.arange(8.0)}))
    selection = cut("x", 3, scope="on") & xray_on()
    before = run.mask(selection, of="on")
    run.mask(selection, of="off")
    run.tally(selection)
    np.testing.assert_array_equal(run.mask(selection, of="on"), before)


def test_i0_falls_back_where_the_first_monitor_is_negative_and_says_so(write: Write) -> None:
    bad, good = -np.ones(8) - np.arange(8), 2.0 + np.arange(8)
    run = open_run(
        write(
            {
                **STATUS,
                "XppSb2BmMon/totalIntensityJoules": (bad, "J"),
                "XppSb3BmMon/totalIntensityJoules": (good, "J"),
                "gasdet/f21ENRC": (good, "mJ"),
            }
        )
    )
    i0 = run.role("i0")
    assert i0.name == "XppSb3BmMon/totalIntensityJoules"
    assert "XppSb2BmMon/totalIntensityJoules is negative" in i0.why
    assert i0.alternatives == ("gasdet/f21ENRC",)
    np.testing.assert_array_equal(run.mask(cut("i0", 4, 6)), (good >= 4) & (good < 6))


def test_no_monitor_at_all_is_an_error_that_lists_the_candidates(write: Write) -> None:
    run = open_run(write(STATUS))
    with pytest.raises(RoleError, match="XppSb2BmMon"):
        run.role("i0")
    with pytest.raises(UnknownNameError, match="it has bunch_arrival, delay"):
        run.role("intensity")


def test_fields_show_role_and_unit_and_count_missing_only_when_asked(write: Write) -> None:
    values = np.array([1.0, np.nan, 3.0, 4.0])
    run = open_run(write({"XppSb2BmMon/totalIntensityJoules": (values, "J"), "t": np.zeros(4)}))
    field = run.fields["XppSb2BmMon/totalIntensityJoules"]
    assert (field.unit, field.role, field.shape, field.filled) == ("J", "i0", (4,), None)
    assert "not counted" in str(run.fields)
    assert run.fields(filled=True)["XppSb2BmMon/totalIntensityJoules"].filled == 75.0
    assert run.fields("Sb2").names == ("XppSb2BmMon/totalIntensityJoules",)
    assert "<table>" in run.fields._repr_html_()
    with pytest.raises(UnknownNameError):
        run.fields["nothing"]


def test_a_run_opens_by_experiment_and_number_and_says_which_file_it_took(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "xpp" / "xpplx1234" / "hdf5" / "smalldata"
    (folder / "workbench").mkdir(parents=True)
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(tmp_path))
    plain = write(STATUS, folder=folder)
    labelled = write(STATUS, folder=folder / "workbench")
    run = open_run("xpplx1234", 14)
    assert run.path in {plain, labelled}
    assert str(plain) in run.why
    assert str(labelled) in run.why
    assert "newest" in run.why
    with pytest.raises(NotThereError, match="xpplx1234 run 15"):
        open_run("xpplx1234", 15)
    with pytest.raises(InputError, match="run number"):
        open_run("xpplx1234")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match=r"nothing\.h5"):
        open_run(tmp_path / "nothing.h5")


def test_added_channels_serve_cuts_and_leave_the_run_as_it_was(write: Write) -> None:
    run = open_run(write(STATUS))
    more = run.with_channel("mine", Channel.from_values("mine", np.arange(8.0), unit="1"))
    assert np.flatnonzero(more.mask(cut("mine", 6))).tolist() == [6, 7]
    assert "mine" in more
    assert "mine" not in run


def test_a_cut_on_an_array_field_is_refused_with_its_shape(write: Write) -> None:
    run = open_run(write({"det/area": np.zeros((4, 2, 2))}))
    with pytest.raises(CutError, match=r"\(4, 2, 2\)"):
        run.mask(cut("det/area", 1))


def test_truth_lies_beside_the_run_and_is_absent_on_real_data(write: Write) -> None:
    truth = {
        "t0": {"value": 0.15, "unit": "ps", "meaning": "time zero"},
        "ring_q": {"value": [1.0, 2.0], "unit": "1/angstrom"},
    }
    run = open_run(write(STATUS, truth=truth))
    assert run.truth is not None
    assert run.truth["t0"].value == 0.15
    assert run.truth["ring_q"].value == (1.0, 2.0)
    assert "time zero" in str(run.truth)
    with pytest.raises(UnknownNameError, match="t0"):
        run.truth["t1"]
    assert open_run(write(STATUS, run=15)).truth is None


@pytest.mark.parametrize("text", ["{", "[]", '{"quantities": {"t0": 1}}', json.dumps({})])
def test_a_damaged_truth_file_is_named(write: Write, text: str) -> None:
    path = write(STATUS)
    path.with_name(f"{path.stem}.truth.json").write_text(text)
    with pytest.raises(TruthError, match=r"truth\.json"):
        open_run(path).truth  # noqa: B018


def test_intensity_at_or_below_zero_with_xrays_is_counted(write: Write) -> None:
    intensity = np.array([1.0, 2, 0, -1, 5, 6, 7, 0])
    run = open_run(write({**STATUS, "XppSb2BmMon/totalIntensityJoules": (intensity, "J")}))
    [finding] = [f for f in run.check() if f.code == "i0-not-positive"]
    assert finding.count == 1


def test_a_run_shows_itself_in_a_notebook(write: Write) -> None:
    run = open_run(write(STATUS))
    assert "xpplx1234 run 14" in run._repr_html_()
    assert "8 events" in repr(run)
    assert "<table>" in run.classes._repr_html_()


def test_rows_stay_in_file_order_and_their_order_in_time_is_told(write: Write) -> None:
    stamps = np.array([5, 1, 4, 1, 3]) << 32
    run = open_run(write({"timestamp": stamps, "x": np.arange(5.0)}))
    assert not run.is_time_ordered
    assert run.time_order.tolist() == [1, 3, 4, 2, 0]
    assert run["x"].read().tolist() == [0, 1, 2, 3, 4]
    assert open_run(write({"x": np.zeros(9)})).is_time_ordered


def test_a_folder_and_a_number_open_a_run_and_slips_are_told(write: Write, tmp_path: Path) -> None:
    for number in (3, 4, 5, 9):
        path = write(STATUS, run=number)
    assert open_run(tmp_path, 9).path == path
    assert [run.run for run in open_runs(tmp_path, [4, 3])] == [4, 3]
    with pytest.raises(NotThereError, match=r"run 7 \(it has runs 3-5, 9\)"):
        open_run(tmp_path, 7)
    with pytest.raises(NotThereError, match=r"run 7 .*open the others: .*\[3\]"):
        open_runs(tmp_path, [3, 7])
    with pytest.raises(InputError, match=r"is a folder .*open_run\('.*', 3\)"):
        open_run(tmp_path)
    with pytest.raises(InputError, match="is a file: name it alone"):
        open_run(path, 9)
    for wrong in ("a", -1):
        with pytest.raises(InputError, match="whole number"):
            open_run(tmp_path, wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="neither a folder here nor an experiment"):
        open_run("nofolder", 1)
    with pytest.raises(InputError, match="takes a path, or an experiment and a run number"):
        open_run(9)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give the run numbers too"):
        open_runs(path)

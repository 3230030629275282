from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import workbench as wb
from workbench.binning import time_blocks
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.runs import ConflictError, Runs, cut, open_run, open_runs, xray_on

Write = Callable[..., Path]
XRAY = np.array([1, 1, 0, 1])
LASER = np.array([1, 0, 1, 1])
Q = np.array([0.1, 0.2, 0.3])


def columns(start: float = 0.0, **more: Any) -> dict[str, Any]:
    return {
        "lightStatus/xray": XRAY,
        "lightStatus/laser": LASER,
        "x": (start + np.arange(4.0), "mm"),
        "det/azav_azav": np.full((4, 3), start),
        "UserDataCfg/det/azav__azav_q": Q,
        "Sums/det_calib": np.full((2, 2), start),
        "Sums/det_calib_max": np.full((2, 2), start),
        **more,
    }


@pytest.fixture
def make(write: Write) -> Callable[..., Runs]:
    """Return a function that opens runs 14, 15, ... with these columns."""

    def opened(*runs: Mapping[str, Any], **more: Any) -> Runs:
        paths = [write(values, run=14 + place) for place, values in enumerate(runs)]
        for place, path in enumerate(paths):  # a minute after each other
            with h5py.File(path, "r+") as h5:
                h5["timestamp"][...] += (60 * place) << 32
        return open_runs(paths, **more)

    return opened


def test_channels_come_end_to_end_and_read_like_one(make: Callable[..., Runs]) -> None:
    runs = make(columns(0), columns(10), columns(20))
    expected = np.concatenate([start + np.arange(4.0) for start in (0, 10, 20)])
    x = runs["x"]
    assert (x.shape, x.unit) == ((12,), "mm")
    np.testing.assert_array_equal(x.read(), expected)
    np.testing.assert_array_equal(x.read(rows=slice(2, 11, 3)), expected[2:11:3])
    np.testing.assert_array_equal(x.read(where=cut("x", 3, 21)), [3, 10, 11, 12, 13, 20])
    stacks = list(runs["det/azav_azav"].iter_stacks(5, where=cut("x", 3, 21)))
    assert [numbers.tolist() for numbers, _ in stacks] == [[3, 4], [5, 6, 7, 8]]
    np.testing.assert_array_equal(
        np.concatenate([v[:, 0] for _, v in stacks]), [0] + [10] * 4 + [20]
    )


def test_each_run_stays_within_reach(make: Callable[..., Runs]) -> None:
    runs = make(columns(0), columns(10), columns(20))
    np.testing.assert_array_equal(runs[15]["x"].read(), 10 + np.arange(4.0))
    np.testing.assert_array_equal(runs.only(14, 16)["x"].read()[4:], 20 + np.arange(4.0))
    assert [run.run for run in runs] == [14, 15, 16]
    with pytest.raises(UnknownNameError, match="17"):
        runs[17]
    with pytest.raises(UnknownNameError, match="did you mean x"):
        runs["X"]


def test_every_event_knows_its_run(make: Callable[..., Runs]) -> None:
    runs = make(columns(0), columns(10))
    assert runs["run"].read().tolist() == [14] * 4 + [15] * 4
    data = runs.to_xarray(["x", "det/azav_azav"], where=cut("run", 15))
    assert data["run"].values.tolist() == [15] * 4
    assert data["event"].values.tolist() == [4, 5, 6, 7]
    assert data["det_azav_q"].values.tolist() == Q.tolist()
    np.testing.assert_array_equal(data.time, runs[15].times)
    assert runs.to_pandas(["x"])["run"].tolist() == [14] * 4 + [15] * 4


def test_run_sums_are_added_and_maxima_are_not(make: Callable[..., Runs]) -> None:
    runs = make(columns(1), columns(10))
    np.testing.assert_array_equal(runs["Sums/det_calib"].read(), np.full((2, 2), 11))
    np.testing.assert_array_equal(runs["Sums/det_calib_max"].read(), np.full((2, 2), 10))


def test_opening_reads_no_values(
    make: Callable[..., Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make(columns(0), columns(10)).paths
    read: list[str] = []
    plain = h5py.Dataset.__getitem__

    def noted(self: h5py.Dataset, key: object, **more: object) -> object:
        read.append(self.name)
        return plain(self, key, **more)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", noted)
    runs = open_runs(paths)
    channel = runs["det/azav_azav"]
    assert channel.shape == (8, 3)
    assert read == []
    runs["x"].read()
    assert set(read) == {"/x"}


def test_other_axes_are_refused_on_read_with_the_reason_unless_allowed(
    make: Callable[..., Runs],
) -> None:
    other = columns(10) | {"UserDataCfg/det/azav__azav_q": 2 * Q}
    runs = make(columns(0), other, columns(20))
    channel = runs["det/azav_azav"]
    with pytest.raises(ConflictError, match=r"other axes in run 15 \(.*q.*allowing\('axis'\)"):
        channel.read()
    assert runs.allowing("axis")["det/azav_azav"].read().shape == (12, 3)
    assert runs.only(14, 16)["det/azav_azav"].read().shape == (8, 3)
    np.testing.assert_array_equal(runs["x"].read()[:4], np.arange(4.0))  # others are not touched


@pytest.mark.parametrize(
    ("dataset", "values", "state"),
    [
        ("UserDataCfg/det/azav__azav_mask", (np.zeros((2, 2)), np.ones((2, 2))), "mask"),
        ("UserDataCfg/det/azav__azav_xcen", (1.0, 1.1), "centre"),
        ("UserDataCfg/det/azav__azav_dis_to_sam", (100.0, 101.0), "geometry"),
        ("UserDataCfg/det/azav__azav_eBeam", (9.5, 9.6), "energy"),
        ("UserDataCfg/det/azav__azav_thresADU", (0.0, 1.0), "threshold"),
        ("UserDataCfg/det/mask", (np.zeros((2, 2)), np.ones((2, 2))), "mask"),
        ("UserDataCfg/det/z", (np.zeros(4), np.ones(4)), "geometry"),
    ],
)
def test_every_setting_that_changes_the_meaning_is_a_named_state(
    make: Callable[..., Runs], dataset: str, values: tuple[Any, Any], state: str
) -> None:
    first, second = (columns(0) | {dataset: np.asarray(value)} for value in values)
    runs = make(first, second)
    found = {(one.field, one.state): one.runs for one in runs.agreement.conflicts()}
    assert found["det/azav_azav", state] == ("15",)
    with pytest.raises(ConflictError, match=state):
        runs["det/azav_azav"].read()
    assert runs.allowing(state)["det/azav_azav"].read().shape == (8, 3)


def test_units_that_differ_are_refused(make: Callable[..., Runs]) -> None:
    runs = make(columns(0), columns(10) | {"x": (np.zeros(4), "um")})
    with pytest.raises(ConflictError, match=r"another unit in run 15 \(mm, there um\)"):
        runs["x"].read()


def test_a_field_that_a_run_lacks_is_refused_or_missing_there(make: Callable[..., Runs]) -> None:
    runs = make(columns(0) | {"n": np.arange(4)}, columns(10))
    with pytest.raises(ConflictError, match="not in every run in run 15"):
        runs["n"].read()
    values = runs.allowing("absent")["n"].read()
    np.testing.assert_array_equal(values, [0, 1, 2, 3, np.nan, np.nan, np.nan, np.nan])


def test_shapes_that_differ_cannot_be_allowed(make: Callable[..., Runs]) -> None:
    runs = make(columns(0), columns(10) | {"det/azav_azav": np.zeros((4, 5))})
    with pytest.raises(ConflictError, match="another shape"):
        runs["det/azav_azav"]
    with pytest.raises(UnknownNameError, match="conflict to allow"):
        runs.allowing("shape")


def test_integers_of_other_width_keep_their_missing_values(make: Callable[..., Runs]) -> None:
    narrow = np.array([1, -99999, 3, 4]).astype(np.uint16)
    runs = make(columns(0) | {"n": narrow}, columns(10) | {"n": np.array([1, 2, -99999, 4])})
    np.testing.assert_array_equal(runs["n"].read(), [1, np.nan, 3, 4, 1, 2, np.nan, 4])


def test_what_is_kept_once_must_be_equal(make: Callable[..., Runs]) -> None:
    runs = make(columns(0), columns(10) | {"UserDataCfg/det/azav__azav_q": 2 * Q})
    with pytest.raises(ConflictError, match="another value in run 15"):
        runs["UserDataCfg/det/azav__azav_q"].read()
    same = make(columns(0), columns(10))
    np.testing.assert_array_equal(same["UserDataCfg/det/azav__azav_q"].read(), Q)


def test_classes_cuts_and_tally_are_those_of_the_runs_added_up(make: Callable[..., Runs]) -> None:
    runs = make(columns(0), columns(10))
    selection = cut("x", 1, 13) & xray_on()
    np.testing.assert_array_equal(
        runs.mask(selection), np.concatenate([run.mask(selection) for run in runs])
    )
    table, parts = runs.tally(selection), [run.tally(selection) for run in runs]
    for row, first, second in zip(table.rows, parts[0].rows, parts[1].rows, strict=True):
        for place, cell in enumerate(row):
            if isinstance(cell, int):
                assert cell == first[place] + second[place]


def test_binning_takes_several_runs_and_gives_what_all_their_events_give(
    make: Callable[..., Runs],
) -> None:
    rng = np.random.default_rng(5)
    i0 = rng.uniform(1, 2, (2, 4))
    monitor = "XppSb2BmMon/totalIntensityJoules"
    runs = make(*(columns(0) | {"s": (3 * one, "keV"), monitor: (one, "J")} for one in i0))
    binned = wb.bin(runs, {"x": [0.0, 2.0, 4.0]}, ["s"], by="i0")
    np.testing.assert_allclose(binned["s"], 3)
    np.testing.assert_array_equal(binned["s_count"], [4, 4])
    np.testing.assert_allclose(binned["s_norm"], [i0[:, :2].sum(), i0[:, 2:].sum()])
    assert str(runs.paths[1]) in binned.attrs["file"]


def test_blocks_of_time_never_hold_two_runs() -> None:
    stamps = np.full(4, 5 << 32, dtype=np.uint64)
    assert time_blocks(stamps).tolist() == [0, 0, 0, 0]
    assert time_blocks(stamps, np.array([0, 0, 1, 1])).tolist() == [0, 0, 1, 1]


def test_a_role_that_another_channel_plays_in_another_run_is_refused(
    make: Callable[..., Runs],
) -> None:
    first, second = "XppSb2BmMon/totalIntensityJoules", "XppSb3BmMon/totalIntensityJoules"
    good = (1 + np.arange(4.0), "J")
    runs = make(columns(0) | {first: good, second: good}, columns(10) | {second: good})
    with pytest.raises(InputError, match=f"{first}.*run 15: {second}"):
        runs.role("i0")
    same = make(columns(0) | {second: good}, columns(10) | {second: good})
    assert same.role("i0").name == second
    assert same.channel("i0").read().shape == (8,)


def test_the_delay_is_made_run_by_run(make: Callable[..., Runs]) -> None:
    seconds = columns(0) | {"scan/lxt_ttc": (np.array([1, 1, 2, 2]) * 1e-12, "s")}
    picoseconds = columns(10) | {"enc/lasDelay": (np.array([3.0, 3, 4, 4]), "ps")}
    delay = make(seconds, picoseconds).delay(time_tool=False)
    np.testing.assert_allclose(delay.read(), [1, 1, 2, 2, 3, 3, 4, 4])
    assert delay.unit == "ps"
    assert "run 14: " in delay.why
    assert "run 15: " in delay.why


def test_runs_open_by_experiment_and_missing_ones_are_all_named(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "xpp" / "xpplx1234" / "hdf5" / "smalldata"
    folder.mkdir(parents=True)
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(tmp_path))
    for number in (14, 16):
        write(columns(), run=number, folder=folder)
    assert wb.open_runs("xpplx1234", [14, 16]).n_events == 8
    with pytest.raises(NotThereError, match=r"run 15, 17.*\[14, 16\]"):
        open_runs("xpplx1234", range(14, 18))
    with pytest.raises(InputError, match="run numbers"):
        open_runs("xpplx1234")
    with pytest.raises(InputError, match="given twice"):
        open_runs("xpplx1234", [14, 14])
    with pytest.raises(InputError, match="at least one"):
        open_runs([])


def test_conflicts_are_a_table_and_findings(make: Callable[..., Runs]) -> None:
    runs = make(columns(0) | {"only": np.arange(4)}, columns(10))
    rows = runs.conflicts.as_dicts()
    assert [(row["field"], row["state"], row["reading it is"]) for row in rows] == [
        ("only", "absent", "refused")
    ]
    assert "fields-differ" in {finding.code for finding in runs.check()}
    assert "the runs agree" in str(make(columns(0), columns(10)).conflicts)


def test_text_and_run_numbers_missing_in_file_and_name_are_handled(write: Write) -> None:
    first, second = (
        write({"w": np.array([b"a", b"b"])}),
        write({"w": np.array([b"c", b"d"])}, run=15),
    )
    assert open_runs([first, second])["w"].read().tolist() == ["a", "b", "c", "d"]
    assert open_run(first).run_index.tolist() == [0, 0]


def test_a_column_and_a_friendly_name_are_joined_like_a_field(write: Write, tmp_path: Path) -> None:
    for number in (14, 15):
        write({"diode/channels": np.arange(8.0).reshape(4, 2) + number}, run=number)
    friendly = tmp_path / "experiment.toml"
    friendly.write_text('version = 1\n[channels]\nfirst = "diode/channels[0]"\n')
    paths = sorted(tmp_path.glob("*.h5"))
    runs = open_runs(paths, experiment_file=friendly)
    expected = np.concatenate([np.arange(8.0).reshape(4, 2)[:, 0] + number for number in (14, 15)])
    np.testing.assert_array_equal(runs["diode/channels[0]"].read(), expected)
    np.testing.assert_array_equal(
        runs["first"].read(where=cut("first", 15, 20)), [16, 18, 15, 17, 19]
    )


def test_what_runs_hold_besides_values_comes_from_all_of_them(make: Callable[..., Runs]) -> None:
    slow = "epics_archiver/T"
    first = np.array([[1_768_557_600.0, 1.0], [1_768_557_601.0, 2.0]])
    hits = {"det/var_hits/adu": np.arange(5.0), "det/var_hits_len": np.array([2, 0, 3, 0])}
    runs = make(
        columns(0, **hits, **{slow: first}),
        columns(1, **hits, **{slow: first[:1] + np.array([60, 6])}),
    )
    assert slow not in {row["field"] for row in runs.conflicts.as_dicts()}
    assert runs.infos[slow].kind == "archived"
    np.testing.assert_array_equal(runs[slow].read()[:, 1], [1, 2, 7])
    np.testing.assert_array_equal(runs.archived("T").values, [1, 2, 7])
    np.testing.assert_array_equal(runs.settings["det"].functions["azav"].q, Q)
    (axis,) = runs.coordinates("det/azav_azav")
    np.testing.assert_array_equal(axis.values, Q)
    hit = runs.ragged("det/var_hits")
    assert len(hit) == 8
    events, values = hit.flatten(slice(1, 7))
    assert events.tolist() == [2, 2, 2, 4, 4, 6, 6, 6]
    assert values["adu"].tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    assert hit[6]["adu"].tolist() == [2, 3, 4]
    assert hit.lengths().tolist() == [2, 0, 3, 0] * 2
    rows = runs.presence("x").as_dicts()
    assert [(row["run"], row["measured"]) for row in rows] == [("14", 4), ("15", 4)]
    assert runs.is_time_ordered
    assert list(runs.alignment()) == [14, 15]
    assert runs.refresh() is runs
    runs.drop()


def test_settings_on_which_runs_differ_are_refused_when_read(make: Callable[..., Runs]) -> None:
    runs = make(columns(), columns(**{"UserDataCfg/det/azav__azav_q": Q + 1}))
    with pytest.raises(ConflictError, match="another value"):
        _ = runs.settings["det"].functions["azav"].q
    with pytest.raises(ConflictError, match="lies on other axes"):
        runs.coordinates("det/azav_azav")
    allowed = runs.allowing("value", "axis")
    np.testing.assert_array_equal(allowed.settings["det"].functions["azav"].q, Q)


def test_usual_cuts_that_differ_between_runs_are_refused(
    make: Callable[..., Runs], tmp_path: Path
) -> None:
    alike = 'version = 1\n[channels]\nmine = "x"\n[good]\nmine = [0, 3]\n'
    (tmp_path / "experiment.toml").write_text(alike)
    assert str(make(columns(), columns()).default_cuts()) == "0 <= mine < 3"
    later = "[[runs]]\nfirst = 15\nlast = 15\n[runs.good]\nmine = [1, 3]\n"
    (tmp_path / "experiment.toml").write_text(f"{alike}{later}")
    with pytest.raises(InputError, match="run 14: 0 <= mine < 3; run 15: 1 <= mine < 3"):
        make(columns(), columns()).default_cuts()


def test_runs_that_grew_are_longer_after_a_refresh(make: Callable[..., Runs]) -> None:
    runs = make(columns(), columns())
    with h5py.File(runs.paths[1], "r+") as h5:
        h5["x"][0] = 7
    fresh = runs.refresh()
    assert fresh is not runs
    assert fresh["x"].read()[4] == 7
    added = runs.with_channel("twice", runs["x"])
    with pytest.raises(InputError, match="twice"):
        added.refresh()

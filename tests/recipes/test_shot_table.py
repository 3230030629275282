"""The shot table: shots of runs, the group's sheet, files by pattern, and what people wrote."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import openpyxl
import pytest

import workbench as wb
from tests.conftest import ModuleFolder
from tests.recipes.judging import OF_PARTS, as_said, assert_helps, met, write_in_parts
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.findings import Severity
from workbench.recipes import (
    ChangedMeanwhileError,
    FilePattern,
    Join,
    PatternError,
    RunShots,
    SheetError,
    ShotTable,
    build_shot_table,
    files_for,
    findings_of,
    patterns,
    read_kept,
    read_shot_sheet,
    read_shots,
    refreshed,
    truths_of,
    write_kept,
)
from workbench.smalldata.editing import edit_file
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS
from workbench.synthetic.scenes import LaserShots

KEY = ("run", "shot")
WHOLE = {
    "camera_every": 1,
    "jungfrau_every": 1,
    "missing": 0.0,
    "camera_missing": 0.0,
    "partial": 0,
}
SPOT = "epix100a_2_bxrts"
SHEET = """Shots of MEC-X123;;;;
Run #;Shot;Phase;Target;state
r0001;;Before;A7;ok
2;1;driven;A7;ok
3;;after;A7;
9;;driven;B1;
later;;;;look up
"""


def campaign(folder: Path, generation: str) -> Path:
    """Write a target before, during and after its drive shot; run 4 is one of many events."""
    for run, shots, driven, lost in (
        (1, 2, False, ()), (2, 1, True, ((1, SPOT),)), (3, 2, False, ()),
    ):  # fmt: skip
        spec = PumpProbe(experiment="mecsyn0126", run=run, n_events=shots, **WHOLE)
        scene = LaserShots(driven, delay=run * 1e-9, lost=lost)
        write_small_data(spec, folder, generation=generation, scene=scene)
    many = PumpProbe(experiment="mecsyn0126", run=4, n_events=30, **WHOLE)
    write_small_data(many, folder, generation=generation, scene=LaserShots(driven=False))
    return folder


@pytest.fixture(scope="module")
def runs(module_folder: ModuleFolder) -> Path:
    return campaign(module_folder("lcls1"), "lcls1")


FOUR = PumpProbe(experiment="mecsyn0126", run=1, n_events=4, **WHOLE)


@pytest.fixture(scope="module")
def one_run(module_folder: ModuleFolder) -> tuple[Path, ShotTable]:
    folder = module_folder("one")
    file = write_small_data(FOUR, folder, generation="lcls1", scene=LaserShots())
    return file, table_of(folder, None, (1,))[0]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "sheet.csv"
    path.write_bytes(SHEET.encode("cp1252"))
    return path


def table_of(folder: Path, sheet: Path | None = None, numbers: tuple[int, ...] = (1, 2, 3)):
    read = read_shots("mecsyn0126", numbers, small_data=str(folder))
    lines = read_shot_sheet(sheet, shot="Shot") if sheet else None
    return build_shot_table(read, sheet=lines, join=Join(target="Target")), read


def column(found: ShotTable, name: str) -> list[object]:
    """Return the column of this heading, or of this one with its unit."""
    names = [one for one in found.table.columns if name in {one, one.rpartition(" [")[0]}]
    return [row[names[0]] for row in found.table.as_dicts()]


@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_shots_before_driven_and_after_are_found_with_what_is_missing_in_them(
    runs: Path, sheet: Path, generation: str, tmp_path: Path
) -> None:
    runs = runs if generation == "lcls1" else campaign(tmp_path, generation)
    found, read = table_of(runs, sheet)
    assert list(zip(column(found, "run"), column(found, "shot"), strict=True)) == [
        (1, 1), (1, 2), (2, 1), (3, 1), (3, 2),
    ]  # fmt: skip
    assert column(found, "phase") == ["before", "before", "driven", "after", "after"]
    assert column(found, "missing") == ["none", "none", SPOT, "none", "none"]
    assert column(found, "Phase") == ["Before", "Before", "driven", "after", "after"]
    assert column(found, "sheet: state") == ["ok", "ok", "ok", None, None]
    np.testing.assert_allclose(
        np.array(column(found, "epics/MEC:NOTE:LAS:NSDELAY"), float), [1e-9, 1e-9, 2e-9, 3e-9, 3e-9]
    )
    assert all(float(value) > 0 for value in column(found, "i0"))
    assert found.doubts.rows == ()
    assert found.against(truths_of(read)).as_planted is True


def test_findings_of_all_runs_are_told_together(
    one_run: tuple[Path, ShotTable], tmp_path: Path
) -> None:
    files = [tmp_path / f"mecsyn0126_Run{run:04d}.h5" for run in (1, 2, 3)]
    for file in files:
        shutil.copy(one_run[0], file)
    for file in files[:2]:
        FAULTS["nan"].inject(file, np.random.default_rng(1))
    found = findings_of(read_shots("", (1, 2, 3, 9), small_data=str(tmp_path)))
    spoilt, clean = (wb.open_run(file).check() for file in files[1:])
    counts = [sum(one.count for one in each) for each in (found, spoilt, clean)]
    assert counts[0] == 2 * counts[1] + counts[2]
    kinds = [(one.code, one.field) for one in spoilt + clean]
    assert sorted((one.code, one.field) for one in found) == sorted(set(kinds))
    codes = {one.code for one in spoilt} - {one.code for one in clean}
    assert codes
    told = [one.message for one in found if one.code in codes]
    assert all(text.startswith("runs 1-2: ") for text in told)


def test_what_has_no_partner_is_listed_on_either_side(runs: Path, sheet: Path) -> None:
    found, _ = table_of(runs, sheet, (2, 3, 4, 7))
    texts = [" ".join(str(cell) for cell in row) for row in found.unmatched.rows]
    assert texts == [
        "sheet None None line 7 names no run: later, look up",
        "sheet 1 None line 3: of a run that is not in this table",
        "sheet 9 None line 6: of a run that is not in this table",
        "small data 4 None no line of the sheet",
        "small data 7 None no line of the sheet",
    ]
    assert column(found, "state") == ["shot", "shot", "shot", "many events", "no small data"]
    assert [row[0] for row in found.doubts.rows] == [4, 7]


def test_a_sheet_that_contradicts_the_laser_is_named(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("run,kind\n1,driven\n2,driven\n3,after\n3,after\n")
    read = read_shots("mecsyn0126", (1, 2, 3), small_data=str(runs))
    found = build_shot_table(read, sheet=read_shot_sheet(path), join=Join(phase="kind"))
    assert [row[:2] for row in found.doubts.rows] == [(1, 1), (1, 2)]
    assert "flags of the small data 'not driven'" in str(found.doubts)
    assert sum("2 lines are about the same shots" in str(row) for row in found.unmatched.rows) == 2


def test_an_excel_sheet_reads_as_the_same_sheet_in_csv(tmp_path: Path, sheet: Path) -> None:
    book = openpyxl.Workbook()
    for line in SHEET.splitlines():
        cells = [int(cell) if cell.isdecimal() else cell or None for cell in line.split(";")]
        book.active.append(cells)
    book.save(tmp_path / "sheet.xlsx")
    excel, text = (read_shot_sheet(tmp_path / name, shot="Shot") for name in ("sheet.xlsx", sheet))
    assert (excel.columns, excel.lines, excel.unread) == (text.columns, text.lines, text.unread)
    with pytest.raises(UnknownNameError, match="no sheet 'Shots'"):
        read_shot_sheet(tmp_path / "sheet.xlsx", sheet="Shots")


def test_a_sheet_without_a_column_of_runs_is_refused_with_its_headings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sample,energy\nA,2\n")
    with pytest.raises(SheetError, match="begins with sample, energy"):
        read_shot_sheet(tmp_path / "a.csv")
    (tmp_path / "b.xlsx").write_bytes(b"no zip")
    with pytest.raises(SheetError, match=r"save it again as \.xlsx"):
        read_shot_sheet(tmp_path / "b.xlsx")
    with pytest.raises(NotThereError, match="no shot sheet"):
        read_shot_sheet(tmp_path / "c.csv")


def test_files_join_by_run_by_shot_and_by_time_stamp(runs: Path, tmp_path: Path) -> None:
    read = read_shots("mecsyn0126", (1, 2), small_data=str(runs))
    stamp = read[0].shots[1].stamp
    assert stamp is not None
    second, nanosecond = stamp >> 32, stamp & 0xFFFFFFFF
    for name in (
        "visar/r0001_s2.tif", "visar/r0005_s1.tif", "log/run2/a.txt", "log/run2/b.txt",
        f"tiff/Run_0001_evt_{second}-{nanosecond:09d}_cam.tiff", "visar/notes.txt",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    texts = [
        "visar=visar/r{run:04d}_s{shot}.tif",
        "log=log/**/run{run}/*.txt",
        "tiff=tiff/Run_{run}_evt_{seconds}-{nanoseconds}_*.tiff",
    ]
    found = build_shot_table(read, files=files_for(patterns(texts), tmp_path))
    assert column(found, "visar") == [None, "r0001_s2.tif", None]
    assert column(found, "log") == [None, None, "2 files"]
    assert column(found, "tiff")[1].endswith("_cam.tiff")
    assert [row[:3] for row in found.unmatched.rows] == [("files", 5, 1)]
    with pytest.raises(PatternError, match=r"lacks \{run\}"):
        FilePattern.parse("visar=visar/*.tif")
    with pytest.raises(PatternError, match=r"knows no \{event\}"):
        FilePattern.parse("visar/{run}_{event}.tif")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_what_people_wrote_survives_a_refresh(runs: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    refresh(path, runs, (1, 2, 3))
    cells = read_kept(path, KEY)
    head = [*cells.columns, "colour"]
    crack = "cracked; \u201cvoid\u201d, 5 \u00b5m"
    written = {
        ("1", "2"): (crack, "red"),
        ("3", "1"): ("later", ""),
    }
    lines = [[*(row[name] for name in cells.columns), ""] for row in cells.rows]
    for line in lines:
        note = written.get((line[0], line[1]), ("", ""))
        line[head.index("notes")], line[-1] = note
    save(path, [head, *lines])
    whole = refresh(path, runs, (2, 3))
    rows = {(row["run"], row["shot"]): row for row in whole.as_dicts()}
    assert rows[1, 2]["notes"] == crack
    assert rows[1, 2]["state"] == "not in this refresh"
    assert rows[3, 1]["notes"] == "later"
    assert [row["colour"] for row in rows.values()] == [None, "red", None, None, None]
    assert list(rows) == [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]
    again = refresh(path, runs, (1, 2, 3))
    assert [row["notes"] for row in again.as_dicts()] == [
        None,
        crack,
        None,
        "later",
        None,
    ]
    assert {row["state"] for row in again.as_dicts()} == {"shot"}


def refresh(path: Path, runs: Path, numbers: tuple[int, ...]):
    found, _ = table_of(runs, None, numbers)
    kept = read_kept(path, KEY)
    whole = refreshed(found.table, kept, key=KEY)
    write_kept(whole, kept)
    return whole


def save(path: Path, rows: list[list[str]]) -> None:
    if path.suffix == ".csv":  # as a German Excel saves it
        path.write_text("".join(";".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows))
        return
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def test_values_have_their_unit_in_the_heading_or_that_nobody_knows_it(
    one_run: tuple[Path, ShotTable], tmp_path: Path
) -> None:
    file = tmp_path / one_run[0].name
    shutil.copy(one_run[0], file)
    with h5py.File(file, "r+") as h5:
        h5[I0].attrs["units"] = "mJ"
    names = [I0, "epics/MEC:NOTE:LAS:NSDELAY"]
    read = read_shots("", (1,), small_data=str(tmp_path), fields=names)
    assert build_shot_table(read).table.columns[6:8] == ("i0 [mJ]", f"{I0} [mJ]")
    assert build_shot_table(read).i0 == f"{I0} [mJ]"
    other = RunShots(2, read[0].shots, i0=I0, units={"i0": "", I0: "mJ"})
    both = build_shot_table([*read, other]).table.columns
    assert both[6:8] == ("i0 [mJ or unit not known]", f"{I0} [mJ]")
    untold = build_shot_table([RunShots(2, read[0].shots)]).table.columns
    assert untold[6:8] == ("i0 [unit not known]", f"{I0} [unit not known]")


def test_a_table_from_before_units_were_in_headings_is_taken_over(
    tmp_path: Path, runs: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "run,shot,state,i0,epics/MEC:NOTE:LAS:NSDELAY,colour,notes\n"
        "2,1,shot,0.5,9,red,hit\n3,1,shot,0.25,8,,dim\n"
    )
    whole = refresh(path, runs, (1, 2))
    bare = [name.partition(" [")[0] for name in whole.columns]
    assert len(bare) == len(set(bare))
    assert {"i0 [1]", "epics/MEC:NOTE:LAS:NSDELAY [unit not known]"} < set(whole.columns)
    rows = {(row["run"], row["shot"]): row for row in whole.as_dicts()}
    assert [rows[2, 1][name] for name in ("colour", "notes")] == ["red", "hit"]
    assert rows[2, 1]["i0 [1]"] != 0.5  # of the small data
    told = ("i0 [1]", "epics/MEC:NOTE:LAS:NSDELAY [unit not known]", "notes", "state")
    assert [rows[3, 1][name] for name in told] == ["0.25", "8", "dim", "not in this refresh"]


def test_numbers_of_another_unit_keep_their_heading(tmp_path: Path, runs: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("run,shot,state,i0 [mJ],notes\n3,1,shot,0.25,dim\n")
    whole = refresh(path, runs, (2,))
    row = next(row for row in whole.as_dicts() if row["run"] == 3)
    assert (row["i0 [mJ]"], row["i0 [1]"], row["notes"]) == ("0.25", None, "dim")


def test_a_row_that_is_gone_stays_where_it_has_a_note(tmp_path: Path, runs: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("run,shot,state,notes\n2,1,shot,hit\n2,5,shot,missed\n2,6,shot,\n")
    whole = refresh(path, runs, (2,))
    assert [(row["shot"], row["state"], row["notes"]) for row in whole.as_dicts()] == [
        (1, "shot", "hit"), (5, "no longer there", "missed"),
    ]  # fmt: skip


def test_a_table_saved_by_somebody_else_meanwhile_is_not_overwritten(
    tmp_path: Path, runs: Path
) -> None:
    path = tmp_path / "table.csv"
    refresh(path, runs, (1,))
    kept = read_kept(path, KEY)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ChangedMeanwhileError, match="saved by somebody"):
        write_kept(table_of(runs)[0].table, kept)
    path.write_text("name,value\n")
    with pytest.raises(InputError, match="is left alone"):
        read_kept(path, KEY)
    with pytest.raises(InputError, match=r"must end in \.csv or \.xlsx"):
        read_kept(tmp_path / "table.txt", KEY)


I0 = "xt2_ipm2/sum"
I0_BY_CLOCK = {"event_time": I0, "timestamp": "MecXt2BmMon02/totalIntensityJoules"}


def ended(file: Path, code: str, whole: Path) -> str:
    """Tell how the table of a run ended, as `judging.judge` does; of tables there are two more.

    "told by a column": a value that is not there is empty, or its detector is named as missing.
    "as stored": the file's own number, which so few shots give nobody a reason to doubt.
    """
    found, read = table_of(file.parent, None, (1,))
    (state,) = set(column(found, "state"))
    if state != "shot":
        assert_helps(read[0].why, file)
        return f"refused {state}"
    true = i0_of(whole)
    rows = found.table.as_dicts()
    listed = column(found, "i0")
    named = [row["missing"] != "none" for row in rows]
    counts = found.numbers == {"shots": 4, "shots_driven": 4, "detectors_missing": 0}
    if counts and listed == true and not any(named):
        return "true"
    if code in {one.code for one in findings_of(read) if one.severity is not Severity.INFO}:
        return "told"
    if all(i0 in (None, right) for i0, right in zip(listed, true, strict=True)):
        assert None in listed or any(named), found.numbers
        return "told by a column"
    assert listed == i0_of(file), "wrong without a word"
    return "as stored"


def i0_of(file: Path) -> list[float]:
    """Return the monitor of each shot, in the order of time, read without the package."""
    with h5py.File(file) as h5:
        (clock,) = I0_BY_CLOCK.keys() & h5.keys()
        order, name = np.argsort(h5[clock][()], kind="stable"), I0_BY_CLOCK[clock]
        return h5[name][()][order].tolist() if name in h5 else []


@pytest.mark.faults
@pytest.mark.parametrize("name", met("shot_table"))
def test_a_faulty_file_gives_true_rows_or_says_why_not(
    name: str, one_run: tuple[Path, ShotTable], tmp_path: Path
) -> None:
    whole, _ = one_run
    file = tmp_path / "spoilt" / whole.name
    file.parent.mkdir()
    if name in OF_PARTS:
        write_in_parts((FOUR, LaserShots()), file.parent)
        whole = write_small_data(FOUR, tmp_path / "whole" / file.name, scene=LaserShots())
    else:
        shutil.copy(whole, file)
    fault = FAULTS[name]
    with fault.inject(file, np.random.default_rng(3)):
        assert as_said("shot_table", name, ended(file, fault.code, whole))


@pytest.mark.faults
def test_zeros_before_a_monitors_first_value_are_not_measured(tmp_path: Path) -> None:
    file = write_small_data(FOUR, tmp_path, style="facility", scene=LaserShots())
    (read,) = read_shots("", (1,), small_data=str(tmp_path))
    with edit_file(file) as editor:
        for name in (read.i0, f"damage/{read.i0.partition('/')[0]}"):
            values = editor.read(name)
            values[editor.time_order[0]] = 0
            editor.write(name, values)
    found, _ = table_of(tmp_path, None, (1,))
    assert [value is None for value in column(found, "i0")] == [True, False, False, False]
    assert column(found, "missing") == [read.i0.partition("/")[0], "none", "none", "none"]


def test_shots_of_one_time_stamp_are_told(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "mecsyn0126_Run0004.h5"
    shutil.copy(runs / file.name, file)
    FAULTS["duplicate-events"].inject(file, np.random.default_rng(3))
    (read,) = read_shots("mecsyn0126", (4,), small_data=str(tmp_path), most=100)
    assert "shots have the same time stamp as another" in read.why

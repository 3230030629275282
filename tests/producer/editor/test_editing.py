"""What an edit does, what it refuses, and that a refusal leaves the file alone."""

import multiprocessing as mp
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError, NotThereError
from workbench.producer import ProducerConfig
from workbench.producer.editor import (
    CannotEditError,
    ChangedMeanwhileError,
    EditRefusedError,
    UnknownDetectorError,
    edit_config,
    history,
    undo,
)
from workbench.producer.editor.evaluator import Evaluator
from workbench.producer.editor.journal import locked

TURNS = 300  # of each process that takes a lock
PLAIN = """\
detectors = ['epix_1']
def getROIs(run):
    ret = {}
    if run > 11:
        ret['epix_1'] = [{'name': 'ROI_0', 'ROI': [[10, 20],  # rows
                                                   [30, 40]]}]
    return ret
"""
OLD = """\
detnames = ['epix10k2M']
def getROIs(run):
    return {}
def getAzIntParams(run):
    ret = {}
    if int(run) > 3:
        ret['epix10k2M'] = [{'center': [87526.7, 79790.3], 'dis_to_sam': 90., 'eBeam': 9.5}]
    return ret
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "prod_config_xpp.py"
    path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return path


def test_a_literal_that_alone_decides_is_changed_number_by_number(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with edit_config(path) as edit:
        plan = edit.set_roi("epix_1", "ROI_0", [[10, 25], [30, 40]], from_run=12)
        assert plan.how == "the literal was changed in place"
        assert edit.save()
    assert path.read_text() == PLAIN.replace("[10, 20]", "[10, 25]")


def test_a_range_that_no_literal_decides_gets_a_block_that_the_next_edit_replaces(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, PLAIN)
    for first, high in ((20, 50), (20, 60), (30, 70)):
        with edit_config(path) as edit:
            edit.set_roi("epix_1", "ROI_0", [[0, high], [0, 9]], from_run=first)
            edit.save()
    text = path.read_text()
    assert text.count(">>> workbench") == 1
    assert "50" not in text
    assert text.startswith(PLAIN[: PLAIN.index("    return")])
    found = {
        run: ProducerConfig.load(path, run).reductions[0].reduction.bounds.high
        for run in (12, 19, 20, 29, 30)
    }
    assert found == {12: (20, 40), 19: (20, 40), 20: (60, 9), 29: (60, 9), 30: (70, 9)}


def test_a_new_detector_joins_the_list_of_detectors(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with edit_config(path, new_detectors=["jungfrau1M"]) as edit:
        edit.set_roi("jungfrau1M", "peak", [[0, 1], [2, 3], [4, 5]], from_run=1, write_area=True)
        edit.save()
    config = ProducerConfig.load(path, 1)
    assert config.detectors == ("epix_1", "jungfrau1M")
    assert [(entry.name, entry.reduction.area) for entry in config.reductions] == [("peak", True)]


def test_a_misspelt_detector_is_refused_with_the_names_it_resembles(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    call = [sys.executable, "-m", "workbench", "config", "set-azav", str(path), "epix_l"]
    call += ["--distance", "90", "--from-run", "12"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert "no detector 'epix_l' in" in told
    assert "prod_config_xpp.py; did you mean epix_1?" in told
    assert "--new-detector" in told
    with edit_config(path) as edit, pytest.raises(UnknownDetectorError, match="epix_1"):
        edit.set_roi("epix_l", "ROI_0", [[0, 9], [0, 9]], from_run=12)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == PLAIN
    subprocess.run([*call, "--new-detector"], check=True)
    assert "epix_l" in ProducerConfig.load(path, 12).detectors


def test_a_detector_of_other_runs_or_of_entries_alone_is_one_of_the_config(tmp_path: Path) -> None:
    text = "detectors = ['epix_1']\ndef getROIs(run):\n    return {'jungfrau1M': []}\n"
    path = write(tmp_path, text)
    with edit_config(path) as edit:
        edit.set_roi("jungfrau1M", "ROI_0", [[0, 1], [0, 9], [0, 9]], from_run=1)
        assert edit.detectors(1) == ["epix_1", "jungfrau1M"]


def test_a_lock_is_gone_after_the_last_edit_and_still_keeps_others_away(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with edit_config(path) as edit:
        edit.set_roi("epix_1", "ROI_0", [[10, 25], [30, 40]], from_run=12)
        edit.save()
    undo(path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    context = mp.get_context("spawn")
    counter = tmp_path / "counter"
    counter.write_text("0")
    people = [context.Process(target=_count, args=(path, counter)) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert counter.read_text() == str(4 * TURNS)
    assert not list(tmp_path.glob(".*.lock"))


def _count(path: Path, counter: Path) -> None:
    for _ in range(TURNS):
        with locked(path):  # what is read and written back loses counts if two do it at once
            counter.write_text(str(int(counter.read_text()) + 1))


def test_an_early_return_is_overridden_by_a_wrapper(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        detectors = ['epix_1']
        def getROIs(run):
            if run > 5:
                return {}
            ret = {}
            return ret
        """,
    )
    with edit_config(path) as edit:
        plan = edit.set_roi("epix_1", "ROI_0", [[1, 2], [3, 4]], from_run=8)
        assert "wraps getROIs" in plan.how
        edit.save()
    loaded = [ProducerConfig.load(path, run).reductions for run in (5, 7, 8, 900)]
    assert [len(found) for found in loaded] == [0, 0, 1, 1]


def test_azimuthal_parameters_of_the_older_producer_are_changed_in_place(tmp_path: Path) -> None:
    path = write(tmp_path, OLD)
    with edit_config(path) as edit:
        edit.set_azav("epix10k2M", from_run=4, center=[87000.0, 79790.3])
        edit.save()
    assert path.read_text() == OLD.replace("87526.7", "87000.0")


def test_azimuthal_parameters_of_the_newer_producer_stay_one_dict(tmp_path: Path) -> None:
    path = write(tmp_path, "detectors = ['jf']\ndef get_azav(run):\n    ret = {}\n    return ret\n")
    with edit_config(path) as edit:
        edit.set_azav("jf", from_run=3, center=[1.0, 2.0], dis_to_sam=80)
        edit.set_azav("jf", from_run=6, dis_to_sam=90)
        assert edit.entries(5, "azav") == {"jf": {"center": [1.0, 2.0], "dis_to_sam": 80}}
        assert edit.entries(6, "azav") == {"jf": {"center": [1.0, 2.0], "dis_to_sam": 90}}
        edit.remove("jf", "azav", function="azav", from_run=7)
        assert edit.entries(6, "azav")["jf"]["dis_to_sam"] == 90
        assert edit.entries(7, "azav") == {}


def test_a_mask_is_kept_beside_the_config_and_loaded_by_the_producer(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    good = np.ones((50, 60), np.bool_)
    good[3, 4:9] = False
    with edit_config(path) as edit:
        edit.set_mask("epix_1", "ROI_0", good, from_run=15)
        edit.save()
    loaded = ProducerConfig.load(path, 15).reductions[0].reduction
    assert loaded.good is not None
    np.testing.assert_array_equal(loaded.good, good)
    assert ProducerConfig.load(path, 14).reductions[0].reduction.good is None
    (mask,) = (tmp_path / "masks").glob("ROI_0_*.npy")
    assert "True = use" in mask.with_suffix(".json").read_text()


def test_a_mask_of_an_edit_that_is_not_saved_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with edit_config(path) as edit:
        edit.set_mask("epix_1", "ROI_0", np.ones((5, 6), np.bool_), from_run=15)
    assert not list((tmp_path / "masks").iterdir())


@pytest.mark.parametrize("mask", [np.full((3, 3), 7), np.zeros((3, 3), np.bool_), np.float64(1)])
def test_what_is_no_mask_is_refused(tmp_path: Path, mask: np.ndarray) -> None:
    with edit_config(write(tmp_path, PLAIN)) as edit, pytest.raises(InputError, match="use"):
        edit.set_mask("epix_1", "ROI_0", mask, from_run=15)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("print 'python 2'\n", ":1: not valid Python 3"),
        ("detectors = ['{{ name }}'\n", "not valid Python 3"),
        (b"# -*- coding: nonsense -*-\nx = 1\n", "unknown encoding"),
        (b"x = '\xff'\n", "UTF-8"),
        ("while True: pass\n", "timeout"),
        ("import os; os._exit(3)\n", r"died \(3\)"),
    ],
)
def test_files_that_cannot_be_changed_are_refused_unchanged(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    path = write(tmp_path, text)
    before = path.read_bytes()
    with Evaluator(time_limit=1.0) as evaluator:
        from workbench.producer.editor import ConfigEdit

        with pytest.raises(CannotEditError, match=says), ConfigEdit(path, evaluator) as edit:
            edit.set_roi("epix_1", "ROI_0", [[1, 2]], from_run=1)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".prod*"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return {'epix_1': [[[1, 2], [3, 4]]]}", "older spelling"),
        ("return 1 / (run - 7)", "ZeroDivisionError"),
        ("return [1, 2]", "not a dict of detectors"),
    ],
)
def test_what_no_producer_reads_is_refused_with_the_reason(
    tmp_path: Path, body: str, says: str
) -> None:
    path = write(tmp_path, f"detectors = ['epix_1']\ndef getROIs(run):\n    {body}\n")
    with edit_config(path) as edit, pytest.raises(EditRefusedError, match=says):
        edit.set_roi("epix_1", "ROI_0", [[1, 2], [3, 4]], from_run=7)


def test_a_block_changed_by_hand_is_not_replaced(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with edit_config(path) as edit:
        edit.set_roi("epix_1", "new", [[1, 2], [3, 4]], from_run=7)
        edit.save()
    path.write_text(path.read_text().replace("[1, 2]", "[1, 22]"))
    with edit_config(path) as edit, pytest.raises(CannotEditError, match="changed by hand"):
        edit.set_roi("epix_1", "new", [[1, 3], [3, 4]], from_run=7)


def test_encoding_byte_order_mark_and_line_ends_stay(tmp_path: Path) -> None:
    for text in (
        b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
        b"# -*- coding: latin-1 -*-\n# \xb5m\n" + PLAIN.encode(),
    ):
        path = write(tmp_path, text)
        with edit_config(path) as edit:
            edit.set_roi("epix_1", "ROI_0", [[11, 20], [30, 40]], from_run=12)
            edit.save()
        assert path.read_bytes() == text.replace(b"[[10, 20]", b"[[11, 20]")


def test_undo_goes_back_edit_by_edit_but_never_over_a_change_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    path.chmod(0o664)
    versions = [path.read_bytes()]
    for high in (50, 60):
        with edit_config(path) as edit:
            edit.set_roi("epix_1", "ROI_0", [[0, high], [0, 9]], from_run=20)
            edit.save()
        versions.append(path.read_bytes())
    assert path.stat().st_mode & 0o777 == 0o664
    assert [version.user for version in history(path)] == [history(path)[0].user] * 2
    undo(path)
    assert path.read_bytes() == versions[1]
    path.write_bytes(versions[1] + b"# mine\n")
    with pytest.raises(ChangedMeanwhileError, match="changed by hand"):
        undo(path)
    path.write_bytes(versions[1])
    undo(path)
    assert path.read_bytes() == versions[0]
    with pytest.raises(EditRefusedError, match="nothing to undo"):
        undo(path)


def test_a_config_changed_since_it_was_read_is_not_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with edit_config(path) as edit:
        edit.set_roi("epix_1", "ROI_0", [[1, 2], [3, 4]], from_run=12)
        path.write_text(PLAIN + "# a colleague\n")
        with pytest.raises(ChangedMeanwhileError, match="edit again"):
            edit.save()
    assert path.read_text() == PLAIN + "# a colleague\n"


def test_two_people_editing_at_once_lose_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with mp.get_context("spawn").Pool(2) as pool:
        pool.starmap(_add_regions, [(path, "a"), (path, "b")])
    names = {entry.name for entry in ProducerConfig.load(path, 5).reductions}
    assert names == {f"{who}{number}" for who in "ab" for number in range(4)}


def _add_regions(path: Path, who: str) -> None:
    for number in range(4):
        while True:
            with edit_config(path) as edit:
                edit.set_roi("epix_1", f"{who}{number}", [[1, 2], [3, 4]], from_run=5)
                try:
                    edit.save()
                except ChangedMeanwhileError:
                    continue
            break


def test_findings_name_regions_outside_and_clashing_names(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        detectors = ['epix_1']
        def getROIs(run):
            return {'epix_1': [{'ROI': [[0, 5], [0, 5]]}, {'ROI': [[0, 6], [0, 5]]}]}
        """,
    )
    with edit_config(path) as edit:
        edit.set_roi("epix_1", "far", [[800, 900], [0, 5]], from_run=1)
        codes = [finding.code for finding in edit.findings(1, {"epix_1": (704, 768)})]
        assert sorted(codes) == ["duplicate-name", "roi-outside"]
        assert [finding.code for finding in edit.findings(1)][-1] == "not-checked"


@pytest.mark.parametrize(
    "bounds", [[[5, 5], [0, 1]], [[-1, 5], [0, 1]], [[0, 1.5], [0, 1]], [], [[1, 2, 3]]]
)
def test_regions_that_cannot_be_are_refused_at_once(tmp_path: Path, bounds: list) -> None:
    with edit_config(write(tmp_path, PLAIN)) as edit, pytest.raises(InputError):
        edit.set_roi("epix_1", "ROI_0", bounds, from_run=1)


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="nowhere"):
        edit_config(tmp_path / "nowhere.py")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_somebody_elses_config_is_refused_and_named(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    with edit_config(path) as edit:
        edit.set_roi("epix_1", "ROI_0", [[1, 2], [3, 4]], from_run=12)
        tmp_path.chmod(0o777)
        path.chmod(0o644)
        os.seteuid(65534)
        try:
            with pytest.raises(CannotWriteError, match="no permission"):
                edit.save()
        finally:
            os.seteuid(0)
    assert path.read_text() == PLAIN


def test_the_command_line_sets_shows_and_takes_back(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN)
    call = [sys.executable, "-m", "workbench", "config"]
    bounds = "[[0,1],[157,487],[294,598]]"
    options = ["--from-run", "12", "--to-run", "20", "--write-area", "--threshold", "7"]
    options += ["--new-detector"]
    run = [*call, "set-roi", str(path), "jungfrau1M", "ROI_0", bounds, *options]
    shown = subprocess.run([*run, "--dry-run"], capture_output=True, text=True, check=True)
    assert "+++ prod_config_xpp.py (after)" in shown.stdout
    assert path.read_text() == PLAIN
    subprocess.run([*run, "--json"], capture_output=True, text=True, check=True)
    entries = ProducerConfig.load(path, 20).reductions
    (roi,) = (one.reduction for one in entries if one.detector == "jungfrau1M")
    assert (roi.bounds.high, roi.area, roi.low) == ((1, 487, 598), True, 7.0)
    subprocess.run([*call, "undo", str(path)], check=True, capture_output=True)
    assert path.read_text() == PLAIN

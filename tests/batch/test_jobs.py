import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from workbench.batch import BatchItem, BatchRequest, ParameterError, find_template, run_batch
from workbench.batch.execution import NotOursError
from workbench.batch.kernel import KernelFolderError, private_folder

from .conftest import write_template

SmallData = Callable[[int], Path]


def request_for(tiny: Path, tmp_path: Path, runs: tuple[int, ...], **parameters: object):
    return BatchRequest(find_template(tiny), runs, tmp_path / "out", parameters, input=tmp_path)


def test_a_run_becomes_a_notebook_a_report_and_results(
    tiny: Path, small_data: SmallData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = small_data(3)
    before = os.umask(0o077)
    (item,) = run_batch(request_for(tiny, tmp_path, (3,), scale=2, limit=4.0))
    os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()]
    assert modes == [0o664, 0o664]  # for the whole group, whatever the umask
    assert caplog.messages == []
    assert (item.state, item.error) == ("done", "")
    assert item.results == {"scaled": {"value": 6.0, "unit": "mm", "error": 0.5}}
    assert Path(item.notebook).name == "tiny_xpplx1234_Run0003.ipynb"
    record = nbformat.read(item.notebook, as_version=4).metadata.workbench
    assert record.input.path == str(file)
    assert record.input.size == file.stat().st_size
    assert record.small_data.config_hash == "abc123"
    assert record.template.sha256 == find_template(tiny).sha256
    page = Path(item.report).read_text()
    for words in ("scaled", "6.00 ± 0.50 mm", "abc123", "A tiny template", "xpplx1234, run 3"):
        assert words in page
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "tiny_xpplx1234_Run0003.html",
        "tiny_xpplx1234_Run0003.ipynb",
    ]
    # The page needs no network and no second file.
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?!data:|#)[^"'>]+""", page)
    assert "@import" not in page
    assert len(page) < 60_000


def test_one_failed_run_stops_no_other_and_its_report_shows_the_error(
    tiny: Path, small_data: SmallData, tmp_path: Path
) -> None:
    small_data(1)
    told: list[BatchItem] = []
    items = run_batch(request_for(tiny, tmp_path, (1, 2), fail=True), progress=told.append)
    assert [item.state for item in items] == ["failed", "failed"]
    assert items[0].error == "cell 5: ValueError: no <beam> & no sample"
    page = Path(items[0].report).read_text()
    assert "no &lt;beam&gt; &amp; no sample" in page
    assert "<beam>" not in page
    assert re.search(r'<details class="code" open(="")?>', page)  # the failed cell shows its code
    assert "no small-data file of run 2" in items[1].error
    assert items[1].notebook == items[1].report == ""
    assert [item.run for item in told] == [1, 2]
    index = (tmp_path / "out" / "index.html").read_text()
    assert "tiny_xpplx1234_Run0001.html" in index
    assert re.search(r'<td colspan="\d+" class="why"><div>no small-data file of run 2 ', index)
    assert f"<p>{tmp_path}, " in index
    json.dumps([item.as_dict() for item in items])


def test_a_killed_kernel_is_recognised(tiny: Path, small_data: SmallData, tmp_path: Path) -> None:
    small_data(1)
    (item,) = run_batch(request_for(tiny, tmp_path, (1,), die=True))
    assert item.state == "failed"
    assert "kernel was killed" in item.error
    assert "kernel was killed" in Path(item.report).read_text()
    assert "scaled" in item.results  # what was published before stays
    notebook = nbformat.read(item.notebook, as_version=4)
    assert "kernel was killed" in notebook.cells[0].source


@pytest.mark.long
def test_a_crashed_interpreter_tells_its_reason(
    tiny: Path, small_data: SmallData, tmp_path: Path
) -> None:
    small_data(1)
    (item,) = run_batch(request_for(tiny, tmp_path, (1,), crash=True))
    assert "Fatal Python error" in item.error


@pytest.mark.long
def test_a_killed_worker_fails_its_items_by_name(
    tiny: Path, small_data: SmallData, tmp_path: Path
) -> None:
    small_data(1)
    small_data(2)
    request = request_for(tiny, tmp_path, (1, 2), orphan=True)
    items = run_batch(BatchRequest(**{**vars(request), "workers": 2}))
    assert [item.state for item in items] == ["failed", "failed"]
    assert all("worker process died twice" in item.error for item in items)


def test_worker_processes_give_the_same_as_this_process(
    tiny: Path, small_data: SmallData, tmp_path: Path
) -> None:
    small_data(1)
    small_data(2)
    request = request_for(tiny, tmp_path, (2, 1), scale=3)
    items = run_batch(BatchRequest(**{**vars(request), "workers": 2}))
    assert [(item.run, item.results["scaled"]["value"]) for item in items] == [(2, 6.0), (1, 3.0)]


def test_wrong_parameters_are_refused_before_anything_runs(tiny: Path, tmp_path: Path) -> None:
    for wrong in ({"scael": 1.0}, {"scale": 11.0}, {"scale": "x"}, {"run": 3}):
        with pytest.raises(ParameterError):
            BatchRequest(find_template(tiny), (1,), tmp_path / "out", wrong)
    assert not (tmp_path / "out").exists()


def test_a_notebook_that_no_batch_wrote_is_left_alone(
    tiny: Path, small_data: SmallData, tmp_path: Path
) -> None:
    small_data(1)
    mine = tmp_path / "out" / "tiny_xpplx1234_Run0001.ipynb"
    mine.parent.mkdir()
    mine.write_text("my notes")
    (item,) = run_batch(request_for(tiny, tmp_path, (1,)))
    assert item.state == "failed"
    assert "left alone" in item.error
    assert mine.read_text() == "my notes"
    assert issubclass(NotOursError, ValueError)


def test_kernels_live_in_a_private_folder_that_disappears() -> None:
    with private_folder() as place:
        assert place.folder.is_absolute()
        assert place.folder.stat().st_mode & 0o077 == 0
        place.log.write_text("x")
    assert not place.folder.exists()


def test_a_long_temporary_folder_falls_back_to_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with private_folder() as place:
        assert len(os.fsencode(place.folder)) < 90
    assert list(deep.iterdir()) == []
    assert issubclass(KernelFolderError, OSError)


def test_a_template_over_runs_is_run_once_for_all_of_them(
    small_data: SmallData, tmp_path: Path
) -> None:
    parameters = (
        'experiment: str = ""  # name\nruns: str = ""  # runs\nsmall_data: str = ""  # folder'
    )
    cells = (
        "import workbench as wb",
        "wb.publish('runs', runs)\nwb.publish('place', small_data)\nwb.publish('name', experiment)",
    )
    several = write_template(tmp_path / "several.ipynb", parameters, cells, "Several")
    small_data(1)
    small_data(3)
    told: list[BatchItem] = []
    (item,) = run_batch(request_for(several, tmp_path, (1, 2, 3)), progress=told.append)
    assert (item.state, item.runs, item.label) == ("done", (1, 2, 3), "runs 1-3")
    assert told == [item]
    values = {name: result["value"] for name, result in item.results.items()}
    assert values == {"runs": "1-3", "place": str(tmp_path), "name": "xpplx1234"}
    assert Path(item.notebook).name == "several_xpplx1234_Run0001-0003.ipynb"
    assert "xpplx1234, runs 1-3, several" in Path(item.report).read_text()
    (lacking,) = run_batch(request_for(several, tmp_path, (7, 8)))
    assert (lacking.state, lacking.runs) == ("failed", (7, 8))
    assert "no small-data file of run 7" in lacking.error

"""The templates that ship, run as a user would run them."""

import fcntl
import os
import pickle
import re
from pathlib import Path

import nbformat
import pytest

from workbench.batch import BatchItem, BatchRequest, find_template, run_batch
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BatchItem]:
    """The reports, made once for all processes that share the tests."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "templates.pickle"
    with (shared / "templates.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(pickle.dumps(make_reports(tmp_path_factory.mktemp("templates"))))
    found: dict[str, BatchItem] = pickle.loads(made.read_bytes())
    return found


def make_reports(folder: Path) -> dict[str, BatchItem]:
    spec = PumpProbe(n_events=3000)
    write_small_data(spec, folder)
    real = write_small_data(PumpProbe(n_events=3000, run=2), folder)
    real.with_name(f"{real.stem}.truth.json").unlink()
    items = {}
    for name, runs in (("run_summary", (1,)), ("delay_scan", (1, 2))):
        request = BatchRequest(find_template(name), runs, folder / "out", input=folder, workers=2)
        for item in run_batch(request):
            items[f"{name} {item.run}"] = item
    return items


def outputs(item: BatchItem) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(item.notebook, as_version=4)
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def test_templates_run_without_a_word_on_stderr(reports: dict[str, BatchItem]) -> None:
    for item in reports.values():
        assert (item.state, item.error) == ("done", "")
        assert not [output for output in outputs(item) if output.output_type == "stream"]


def test_the_delay_scan_finds_what_was_planted(reports: dict[str, BatchItem]) -> None:
    found = reports["delay_scan 1"].results
    planted = {"t0": (0.15, "ps"), "tau": (0.7, "ps"), "amplitude": (0.3, "1")}
    for name, (value, unit) in planted.items():
        result = found[name]
        assert result["unit"] == unit
        assert abs(result["value"] - value) <= 3 * result["error"], name
        assert result["error"] < 0.1 * value
    assert found["fit_state"]["value"] == "converged"


def test_a_verdict_stands_in_the_report_only_where_the_truth_is_known(
    reports: dict[str, BatchItem],
) -> None:
    made_up = Path(reports["delay_scan 1"].report).read_text()
    real = Path(reports["delay_scan 2"].report).read_text()
    assert "within 3 errors" in made_up
    assert "within 3 errors" not in real
    assert ">verdict<" in made_up
    assert ">verdict<" not in real


def test_reports_show_their_thresholds_and_their_pictures(reports: dict[str, BatchItem]) -> None:
    page = Path(reports["delay_scan 1"].report).read_text()
    for words in ("tt_ampl_low", "0.005", "lowest amplitude of the time-tool edge", "bin_width"):
        assert words in page
    assert "the pump arrives before the X-rays" in page
    summary = Path(reports["run_summary 1"].report).read_text()
    assert len(re.findall(r'<img[^>]*src="data:image/png;base64,', summary)) == 9
    assert all(f'alt="{words}' in summary for words in ("Presence of each", "Histograms of"))


def test_run_numbers_of_events_are_harvested(reports: dict[str, BatchItem]) -> None:
    results = reports["run_summary 1"].results
    assert results["events_all"]["value"] == 3000
    total = sum(results[f"events_{name}"]["value"] for name in ("on", "off", "dark"))
    assert total == 3000


def test_several_runs_get_an_index(reports: dict[str, BatchItem]) -> None:
    page = (Path(reports["delay_scan 1"].report).parent / "index.html").read_text()
    assert "delay_scan_xppsyn0126_Run0002.html" in page
    assert "<th>t0</th>" in page

"""Commands around a new experiment, as a user calls them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from workbench.cli.app import app
from workbench.core.errors import InputError, UnknownNameError

EXPERIMENT = "sdf/data/lcls/ds/xpp/xpplx1234"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_SITE_ROOT", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_DATA_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / EXPERIMENT).mkdir(parents=True)
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_an_experiment_is_planned_made_and_left_alone(root: Path) -> None:
    planned = call("new", "xpplx1234", "--dry-run")
    assert "results/workbench/notebooks/delay_scan.ipynb" in planned.output
    assert "would be made" in planned.output
    assert "of 10,000 files" in planned.output
    assert not (root / EXPERIMENT / "results").exists()
    assert call("new", "xpplx1234").exit_code == 0
    assert "nothing was changed" in call("new", "xpplx1234").output
    plain = json.loads(call("new", "xpplx1234", "--json").output)
    assert (plain["new_files"], plain["quota"]["files"]) == (0, len(plain["files"]))
    assert set(plain["files"].values()) == {"there"}
    assert "up to date" in call("update", "xpplx1234").output
    assert json.loads(call("quota", "xpplx1234", "--json").output)["state"] == "fine"


def test_a_local_experiment_is_made_below_a_folder_of_ones_own(root: Path) -> None:
    made = call("new", "meclx1234", "--site", "local", "--template", "run_summary")
    assert f"export WORKBENCH_DATA_ROOT={root}" in made.output
    assert (root / "mec/meclx1234/results/workbench/notebooks/run_summary.ipynb").is_file()
    alike = call("new", "meclx1243", "--site", "local", "--dry-run")
    assert "there is also meclx1234" in alike.stderr


def test_a_slip_in_the_name_is_refused_with_the_right_one(root: Path) -> None:
    result = call("new", "xpplx1243")
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean xpplx1234" in str(result.exception)
    words = ("new", "xpplx1335", "--site", "local", "--root", str((root / EXPERIMENT).parents[1]))
    result = call(*words, "--from", "xpplx1243")
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean xpplx1234" in str(result.exception)
    assert call(*words, "--from", "xpplx1234", "--template", "delay_scan").exit_code == 2
    assert not (root / EXPERIMENT).with_name("xpplx1335").exists()


def test_links_are_made_shown_and_named_where_kept(root: Path) -> None:
    (root / "home").mkdir()
    words = ("link", "xpplx1234", "--home", str(root / "home"))
    assert call(*words, "--dry-run").output.startswith("make ")
    assert not list((root / "home").iterdir())
    assert call(*words).exit_code == 0
    assert json.loads(call(*words, "--json").output)[0]["state"] == "there"
    (root / "home" / "xpplx1234").unlink()
    (root / "home" / "xpplx1234").write_text("mine")
    kept = call(*words)
    assert (kept.exit_code, "of yours" in kept.output) == (3, True)


def test_templates_are_listed_shown_and_copied(root: Path) -> None:
    names = [one["name"] for one in json.loads(call("templates", "list", "--json").output)]
    assert {"common/run_summary", "xpp/delay_scan"} <= set(names)
    listed = call("templates", "list").output.splitlines()
    start = max(map(len, names)) + 2
    assert all(line[start - 2 : start] == "  " and line[start] != " " for line in listed)
    assert "[ps]  width of a delay bin" in call("templates", "show", "delay_scan").output
    made = call("templates", "copy", "delay_scan", "mine.ipynb", "--experiment", "xpplx1234")
    assert made.output.strip() == "mine.ipynb"
    assert "0 of them no copies" in call("update").output
    Path("mine.ipynb").write_text("{")
    broken = call("update", "mine.ipynb", "--diff")
    assert (broken.exit_code, "not readable" in broken.output) == (3, True)


def test_a_made_up_run_is_for_a_tree_of_ones_own(root: Path) -> None:
    result = call("new", "xpplx1234", "--made-up")
    assert isinstance(result.exception, InputError)
    assert "--site local" in str(result.exception)
    planned = call("new", "xcslx1234", "--site", "local", "--made-up", "--dry-run")
    assert planned.output.strip().endswith("-p signal=epix_2/signal_sum")
    assert not (root / "xcs").exists()


def test_reports_of_an_experiment_go_to_its_scratch_where_nothing_else_is_said(root: Path) -> None:
    words = ("batch", "run_summary", "--runs", "5")
    assert "--output FOLDER" in str(call(*words).exception)
    assert call(*words, "--experiment", "xpplx1234").exit_code == 1  # it has no run 5
    assert not (root / EXPERIMENT / "scratch").exists()

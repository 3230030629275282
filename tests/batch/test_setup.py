"""Setting an experiment up, on made-up site trees and by several users."""

import json
import os
import pickle
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.producer.conftest import write_made_run
from workbench.batch import Template
from workbench.batch.catalogue import read_template, template_root
from workbench.batch.copies import plan_update, write_update
from workbench.batch.notebooks import notebook_text, read_notebook
from workbench.batch.setup import (
    Made,
    QuotaExceededError,
    choose_templates,
    make_plan,
    plan_experiment,
    plan_successor,
)
from workbench.cli.app import app
from workbench.core.atomic import CannotWriteError
from workbench.core.errors import InputError
from workbench.facility import ExperimentPlaces, all_sites, find_experiment
from workbench.facility.sites import NoAccessError
from workbench.producer import ProducerConfig, ProduceRequest, produce
from workbench.runs.experiment.reading import read_experiment_file
from workbench.smalldata import open_file
from workbench.smalldata.facility_style import write_lcls1, write_lcls2

TREES = {"s3df": "sdf/data/lcls/ds", "ffb": "cds/data/drpsrcf", "psdm": "cds/data/psdm"}
GROUP, ANNA, BERT = 20_010, 20_001, 20_002
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tree of sites that any user can look into, unlike pytest's own folders."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("WORKBENCH_SITE_ROOT", folder)
        monkeypatch.delenv("WORKBENCH_DATA_ROOT", raising=False)
        yield Path(folder)


def experiment(root: Path, name: str = "xpplx1234", tree: str = "s3df") -> ExperimentPlaces:
    folder = root / TREES[tree] / name[:3] / name
    folder.mkdir(parents=True, exist_ok=True)
    return find_experiment(name, tree)


def for_group(folder: Path) -> None:
    """As the facility makes experiment folders: of the experiment's group, for all of it."""
    os.chown(folder, 0, GROUP)
    folder.chmod(0o2775)


def as_user(user: int, work: Callable[[], Any], umask: int = 0o077) -> Any:
    """Do it in a forked process with the rights of a user of the group; hand its outcome back."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([GROUP])
            os.setgid(user)
            os.setuid(user)
            os.umask(umask)
            try:
                outcome = work()
            except Exception as error:  # noqa: BLE001  handed to the parent, raised there
                outcome = error
            os.write(writing, pickle.dumps(outcome))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    outcome = pickle.loads(content)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def set_up(places: ExperimentPlaces, templates: list[Template]) -> Made:
    return make_plan(plan_experiment(places, templates))


def contents(folder: Path) -> dict[str, tuple[bytes, int, int, int]]:
    """Return content, time, mode and owner of each file."""
    stats = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {
        str(path): (path.read_bytes(), one.st_mtime_ns, one.st_mode, one.st_uid)
        for path, one in stats.items()
    }


@pytest.mark.parametrize(
    ("name", "tree", "generations"),
    [
        ("xpplx1234", "s3df", ("lcls1", "lcls2")),
        ("xcslx1234", "psdm", ("lcls1",)),
        ("meclx1234", "ffb", ("lcls1",)),
    ],
)
def test_called_twice_it_changes_nothing(
    root: Path, name: str, tree: str, generations: tuple[str, ...]
) -> None:
    places = experiment(root, name, tree)
    templates = choose_templates(places.hutch)
    assert not places.results.exists()
    made = set_up(places, templates)
    assert plan_experiment(places, templates).generation.names == generations
    before = contents(root)
    assert len(before) == len(made.files) <= 40
    assert set_up(places, templates).nothing
    assert contents(root) == before
    assert "drpsrcf" not in str(places.results)
    for generation in generations:
        config = places.results / f"workbench/config/{generation}/prod_config_{name[:3]}.py"
        assert str(config) in before
    assert read_experiment_file(places.results / "experiment.toml").table.experiment == name


def test_raw_files_decide_the_generation(root: Path) -> None:
    places = experiment(root)
    places.raw.mkdir()
    (places.raw / "xpplx1234-r0001-s000-c000.xtc2").touch()
    plan = plan_experiment(places, [])
    assert plan.generation.names == ("lcls2",)
    assert "raw files" in plan.generation.why


def small_data(
    places: ExperimentPlaces, run: int, generation: str, folder: str = "", of: str = ""
) -> Path:
    """Write small data as the facility's own writers do, which nowhere name their generation."""
    stamps = {"lcls1": "event_time", "lcls2": "timestamp"}[generation]
    write = {"lcls1": write_lcls1, "lcls2": write_lcls2}[generation]
    path = (
        places.folder / (folder or "hdf5/smalldata") / f"{of or places.experiment}_Run{run:04d}.h5"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {stamps: (1_600_000_000 << 32) + np.arange(8), "det/sum": np.arange(8.0)}
    write(path, columns, {})
    return path


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_finished_small_data_decide_the_generation(root: Path, tree: str, generation: str) -> None:
    places = experiment(root, tree=tree)
    folder = "scratch/hdf5/smalldata" if tree == "ffb" else "hdf5/smalldata"
    path = small_data(places, 12, generation, folder)
    found = plan_experiment(places, []).generation
    assert (found.names, found.findings) == ((generation,), ())
    assert found.why == f"small data such as {path.name}"
    small_data(places, 13, generation, f"{folder}/mine")  # a production of the group's own
    (places.folder / folder / "xpplx1234_Run0014.h5").write_bytes(b"half written")
    found = plan_experiment(places, []).generation
    assert found.names == (generation,)
    (told,) = found.findings
    assert (told.code, Path(told.file).name) == ("not-small-data", "xpplx1234_Run0014.h5")


@pytest.mark.parametrize("naming", ["lcls1", "lcls2"])
def test_our_own_small_data_tell_by_the_raw_files_they_were_made_of(
    root: Path, made_of_xtc2: Callable[[str, Path], None], naming: str
) -> None:
    places = experiment(root)
    made_of_xtc2(naming, places.folder / "hdf5" / "smalldata" / "workbench")
    found = plan_experiment(places, []).generation
    assert (found.names, found.findings) == (("lcls2",), ())
    with open_file(next(places.folder.rglob("*.h5"))) as file:
        assert file.generation == naming


@pytest.fixture
def made_of_xtc2(tmp_path: Path) -> Callable[[str, Path], None]:
    """Produce a small LCLS-II run, with names of either generation."""

    def make(naming: str, output: Path) -> None:
        made = write_made_run(tmp_path, events=4)
        produce(ProduceRequest("xpplx1234", 7, made.folder, output, naming=naming))

    return make


def test_files_that_contradict_each_other_are_named_and_both_configs_made(root: Path) -> None:
    places = experiment(root)
    old = small_data(places, 3, "lcls1")
    new = small_data(places, 20, "lcls2")
    for run in range(15, 20):
        small_data(places, run, "lcls2")
    plan = plan_experiment(places, [])
    assert plan.generation.names == ("lcls1", "lcls2")  # the newest run's last
    (told,) = plan.generation.findings
    assert (told.code, told.severity) == ("generations-differ", "warning")
    for name in (old.name, new.name, "move files of another one away"):
        assert name in told.message
    assert {file.path.parent.name for file in plan.new if "config" in file.path.parts} == {
        "lcls1", "lcls2",
    }  # fmt: skip
    places.raw.mkdir()
    (places.raw / "e1234-r0001-s00-c00.xtc").touch()
    found = plan_experiment(places, []).generation
    assert found.names == ("lcls2", "lcls1")  # that of the raw files last
    assert "raw files such as e1234-r0001-s00-c00.xtc of lcls1" in found.findings[0].message
    (places.raw / "xpplx1234-r0002-s000-c000.xtc2").touch()
    assert plan_experiment(places, []).generation.findings[0].count == 4


def test_small_data_of_another_experiment_decide_nothing_and_are_named(root: Path) -> None:
    places = experiment(root, "xcslx1234")
    path = small_data(places, 5, "lcls2", of="xpplx9999")
    found = plan_experiment(places, []).generation
    assert found.names == ("lcls1",)  # as at this hutch
    (told,) = found.findings
    assert (told.code, told.file) == ("other-experiment", str(path))
    assert "is of xpplx9999, not of xcslx1234: move it" in told.message
    done = CliRunner().invoke(app, ["new", "xcslx1234", "--dry-run"])
    assert "[other-experiment]" in done.stdout
    assert "no data that can be used; XCS" in done.stdout
    plain = CliRunner().invoke(app, ["new", "xcslx1234", "--dry-run", "--json"])
    assert json.loads(plain.stdout)["findings"][0]["code"] == "other-experiment"


def test_files_of_users_are_kept_and_named(root: Path) -> None:
    places = experiment(root)
    own = places.results / "workbench" / "notebooks" / "delay_scan.ipynb"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    notes = places.results / "experiment.toml"
    notes.symlink_to("gone")
    producer = places.results / "smalldata_tools" / "lcls2_producers" / "prod_config_xpp.py"
    producer.parent.mkdir(parents=True)
    producer.write_text("detectors = []\n")
    plan = plan_experiment(places, choose_templates("xpp"))
    states = {file.path: str(state) for file, state in plan.files}
    assert (states[own], states[notes]) == ("yours, kept", "blocked")
    assert any(str(producer) in note for note in plan.notes)
    make_plan(plan)
    assert own.read_text() == "mine"
    assert notes.is_symlink()
    assert producer.read_text() == "detectors = []\n"


def test_a_plan_writes_nothing_and_says_what_it_would_use(root: Path) -> None:
    places = experiment(root)
    plan = plan_experiment(places, choose_templates("xpp"))
    assert list(root.rglob("*.ipynb")) == []
    make_plan(plan)
    found = [path for path in places.results.rglob("*") if path.is_file()]
    assert plan.forecast.usage.files == len(found) == len(plan.new)
    assert plan.forecast.usage.bytes == sum(path.stat().st_size for path in found) == plan.size


def test_ten_thousand_files_are_the_end(root: Path) -> None:
    places = experiment(root)
    needed = len(plan_experiment(places, []).new)
    many = places.results / "many"
    many.mkdir(parents=True)
    for number in range(10_000 - needed + 1):
        (many / str(number)).touch()
    with pytest.raises(QuotaExceededError, match=r"10,001 of 10,000 files .* nothing was made"):
        set_up(places, [])
    assert [path.name for path in places.results.iterdir()] == ["many"]
    (many / "0").unlink()
    plan = plan_experiment(places, [])
    assert plan.forecast.usage.files == 10_000
    assert any("many has 9,99" in note and "scratch" in note for note in plan.notes)
    make_plan(plan)
    assert sum(path.is_file() for path in places.results.rglob("*")) == 10_000


@as_root
@pytest.mark.parametrize(
    ("first", "tree"), [(0, "s3df"), (ANNA, "s3df"), (0, "psdm"), (ANNA, "psdm"), (ANNA, "ffb")]
)
def test_users_of_one_group_replace_each_others_files(root: Path, first: int, tree: str) -> None:
    templates = [copied(root, name) for name in ("common/run_summary", "xpp/delay_scan")]
    places = experiment(root, tree=tree)
    places.results.parent.mkdir(parents=True, exist_ok=True)
    for_group(places.folder)
    for_group(places.results.parent)
    plan_experiment(places, templates)  # loads here what the others may not be able to read
    made: Made = set_up(places, templates) if first == 0 else as_user(
        first, lambda: set_up(places, templates)
    )  # fmt: skip
    assert len(made.files) == 6
    before = contents(places.results.parent)
    made_here = {*places.folder.rglob("*"), *places.results.parent.rglob("*")}
    assert made_here
    for path in made_here:
        status = path.stat()
        wanted = 0o2775 if path.is_dir() else 0o664
        assert (stat.S_IMODE(status.st_mode), status.st_gid) == (wanted, GROUP), path
    assert as_user(BERT, lambda: set_up(places, templates)).nothing
    assert contents(places.results.parent) == before
    notebook = places.results / "workbench" / "notebooks" / "delay_scan.ipynb"
    for number, user in enumerate((BERT, ANNA, BERT)):
        newer(templates[1], f"Version {number}")
        as_user(user, lambda: write_update(plan_update(notebook)))
        status = notebook.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (user, GROUP, 0o664)
        assert f"Version {number}" in notebook.read_text()
        assert '"xpplx1234"' in read_notebook(notebook).cells[1].source


@as_root
def test_a_file_that_shuts_the_group_out_is_mended_by_its_owner_and_named_to_others(
    root: Path,
) -> None:
    places = experiment(root)
    for_group(places.folder)
    plan_experiment(places, [])
    as_user(ANNA, lambda: set_up(places, []))
    readme = places.results / "workbench" / "README.md"
    readme.chmod(0o600)
    seen: Made = as_user(BERT, lambda: set_up(places, []))
    assert len(seen.refused) == 1
    assert f"ask user {ANNA} to call chmod g+rwX,o+rX {readme}" in seen.refused[0]
    assert as_user(ANNA, lambda: set_up(places, [])).mended == (readme,)
    assert readme.stat().st_mode & 0o777 == 0o664


@as_root
def test_a_results_folder_that_may_not_be_written_is_refused_with_the_way_out(root: Path) -> None:
    places = experiment(root)
    places.results.mkdir()
    places.results.chmod(0o755)
    plan_experiment(places, [])
    with pytest.raises(
        CannotWriteError, match=r"folder .*/results/workbench: Permission denied.*ask"
    ):
        as_user(ANNA, lambda: set_up(places, []))
    assert list(places.results.iterdir()) == []


@as_root
def test_an_experiment_of_another_group_is_refused_with_the_way_out(root: Path) -> None:
    experiment(root).folder.chmod(0o700)
    with pytest.raises(NoAccessError, match="ask the experiment's spokesperson"):
        as_user(ANNA, lambda: find_experiment("xpplx1234"))


def copied(root: Path, name: str) -> Template:
    """A template in a folder of the group, which all may read and a test may change."""
    folder = root / "templates"
    folder.mkdir(exist_ok=True)
    path = Path(shutil.copy(template_root() / f"{name}.ipynb", folder))
    path.chmod(0o644)
    return read_template(path, folder)


def newer(template: Template, title: str) -> None:
    notebook = read_notebook(template.path)
    notebook.cells[0].source = f"# {title}"
    template.path.write_text(notebook_text(notebook))


NOTES = """version = 1
experiment = "xpplx1234"

[roles]
i0 = ["diodeU/channels[2]"]

[delay]
t0 = 0.4

[[runs]]
first = 100
[runs.roles]
i0 = ["ipm3/sum"]

[good]
tt_width = [60, 200]
"""
CONFIG = """detectors = ["epix_1"]


def getROIs(run):
    rois = {"epix_1": [{"name": "ROI_0", "ROI": [[0, 10], [0, 10]]}]}
    if run > 20:
        rois["epix_1"][0]["ROI"] = [[0, 20], [0, 20]]
    return rois
"""


@pytest.fixture
def used(root: Path) -> ExperimentPlaces:
    """An experiment whose group has worked."""
    places = experiment(root)
    set_up(places, choose_templates("xpp", ["delay_scan"]))
    (places.results / "experiment.toml").write_text(NOTES)
    (places.results / "workbench/config/lcls2/prod_config_xpp.py").write_text(CONFIG)
    path = places.results / "workbench" / "notebooks" / "delay_scan.ipynb"
    notebook = read_notebook(path)
    notebook.cells[2].source += "\nmine = 1"
    notebook.cells[-1].source += '\nold = "xpplx1234"'
    path.write_text(notebook_text(notebook))
    return places


def test_the_next_experiment_takes_notebooks_regions_and_roles_over(
    root: Path, used: ExperimentPlaces
) -> None:
    after = experiment(root, "xpplx1335")
    taken = plan_successor(used, after)
    make_plan(taken.plan)
    path = after.results / "workbench" / "notebooks" / "delay_scan.ipynb"
    notebook = read_notebook(path)
    assert 'experiment: str = "xpplx1335"' in notebook.cells[1].source
    assert notebook.cells[2].source.endswith("mine = 1")
    assert plan_update(path).state == "up to date"
    config = after.results / "workbench/config/lcls2/prod_config_xpp.py"
    assert len(ProducerConfig.load(config, 1).reductions) == 1
    setup = read_experiment_file(after.results / "experiment.toml").setup(150)
    assert setup.roles["i0"] == ("diodeU/channels[2]",)  # the run range counted other runs
    assert setup.good["tt_width"] == (60, 200)
    codes = [finding.code for finding in taken.findings]
    assert sorted(codes) == ["measured-before", "not-checked", "other-experiment", "run-numbers",
                             "run-numbers"]  # fmt: skip
    lines = [finding.line for finding in taken.findings if finding.code == "run-numbers"]
    assert CONFIG.split("\n")[max(lines) - 1] == "    if run > 20:"
    assert make_plan(plan_successor(used, after).plan).nothing


def test_what_cannot_be_taken_over_is_refused(root: Path, used: ExperimentPlaces) -> None:
    with pytest.raises(InputError, match="is of xpp, xcslx1234 of xcs"):
        plan_successor(used, experiment(root, "xcslx1234"))
    empty = experiment(root, "xpplx1111")
    with pytest.raises(InputError, match="nothing to take over"):
        plan_successor(empty, used)
    with pytest.raises(InputError, match="cannot take over from itself"):
        plan_successor(used, used)


def test_opening_lines_that_name_the_experiment_name_the_next_one(root: Path) -> None:
    before, after = experiment(root), experiment(root, "xpplx1335")
    set_up(before, choose_templates("xpp", ["delay_scan"]))
    make_plan(plan_successor(before, after).plan)
    texts = [path.read_text() for path in sorted(after.results.rglob("*.*")) if path.is_file()]
    assert len(texts) >= 4
    assert [text for text in texts if "xpplx1234" in text] == []


def test_every_site_is_below_the_root(root: Path) -> None:
    assert all(site.folder.startswith(str(root)) for site in all_sites())

"""Files kept beside a config, edits planned again, and what the command line says and refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.core.errors import InputError
from workbench.producer import ProducerConfig
from workbench.producer.editor import ChangedMeanwhileError, edit_config, reproduce_command

PLAIN = """\
detectors = ['epix_1']
def getROIs(run):
    ret = {}
    ret['epix_1'] = [{'name': 'ROI_0', 'ROI': [[10, 20], [30, 40]]}]
    return ret
"""
PONI = (
    "poni_version: 2\nDetector: Detector\n"
    'Detector_config: {"pixel1": 5e-05, "pixel2": 5e-05}\n'
    "Distance: 0.1\nPoni1: 0.02\nPoni2: 0.03\n"
    "Rot1: 0.0\nRot2: 0.0\nRot3: 0.0\nWavelength: 1e-10\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "prod_config_xpp.py"
    path.write_text(PLAIN)
    return path


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["config", *map(str, arguments)])
    return result.exit_code, result.stdout


def test_a_change_is_planned_again_on_what_a_colleague_wrote(config: Path) -> None:
    with edit_config(config) as edit:
        edit.set_roi("epix_1", "ROI_0", [[11, 20], [30, 40]], from_run=0)
        config.write_text(PLAIN + "# a colleague\n")
        with pytest.raises(ChangedMeanwhileError):
            edit.save()
        assert "+    ret['epix_1'] = [{'name': 'ROI_0', 'ROI': [[11, 20]" in edit.replanned()
        assert edit.save()
    assert config.read_text() == PLAIN.replace("[10,", "[11,") + "# a colleague\n"


def test_a_geometry_file_of_pyfai_is_kept_beside_the_config(config: Path) -> None:
    given = config.with_name("mine.poni")
    given.write_text(PONI)
    code, _ = call("set-azav", config, "epix_1", "--from-run", 5, "--poni", given)
    assert code == 0
    (kept,) = (config.parent / "poni").glob("*.poni")
    assert kept.read_text() == PONI
    assert json.loads(kept.with_suffix(".json").read_text())["from"] == str(given)
    module: dict = {"__file__": str(config)}
    exec(config.read_text(), module)
    assert module["get_azav_pyfai"](5) == {"epix_1": {"poni_file": str(kept)}}
    assert module["get_azav_pyfai"](4) == {}


def test_bins_of_an_average_by_a_geometry_file_are_those_that_the_producer_takes(
    config: Path,
) -> None:
    given = config.with_name("mine.poni")
    given.write_text(PONI)
    for first, options, entry in (
        (5, ("--bins", 300), {"npts": 300}),
        (9, ("--bins", 80, "--phi-bins", 12), {"npts": 80, "npts_az": 12, "return2d": True}),
        (12, ("--phi-bins", 1), {"npts": 80, "npts_az": 12, "return2d": False}),
    ):
        call("set-azav", config, "epix_1", "--from-run", first, "--poni", given, *options)
        with edit_config(config) as edit:
            found = dict(edit.entries(first, "pyfai")["epix_1"])
        assert found.pop("poni_file").endswith(".poni")
        assert found == entry
        (read,) = (
            one for one in ProducerConfig.load(config, first).reductions if one.name == "pyfai"
        )
        assert read.reduction.bins == (entry.get("npts_az", 360), entry["npts"])
        assert read.reduction.curve == (first == 12)
    before = config.read_text()
    for options in (("--bins", 0), ("--bins", 10**6), ("--phi-bins", 0)):
        arguments = ("set-azav", config, "epix_1", "--from-run", 15, "--poni", given, *options)
        result = CliRunner().invoke(app, ["config", *map(str, arguments)])
        assert isinstance(result.exception, InputError)
        assert "give a number from 1 to 100000" in str(result.exception)
    assert config.read_text() == before


def test_what_is_no_geometry_file_is_refused(config: Path) -> None:
    with edit_config(config) as edit, pytest.raises(InputError, match="distance is missing"):
        edit.set_poni("epix_1", config, from_run=5)
    assert not (config.parent / "poni").exists()


def test_a_mask_that_another_edit_saved_is_not_thrown_away(config: Path) -> None:
    good = np.ones((50, 60), np.bool_)
    with edit_config(config) as one:
        one.set_mask("epix_1", "ROI_0", good, from_run=5)
        with edit_config(config) as other:
            other.set_mask("epix_1", "ROI_0", good, from_run=7)
            other.save()
    assert len(list((config.parent / "masks").glob("*.npy"))) == 1


def test_the_command_to_produce_again_names_the_runs_of_the_range_that_there_are(
    tmp_path: Path,
) -> None:
    for run in (11, 12, 13, 20):
        (tmp_path / f"xpplx1234-r{run:04d}-s000-c000.xtc2").touch()
    assert reproduce_command("c.py", 13, 19, xtc=tmp_path) == (
        f"workbench produce --experiment xpplx1234 --run 13 --xtc {tmp_path} "
        "--config c.py --replace"
    )
    assert reproduce_command("c.py", 12, xtc=tmp_path).startswith("for run in 12 13 20; do ")
    assert "--run RUN --xtc XTC" in reproduce_command("c.py", 12)


def test_a_region_outside_the_detector_is_not_written(config: Path) -> None:
    region = ("set-roi", config, "epix_1", "far", "[[0,10],[900,1000]]", "--from-run", 5)
    code, text = call(*region, "--shape", "704,768")
    assert code == 1
    assert "[roi-outside]" in text
    assert config.read_text() == PLAIN
    code, text = call(*region, "--shape", "704,1024", "--json")
    assert (code, json.loads(text)["saved"]) == (0, True)


def test_a_mask_of_another_shape_is_refused_and_an_inverted_one_is_asked_about(
    config: Path, tmp_path: Path
) -> None:
    good = np.ones((40, 50), np.bool_)
    good[3, 4:9] = False
    np.save(tmp_path / "good.npy", good)
    np.save(tmp_path / "turned.npy", good.T)
    np.save(tmp_path / "inverted.npy", ~good)
    mask = ("set-mask", config, "epix_1", "ROI_0")
    turned = [*mask, tmp_path / "turned.npy", "--from-run", 5, "--shape", "40,50"]
    refused = CliRunner().invoke(app, ["config", *map(str, turned)])
    assert refused.exit_code == 1
    assert "turned.npy has shape (50, 40), the detector needs (40, 50)" in str(refused.exception)
    assert config.read_text() == PLAIN
    with edit_config(config) as edit, pytest.raises(InputError, match=r"the mask has shape"):
        edit.set_mask("epix_1", "ROI_0", good.T, shape=good.shape, from_run=5)
    code, text = call(*mask, tmp_path / "inverted.npy", "--from-run", 5, "--dry-run")
    assert code == 0
    assert "[mask-leaves-few]" in text
    assert "1 means use" in " ".join(text.split())
    code, text = call(*mask, tmp_path / "good.npy", "--from-run", 5, "--shape", "40,50")
    assert code == 0
    assert "mask-leaves-few" not in text


def test_undo_shows_first_what_it_would_do(config: Path) -> None:
    call("set-roi", config, "epix_1", "ROI_0", "[[1,2],[3,4]]", "--from-run", 0)
    edited = config.read_text()
    code, text = call("undo", config, "--dry-run", "--json")
    assert code == 0
    assert "[[10, 20], [30, 40]]" in json.loads(text)["diff"]
    assert config.read_text() == edited
    assert call("undo", config)[0] == 0
    assert config.read_text() == PLAIN


@pytest.mark.parametrize(
    "arguments",
    [
        ("set-azav", "FILE", "epix_1", "--from-run", "5", "--center", "1"),
        ("set-azav", "FILE", "epix_1", "--from-run", "5", "--center", "1,2", "--poni", "x.poni"),
        ("set-azav", "FILE", "epix_1", "--from-run", "5", "--q-bin", "0.1", "--poni", "x.poni"),
        ("set-azav", "FILE", "epix_1", "--from-run", "5", "--bins", "100"),
        ("set-roi", "FILE", "epix_1", "ROI_0", "[[1,2", "--from-run", "5"),
        ("set-roi", "FILE", "epix_1", "ROI_0", "[[1,2]]", "--from-run", "5", "--shape", "a"),
        ("remove", "FILE", "epix_1", "ROI_0", "--from-run", "5", "--kind", "mask"),
        ("set-azav", "FILE", "epix_1", "--from-run", "5"),
    ],
)
def test_wrong_usage_ends_with_2(config: Path, arguments: tuple[str, ...]) -> None:
    given = [str(config) if argument == "FILE" else argument for argument in arguments]
    assert call(*given)[0] == 2
    assert config.read_text() == PLAIN


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ("[[1,2],3,4]", "give [low, high] per axis, as [[157, 487], [294, 598]]"),
        ("7", "give [low, high] per axis"),
        ("[[1,2],['a','b']]", "bounds of a region are whole pixels"),
        ("[[1,2],[5,5]]", "holds no pixel"),
    ],
)
def test_bounds_that_are_none_say_what_to_type(config: Path, bounds: str, says: str) -> None:
    arguments = ["config", "set-roi", str(config), "epix_1", "new", bounds, "--from-run", "5"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, InputError)
    assert says in str(result.exception)
    assert config.read_text() == PLAIN


def test_a_region_that_reaches_beyond_the_detector_is_told(config: Path) -> None:
    two = PLAIN.replace("return ret", "ret['other'] = [{'ROI': [[1, 2], [3, 4]]}]\n    return ret")
    config.write_text(two)
    arguments = ("set-roi", config, "epix_1", "new", "--from-run", 5, "--json")
    beyond, far = ((*arguments, f"[[1,20],[3,{end}]]") for end in (400, "1000000"))
    code, text = call(*beyond, "--shape", "50,60", "--dry-run")
    assert code == 0
    (told,) = json.loads(text)["findings"]  # nothing of the other detector
    assert (told["code"], told["field"]) == ("roi-cut-off", "epix_1")
    assert "new: region [[1, 20], [3, 400]] reaches beyond the detector" in told["message"]
    _, text = call(*far, "--shape", "50,60", "--dry-run")
    assert json.loads(text)["findings"] == []  # up to its end, as configs write it
    _, text = call(*beyond, "--dry-run")
    assert [one["code"] for one in json.loads(text)["findings"]] == ["not-checked"]


def test_what_is_not_there_is_not_removed_and_gets_no_mask_unnoticed(
    config: Path, tmp_path: Path
) -> None:
    _, text = call("remove", config, "epix_1", "ROI_7", "--from-run", 5, "--to-run", 9)
    assert "the config has no 'ROI_7' of epix_1 in runs 5 to 9; nothing was written" in text
    np.save(tmp_path / "good.npy", np.eye(50) == 0)
    np.savetxt(tmp_path / "good.txt", np.eye(50) == 0, fmt="%d")
    mask = ("set-mask", config, "epix_1", "ROI_7", tmp_path / "good.npy", "--from-run", 5)
    _, text = call(*mask, "--json", "--dry-run")
    (new,) = (one for one in json.loads(text)["findings"] if one["code"] == "new-entry")
    assert "epix_1 has no 'ROI_7' in run 5 (it has ROI_0)" in new["message"]
    with edit_config(config) as edit:
        edit.set_mask("epix_1", "azav", np.eye(50) == 0, function="azav", from_run=5)
        (new,) = (one for one in edit.findings(5) if one.code == "new-entry")
        assert "no 'azav' in run 5: an entry with nothing but the mask is made" in str(new)
        with pytest.raises(InputError, match=r"only .npy files tell their shape.*--shape"):
            edit.set_mask("epix_1", "ROI_0", tmp_path / "good.txt", from_run=5)
    with edit_config(config) as edit:
        edit.set_azav("epix_1", dis_to_sam=90.0, center=[1, 2], eBeam=9.5, from_run=5)
        edit.set_mask("epix_1", "azav", np.eye(50) == 0, function="azav", from_run=5)
        assert not [one for one in edit.findings(5) if one.code == "new-entry"]
    assert config.read_text() == PLAIN
    assert not list(config.parent.glob("masks/*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_read_only_folder_is_refused_with_the_way_out(config: Path) -> None:
    config.parent.chmod(0o755)
    script = (
        "import os, sys\n"
        "from workbench.producer.editor import edit_config\n"
        "from workbench.core.errors import WorkbenchError\n"
        "edit = edit_config(sys.argv[1])\n"
        "edit.set_roi('epix_1', 'new', [[1, 2], [3, 4]], from_run=3)\n"
        "os.seteuid(65534)\n"
        "try:\n    edit.save()\nexcept WorkbenchError as error:\n    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(config)], capture_output=True, text=True, check=True
    )
    assert "ask its owner, or edit a copy (nothing was changed)" in ran.stdout
    assert config.read_text() == PLAIN

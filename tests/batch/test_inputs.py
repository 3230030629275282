from pathlib import Path

import pytest

from workbench.batch.inputs import experiment_of, input_file
from workbench.core.errors import InputError, NotThereError
from workbench.core.run_numbers import parse_runs, runs_text


@pytest.mark.parametrize(
    ("text", "runs"),
    [("14", (14,)), ("1-3", (1, 2, 3)), ("1,4-6", (1, 4, 5, 6)), (" 2 , 2-3", (2, 3))],
)
def test_runs_are_read_in_order_and_once(text: str, runs: tuple[int, ...]) -> None:
    assert parse_runs(text) == runs
    assert parse_runs(runs_text(runs)) == runs


@pytest.mark.parametrize("text", ["", "a", "3-1", "0", "1-", "-3", "1..3", "1-99999999"])
def test_runs_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="runs"):
        parse_runs(text)


@pytest.mark.parametrize(
    "name", ["xpplx1234_Run0014.h5", "xpplx1234_Run14.h5", "xpplx1234_Run014.h5"]
)
def test_a_run_is_found_by_the_number_in_the_file_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "xpplx1234_Run0140.h5").touch()
    found = input_file(14, folder=tmp_path, experiment="")
    assert found.name == name
    assert experiment_of(found) == "xpplx1234"


def test_an_experiment_folder_is_searched_where_small_data_live(tmp_path: Path) -> None:
    folder = tmp_path / "xpplx1234" / "hdf5" / "smalldata" / "workbench"
    folder.mkdir(parents=True)
    (folder / "xpplx1234_Run0003.h5").touch()
    found = input_file(3, folder=None, experiment=str(tmp_path / "xpplx1234"))
    assert found == folder / "xpplx1234_Run0003.h5"


def test_a_missing_run_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match=r"run 7 in .*produce it first"):
        input_file(7, folder=tmp_path, experiment="")
    with pytest.raises(NotThereError, match="no folder"):
        input_file(7, folder=tmp_path / "nowhere", experiment="")


def test_one_file_serves_only_its_own_run(tmp_path: Path) -> None:
    file = tmp_path / "xpplx1234_Run0001.h5"
    file.touch()
    assert input_file(1, folder=file, experiment="") == file
    with pytest.raises(NotThereError, match="holds run 1, not 2"):
        input_file(2, folder=file, experiment="")


def test_two_experiments_in_one_folder_need_the_experiment(tmp_path: Path) -> None:
    (tmp_path / "xppa1_Run0001.h5").touch()
    (tmp_path / "xppb1_Run0001.h5").touch()
    with pytest.raises(InputError, match="several"):
        input_file(1, folder=tmp_path, experiment="")
    assert input_file(1, folder=tmp_path, experiment="xppb1").name == "xppb1_Run0001.h5"

"""``workbench constants import``: one place to take them from, a table of what serves which run."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from workbench.cli.constants import constants
from workbench.core.errors import InputError

ASKED = ("import", "--source", "XppGon.0:Epix100a.1", "--detector", "epix_1")


def test_constants_of_a_tree_are_listed_with_the_runs_that_they_serve(tmp_path: Path) -> None:
    folder = tmp_path / "calib" / "Epix100a::CalibV1" / "XppGon.0:Epix100a.1" / "pedestals"
    folder.mkdir(parents=True)
    np.savetxt(folder / "3-end.data", np.ones((4, 5)))
    output = ("--output", str(tmp_path / "constants.h5"))
    done = CliRunner().invoke(constants, [*ASKED, *output, "--json", str(tmp_path / "calib")])
    assert done.exit_code == 0, done.output
    (entry,) = json.loads(done.stdout)["constants"]
    assert (entry["runs"], entry["detector"]) == ("3-end", "epix_1")
    assert "pedestals/3-end.data" in entry["from"]


@pytest.mark.parametrize("places", [[], ["calib", "--psana", "xpplx1234"]])
def test_constants_come_from_one_place(places: list[str], tmp_path: Path) -> None:
    output = ("--output", str(tmp_path / "constants.h5"))
    with pytest.raises(InputError, match="give the folder `calib` of an experiment, or --psana"):
        CliRunner().invoke(constants, [*ASKED, *output, *places], catch_exceptions=False)

"""Notebooks that ship are found, listed by title and copied without harm."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.shipped import PACKAGE, copy_notebook, shipped_folder, shipped_notebooks

BESIDE = PACKAGE.parent


@pytest.mark.parametrize("kind", ["templates", "notebooks"])
def test_the_wheel_takes_folders_to_where_they_are_looked_for(kind: str, tmp_path: Path) -> None:
    assert shipped_folder(kind) == BESIDE / kind  # type: ignore[arg-type]
    line = f'{kind} = "workbench/_shipped/{kind}"'
    assert line in (BESIDE / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    inside = tmp_path / "workbench" / "_shipped" / kind
    inside.mkdir(parents=True)
    assert shipped_folder(kind, tmp_path / "workbench") == inside  # type: ignore[arg-type]
    with pytest.raises(NotThereError, match="install the package again"):
        shipped_folder(kind, tmp_path / "other")  # type: ignore[arg-type]


def test_notebooks_are_listed_by_name_and_title() -> None:
    known = shipped_notebooks()
    assert known["regions"].title == "Regions: from the picture to the produced file"
    listed = CliRunner().invoke(app, ["notebooks", "list"])
    assert listed.output.splitlines() == [f"{one.name:22} {one.title}" for one in known.values()]
    plain = json.loads(CliRunner().invoke(app, ["notebooks", "list", "--json"]).output)
    assert [one["name"] for one in plain] == list(known)


def test_a_copy_is_the_users_and_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "new" / "regions.ipynb"
    made = CliRunner().invoke(
        app, ["notebooks", "copy", "regions", "--output", str(tmp_path / "new")]
    )
    assert made.output.strip() == str(target)
    assert target.read_bytes() == shipped_notebooks()["regions"].path.read_bytes()
    target.write_text("mine")
    with pytest.raises(InputError, match=r"regions.ipynb is there already.*move it away"):
        copy_notebook("regions", tmp_path / "new")
    assert target.read_text() == "mine"
    assert [path.name for path in target.parent.iterdir()] == ["regions.ipynb"]
    with pytest.raises(UnknownNameError, match="did you mean regions"):
        copy_notebook("region", tmp_path)

import pytest
from typer.testing import CliRunner

import workbench
from workbench.cli.app import app, main
from workbench.core.errors import WorkbenchError


def test_version_and_help_need_no_command() -> None:
    assert (
        CliRunner().invoke(app, ["--version"]).output.strip()
        == f"workbench {workbench.__version__}"
    )
    listed = CliRunner().invoke(app, ["--help"]).output
    assert all(name in listed for name in ("demo", "info", "check", "produce", "batch"))


def test_wrong_usage_is_exit_2() -> None:
    assert CliRunner().invoke(app, ["produce"]).exit_code == 2


def test_an_error_becomes_one_message_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise WorkbenchError("no such thing; use the other")

    monkeypatch.setattr("workbench.cli.app.app", refuse)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert capsys.readouterr().err == "workbench: no such thing; use the other\n"

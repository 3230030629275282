"""What `workbench hub-check` finds without a hub; tests/browser asks it inside of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.boards.session import (
    BOARD,
    Health,
    JupyterServer,
    _workbench_in,
    check_links,
    check_proxy,
    check_rooms,
    check_widgets,
    find_server,
)
from workbench.facility import ExperimentPlaces, find_experiment

NOBODY = JupyterServer("http://127.0.0.1:9/", "")  # the port of "discard": closed


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExperimentPlaces:
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(tmp_path))
    (tmp_path / "xpp" / "xpplx1234" / "results").mkdir(parents=True)
    return find_experiment("xpplx1234")


def test_links_that_lack_dangle_or_lead_elsewhere_are_told_with_the_command_that_helps(
    tmp_path: Path, places: ExperimentPlaces
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    link = home / "xpplx1234"
    (missing,) = check_links(places, home)
    assert missing.health is Health.WARNING
    assert missing.text.endswith(": workbench link xpplx1234")
    link.symlink_to(tmp_path / "gone")
    (dangling,) = check_links(places, home)
    assert dangling.health is Health.ERROR
    link.unlink()
    link.symlink_to(home)
    (elsewhere,) = check_links(places, home)
    assert (elsewhere.health, "elsewhere" in elsewhere.text) == (Health.WARNING, True)
    link.unlink()
    link.symlink_to(places.folder)
    (fine,) = check_links(places, home)
    assert fine.health is Health.FINE


def test_a_full_home_and_a_results_folder_over_its_quota_are_errors(
    tmp_path: Path, places: ExperimentPlaces, tiny_disk: Callable[[str], Path]
) -> None:
    found = {one.text.partition(":")[0]: one for one in check_rooms(places, tiny_disk("size=1m"))}
    assert found["home"].health is Health.ERROR
    assert "No space left on device" in found["home"].text
    assert found[str(places.results)].health is Health.FINE
    (places.results / "large").write_bytes(b"")
    with (places.results / "large").open("r+b") as file:
        file.truncate(5 * 10**12)  # takes no room: nothing is written
    assert [one.health for one in check_rooms(places, tmp_path)][-1] is Health.ERROR


def test_a_server_that_does_not_answer_is_named_and_this_environment_judged(
    places: ExperimentPlaces,
) -> None:
    assert check_proxy(None).health is Health.UNKNOWN
    proxy = check_proxy(NOBODY)
    assert (proxy.health, NOBODY.url in proxy.text) == (Health.WARNING, True)
    first, *others = check_widgets(NOBODY)
    assert (first.health, "does not say" in first.text) == (Health.UNKNOWN, True)
    assert {one.health for one in others} == {Health.FINE}
    assert all("this environment" in one.text for one in others)


@pytest.mark.parametrize(
    ("given", "asked"),
    [("http://127.0.0.1:8081/user/a", "http://127.0.0.1:8081/user/a/"),
     ("http://0.0.0.0:8888/user/a/", "http://127.0.0.1:8888/user/a/"),
     ("http://:8888/user/a/", "http://127.0.0.1:8888/user/a/")],
)  # fmt: skip
def test_the_server_of_a_hub_is_found_from_what_the_hub_says(given: str, asked: str) -> None:
    server = find_server({"JUPYTERHUB_SERVICE_URL": given, "JUPYTERHUB_API_TOKEN": "secret"})
    assert server == JupyterServer(asked, "secret")


def test_kernels_without_a_workbench_say_why(tmp_path: Path) -> None:
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\necho 'no module named workbench' >&2\nexit 1\n")
    broken.chmod(0o755)
    assert _workbench_in([str(broken)]) == (
        f"{broken} has no workbench (no module named workbench)", False,
    )  # fmt: skip
    text, has = _workbench_in([str(tmp_path / "python-gone")])
    assert (has, "is no more" in text) == (False, True)
    assert _workbench_in(["/usr/bin/R", "--slave"]) == ("not Python", False)


def test_the_board_is_called_as_its_entry_point_is() -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'{BOARD} = "workbench.boards.proxy:setup_regions"' in pyproject

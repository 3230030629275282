"""The live picture in a cell: drawn anew until the run ends; one picture in batch."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "binning"))  # a file that grows

from test_live import EDGES, SIGNAL, Growing

from tests.conftest import ModuleFolder
from workbench.core.errors import InputError
from workbench.runs import Run, open_run
from workbench.synthetic import PumpProbe
from workbench.synthetic.small_data import write_small_data
from workbench.widgets import live_view
from workbench.widgets.views.live import LiveView


@pytest.fixture(scope="module")
def finished(module_folder: ModuleFolder) -> Run:
    folder = module_folder("live")
    (folder / "live").mkdir()
    return open_run(write_small_data(PumpProbe(n_events=1500, n_steps=5), folder))


@pytest.fixture
def growing(finished: Run) -> Iterator[Growing]:
    one = Growing(finished)
    yield one
    one.process.communicate()


def test_the_same_cell_follows_a_run_to_its_end_and_shows_it_afterwards(
    growing: Growing, finished: Run
) -> None:
    def cell() -> LiveView:
        return live_view(growing.open(), {"delay": EDGES}, SIGNAL, last=300, every=0.01)

    async def watch() -> LiveView:
        first, second = cell(), cell()  # run again, it takes the place of itself
        while not second.image.value:
            await asyncio.sleep(0.01)
        early = bytes(second.image.value)
        growing.up_to("end")
        while not second.ended:
            await asyncio.sleep(0.01)
        assert not first.image.value
        assert bytes(second.image.value) != early
        assert first._task.cancelled()
        return second

    growing.up_to(200)
    module = "workbench.widgets.views.live"
    with patch(f"{module}.is_interactive", return_value=True), patch(f"{module}.SHARE", 0):
        view = asyncio.run(watch())
        assert bytes(view.image.value).startswith(b"\x89PNG")
        assert "ended" in view.note.value
        again = cell()
    assert "has ended: 1,500 shots" in again.get_suptitle()


def test_in_batch_it_is_one_picture_of_the_moment(finished: Run) -> None:
    picture = live_view(finished, {"delay": EDGES}, SIGNAL)
    assert picture._repr_png_()[0].startswith(b"\x89PNG")
    with pytest.raises(InputError, match="above 0 s"):
        live_view(finished, {"delay": EDGES}, SIGNAL, every=0)


def test_trouble_is_shown_and_a_paused_view_draws_nothing(finished: Run) -> None:
    view = live_view_of(finished)
    with patch.object(view.watched, "refresh", side_effect=InputError("the disk is away")):
        view.draw()
    assert "the disk is away; trying again" in view.note.value
    with patch.object(view.watched, "refresh", side_effect=ZeroDivisionError("oops")):
        asyncio.run(followed(view))
    assert "stopped: ZeroDivisionError: oops" in view.note.value
    view.draw()
    assert view.ended
    np.testing.assert_equal(view.note.value, "the run has ended: this is all of it")


def live_view_of(run: Run) -> LiveView:
    from workbench.binning import Live

    return LiveView(Live(run, {"delay": EDGES}, SIGNAL))


async def followed(view: LiveView) -> None:
    view.follow()
    await asyncio.sleep(0.1)

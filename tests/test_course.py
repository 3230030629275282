"""The course: each of its notebooks runs by itself, in under a minute, and says what is true."""

import re
import resource
from pathlib import Path

import pytest

import workbench as wb
from tests.test_notebooks import outputs, run_headless
from workbench.core.shipped import shipped_notebooks

FOLDER = Path(__file__).parents[1] / "notebooks"
COURSE = sorted(FOLDER.glob("[0-9]_*.ipynb"))
ENOUGH = 60  # s of work
SAYS = {  # what the reader must find in the outputs
    1: r"did you mean epix_1/signal_sum",
    2: r"XppSb3BmMon/totalIntensityJoules serves as i0, as .*experiment.toml says",
    3: r"30000 <= epix_1/signal_sum",
    4: r"spot +\[\[335, 365\], \[185, 215\]\]",
    5: r"prod_config_slip.py +24 .*outside the detector",
    6: r"amplitude .* yes",
    7: r"2 +done",
    8: r"[0-9]e-0[6-9] keV largest difference",
}


def test_the_course_is_numbered_without_a_gap() -> None:
    titles = [one.title for one in shipped_notebooks().values() if one.name[0].isdigit()]
    assert [title.partition(".")[0] for title in titles] == [str(n) for n in range(1, 9)]


@pytest.mark.notebook
@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_a_notebook_of_the_course_runs_twice_in_a_minute_each(tmp_path: Path, path: Path) -> None:
    number = int(path.stem[0])
    given = {"view": "static"} if number == 4 else {}
    used = _seconds()
    text = outputs(run_headless(path, tmp_path, **given))
    assert _seconds() - used < ENOUGH
    assert re.search(SAYS[number], text), text
    if number in {4, 5, 8}:  # those that write files of their own kind
        assert re.search(SAYS[number], outputs(run_headless(path, tmp_path, **given)))
    if number == 8:
        run = wb.open_run(tmp_path / "course" / "own" / "hdf5" / "xppsyn0126_Run0001.h5")
        assert run["epix_1/contrast_mean"].unit == "keV"


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

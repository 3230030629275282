"""Every fault of the catalogue is found with its code and count; clean files say nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.errors import UnknownNameError
from workbench.core.findings import Finding, Severity
from workbench.runs import check_between, check_path, open_run
from workbench.runs.checks import check_physics
from workbench.smalldata.check import inspect_file
from workbench.smalldata.editing import edit_file
from workbench.synthetic import PumpProbe
from workbench.synthetic.faults import FAULTS, UNVERIFIED, Fault, Injected
from workbench.synthetic.faults.physics import PHYSICS_FAULTS
from workbench.synthetic.small_data import write_small_data

Place = tuple[str, str, str]  # hutch, generation, style
PLACES: list[Place] = [
    (hutch, generation, style)
    for hutch in ("xpp", "xcs", "mec")
    for generation in ("lcls1", "lcls2")
    for style in ("ours", "facility")
]
MAIN: list[Place] = [("xpp", "lcls2", "ours"), ("xpp", "lcls2", "facility")]
CLEAN: list[Place] = [*MAIN, ("xcs", "lcls1", "facility"), ("mec", "lcls2", "ours")]
APART = ("truncated", "missing-part", "locked", "growing")  # told before, or while, it is opened
EVENTS, FEW_EVENTS = 3000, 600  # of runs with faults of the physics, and of others
Make = Callable[[Fault, Place], Injected]


def places_of(fault: Fault) -> list[Place]:
    return [place for place in PLACES if fault.applies(*place)]


def one_place(fault: Fault) -> Place:
    """Return XPP with LCLS-II, of our writer where the fault can happen to its files."""
    return next(place for place in MAIN if fault.applies(*place))


@pytest.fixture(scope="module")
def clean(module_folder: ModuleFolder) -> Callable[[Fault, Place], Path]:
    known: dict[str, Path] = {}

    def run(fault: Fault, place: Place) -> Path:
        hutch, generation, style = place
        events = EVENTS if fault in PHYSICS_FAULTS else FEW_EVENTS
        key = f"{place} {fault.needs} {events}"
        if key not in known:
            folder = module_folder("clean")
            spec = PumpProbe(experiment=f"{hutch}syn0126", n_events=events, **fault.needs)  # type: ignore[arg-type]
            path = write_small_data(spec, folder / "new", generation=generation, style=style)
            # Virtual files name their parts by full path: a copy must not find those of the first.
            known[key] = (folder / "new").rename(folder / "kept") / path.name
        return known[key]

    return run


@pytest.fixture
def make(clean: Callable[[Fault, Place], Path], tmp_path: Path) -> Make:
    def inject(fault: Fault, place: Place) -> Injected:
        kept = clean(fault, place)
        shutil.copytree(kept.parent, tmp_path, dirs_exist_ok=True)
        return fault.inject(tmp_path / kept.name, np.random.default_rng(7))

    return inject


def findings(fault: Fault, injected: Injected) -> list[Finding]:
    if len(injected.paths) > 1:
        return check_between(injected.paths)
    (path,) = injected.paths
    if fault.name in APART:
        return check_path(path)
    physics = check_physics(open_run(path)) if fault in PHYSICS_FAULTS else []
    return physics or inspect_file(path)


def assert_found(fault: Fault, place: Place, make: Make) -> None:
    with make(fault, place) as injected:
        found = findings(fault, injected)
    code = fault.expected(*place)
    named = [each for each in found if each.code == code and injected.field in {"", each.field}]
    assert named, f"{code} of {injected.field or 'the file'} in {found}"
    if injected.count is not None and code != UNVERIFIED:
        assert injected.count in {each.count for each in named}
    if code == UNVERIFIED:
        loud = [each for each in found if each.severity is not Severity.INFO]
        assert not loud, "a fault that the file cannot tell is claimed to be told"


@pytest.mark.parametrize(
    ("fault", "place"),
    [(fault, one_place(fault)) for fault in FAULTS.values()],
    ids=lambda value: value.name if isinstance(value, Fault) else "-".join(value),
)
def test_a_fault_is_found_with_its_code_and_count(fault: Fault, place: Place, make: Make) -> None:
    assert_found(fault, place, make)


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "place"),
    [(fault, place) for fault in FAULTS.values() for place in places_of(fault)],
    ids=lambda value: value.name if isinstance(value, Fault) else "-".join(value),
)
def test_a_fault_is_found_everywhere(fault: Fault, place: Place, make: Make) -> None:
    assert_found(fault, place, make)


def loud(place: Place, folder: Path, seed: int) -> list[Finding]:
    hutch, generation, style = place
    spec = PumpProbe(experiment=f"{hutch}syn0126", n_events=EVENTS, seed=seed)
    path = write_small_data(spec, folder, generation=generation, style=style)
    found = [*inspect_file(path), *check_physics(open_run(path))]
    return [each for each in found if each.severity is not Severity.INFO]


@pytest.mark.parametrize("place", CLEAN, ids="-".join)
def test_nothing_above_info_is_said_of_clean_files(place: Place, tmp_path: Path) -> None:
    assert loud(place, tmp_path, seed=2026) == []


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES, ids="-".join)
def test_nothing_above_info_is_said_of_any_clean_file(place: Place, tmp_path: Path) -> None:
    assert loud(place, tmp_path, seed=2026) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
def test_nothing_above_info_is_said_of_fifty_seeds(seed: int, tmp_path: Path) -> None:
    assert loud(PLACES[seed % len(PLACES)], tmp_path, seed) == []


def test_a_fault_of_a_dataset_that_a_file_lacks_names_file_and_dataset(make: Make) -> None:
    path = make(FAULTS["ps-as-seconds"], MAIN[0]).paths[0]
    with edit_file(path) as file:
        file.remove("scan/lxt_ttc")
    with pytest.raises(UnknownNameError, match=rf"scan/lxt_ttc.*{path.name}|{path.name}.*lxt_ttc"):
        FAULTS["double-counted"].inject(path, np.random.default_rng(7))

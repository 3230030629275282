"""Every list of fields of a real file becomes a file that opens and reads completely."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench.core.findings import Severity
from workbench.runs import Run, open_run
from workbench.smalldata import open_file
from workbench.smalldata.check import inspect_file
from workbench.synthetic.listings import Listing, read_listing, write_listing

LISTINGS = (
    "cxilr6716_Run139",
    "mfx100894224_Run0111_lcls2",
    "mfx101080524_Run0238",
    "xcsl1049023_Run0031",
    "xppc00121_Run0775",
    "xppl1001021_Run0049_epicsAll",
    "xppl1001021_Run0070",
    "xppl1001021_Run0070_jungfrau",
    "xppl1001021_jungfrauIq_b",
    "xppl1016922_Run0475_Run0389",
    "xpptut15_Run0252",
)
N_EVENTS = 20
Written = tuple[str, Listing, Path]
ROLES = Path(__file__).parents[1] / "facility" / "role_table.tsv"


def listing(data_folder: Path, name: str) -> Listing:
    return read_listing(data_folder / "smalldata_listings" / f"{name}.tsv")


def check_against(run: Run, listed: Listing) -> None:
    """Read every field of the list: shape, and neither more nor fewer values than listed."""
    for name, shape in listed.events.items():
        if "/var_" in name or "/ragged_" in name:
            channel = run[name]
            assert len(channel.read()) == N_EVENTS, name
            continue
        values = run[name].read()
        assert values.shape == (N_EVENTS, *shape), name
        run.drop()
    for name, shape in listed.once.items():
        assert run.stored(name).read().shape == shape, name
        run.drop()


def test_no_list_is_forgotten(data_folder: Path) -> None:
    found = {path.stem for path in (data_folder / "smalldata_listings").glob("*.tsv")}
    assert found == set(LISTINGS)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.long] if name.endswith("_jungfrau") else [])
        for name in LISTINGS  # that one is all but the same as its neighbour
    ],
)
def written(
    request: pytest.FixtureRequest, module_folder: ModuleFolder, data_folder: Path
) -> Written:
    listed = listing(data_folder, request.param)
    path = write_listing(listed, module_folder("list"), n_events=N_EVENTS)
    return request.param, listed, path


def test_a_file_made_from_a_real_list_reads_completely(written: Written) -> None:
    _, listed, path = written
    run = open_run(path)
    assert run.generation == listed.generation
    assert {*run} >= {*listed.events, *listed.once}
    check_against(run, listed)


def test_fields_of_a_real_list_have_the_role_and_unit_checked_by_hand(written: Written) -> None:
    name, _, path = written
    run = open_run(path)
    lines = [line.split("\t") for line in ROLES.read_text().splitlines() if line[0] != "#"]
    mine = [row[1:] for row in lines if row[0] == name]
    assert mine
    known = {field.name: field for field in run.fields.fields}
    for field, role, unit in mine:
        assert known[field].role == role.replace("none", ""), field
        assert (known[field].unit or "-") == unit, field


@pytest.mark.parametrize(
    "name", ["xpptut15_Run0252", "mfx100894224_Run0111_lcls2", "xppl1001021_jungfrauIq_b"]
)
def test_the_checker_finds_no_error_in_the_layouts_of_real_files(
    tmp_path: Path, data_folder: Path, name: str
) -> None:
    path = write_listing(listing(data_folder, name), tmp_path, n_events=N_EVENTS)
    assert not [each for each in inspect_file(path) if each.severity is Severity.ERROR]


def test_lists_say_how_many_fields_and_events_a_file_had(data_folder: Path) -> None:
    listed = listing(data_folder, "xppl1001021_Run0070")
    assert len(listed.events) + len(listed.once) == 857  # lines with a shape, by grep
    assert listed.n_events == 54_721
    assert listed.events["feeBld/hproj"] == (2048,)
    assert listed.once["UserDataCfg/jungfrau1M_alcove/ped"] == (3, 2, 512, 1024)
    newer = listing(data_folder, "mfx100894224_Run0111_lcls2")
    assert newer.generation == "lcls2"
    assert newer.events["timing/eventcodes"] == (288,)


def test_fields_of_many_values_are_declared_and_read_as_missing(
    tmp_path: Path, data_folder: Path
) -> None:
    listed = listing(data_folder, "xppl1001021_Run0070")
    few = {name: shape for name, shape in listed.events.items() if name.startswith("feeBld")}
    wide = Listing("xppl1001021", 70, "lcls1", 5, {**few, "event_time": ()}, {})
    path = write_listing(wide, tmp_path, n_events=20_000)
    with open_file(path) as file:
        assert file.info("feeBld/hproj").shape == (20_000, 2048)
        assert np.isnan(file.read("feeBld/hproj", slice(7, 9))).all()
    assert path.stat().st_size < 1_000_000
    assert list(wide.small(64).events) == ["event_time"]


def test_the_same_list_gives_the_same_values(tmp_path: Path, data_folder: Path) -> None:
    listed = listing(data_folder, "xppl1016922_Run0475_Run0389")
    first, second = (write_listing(listed, tmp_path / k, n_events=30) for k in "ab")
    with open_file(first) as one, open_file(second) as two:
        for name in listed.events:
            np.testing.assert_array_equal(one.read(name), two.read(name))
        stamps = one.timestamps
    assert (np.diff(stamps.astype(np.int64)) > 0).all()

"""Every value in every datagram of psana's own test files, read by psana and by us."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comparing import Tally
from our_datagrams import our_datagrams

Lines = list[dict[str, Any]]
CHUNKS = {"data-r0001-s000-c001.xtc2": "xpptut15-r0014-s000-c000.xtc2"}  # later chunk: first
BAD = "hsd_061918_n3.xtc"  # the layout of 2018, which psana refuses too
FLOORS = {  # file -> values compared at least
    "test_data/chunking/data-r0001-s000-c001.xtc2": 200,
    "test_data/chunking/smalldata/xpptut15-r0014-s000-c000.smd.xtc2": 311,
    "test_data/chunking/xpptut15-r0014-s000-c000.xtc2": 513,
    "test_data/detector/test_epix_calib.xtc2": 2443,
    "test_data/detector/test_jungfrau05M_calib.xtc2": 138,
    "test_data/fakesteps/smalldata/xpptut15-r0014-s000-c000.smd.xtc2": 170,
    "test_data/fakesteps/smalldata/xpptut15-r0014-s001-c000.smd.xtc2": 113,
    "test_data/fakesteps/xpptut15-r0014-s000-c000.xtc2": 155,
    "test_data/fakesteps/xpptut15-r0014-s001-c000.xtc2": 104,
    "test_data/intg_det/smalldata/xpptut15-r0014-s000-c000.smd.xtc2": 195,
    "test_data/intg_det/smalldata/xpptut15-r0014-s001-c000.smd.xtc2": 99,
    "test_data/intg_det/smalldata/xpptut15-r0014-s002-c000.smd.xtc2": 75,
    "test_data/intg_det/xpptut15-r0014-s000-c000.xtc2": 173,
    "test_data/intg_det/xpptut15-r0014-s001-c000.xtc2": 89,
    "test_data/intg_det/xpptut15-r0014-s002-c000.xtc2": 68,
    "test_data/mixed_rate/smalldata/xpptut15-r0014-s000-c000.smd.xtc2": 994,
    "test_data/mixed_rate/smalldata/xpptut15-r0014-s001-c000.smd.xtc2": 242,
    "test_data/mixed_rate/xpptut15-r0014-s000-c000.xtc2": 3689,
    "test_data/mixed_rate/xpptut15-r0014-s001-c000.xtc2": 507,
    "test_data/multi-seg-epics/smalldata/xpptut15-r0014-s000-c000.smd.xtc2": 208,
    "test_data/multi-seg-epics/smalldata/xpptut15-r0014-s001-c000.smd.xtc2": 199,
    "test_data/multi-seg-epics/xpptut15-r0014-s000-c000.xtc2": 188,
    "test_data/multi-seg-epics/xpptut15-r0014-s001-c000.xtc2": 179,
    "test_hsd.xtc2": 1989,
    "test_timetool.xtc2": 9383,
}


@pytest.fixture(scope="session")
def psanas(
    xtc2_data: Path, ask_psana: Callable[[list[dict[str, Any]]], list[Lines]]
) -> dict[str, Lines]:
    """What psana reads in each file."""
    targets = []
    for name in FLOORS:
        target = {"kind": "datagrams", "path": str(xtc2_data / name)}
        first = CHUNKS.get(Path(name).name)
        if first is not None:
            target["config"] = str((xtc2_data / name).with_name(first))
        targets.append(target)
    return dict(zip(FLOORS, ask_psana(targets), strict=True))


def test_no_file_is_forgotten(xtc2_data: Path) -> None:
    found = {str(path.relative_to(xtc2_data)) for path in xtc2_data.rglob("*.xtc*")}
    assert found == {*FLOORS, BAD}


@pytest.mark.parametrize("name", FLOORS)
def test_every_datagram_equals_psanas(name: str, xtc2_data: Path, psanas: dict[str, Lines]) -> None:
    first = CHUNKS.get(Path(name).name)
    path = xtc2_data / name
    ours, left = our_datagrams(path, None if first is None else path.with_name(first))
    theirs = psanas[name]
    tally = Tally()
    tally.check("bytes left over", {"left": left}, theirs[-1])
    tally.check("number of datagrams", len(ours), len(theirs) - 1)
    for number, (mine, his) in enumerate(zip(ours, theirs[:-1], strict=False)):
        tally.check(f"{number}: what it has", sorted(mine), sorted(his))
        for key in ("service", "time", "offset", "size"):
            tally.check(f"{number} {key}", mine.get(key), his.get(key))
        for key in ("types", "fields"):
            for field in sorted(mine.get(key, {}).keys() | his.get(key, {}).keys()):
                tally.check(f"{number} {field}", mine[key].get(field), his[key].get(field))
    tally.verify(name, FLOORS[name])

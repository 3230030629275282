import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workbench.facility import hutch
from workbench.runs.experiment.setup import RunSetup
from workbench.runs.roles import role_table

TABLE = Path(__file__).with_name("role_table.tsv")
ROWS = [
    tuple(line.split("\t")) for line in TABLE.read_text().splitlines() if not line.startswith("#")
]


@dataclass
class Listing:
    """The names in a real file, as far as they were published; stands for a run."""

    experiment: str
    generation: str
    names: frozenset[str]
    setup: RunSetup = field(default_factory=RunSetup)

    def __contains__(self, name: str) -> bool:
        return name in self.names


@pytest.fixture(scope="module")
def listings(data_folder: Path) -> dict[str, Listing]:
    found = {}
    for path in sorted((data_folder / "smalldata_listings").glob("*.tsv")):
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        names = frozenset(re.split(r"[\t;]", line)[0].strip().lstrip("/") for line in lines)
        generation = "lcls2" if path.stem.endswith("lcls2") else "lcls1"
        found[path.stem] = Listing(path.stem.split("_")[0], generation, names)
    return found


def test_the_table_covers_every_listing_with_rows_that_are_in_it(
    listings: dict[str, Listing],
) -> None:
    assert len(ROWS) >= 120
    assert len(set(ROWS)) == len(ROWS)
    assert {row[0] for row in ROWS} == set(listings)
    for listing, name, _, _ in ROWS:
        assert name in listings[listing], f"{name} is not in {listing}"


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_the_dictionary_gives_the_role_and_unit_checked_by_hand(
    listings: dict[str, Listing], row: tuple[str, str, str, str]
) -> None:
    listing, name, role, unit = row
    run = listings[listing]
    table = role_table(run)  # type: ignore[arg-type]  # asks for names, generation, setup only
    found = [known for known, lines in table.items() if name in {line.name for line in lines}]
    assert (found or ["none"])[0] == role
    units = [line.unit for line in table.get(role, ()) if line.name == name]
    known = units[0] if units else hutch(run.experiment).fact(name, run.generation).unit
    assert (known or "-") == unit


def test_fields_of_listings_show_units_from_the_dictionary_or_none(
    listings: dict[str, Listing],
) -> None:
    """Default detectors are all known; the rest is users' detectors and slow values."""
    users = re.compile(
        r"(UserDataCfg|Sums|epics\w*|epix\w*|jungfrau\w*|Rayonix|cs140_rob|\w+_env)\b"
    )
    unknown = {
        name
        for run in listings.values()
        for name in run.names
        if "/" in name
        and not users.match(name)
        and not hutch(run.experiment).fact(name, run.generation).unit
    }
    allowed = re.compile(
        r"enc/ch0|\w+/[xy]pos|feeBld/hproj|feespec/\w+|qadc_ch\d/value|scan/\w+|Iq\w*/\w+|opal\w*/\w+"
    )
    assert {name for name in unknown if not allowed.fullmatch(name)} == set()

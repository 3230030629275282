"""The pages on the producer's functions and the code agree."""

import re
from pathlib import Path

import pytest

from workbench.producer import (
    children,
    common_mode,
    correlation_entries,
    curve_entries,
    droplet_entries,
    edge_entries,
    image_entries,
    own_entries,
    photon_entries,
    regions,
    waveform_entries,
)
from workbench.producer.config import NOT_PRODUCED, PRODUCED
from workbench.reductions.sums import TOKENS

ROOT = Path(__file__).parents[1]
FUNCTIONS = (ROOT / "docs" / "reference" / "producer-functions.md").read_text()
DIFFERENCES = (ROOT / "docs" / "explanations" / "differences.md").read_text()
TRAPS = (ROOT / "docs" / "reference" / "config-traps.md").read_text()
KEYS = (
    (children, ("CHILDREN",)),
    (common_mode, ("KEYS",)),
    (correlation_entries, ("KEYS",)),
    (curve_entries, ("KEYS",)),
    (droplet_entries, ("DROPLET_KEYS", "PHOTON_KEYS")),
    (edge_entries, ("KEYS",)),
    (image_entries, ("KEYS",)),
    (own_entries, ("KEYS",)),
    (photon_entries, ("KEYS",)),
    (regions, ("ROI_KEYS", "PROJECTION_KEYS")),
    (waveform_entries, ("INTEGRATE_KEYS", "HIT_KEYS", "CFD_KEYS", "SVD_KEYS")),
)


@pytest.mark.parametrize("name", [*PRODUCED, *NOT_PRODUCED])
def test_every_function_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in FUNCTIONS


def test_every_key_is_on_the_page() -> None:
    keys = {key for module, names in KEYS for name in names for key in getattr(module, name)}
    assert {key for key in (*keys, *TOKENS) if f"`{key}`" not in FUNCTIONS} == set()


def test_every_trap_has_a_code_that_the_producer_knows() -> None:
    rows = [row.split(" | ") for row in TRAPS.splitlines() if "::" in row and row[0] == "|"]
    code = "".join(path.read_text() for path in (ROOT / "workbench" / "producer").glob("*.py"))
    assert len(rows) > 20
    assert {row[2] for row in rows if f'"{row[2].strip("`")}"' not in code} == set()


@pytest.mark.parametrize("page", ["DIFFERENCES", "TRAPS"])
def test_every_row_names_a_test_that_is_there(page: str) -> None:
    named = re.findall(r"`([a-z_/]+\.py)::(\w+)`", globals()[page])
    assert len(named) > 20
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text()

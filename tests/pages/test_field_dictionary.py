"""The pages of the field dictionary hold all of it, and it knows what the writers write."""

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import workbench as wb
from workbench.facility import ROLES, RoleField, StatusRule, hutch, roles
from workbench.synthetic import PumpProbe, write_small_data

DOCS = Path(__file__).parents[2] / "docs"
USERS = re.compile(r"(UserDataCfg|Sums|epix|jungfrau|Epix10ka|alvium)\w*/")
UNTOLD = re.compile(  # no public source tells what they mean
    r"epics(_archiver|Once)?/.*|adc/ch\d|\w+_enc/ch0|scan/var0|snd_dio/(peaks|sum)|Sp1L2Wv8/raw_0"
)
PLACES = [(name, one) for name in ("xpp", "xcs", "mec") for one in ("lcls1", "lcls2")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    sys.path.insert(0, str(DOCS))
    try:
        from make_fields import write_fields  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(DOCS))
    text: str = write_fields(tmp_path_factory.mktemp("pages")).read_text("utf-8")
    return text


@pytest.mark.parametrize(("name", "generation"), PLACES)
def test_what_a_writer_stores_of_default_detectors_has_a_meaning_and_is_on_the_page(
    name: str, generation: str, page: str, tmp_path: Path
) -> None:
    spec = PumpProbe(experiment=f"{name}syn0126", n_events=16)
    run = wb.open_run(write_small_data(spec, tmp_path, generation=generation))
    known = hutch(name)
    stored = [one for one in run.infos if not USERS.match(one)]
    facts = {one: known.fact(one, generation) for one in stored}
    untold = [one for one, fact in facts.items() if not fact.long_name]
    assert [one for one in untold if not UNTOLD.fullmatch(one)] == []
    assert len(stored) - len(untold) > 60
    part = page.partition(f"\n## {known.title}, LCLS-{'I' * int(generation[-1])}\n")[2]
    part = part.partition("\n## ")[0]
    for detector in known.defaults(generation):
        values = {one.partition("/")[2] for one in stored if one.startswith(f"{detector.group}/")}
        told = values & {fact.name for fact in detector.fields}
        assert all(f"`{value}` [" in part for value in told)
    for role, lines in roles(name, generation).items():
        assert all(f"| {role} | `{line.name}` |" in part for line in lines)


def test_the_page_of_the_dictionary_explains_every_role_and_key() -> None:
    text = (DOCS / "reference" / "field-dictionary.md").read_text("utf-8")
    explained = set(re.findall(r"`(\w+)`", text))
    keys = {one.name for kind in (RoleField, StatusRule) for one in fields(kind)}
    assert {*ROLES, *keys} - explained == set()

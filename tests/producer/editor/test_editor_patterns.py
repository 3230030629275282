"""Edits of configs of every shape: exactly the intended entry changes, all other bytes stay."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.producer.editor.config_texts import DETECTORS, RUNS, Text, configs
from workbench.producer.editor import ConfigEdit, undo
from workbench.producer.editor.evaluator import Evaluator

BLOCK = re.compile(rb"^[ \t]*# >>> workbench .*?# <<< workbench\r?\n", re.DOTALL | re.MULTILINE)
Entries = dict[str, list[tuple[str, dict[str, Any]]]]


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator() as shared:
        yield shared


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "prod_config.py"


@dataclass(frozen=True)
class Edit:
    detector: str
    name: str
    bounds: list[list[int]]
    first: int
    last: int | None
    area: bool | None
    removed: bool

    def covers(self, run: int) -> bool:
        return self.first <= run and (self.last is None or run <= self.last)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Text, Edit]:
    """Draw a config and an edit that mostly concerns one of its entries and guards."""
    text = draw(configs())
    found = found_entries(text)
    targets = sorted({(det, name) for run in (0, 20, 40) for det, name in found[run]})
    other = st.tuples(st.sampled_from(DETECTORS), st.sampled_from(["ROI_0", "ROI", "new one"]))
    detector, name = draw(st.sampled_from(targets) if targets and draw(st.booleans()) else other)
    guards = sorted({int(n) for n in re.findall(rb"run\w* \D{1,3}(\d+)", text.raw) if int(n) < 44})
    near = st.sampled_from([one + step for one in guards or [9] for step in (0, 1)])
    simple = draw(st.booleans())  # all runs, or all from a guard on: what a literal may decide
    first = draw(st.one_of(st.just(0), near) if simple else st.integers(0, 42))
    last = None if simple else draw(st.none() | st.integers(first, 44))
    pair = st.integers(0, 40).flatmap(lambda low: st.tuples(st.just(low), st.integers(low + 1, 99)))
    bounds = draw(st.lists(pair.map(list), min_size=1, max_size=3))
    area = None if simple else draw(st.sampled_from([None, True, False]))
    removed = draw(st.integers(0, 5)) == 5
    return text, Edit(detector, name, bounds, first, last, area, removed)


def found_entries(text: Text) -> dict[int, list[tuple[str, str]]]:
    return {
        run: [
            (det, name)
            for det, listed in entries(text, text.raw, (run,))[run].items()
            for name, _ in listed
        ]
        for run in (0, 20, 40)
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_an_edit_changes_exactly_the_intended_entry(
    case: tuple[Text, Edit], config: Path, evaluator: Evaluator
) -> None:
    check(*case, config, evaluator)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_ten_thousand_edits_change_exactly_the_intended_entry(
    case: tuple[Text, Edit], config: Path, evaluator: Evaluator
) -> None:
    check(*case, config, evaluator)


def check(text: Text, edit: Edit, config: Path, evaluator: Evaluator) -> None:
    config.write_bytes(text.raw)
    config.with_name(f".{config.name}.history").unlink(missing_ok=True)
    with ConfigEdit(config, evaluator) as session:
        assert not session.save()
        assert config.read_bytes() == text.raw
        runs: dict[str, Any] = {"from_run": edit.first, "to_run": edit.last}
        if edit.removed:
            session.remove(edit.detector, edit.name, **runs)
        else:
            session.set_roi(edit.detector, edit.name, edit.bounds, **runs, write_area=edit.area)
        saved = session.save()
    new = config.read_bytes()
    before, after = (entries(text, raw, (*RUNS, 90_000)) for raw in (text.raw, new))
    for run, entry in before.items():
        assert after[run] == (expected(entry, edit) if edit.covers(run) else entry), run
    added = not edit.removed and edit.detector not in listed(text, text.raw)
    assert listed(text, new) == [*listed(text, text.raw), *([edit.detector] if added else [])]
    assert_other_bytes_untouched(text.raw, new)
    if saved:
        undo(config)
        assert config.read_bytes() == text.raw


def entries(text: Text, raw: bytes, runs: Sequence[int]) -> dict[int, Entries]:
    """Return what plain Python gives for each run: detector -> (name, entry), in order."""
    code = compile(raw.replace(b"from psana import dgram", b""), "config", "exec")
    result = {}
    for run in runs:
        module: dict[str, Any] = {"__file__": "config"}
        exec(code, module)
        function = module.get("getROIs", lambda _: {})
        found = plain(function(str(run) if text.old_producer else run))
        lists = {key: [value] if isinstance(value, dict) else value for key, value in found.items()}
        named = {
            key: [(entry.get("name", "ROI"), entry) for entry in value]
            for key, value in lists.items()
        }
        result[run] = {key: value for key, value in named.items() if value}
    return result


def expected(before: Entries, edit: Edit) -> Entries:
    found = list(before.get(edit.detector, []))
    if edit.removed:
        found = [(known, entry) for known, entry in found if known != edit.name]
    else:
        new = {"ROI": edit.bounds} | ({} if edit.area is None else {"writeArea": edit.area})
        if edit.name not in [known for known, _ in found]:
            found.append((edit.name, {"name": edit.name}))
        found = [(known, entry | new if known == edit.name else entry) for known, entry in found]
    return {key: value for key, value in (before | {edit.detector: found}).items() if value}


def listed(text: Text, raw: bytes) -> list[str]:
    module: dict[str, Any] = {"__file__": "config"}
    exec(raw.replace(b"from psana import dgram", b""), module)
    return list(module["detnames" if text.old_producer else "detectors"])


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def assert_other_bytes_untouched(old: bytes, new: bytes) -> None:
    """Outside managed blocks only numbers, True and False, and the list of detectors may differ."""
    rest = BLOCK.sub(b"", new)
    assert skeleton(rest).rstrip(b"\r\n") == skeleton(old).rstrip(b"\r\n")


def skeleton(raw: bytes) -> bytes:
    head = re.sub(rb"^(detnames|detectors) = \[[^\]]*\]", rb"\1", raw, flags=re.MULTILINE)
    head = re.sub(rb",\s*# rows, then columns\r?\n\s*", b", ", head)  # inside replaced literals
    return re.sub(rb"True|False|\b\d+(?:\.\d+)?(?:e\d+)?\b|\[[\[\](), 0-9e.]*\]", b"#", head)

"""Edits of configs of every shape: exactly the intended entry changes, all other bytes stay."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.producer.editor.config_texts import DETECTORS, RUNS, Text, configs, function_of
from workbench.core.errors import WorkbenchError
from workbench.producer.editor import Change, ConfigEdit, EditRefusedError, undo
from workbench.producer.editor.evaluator import Evaluator

BLOCK = re.compile(rb"^[ \t]*# >>> workbench .*?# <<< workbench\r?\n", re.DOTALL | re.MULTILINE)
SHORT, LONG = 84, 1667  # cases of each of six lanes: 504 in every test run, 10,002 in the long one
NUMBER = rb"True|False|None|\b\d+(?:\.\d*)?(?:e-?\d+)?\b\.?|\[[\[\](), 0-9e.]*\]"
Entries = dict[str, list[tuple[str, dict[str, Any]]]]


@dataclass(frozen=True)
class Lane:
    """A family of edits.

    Parameters
    ----------
    old_producer
        Whose configs; None: of both.
    kind
        What holds the entry: "roi", "azav" or "pyfai"; or "either" of the last two.
    does
        "set", "remove" or "mask".
    """

    old_producer: bool | None
    kind: str = "roi"
    does: str = "set"


LANES = {
    "regions of LCLS-I": Lane(True),
    "regions of LCLS-II": Lane(False),
    "integration of LCLS-I": Lane(True, "either"),
    "integration of LCLS-II": Lane(False, "either"),
    "removals": Lane(None, does="remove"),
    "masks": Lane(None, does="mask"),
}


@dataclass(frozen=True)
class Edit:
    kind: str
    detector: str
    name: str
    first: int
    last: int | None
    values: dict[str, Any] = field(default_factory=dict)
    good: Any = None
    removed: bool = False

    def covers(self, run: int) -> bool:
        return self.first <= run and (self.last is None or run <= self.last)


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    with Evaluator() as shared:
        yield shared


@pytest.fixture(scope="module")
def config() -> Iterator[Path]:
    """Give a path in memory where there is such a place: most time would go into flushing disks."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "prod_config.py"


@st.composite
def cases(draw: st.DrawFn, lane: Lane) -> tuple[Text, Edit]:
    """Draw a config and an edit that mostly concerns one of its entries and guards."""
    old = draw(st.booleans()) if lane.old_producer is None else lane.old_producer
    kind = draw(st.sampled_from(["azav", "pyfai"])) if lane.kind == "either" else lane.kind
    if lane.does != "set":
        kind = draw(st.sampled_from(["roi", "roi", "azav", "pyfai"]))
    text = draw(configs(old, kind))
    detector, name = draw(target(text, kind))
    first, last = draw(run_range(text))
    values: dict[str, Any] = {}
    good = None
    if lane.does == "mask":
        good = draw(st.lists(st.booleans(), min_size=6, max_size=6).filter(any))
    elif lane.does == "set":
        values = draw(regions() if kind == "roi" else parameters(kind))
    mask = None if good is None else np.array(good).reshape(2, 3)
    edit = Edit(kind, detector, name, first, last, values, mask, lane.does == "remove")
    return text, edit


@st.composite
def target(draw: st.DrawFn, text: Text, kind: str) -> tuple[str, str]:
    found = entries(text, kind, text.raw, Path("config"), (0, 20, 40))
    targets = sorted(
        {(det, one) for each in found.values() for det in each for one, _ in each[det]}
    )
    known = [pair for pair in targets if pair[0] in DETECTORS]
    names = ["ROI_0", "ROI", "new one"] if kind == "roi" else [kind]
    other = st.tuples(st.sampled_from(DETECTORS), st.sampled_from(names))
    return draw(st.sampled_from(known) if known and draw(st.integers(0, 2)) else other)


@st.composite
def run_range(draw: st.DrawFn, text: Text) -> tuple[int, int | None]:
    guards = sorted({int(n) for n in re.findall(rb"run\w* \D{1,3}(\d+)", text.raw) if int(n) < 44})
    near = st.sampled_from([one + step for one in guards or [9] for step in (0, 1)])
    if draw(st.booleans()):  # all runs, or all from a guard on: what a literal may decide
        return draw(st.one_of(st.just(0), near)), None
    first = draw(st.integers(0, 42))
    return first, draw(st.none() | st.integers(first, 44))


@st.composite
def regions(draw: st.DrawFn) -> dict[str, Any]:
    pair = st.integers(0, 40).flatmap(lambda low: st.tuples(st.just(low), st.integers(low + 1, 99)))
    values: dict[str, Any] = {"ROI": draw(st.lists(pair.map(list), min_size=1, max_size=3))}
    for key, choices in (("writeArea", [True, False]), ("thresADU", [2, 7.5, [1.0, 50.0]])):
        if draw(st.integers(0, 3)) == 0:
            values[key] = draw(st.sampled_from(choices))
    return values


@st.composite
def parameters(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    if kind == "pyfai":
        return {"poni_file": draw(st.sampled_from(["/cds/a.poni", "/sdf/ünï.poni"]))}
    choices: dict[str, Any] = {
        "center": [87526.7, 79000.0], "dis_to_sam": 81.5, "eBeam": 9.5, "phiBins": 11, "tx": 0.25
    }  # fmt: skip
    keys = draw(st.lists(st.sampled_from(sorted(choices)), unique=True, min_size=1, max_size=3))
    return {key: choices[key] for key in keys}


def settings_of(cases: int) -> settings:
    return settings(
        max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


@pytest.mark.parametrize("name", LANES)
def test_an_edit_changes_exactly_the_intended_entry(
    name: str, config: Path, evaluator: Evaluator
) -> None:
    many(LANES[name], SHORT, config, evaluator)


@pytest.mark.long
@pytest.mark.parametrize("name", LANES)
def test_ten_thousand_edits_change_exactly_the_intended_entry(
    name: str, config: Path, evaluator: Evaluator
) -> None:
    many(LANES[name], LONG, config, evaluator)


def many(lane: Lane, number: int, config: Path, evaluator: Evaluator) -> None:
    seen = 0

    @settings_of(number)
    @given(case=cases(lane))
    def every(case: tuple[Text, Edit]) -> None:
        nonlocal seen
        check(*case, config, evaluator)
        seen += 1

    every()
    assert seen >= number


def check(text: Text, edit: Edit, config: Path, evaluator: Evaluator) -> None:
    config.write_bytes(text.raw)
    config.with_name(f".{config.name}.history").unlink(missing_ok=True)
    with ConfigEdit(config, evaluator, new_detectors=[edit.detector]) as session:
        assert not session.save()
        assert config.read_bytes() == text.raw
        make(session, edit)
        saved = session.save()
    new = config.read_bytes()
    runs = (*RUNS, 90_000, 99_999)
    before, after = (entries(text, edit.kind, raw, config, runs) for raw in (text.raw, new))
    for run, entry in before.items():
        assert after[run] == (expected(text, entry, edit) if edit.covers(run) else entry), run
    added = not edit.removed and edit.detector not in listed(text, text.raw, config)
    known = listed(text, text.raw, config)
    assert listed(text, new, config) == [*known, *([edit.detector] if added else [])]
    assert_other_bytes_untouched(text.raw, new)
    if saved:
        undo(config)
        assert config.read_bytes() == text.raw


def make(session: ConfigEdit, edit: Edit) -> None:
    runs: dict[str, Any] = {"from_run": edit.first, "to_run": edit.last}
    function = {"roi": "getROIs"}.get(edit.kind, edit.kind)
    if edit.removed:
        session.remove(edit.detector, edit.name, function=function, **runs)
    elif edit.good is not None:
        session.set_mask(edit.detector, edit.name, edit.good, function=function, **runs)
    elif edit.kind == "azav":
        session.set_azav(edit.detector, name=edit.name, **runs, **edit.values)
    else:
        session.apply(Change(function, edit.detector, edit.name, **runs, values=edit.values))


def entries(
    text: Text, kind: str, raw: bytes, config: Path, runs: Sequence[int]
) -> dict[int, Entries]:
    """Return what plain Python gives for each run: detector -> (name, entry), in order."""
    code = compile(raw.replace(b"from psana import dgram", b""), "config", "exec")
    default = "ROI" if kind == "roi" else kind
    result = {}
    for run in runs:
        module: dict[str, Any] = {"__file__": str(config)}
        exec(code, module)
        function = module.get(function_of(text.old_producer, kind), lambda _: {})
        found = plain(function(str(run) if text.old_producer else run))
        lists = {key: [value] if isinstance(value, dict) else value for key, value in found.items()}
        named = {
            key: [(entry.get("name", default), entry) for entry in value]
            for key, value in lists.items()
        }
        result[run] = {key: value for key, value in named.items() if value}
    return result


def expected(text: Text, before: Entries, edit: Edit) -> Entries:
    found = list(before.get(edit.detector, []))
    if edit.removed:
        found = [(known, entry) for known, entry in found if known != edit.name]
    else:
        new = edit.values | ({} if edit.good is None else {"userMask": plain(edit.good)})
        if edit.name not in [known for known, _ in found]:
            one_dict = edit.kind != "roi" and not text.old_producer
            found.append((edit.name, {} if one_dict else {"name": edit.name}))
        found = [(known, entry | new if known == edit.name else entry) for known, entry in found]
    return {key: value for key, value in (before | {edit.detector: found}).items() if value}


def listed(text: Text, raw: bytes, config: Path) -> list[str]:
    module: dict[str, Any] = {"__file__": str(config)}
    exec(raw.replace(b"from psana import dgram", b""), module)
    return list(module["detnames" if text.old_producer else "detectors"])


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value


def assert_other_bytes_untouched(old: bytes, new: bytes) -> None:
    """Outside managed blocks only the values of entries and the list of detectors may differ."""
    rest = BLOCK.sub(b"", new)
    assert skeleton(rest).rstrip(b"\r\n") == skeleton(old).rstrip(b"\r\n")


def skeleton(raw: bytes) -> bytes:
    head = re.sub(
        rb"^(\s*(?:detnames|detectors) = )\[[^\]]*\](?: \+ \[[^\]]*\])?",
        rb"\1",
        raw,
        flags=re.MULTILINE,
    )
    head = re.sub(rb",\s*# rows, then columns\r?\n\s*", b", ", head)  # inside replaced literals
    head = re.sub(rb"('poni_file'\]? ?[:=] )(?:'[^']*'|\(\s+'/[^)]*\))", rb"\1", head)
    return re.sub(NUMBER, b"#", head)


BROKEN = (
    "print 'run', 3",
    "exec 'x = 1'",
    "{% if hutch %}",
    "detectors = {{ detectors }}",
    "pixels = 0777",
    "x = [1, 2",
    "if True:\n\tx = 1\n        y = 2",
    "return {}",
)


@settings_of(40)
@given(data=st.data())
def test_what_is_no_python_3_is_refused_and_stays_as_it_is(
    data: st.DataObject, config: Path, evaluator: Evaluator
) -> None:
    text = data.draw(configs(data.draw(st.booleans())))
    lines = text.raw.splitlines(keepends=True)
    top = [at for at, line in enumerate(lines) if not line.startswith((b" ", b"\t", b"]"))]
    at = data.draw(st.sampled_from([*top, len(lines)]))
    lines.insert(at, f"\n{data.draw(st.sampled_from(BROKEN))}\n".encode())
    broken = b"".join(lines)
    config.write_bytes(broken)
    with ConfigEdit(config, evaluator) as session, pytest.raises(WorkbenchError):
        session.set_roi("epix_1", "ROI_0", [[0, 3], [0, 4]], from_run=3)
    assert config.read_bytes() == broken


OLDER = (
    "return [[[0, 1], [2, 3]], [[0, 5], [2, 9]]]",
    "return [[0, 1], [2, 3]]",
    "return {'epix_1': [[[0, 1], [2, 3]]]}",
    "return {'epix_1': [0, 1, 2, 3]}",
    "return {'epix_1': {'hsd_1': [0, 100]}}",
)


@pytest.mark.parametrize("body", OLDER)
def test_older_spellings_are_refused_and_stay_as_they_are(
    body: str, config: Path, evaluator: Evaluator
) -> None:
    text = f"detectors = ['epix_1']\ndef getROIs(run):\n    {body}\n".encode()
    config.write_bytes(text)
    with (
        ConfigEdit(config, evaluator) as session,
        pytest.raises(EditRefusedError, match=r"by hand|first"),
    ):
        session.set_roi("epix_1", "ROI_0", [[0, 3], [0, 4]], from_run=3)
    assert config.read_bytes() == text

"""Every template on runs with known truth, clean and with faults, as a batch runs it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.templates import common_rows, xcs_rows, xpp_rows
from tests.templates.matrix import CleanRuns, Place, Row, assert_ends_well, wrong_numbers
from workbench.batch import BatchItem, templates
from workbench.runs import read_truth
from workbench.synthetic.faults import FAULTS

ROWS: dict[str, Row] = {**common_rows.ROWS, **xcs_rows.ROWS, **xpp_rows.ROWS}
RunTemplate = Callable[..., BatchItem]


def test_every_row_has_both_generations_and_two_faults() -> None:
    assert set(ROWS) <= {template.name for template in templates()}
    for name, row in ROWS.items():
        group = name.partition("/")[0]
        hutches = {"xpp", "xcs", "mec"} if group == "common" else {group}
        assert set(row.places) == {(hutch, daq) for hutch in hutches for daq in ("lcls1", "lcls2")}
        assert len(set(row.faults)) >= 2, name


@pytest.mark.parametrize(
    "stem", [template.stem for template in templates() if template.name not in ROWS]
)
def test_a_template_without_a_row_is_run_by_a_module_of_its_own(stem: str) -> None:
    text = Path(__file__).with_name(f"test_{stem}.py").read_text(encoding="utf-8")
    assert "@pytest.mark.notebook" in text
    assert re.search(rf"(run|find)_template\(\s*\"(\w+/)?{stem}\"", text)
    quoted = set(re.findall(r'"([\w-]+)"', text))
    assert quoted >= {"lcls1", "lcls2"}
    assert len(quoted & set(FAULTS)) >= 2


def test_every_fault_of_the_catalogue_is_met_by_a_template() -> None:
    assert {fault for row in ROWS.values() for fault in row.faults} == set(FAULTS)


def test_every_template_with_a_verdict_publishes_it() -> None:
    for template in templates():
        text = template.path.read_text()
        assert '"id": "verdict"' in text, template.name


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("name", "place"),
    [(name, place) for name, row in ROWS.items() for place in row.places],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_template_finds_what_was_planted(
    name: str, place: Place, tmp_path: Path, run_template: RunTemplate
) -> None:
    row = ROWS[name]
    file = row.write(place, tmp_path)
    item = run_template(name, file, **row.parameters(place))
    assert (item.state, item.error) == ("done", "")
    truth = read_truth(file)
    assert truth is not None
    assert wrong_numbers(item, truth) == {}
    assert item.results["as_planted"]["value"] is True
    assert not re.search(r'class="[^"]*output_stderr', Path(item.report).read_text())
    row.check(item, place)


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name, row in ROWS.items() for fault in row.faults],
)
def test_a_template_meets_a_fault_with_a_finding_or_a_refusal(
    name: str, fault: str, tmp_path: Path, run_template: RunTemplate, clean_runs: CleanRuns
) -> None:
    row = ROWS[name]
    place, injected = row.spoil(fault, tmp_path, clean_runs)
    truth = read_truth(injected.paths[0])
    assert truth is not None
    more = {"compare_with": str(injected.paths[1])} if len(injected.paths) > 1 else {}
    with injected:
        item = run_template(name, injected.paths[0], **row.parameters(place), **more)
        code = FAULTS[fault].expected(*place, row.style_for(place, fault))
        assert_ends_well(item, truth, code, injected.paths[0])

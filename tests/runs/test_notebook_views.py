"""What a notebook shows of runs, channels, cuts and fields, and what the Tab key offers."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from workbench.core.errors import UnknownNameError
from workbench.runs import Run, cut, open_run, open_runs, xray_on

Write = Callable[..., Path]


@pytest.fixture
def run(write: Write) -> Run:
    return open_run(
        write(
            {
                "lightStatus/xray": np.array([1, 1, 0]),
                "lightStatus/laser": np.array([1, 0, 0]),
                "ipm2/sum": (np.arange(3.0), "<V> & more"),
                "ipm2/channels": np.zeros((3, 4)),
                "pips-diode-air/sum": np.zeros(3),
                "early": np.zeros(3),
                "plain": np.zeros(3),
            }
        )
    )


def test_detectors_and_their_fields_are_attributes(run: Run) -> None:
    assert "ipm2" in dir(run.det)
    assert dir(run.det.ipm2) == ["channels", "sum"]
    np.testing.assert_array_equal(run.det.ipm2.sum.read(), np.arange(3.0))
    assert run.det["pips-diode-air"]["sum"].shape == (3,)
    assert "pips-diode-air" not in dir(run.det)
    assert not hasattr(run.det, "ipm4")
    with pytest.raises(AttributeError, match="did you mean ipm2"):
        run.det.ipm22  # noqa: B018
    with pytest.raises(UnknownNameError, match="did you mean channels"):
        run.det.ipm2["chanels"]


def test_the_tab_key_offers_every_name(run: Run) -> None:
    assert set(run._ipython_key_completions_()) >= {"ipm2/sum", "plain"}
    assert run.det.ipm2._ipython_key_completions_() == ["channels", "sum"]
    assert "ipm2" in run.det._ipython_key_completions_()
    assert "run" in open_runs([run.path])._ipython_key_completions_()


def test_fields_are_grouped_by_detector(run: Run) -> None:
    groups = run.fields.groups
    assert list(groups) == ["", "ipm2", "lightStatus", "pips-diode-air"]
    assert groups[""].names == ("early", "plain", "timestamp")
    assert groups["ipm2"].names == ("ipm2/channels", "ipm2/sum")


def test_tables_read_well_without_a_notebook_too(run: Run) -> None:
    for table in (run.fields, run.classes.table):
        assert repr(table) == str(table)
        assert len(repr(table).splitlines()) > 2


class _Checker(HTMLParser):
    """Every tag that opens closes again, and nothing comes from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "img", "iframe"}
        assert not {"src", "href"} & {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("show", "text"),
    [
        (lambda run: run, "xpplx1234 run 14"),
        (lambda run: run["ipm2/sum"], "<V> & more"),
        (lambda run: run.fields, "<V> & more"),
        (lambda run: run.det.ipm2, "channels"),
        (lambda run: cut("ipm2/sum", 1, None, scope="on") & xray_on(), "1 <= ipm2/sum"),
        (lambda run: run.tally(cut("ipm2/sum", 1)), "kept alone"),
        (lambda run: open_runs([run.path]), "xpplx1234 runs 14"),
        (lambda run: open_runs([run.path]).conflicts, "the runs agree"),
    ],
)
def test_html_is_whole_escaped_and_needs_nothing_from_outside(
    run: Run, show: Callable[[Run], object], text: str
) -> None:
    checker = _Checker()
    checker.feed(show(run)._repr_html_())
    assert checker.open == []
    assert text in checker.text

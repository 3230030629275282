"""What chosen shots hold: their range, and what is said where there is none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.binning import NothingLeftError, measured_range
from workbench.runs import FewEventsError, open_run

Write = Callable[..., Path]


def columns(events: int) -> dict[str, object]:
    event = np.arange(events)
    return {
        "lightStatus/xray": np.ones(events, int),
        "lightStatus/laser": (event % 2).astype(int),
        "d": (np.where(event == 3, np.nan, 0.1 * event), "ps"),
    }


def test_the_range_is_that_of_the_shots_that_were_chosen_and_measured(write: Write) -> None:
    run = open_run(write(columns(8)))
    assert measured_range(run, "d") == pytest.approx((0.0, 0.7))
    assert measured_range(run, "d", wb.cut("d", None, 0.6), of="on") == pytest.approx((0.1, 0.5))


def test_shots_that_cover_no_range_are_counted_from_the_run_to_the_cuts(write: Write) -> None:
    run = open_run(write(columns(8)))
    counts = r"of 8 events 4 are of class 'on', 0 of these pass the cuts, and 0 hold a value"
    with pytest.raises(NothingLeftError, match=counts):
        measured_range(run, "d", wb.cut("d", 5.0, None), of="on")
    with pytest.raises(NothingLeftError, match=r"1 hold a value \(1 different\)"):
        measured_range(run, "d", wb.cut("d", 0.45, 0.55))
    for events, said in ((0, "has no events"), (1, "has only 1 event")):
        with pytest.raises(FewEventsError, match=said):
            measured_range(open_run(write(columns(events), run=events + 1)), "d")

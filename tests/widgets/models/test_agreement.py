"""The comparison of the editor with a produced file finds what differs, and only that."""

import numpy as np

from workbench.regions import Circle, Rectangle
from workbench.runs import Run
from workbench.widgets.models import (
    RawFrames,
    RegionModel,
    agreement,
    picture_of_raw,
)

from .conftest import EVENTS, Made

SPOT = Rectangle(2, 12, 5, 25)  # as in the config


def drawn(made: Made, detector: str = "cam") -> tuple[RegionModel, RawFrames]:
    picture = picture_of_raw(made.raw, detector, constants=made.constants)
    return RegionModel(picture), RawFrames.of(made.raw, detector, constants=made.constants)


def test_a_region_of_the_config_agrees_in_pixels_and_all_its_numbers(
    made: Made, produced: Run
) -> None:
    model, source = drawn(made)
    model.put("spot", SPOT)
    found = agreement(model, source, produced)
    assert found.agrees, found
    named = [row[1] for row in found.table.rows]
    assert named == ["pixels", "sum", "mean", "max", "com", "pj_ax_0_data"]  # pj_ax_1 not kept
    assert [row[2:4] for row in found.table.rows] == [(200, 200), *[(EVENTS, EVENTS)] * 5]
    assert "bit for bit" in found._repr_html_()


def test_one_pixel_or_one_bit_less_is_found(made: Made, produced: Run) -> None:
    model, source = drawn(made)
    model.put("spot", Rectangle(2, 12, 5, 24))
    rows = agreement(model, source, produced).table.rows
    assert [row[-1] for row in rows][:2] == [False, False]
    model.put("spot", SPOT)
    good = np.ones(model.picture.frame.shape, np.bool_)
    good[5, 7] = False
    assert not agreement(model, source, produced, good=good).agrees
    assert not agreement(model, source, produced, low=0.5).agrees
    shifted = RawFrames(
        source.raw, source.field, type(source.calibration)(
            np.nextafter(source.calibration.pedestal, np.inf), source.calibration.gain,
            source.calibration.good, source.calibration.unit,
        ),
    )  # fmt: skip
    found = agreement(model, shifted, produced)
    assert [row[-1] for row in found.table.rows][:2] == [True, False]
    assert 0 < found.table.rows[1][4] < 0.1  # type: ignore[operator]


def test_regions_that_the_file_lacks_do_not_agree(made: Made, produced: Run) -> None:
    model, source = drawn(made, "tiles")
    assert not agreement(model, source, produced).agrees  # nothing was compared
    model.put("elsewhere", Circle(100, 90, 8))
    found = agreement(model, source, produced)
    assert not found.agrees
    assert {row[3] for row in found.table.rows} == {0}

"""The comparison of the editor with a produced file finds what differs, and only that."""

from pathlib import Path

import numpy as np

from workbench.regions import Circle, Rectangle, write_poni
from workbench.runs import Run
from workbench.widgets.models import (
    Beam,
    EdgeStep,
    RawFrames,
    RegionModel,
    WriteBack,
    agreement,
    azav_drawn,
    geometry_of,
    integration_of,
    picture_of_raw,
)
from workbench.widgets.opening import open_source
from workbench.widgets.views.editor import RegionEditor

from .conftest import CONFIG, EVENTS, RUN, Made

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


def test_averages_written_from_the_picture_agree_in_pixels_bins_and_all_events(
    made: Made, tmp_path: Path
) -> None:
    config, poni = tmp_path / "prod_config_xpp.py", tmp_path / "setup.poni"
    config.write_text(CONFIG)
    model, source = drawn(made, "tiles")
    model.set_beam((200.0, 100.0), Beam(80.0, 9.5))
    model.add_mask_step(EdgeStep(3))
    bins, curve = {"qbin": 0.05, "phiBins": 3}, {"return2d": False, "npts": 50}
    write_poni(poni, geometry_of(model).poni)
    with WriteBack(config, from_run=RUN) as back:
        assert "mask-not-written" in str(back.plan_centre(model, with_mask=False, **bins))
        assert back.plan_centre(model, **bins).findings == ()
        back.save()
        back.plan_poni(model, poni, **curve)
        back.save()
    run = made.produced(tmp_path, config=config)
    azav = azav_drawn(model, **bins)
    pyfai = integration_of(model.picture, {"poni_file": poni, **curve}, good=model.good)
    found = agreement(model, source, run, averages={"azav": azav, "pyfai": pyfai})
    assert found.agrees, found
    events = int(model.picture.origin.split()[2])
    compared = [(row[0], row[1], row[3]) for row in found.table.rows]
    used = int(model.used.sum())
    assert compared[:2] == [("azav", "pixels", used), ("azav", "phiVec", 3)]
    assert ("azav", "azav", events) in compared
    assert ("pyfai", "azav", events) in compared
    assert ("pyfai", "radial", 50) in compared
    other = azav_drawn(model, with_mask=False, **bins)
    rows = agreement(model, source, run, averages={"azav": other}).table.rows
    assert [row[-1] for row in rows if row[1] in ("pixels", "azav")] == [False, False]
    model.set_centre((200.0, 101.0))
    assert not agreement(model, source, run, averages={"azav": azav_drawn(model, **bins)}).agrees
    assert not agreement(model, source, run, averages={"never": azav}).agrees


COMMON = """
def get_common_mode(run):
    return {'cam': {'mode': 5, 'cormax': 90}} if run == 7 else {'cam': {'mode': 99}}
"""


def test_common_mode_of_the_config_is_taken_off_as_the_producer_does(
    made: Made, tmp_path: Path
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(CONFIG + COMMON)
    run = made.produced(tmp_path, config=config)
    with_config = {"constants": made.constants, "config": config}
    model = RegionModel(picture_of_raw(made.raw, "cam", **with_config))
    assert model.picture.origin.endswith("without common mode (mode 5 of prod_config_xpp.py)")
    model.put("spot", SPOT)
    found = agreement(model, RawFrames.of(made.raw, "cam", **with_config), run)
    assert found.agrees, found
    assert not agreement(model, drawn(made)[1], run).agrees
    assert RawFrames.of(made.raw, "tiles", **with_config).common_mode == ""


def test_the_common_mode_of_a_config_that_is_typed_later_is_taken_off(
    made: Made, tmp_path: Path
) -> None:
    opened = open_source(made.folder, constants=made.constants, config=made.config)
    editor = RegionEditor(opened, config=made.config, run=7)
    plain, tiles = editor.model.picture, opened.session.pictures("tiles")
    editor.model.put("spot", SPOT)
    config = tmp_path / "prod_config_xpp.py"
    for text, ends, limit in (
        (CONFIG + COMMON, "without common mode (mode 5 of prod_config_xpp.py)", 90),
        (CONFIG + COMMON.replace("90", "0.2"), "(mode 5 of prod_config_xpp.py)", 0.2),
        (CONFIG, "run 7", None),
    ):
        config.write_text(text)
        if editor.writing._config.value == str(config):
            editor.writing._read_again()  # the same file, changed meanwhile
        else:
            editor.writing._config.value = str(config)
        picture = editor.model.picture
        assert picture.origin.endswith(ends)
        assert picture.origin in str(editor.notes.panel.object)
        assert editor._origin.value == picture.origin
        assert editor._origin.options == [picture.origin]
        expected = picture_of_raw(made.raw, "cam", constants=made.constants, config=config)
        np.testing.assert_array_equal(picture.frame, expected.frame)
        common = opened.frames["cam"]().calibration.common
        assert (None if common is None else common.limit) == limit
    np.testing.assert_array_equal(picture.frame, plain.frame)
    assert opened.session.pictures("tiles") == tiles
    assert editor.model["spot"] == SPOT


def test_why_no_common_mode_is_taken_off_is_told(made: Made, tmp_path: Path) -> None:
    config = tmp_path / "prod_config_xpp.py"
    told = lambda **given: RawFrames.of(made.raw, "cam", config=config, **given).common_mode  # noqa: E731
    assert "no such file" in told().lower()
    config.write_text(CONFIG + COMMON)
    assert "give constants" in told()
    config.write_text(CONFIG + COMMON.replace("run == 7", "run == 8"))
    assert "not 99" in told(constants=made.constants)
    config.write_text("def broken(:")
    assert "not valid Python" in told(constants=made.constants)

from typing import Any

import pytest

from workbench.core.units import UnitError, factor
from workbench.facility import ROLES, RoleField, role_names, roles
from workbench.facility.facts import FactsError

HUTCHES = ("xpp", "xcs", "mec", "mfx", "cxi", "rix", "tmo")
SECONDARY = {"xray_diode", "position_x", "position_y"}  # second uses of what serves as I0


def names(hutch: str, generation: str, role: str) -> list[str]:
    return [field.name for field in roles(hutch, generation)[role]]


@pytest.mark.parametrize(
    ("hutch", "generation", "role", "first"),
    [
        ("xpp", "lcls2", "i0", "XppSb2BmMon/totalIntensityJoules"),
        ("xpplx1234", "lcls2", "delay", "scan/lxt_ttc"),
        ("xpp", "lcls2", "jitter", "tt/ttCorr"),
        ("xpp", "lcls2", "energy", "epics/ccm_E"),
        ("xpp", "lcls2", "event_id", "timestamp"),
        ("xpp", "lcls1", "i0", "ipm2/sum"),
        ("xpp", "lcls1", "jitter", "tt/ttCorr"),
        ("xcs", "lcls1", "i0", "ipm4/sum"),
        ("mec", "lcls1", "i0", "xt2_ipm2/sum"),
        ("mec", "lcls2", "i0", "MecXt2BmMon02/totalIntensityJoules"),
        ("xcs", "lcls2", "i0", "XcsSb1BmMon/totalIntensityJoules"),
        ("mfx", "lcls2", "i0", "MfxDg1BmMon/totalIntensityJoules"),
        ("mfx", "lcls1", "i0", "ipm_dg1/sum"),
        ("cxi", "lcls1", "i0", "ipm_dg2/sum"),
        ("rix", "lcls2", "i0", "gmd/milliJoulesPerPulse"),
        ("mec", "lcls1", "laser_diode", "dio_las/sum"),
        ("xpp", "lcls1", "xray_diode", "ipm_hx2/sum"),
    ],
)
def test_the_first_choice_for_each_role(hutch: str, generation: str, role: str, first: str) -> None:
    assert names(hutch, generation, role)[0] == first


def test_set_points_of_the_daq_come_before_slow_values() -> None:
    order = names("xpp", "lcls2", "delay")
    assert order.index("scan/lxt") < order.index("enc/lasDelay") < order.index("epics/lxt_ttc")


@pytest.mark.parametrize("hutch", HUTCHES)
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_every_delay_is_a_time_and_says_whether_the_time_tool_follows(
    hutch: str, generation: str
) -> None:
    table = roles(hutch, generation)
    assert tuple(table) == ROLES
    for field in (*table["delay"], *table["jitter"]):
        assert factor(field.unit, "ps") > 0
    for field in table["delay"]:
        assert field.time_tool in {"compensated", "uncompensated"}, field.name
        alone = field.name.endswith(("/lxt", "/lxt_fast", "NSDELAY"))
        assert (field.time_tool == "compensated") != alone
    for fields in table.values():
        for field in fields:
            assert field.meaning, field.name
            assert field.good is None or field.good[0] < field.good[1]


@pytest.mark.parametrize("hutch", HUTCHES)
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_one_dataset_plays_one_role_but_for_second_sources(hutch: str, generation: str) -> None:
    table = roles(hutch, generation)
    owner: dict[str, str] = {}
    for role, fields in table.items():
        if role not in SECONDARY:
            for field in fields:
                assert owner.setdefault(field.name, role) == role
        lines = [(field.name, field.needs) for field in fields]
        assert len(lines) == len(set(lines))
    assert role_names("xpp", "lcls2")["tt/ampl"] == "tt_amplitude"
    assert role_names("xpp", "lcls2")["Em3l0BmMon/totalIntensityJoules"] == "i0"


def test_the_unit_of_an_intensity_monitor_depends_on_the_board_that_read_it() -> None:
    lines = [field for field in roles("xpp", "lcls1")["i0"] if field.name == "ipm2/sum"]
    assert [(line.needs, line.unit, line.good) for line in lines] == [
        ("ipm2/peaks", "1", (1e3, 4e4)),
        ("ipm2/channels", "V", (0.2, 10.0)),
        ("", "1", None),
    ]


def test_usual_cuts_are_those_of_the_hutch() -> None:
    amplitude = roles("xpp", "lcls2")["tt_amplitude"][0]
    width = roles("xcs", "lcls1")["tt_width"][0]
    assert (amplitude.good, width.good) == ((0.005, 0.19), (30.0, 175.0))
    assert roles("xcs", "lcls1")["i0"][0].good == (2e3, 3e4)
    assert roles("xpp", "lcls1")["jitter"][1].good == (-0.3, 0.3)
    assert roles("cxi", "lcls1")["tt_amplitude"][0].good == (0.05, float("inf"))


@pytest.mark.parametrize("hutch", ["xcs", "mec"])
def test_names_that_only_renaming_gives_are_marked(hutch: str) -> None:
    table = roles(hutch, "lcls2")
    assert table["i0"][0].assumed
    assert not table["event_id"][0].assumed
    assert not any(field.assumed for field in roles(hutch, "lcls1")["i0"])
    assert roles("cxi", "lcls2")["i0"] == ()


def test_a_stage_moves_the_light_twice() -> None:
    stage = RoleField("las/stage", "mm", kind="stage", scale=-1.0)
    assert stage.to_ps("mm") == pytest.approx(-2 / 0.299792458)
    assert stage.to_ps("um") == pytest.approx(-2e-3 / 0.299792458)
    assert RoleField("enc/lasDelay", "ps").to_ps("s") == pytest.approx(1e12)
    with pytest.raises(UnitError, match="no conversion"):
        stage.to_ps("s")


@pytest.mark.parametrize(
    "wrong", [{"kind": "motor"}, {"time_tool": "yes"}, {"good": (2.0, 1.0)}, {"good": (1.0, 1.0)}]
)
def test_a_line_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(FactsError, match="ipm2/sum"):
        RoleField("ipm2/sum", **wrong)

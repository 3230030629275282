import pytest

from workbench.core.units import factor
from workbench.facility import ROLES, role_names, roles


def names(hutch: str, generation: str, role: str) -> list[str]:
    return [field.name for field in roles(hutch, generation)[role]]


@pytest.mark.parametrize(
    ("hutch", "generation", "role", "first"),
    [
        ("xpp", "lcls2", "i0", "XppSb2BmMon/totalIntensityJoules"),
        ("xpplx1234", "lcls2", "delay", "scan/lxt_ttc"),
        ("xpp", "lcls2", "jitter", "tt/fltpos_ps"),
        ("xpp", "lcls2", "energy", "ebeamh/ebeamPhotonEnergy"),
        ("xpp", "lcls2", "event_id", "timestamp"),
        ("xpp", "lcls1", "i0", "ipm2/sum"),
        ("xpp", "lcls1", "jitter", "tt/ttCorr"),
        ("xcs", "lcls1", "i0", "ipm4/sum"),
        ("mec", "lcls1", "i0", "xt2_ipm2/sum"),
    ],
)
def test_the_first_choice_for_each_role(hutch: str, generation: str, role: str, first: str) -> None:
    assert names(hutch, generation, role)[0] == first


def test_set_points_of_the_daq_come_before_slow_values() -> None:
    order = names("xpp", "lcls2", "delay")
    assert order.index("scan/lxt") < order.index("enc/lasDelay") < order.index("epics/lxt_ttc")


@pytest.mark.parametrize("hutch", ["xpp", "xcs", "mec"])
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
        assert (field.time_tool == "compensated") != field.name.endswith(("/lxt", "NSDELAY"))
    for fields in table.values():
        for field in fields:
            assert field.meaning, field.name
            assert field.good is None or field.good[0] < field.good[1]


def test_one_dataset_plays_one_role() -> None:
    for hutch in ("xpp", "xcs", "mec"):
        table = roles(hutch, "lcls1")
        every = [field.name for fields in table.values() for field in fields]
        assert len(every) == len(set(every))
    assert role_names("xpp", "lcls2")["tt/ampl"] == "tt_amplitude"


def test_usual_cuts_of_the_time_tool() -> None:
    (amplitude,) = roles("xpp", "lcls2")["tt_amplitude"]
    (width,) = roles("xcs", "lcls1")["tt_width"]
    assert (amplitude.good, width.good) == ((0.005, 0.19), (30.0, 175.0))


def test_a_hutch_without_lcls2_has_empty_roles_there() -> None:
    assert roles("mec", "lcls2")["i0"] == ()

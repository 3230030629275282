import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.facility import epics_fact, hutch, hutch_name
from workbench.facility.facts import known_names, read_facts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xpp", "xpp"),
        ("XPP", "xpp"),
        ("xpplx1234", "xpp"),
        ("xpptut15", "xpp"),
        ("xcsl1049023", "xcs"),
        ("mecl1016922", "mec"),
    ],
)
def test_an_experiment_belongs_to_the_hutch_its_name_begins_with(name: str, expected: str) -> None:
    assert hutch(name).name == expected


def test_an_unknown_hutch_is_refused_with_those_we_know() -> None:
    with pytest.raises(UnknownNameError, match=r"cxilr6716.*mec, xcs, xpp"):
        hutch_name("cxilr6716")


@pytest.mark.parametrize(
    ("name", "generation", "xray", "laser"),
    [  # the facility's published lists
        ("xpp", "lcls1", (-137,), (91,)),
        ("xpp", "lcls2", (-137,), (89,)),
        ("xcs", "lcls1", (-137,), (89,)),
        ("mec", "lcls1", (-137,), (-182,)),
    ],
)
def test_event_codes_of_each_hutch(
    name: str, generation: str, xray: tuple[int, ...], laser: tuple[int, ...]
) -> None:
    rule = hutch(name).status_rule(generation, 14)
    assert rule is not None
    assert (rule.xray, rule.laser) == (xray, laser)


def test_a_rule_that_nobody_published_is_absent_not_guessed() -> None:
    assert hutch("mec").status_rule("lcls2") is None


def test_the_default_detectors_of_xpp_with_lcls2() -> None:
    detectors = {each.source: each.group for each in hutch("xpp").defaults("lcls2")}
    assert detectors["XppUsbEncoder02"] == "enc"
    assert list(detectors)[:5] == ["scan", "timing", "ebeam", "ebeamh", "gasdet"]
    assert {"Em3l0BmMon", "Sp1L2Wv8", "XppSb2BmMon", "XppSb3BmMon", "XppUsrDio"} <= set(detectors)
    assert hutch("xcs").defaults("lcls2") == ()


def test_the_encoder_channel_of_the_laser_delay_is_renamed() -> None:
    (encoder,) = [each for each in hutch("xpp").defaults("lcls2") if each.group == "enc"]
    fact = encoder.field("lasDelay")
    assert (fact.source, fact.channel, fact.unit) == ("encoder_values", 0, "ps")
    assert encoder.field("other").unit == ""


@pytest.mark.parametrize(
    ("name", "generation", "unit"),
    [
        ("ebeamh/ebeamPhotonEnergy", "lcls2", "eV"),
        ("ebeamh/ebeamCharge", "lcls2", "nC"),
        ("gasdet/f11ENRC", "lcls2", "mJ"),
        ("XppSb2BmMon/xPositionMeters", "lcls2", "m"),
        ("enc/lasDelay", "lcls2", "ps"),
        ("scan/lxt_ttc", "lcls2", "s"),
        ("tt/fltpos_ps", "lcls2", "ps"),
        ("tt/FLTPOS_PS", "lcls1", "ps"),
        ("ebeam/photon_energy", "lcls1", "eV"),
        ("gas_detector/f_11_ENRC", "lcls1", "mJ"),
        ("epics/lxt", "lcls1", "s"),
        ("never/heard_of", "lcls1", ""),
    ],
)
def test_units_of_known_fields(name: str, generation: str, unit: str) -> None:
    assert hutch("xpp").fact(name, generation).unit == unit


def test_slow_values_and_their_units() -> None:
    assert len(hutch("xpp").epics) == 45
    assert epics_fact("lxt").unit == "s"
    assert epics_fact("gon_x").unit == ""


def test_a_generation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="lcls1, lcls2"):
        hutch("xpp").defaults("lcls3")


def test_every_hutch_has_its_facts_complete() -> None:
    for name in known_names("hutches"):
        station = hutch(name)
        assert station.title == name.upper()
        assert station.rules
        for generation in ("lcls1", "lcls2"):
            sources = [each.source for each in station.defaults(generation)]
            assert len(sources) == len(set(sources))
            groups = [each.group for each in station.defaults(generation)]
            assert len(groups) == len(set(groups)), "two detectors would write one folder"
    assert read_facts("", "sites")["site"]

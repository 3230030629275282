import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.facility import check_experiment_name, epics_fact, hutch, hutch_name
from workbench.facility.facts import FactsError, checked, known_names, read_facts
from workbench.facility.meanings import common_facts, fact_by_pattern
from workbench.facility.roles import role_field


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xpp", "xpp"),
        ("XPP", "xpp"),
        ("xpplx1234", "xpp"),
        ("xpptut15", "xpp"),
        ("xcsl1049023", "xcs"),
        ("mecl1016922", "mec"),
        ("mfx100894224", "mfx"),
        ("cxilr6716", "cxi"),
        ("rixl1013320", "rix"),
        ("tmolw0618", "tmo"),
    ],
)
def test_an_experiment_belongs_to_the_hutch_its_name_begins_with(name: str, expected: str) -> None:
    assert hutch(name).name == expected


@pytest.mark.parametrize(
    "name",
    [  # of the real files that are listed in the test data, and of published papers
        "cxilr6716", "mfx100894224", "mfx101080524", "mfxl1001221", "xcsl1049023", "xppc00121",
        "xppl1001021", "xppl1016922", "xpptut15", "xpp00316", "xcs01116", "mecls7819", "cxi78513",
    ],
)  # fmt: skip
def test_names_that_experiments_have_are_taken(name: str) -> None:
    check_experiment_name(name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("xpplx", "a digit at the end"),
        ("xpp", "a digit at the end"),
        ("xpplx_1234", "small letters and digits"),
        ("xpplx1234b", "a digit at the end"),
        ("XppLX1234", r"did you mean xpplx1234\?"),
        ("xpplx\u0661", "small letters and digits"),
    ],
)
def test_a_name_that_no_experiment_can_have_is_refused_with_one_that_could(
    name: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        check_experiment_name(name)


def test_an_unknown_hutch_is_refused_with_those_we_know() -> None:
    with pytest.raises(
        UnknownNameError, match=r"amolr6716.*begin with.*cxi, mec, mfx, rix, tmo, xcs"
    ):
        hutch_name("amolr6716")


@pytest.mark.parametrize(
    ("name", "generation", "xray", "laser"),
    [  # the facility's published lists
        ("xpp", "lcls1", (-137,), (91,)),
        ("xpp", "lcls2", (-137,), (89,)),
        ("xcs", "lcls1", (-137,), (89,)),
        ("mec", "lcls1", (-137,), (-182,)),
        ("mfx", "lcls1", (-137,), (204,)),
        ("mfx", "lcls2", (-137,), (-203,)),
        ("cxi", "lcls1", (-137,), (184,)),
        ("rix", "lcls2", (), (273,)),
    ],
)
def test_event_codes_of_each_hutch(
    name: str, generation: str, xray: tuple[int, ...], laser: tuple[int, ...]
) -> None:
    rule = hutch(name).status_rule(generation, 14)
    assert rule is not None
    assert (rule.xray, rule.laser) == (xray, laser)


def test_a_rule_that_nobody_published_is_absent_or_says_that_it_is_assumed() -> None:
    assert hutch("cxi").status_rule("lcls2") is None
    for name, laser in (("mec", (-182,)), ("xcs", (89,)), ("xpp", (89,))):
        rule = hutch(name).status_rule("lcls2", 14)
        assert rule is not None
        assert rule.assumed
        assert rule.laser == laser
    published = hutch("xpp").status_rule("lcls1", 14)
    assert published is not None
    assert not published.assumed


def test_superconducting_beam_is_told_by_its_destination() -> None:
    for name in ("rix", "tmo"):
        rule = hutch(name).status_rule("lcls2", 14)
        assert rule is not None
        assert rule.destination == 4


def test_the_default_detectors_of_xpp_with_lcls2() -> None:
    detectors = {each.source: each.group for each in hutch("xpp").defaults("lcls2")}
    assert detectors["XppUsbEncoder02"] == "enc"
    assert list(detectors)[:5] == ["scan", "timing", "ebeam", "ebeamh", "gasdet"]
    assert {"Em3l0BmMon", "Sp1L2Wv8", "XppSb2BmMon", "XppSb3BmMon", "XppUsrDio"} <= set(detectors)
    assert hutch("cxi").defaults("lcls2") == ()


@pytest.mark.parametrize("name", ["xcs", "mec"])
def test_lcls2_names_that_no_file_shows_are_marked(name: str) -> None:
    own = [each for each in hutch(name).defaults("lcls2") if "BmMon" in each.source]
    assert own
    assert all(each.assumed for each in own)
    assert not any(each.assumed for each in hutch(name).defaults("lcls1"))


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
        ("event_time", "lcls1", "1"),
        ("timestamp", "lcls2", "1"),
        ("evr/code_137", "lcls1", "1"),
        ("damage/epix_alc1", "lcls1", "1"),
        ("ai/ch03", "lcls1", "V"),
        ("ipm2/sum", "lcls1", "1"),
        ("ipm2/channels", "lcls1", "V"),
        ("diodeU/channels", "lcls1", "V"),
        ("epicsAll/lxt", "lcls1", "s"),
        ("tt/XPP_TIMETOOL_FLTPOS_PS", "lcls1", "ps"),
        ("tt/TTSPEC_FLTPOS", "lcls1", "pixel"),
        ("tt/TTSPEC_FLTPOS", "lcls2", ""),
        ("epix_1/droplet_nDroplets_all", "lcls1", "1"),
        ("UserDataCfg/epix10k2M/azav__azav_q", "lcls1", "1/angstrom"),
        ("UserDataCfg/epix10k2M/x", "lcls2", "um"),
        ("epix_1/ROI_0_sum", "lcls1", ""),
        ("epics/gon_x", "lcls1", ""),
        ("ipm2/xpos", "lcls1", ""),
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
        assert any(station.defaults(generation) for generation in ("lcls1", "lcls2"))
        for generation in ("lcls1", "lcls2"):
            sources = [each.source for each in station.defaults(generation)]
            assert len(sources) == len(set(sources))
            groups = [each.group for each in station.defaults(generation)]
            assert len(groups) == len(set(groups)), "two detectors would write one folder"
    assert read_facts("", "sites")["site"]


def test_an_unknown_key_in_a_file_of_facts_is_named_with_a_suggestion() -> None:
    with pytest.raises(FactsError, match=r"hutches/xpp.toml, ipm2: .*'gruop'; did you mean group"):
        checked({"gruop": "ipm2"}, "hutches/xpp.toml, ipm2", ("source", "group"))
    with pytest.raises(FactsError, match="'source' is missing"):
        checked({"group": "ipm2"}, "hutches/xpp.toml", ("source", "group"), needed=("source",))
    with pytest.raises(FactsError, match=r"xpp.*i0: unknown key 'goood'; did you mean good"):
        role_field({"name": "ipm2/sum", "goood": [1, 2]}, "fields/xpp.toml, lcls1.i0")


def test_every_key_of_every_pattern_and_section_is_read() -> None:
    for generation in ("lcls1", "lcls2"):
        assert fact_by_pattern("evr/code_90", generation).unit == "1"
        assert common_facts(generation)["lightStatus/xray"].unit == "1"

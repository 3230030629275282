import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.core.errors import InputError, UnknownNameError
from workbench.core.findings import Finding, Severity
from workbench.core.units import UnitError
from workbench.runs import DelayError, cut, open_run
from workbench.runs.checks import check_physics
from workbench.runs.experiment.expressions import Condition, parse_condition, parse_expression
from workbench.runs.experiment.lines import line_of
from workbench.runs.experiment.reading import ExperimentFileError, read_experiment_file

Write = Callable[..., Path]
N = 120
RNG = np.random.default_rng(2)
LASER = np.arange(N) % 3 == 0
CC = np.where(LASER, 5.05, 0.045) + 0.01 * RNG.standard_normal(N)
STATUS = {"lightStatus/xray": np.ones(N, int), "lightStatus/laser": np.ones(N, int)}
EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "experiment-toml.md"


def put(folder: Path, text: str) -> Path:
    path = folder / "experiment.toml"
    path.write_text(f"version = 1\n{text}")
    return path


def test_the_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    [block] = re.findall(r"```toml\n(.*?)```", EXAMPLE.read_text(), re.DOTALL)
    path = tmp_path / "experiment.toml"
    path.write_text(block)
    file = read_experiment_file(path)
    early, middle, late = (file.setup(run) for run in (14, 150, 300))
    assert file.table.archiver == "https://pswww.slac.stanford.edu/archiveviewer"
    assert early.channels["cc"].expression.field == "ai/ch03"
    assert middle.channels["cc"].expression.field == "ai/ch02"
    assert middle.channels["diode"] == early.channels["diode"]
    assert early.channels["split"].expression.coefficients == pytest.approx((-0.9376 * 3.1, 0.9376))
    assert early.status.laser == Condition("ai/ch03", ">", 2.0, "V")
    assert middle.status.laser == Condition("cc", ">", 2.0, "V")
    assert middle.status.xray == (-137,)
    assert (early.delay.source, late.delay.source) == ("enc/lasDelay", "split")
    assert (late.delay.time_tool, late.delay.sign) == ("none", 1)
    assert early.good["ipm2/sum"] == (500, np.inf)
    assert early.time_tool.polynomial == (-0.36, 0.0012, -1.1e-7)
    assert "runs 100 to 181" in middle.why
    assert "runs 300 to the end" in late.why


@pytest.mark.parametrize("place", ["results", "", "hdf5/smalldata"])
def test_the_file_is_found_in_the_experiments_folder_or_beside_the_data(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    home = tmp_path / "xpp" / "xpplx1234"
    folder = home / "hdf5" / "smalldata"
    folder.mkdir(parents=True)
    (home / "results").mkdir()
    path = write({**STATUS, "ai/ch03": CC}, folder=folder)
    file = put(home / place, '[channels]\ncc = "ai/ch03"')
    for run in (open_run(path), _by_number(monkeypatch, tmp_path)):
        np.testing.assert_array_equal(run["cc"].read(), CC)
        assert str(file) in repr(run)
        assert str(file) in run["cc"].why
        assert str(file) in run._repr_html_()
    assert "cc" not in open_run(path, experiment_file=False)


def _by_number(monkeypatch: pytest.MonkeyPatch, root: Path):
    monkeypatch.setenv("WORKBENCH_DATA_ROOT", str(root))
    return open_run("xpplx1234", 14)


def test_the_file_in_results_comes_first(write: Write, tmp_path: Path) -> None:
    home = tmp_path / "xpplx1234"
    (home / "results").mkdir(parents=True)
    path = write(STATUS, folder=home)
    put(home, "")
    first = put(home / "results", "")
    assert open_run(path).setup.path == first


def test_friendly_names_work_in_reading_cuts_and_roles(write: Write, tmp_path: Path) -> None:
    put(
        tmp_path,
        """
[channels]
cc = "ai/ch03"
diode = "diodeU/channels[2]"
split = "0.9376 * (epicsAll/delay - 3.1)"
moved = { field = "epicsAll/delay", scale = 2, offset = 1.5, unit = "mm", long_name = "stage" }
n = "counts"
[roles]
i0 = ["diode", "gasdet/f11ENRC"]
""",
    )
    channels = np.abs(RNG.standard_normal((N, 4))) + 1
    delay = np.linspace(0, 10, N)
    made = {
        "ai/ch03": CC,
        "diodeU/channels": channels,
        "epicsAll/delay": delay,
        "counts": np.arange(N),
    }
    run = open_run(write({**STATUS, **made}))
    np.testing.assert_allclose(run["split"].read(), 0.9376 * (delay - 3.1))
    np.testing.assert_allclose(run["moved"].read(rows=slice(3, 9)), 2 * delay[3:9] + 1.5)
    assert (run["moved"].unit, run["moved"].long_name) == ("mm", "stage")
    assert run["n"].read().dtype == np.int64
    assert run["split"].unit == ""
    np.testing.assert_array_equal(run.mask(cut("cc", 2)), LASER)
    np.testing.assert_array_equal(run.channel("diode").read(), channels[:, 2])
    i0 = run.role("i0")
    assert i0.name == "diode"
    assert f"as {run.setup.why} says" in i0.why
    assert {"cc", "diode", "split", "moved"} <= set(run)
    stacked = np.concatenate([values for _, values in run["split"].iter_stacks(17)])
    np.testing.assert_allclose(stacked, 0.9376 * (delay - 3.1))


def test_a_friendly_name_of_a_field_that_is_not_there_is_absent_and_says_why(
    write: Write, tmp_path: Path
) -> None:
    put(tmp_path, '[channels]\ncc = "ai/ch33"')
    run = open_run(write({**STATUS, "ai/ch03": CC}))
    assert "cc" not in run
    assert "cc" not in set(run)
    with pytest.raises(UnknownNameError, match=r"ai/ch33.*what cc is made of.*ai/ch03"):
        run["cc"]


@pytest.mark.parametrize("threshold", [0.5, 2, 4.5])
def test_the_laser_can_be_told_from_any_field(
    write: Write, tmp_path: Path, threshold: float
) -> None:
    """As in xppl1016922, where the stored laser flag means nothing."""
    put(tmp_path, f'[status]\nlaser = "ai/ch03 > {threshold} V"')
    values = CC.copy()
    values[7] = np.nan
    run = open_run(write({**STATUS, "ai/ch03": (values, "V")}))
    known = np.arange(N) != 7
    np.testing.assert_array_equal(run.classes.on, LASER & known)
    np.testing.assert_array_equal(run.classes.off, ~LASER & known)
    assert np.flatnonzero(run.classes.unknown).tolist() == [7]
    assert f"on where ai/ch03 > {threshold:g} V" in run.classes.why


def test_a_condition_in_another_unit_is_converted_or_refused(write: Write, tmp_path: Path) -> None:
    path = write({**STATUS, "ai/ch03": (CC, "V"), "las/e": (CC, "mJ")})
    put(tmp_path, '[status]\nlaser = "las/e > 2000 uJ"')
    np.testing.assert_array_equal(open_run(path).classes.on, LASER)
    put(tmp_path, '[status]\nlaser = "ai/ch03 > 2 mJ"')
    with pytest.raises(UnitError, match="voltage"):
        open_run(path).classes  # noqa: B018


@pytest.mark.parametrize(("word", "on"), [("on", N), ("off", 0)])
def test_a_beam_can_be_declared_always_on_or_off(
    write: Write, tmp_path: Path, word: str, on: int
) -> None:
    put(tmp_path, f'[status]\nlaser = "{word}"')
    assert open_run(write(STATUS)).classes.on.sum() == on


def test_a_run_range_overrides_the_top_of_the_file_and_only_there(
    write: Write, tmp_path: Path
) -> None:
    put(
        tmp_path,
        """
[channels]
cc = "ai/ch03"
vcc = "ai/ch02"
[[runs]]
first = 15
last = 20
[runs.channels]
cc = "ai/ch02"
""",
    )
    made = {**STATUS, "ai/ch03": CC, "ai/ch02": -CC}
    for number, sign in ((14, 1), (15, -1), (20, -1), (21, 1)):
        run = open_run(write(made, run=number))
        np.testing.assert_array_equal(run["cc"].read(), sign * CC)
        np.testing.assert_array_equal(run["vcc"].read(), -CC)


def test_the_delay_follows_the_experiments_file_and_says_so(write: Write, tmp_path: Path) -> None:
    stage = np.linspace(0, 3, N)
    jitter = 0.1 * RNG.standard_normal(N)
    made = {
        **STATUS,
        "las/stage": (stage, "mm"),
        "tt/fltpos_ps": (jitter, "ps"),
        "epicsAll/delay": (stage, "mm"),
    }
    path = write(made)
    put(
        tmp_path,
        '[delay]\nsource = "las/stage"\nkind = "stage"\nscale = -1\nsign = -1\nt0 = 0.5\n'
        'time_tool = "compensated"',
    )
    run = open_run(path)
    expected = -stage * 2 / 0.299792458 - jitter - 0.5
    np.testing.assert_allclose(run.delay().read(), expected)
    why = run.delay().why
    assert "-6.67128 ps/mm x las/stage [mm] - tt/fltpos_ps [ps] - 0.5 ps" in why
    assert f"sign -1, as {run.setup.why} says" in why
    np.testing.assert_allclose(run.delay(sign=1, t0=0.0).read(), expected + 2 * jitter + 0.5)
    put(
        tmp_path,
        '[channels]\nsplit = "0.9376 * (epicsAll/delay - 3.1)"\n'
        '[delay]\nsource = "split"\nunit = "ps"\ntime_tool = "none"',
    )
    split = open_run(path).delay()
    np.testing.assert_allclose(split.read(), 0.9376 * (stage - 3.1))
    assert "the time tool does not see this delay" in split.why


def test_the_polynomial_of_a_real_experiment_gives_the_published_numbers(
    write: Write, tmp_path: Path
) -> None:
    """Vector of cxij8816: its values span 2e-3 over the camera, so they are ns."""
    put(
        tmp_path,
        "[time_tool]\npolynomial = [-0.0013584927458976459, 3.1264188429430901e-06, "
        '-1.1172611228659911e-09]\nunit = "ns"',
    )
    edges = np.tile([0.0, 250.0, 500.0, 1000.0], N // 4)
    run = open_run(write({**STATUS, "tt/fltpos": edges, "tt/fltpos_ps": np.zeros(N)}))
    jitter = run.role("jitter")
    expected = [np.nan, -0.00064671685534, -7.459860514e-05, 0.000650664974179]
    np.testing.assert_allclose(jitter.read()[:4], 1e3 * np.array(expected), rtol=1e-9)
    assert jitter.unit == "ps"
    assert "polynomial [-0.00135849" in jitter.why
    put(tmp_path, "[time_tool]\npolynomial = [-0.00136, 3.13e-06, -1.12e-09]")
    spread = np.random.default_rng(4).uniform(400, 600, N)
    narrow = write({**STATUS, "tt/fltpos": spread}, run=15)
    with pytest.raises(DelayError, match=r"spreads over only .* its unit is another one"):
        open_run(narrow).role("jitter")


def test_acknowledged_findings_become_infos_with_the_reason(write: Write, tmp_path: Path) -> None:
    put(
        tmp_path,
        '[[acknowledged]]\ncode = "encoder-stuck"\nreason = "parked"\nfield = "enc/lasDelay"',
    )
    setup = open_run(write(STATUS)).setup
    stuck = Finding("encoder-stuck", Severity.WARNING, "repeats", "enc/lasDelay", 7)
    other = Finding("encoder-stuck", Severity.WARNING, "repeats", "enc/lasDelay2", 7)
    first, second = setup.acknowledge([stuck, other])
    assert (first.severity, first.count) == (Severity.INFO, 7)
    assert "(acknowledged: parked)" in first.message
    assert second == other


@pytest.mark.parametrize(
    ("text", "line", "field", "reason"),
    [
        ("[rolls]\ni0 = 'x'", 2, "rolls", "did you mean roles"),
        ("[roles]\ni00 = 'x'", 3, "roles.i00", "did you mean i0"),
        ("[roles]\ndelay = 'enc/lasDelay'", 3, "roles.delay", r"\[delay\] with source"),
        ("[roles]\ni0 = 3", 3, "roles.i0", "string"),
        ("[good]\ntt_amplitud = [0, 1]", 3, "good.tt_amplitud", "did you mean tt_amplitude"),
        ("[good]\ni0 = [2, 1]", 3, "good.i0", "must lie below"),
        ("[good]\ni0 = [1]", 3, "good.i0", "at least 2"),
        ("[delay]\nsign = 2", 3, "delay.sign", "1 or -1"),
        ("[delay]\nunits = 'ps'", 3, "delay.units", "did you mean unit"),
        ("[delay]\nunit = 'mm'", 3, "delay.unit", "no conversion"),
        ("[delay]\nt0 = '0'", 3, "delay.t0", "number"),
        ("[time_tool]\npolynomial = [1]", 3, "time_tool.polynomial", "at least 2"),
        ("[time_tool]\nunit = 'pixel'", 3, "time_tool.unit", "no conversion"),
        ("[status]\nlaser = 'ai/ch03 2 V'", 3, "status.laser", "is no condition"),
        ("[status]\nxray = [300]", 3, "status.xray", "codes are 1 to 287"),
        ("[channels]\ni0 = 'ai/ch03'", 3, "channels.i0", "no role's name"),
        ("[channels]\nx = 'a/b + c/d'", 3, "channels.x", "exactly one field"),
        ("[channels]\nx = { feild = 'a' }", 3, "channels.x.feild", "did you mean field"),
        ("[[runs]]\nlast = 3", 2, "runs.0.first", "is missing"),
        ("[[runs]]\nfirst = 9\nlast = 3", 4, "runs.0.last", "before first"),
        (
            "[[runs]]\nfirst = 1\nlast = 9\n[[runs]]\nfirst = 9",
            6,
            "runs.1.first",
            "runs 9 to the end overlaps runs 1 to 9",
        ),
        ("[[runs]]\nfirst = 1\n[runs.roles]\ni00 = 'x'", 5, "runs.0.roles.i00", "did you mean i0"),
        ("[[acknowledged]]\ncode = 'x'", 2, "acknowledged.0.reason", "is missing"),
        ("[saturation]\nepix_1 = 0", 3, "saturation.epix_1", "greater than 0"),
        ("[saturation]\nepix_1 = '9'", 3, "saturation.epix_1", "valid number"),
        (
            "[[acknowledged]]\ncode = 'encoder-stuk'\nreason = 'x'",
            3,
            "acknowledged.0.code",
            "did you mean encoder-stuck",
        ),
        (
            "[[runs]]\nfirst = 1\n[[runs.acknowledged]]\nreason = 'x'\ncode = 'qqq'",
            6,
            "runs.0.acknowledged.0.code",
            "write it as `workbench check` does",
        ),
        ("experiment = 'xcsl1234'", 2, "experiment", "the run is of xpplx1234"),
        ("x = = 3", 2, "", "is no TOML"),
    ],
)
def test_a_mistake_names_file_line_field_and_the_way_out(
    write: Write, tmp_path: Path, text: str, line: int, field: str, reason: str
) -> None:
    file = put(tmp_path, text)
    path = write(STATUS)
    with pytest.raises(ExperimentFileError, match=reason) as caught:
        open_run(path)
    assert (caught.value.line, caught.value.field) == (line, field)
    assert f"{file}:{line}: " in str(caught.value)
    assert "experiment_file=False" in str(caught.value)
    assert open_run(path, experiment_file=False).n_events == N


def test_a_file_without_version_or_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text("[roles]\n")
    with pytest.raises(ExperimentFileError, match="version = 1"):
        read_experiment_file(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExperimentFileError, match="cannot be read"):
        read_experiment_file(path)
    with pytest.raises(ExperimentFileError, match="cannot be read"):
        read_experiment_file(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("text", "field", "coefficients"),
    [
        ("ai/ch03", "ai/ch03", (0, 1)),
        ("0.9376 * (epicsAll/delay - 3.1)", "epicsAll/delay", (-2.90656, 0.9376)),
        ("-1 * x", "x", (0, -1)),
        ("x / 4 + 1", "x", (1, 0.25)),
        ("2 - (x - 1) * (x + 1)", "x", (3, 0, -1)),
        ("1e-3 * pips-diode-air/sum", "pips-diode-air/sum", (0, 1e-3)),
        ("diodeU/channels[2] * 2", "diodeU/channels[2]", (0, 2)),
        ("epics/MEC:NOTE:LAS:NSDELAY", "epics/MEC:NOTE:LAS:NSDELAY", (0, 1)),
    ],
)
def test_expressions_are_polynomials_of_one_field(
    text: str, field: str, coefficients: tuple[float, ...]
) -> None:
    expression = parse_expression(text)
    assert expression.field == field
    assert expression.coefficients == pytest.approx(coefficients)
    x = np.linspace(-2, 2, 7)
    plain = eval(text.replace(field, "x"))
    np.testing.assert_allclose(expression(x), plain)


@pytest.mark.parametrize(
    "text", ["3", "", "a + b", "1 / x", "(x + 1", "x +", "x 3", "* x", "x / 0", "2x"]
)
def test_text_that_is_no_polynomial_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(InputError, match=r"spaces|field|divide|parenthesis"):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ai/ch03 > 2 V", [False, False, True]),
        ("x >= 2", [False, True, True]),
        ("x < 2", [True, False, False]),
        ("x <= 2 V", [True, True, False]),
        ("x == 2", [False, True, False]),
    ],
)
def test_conditions_compare_as_they_read(text: str, expected: list[bool]) -> None:
    condition = parse_condition(text)
    assert condition(np.array([1.0, 2.0, 3.0]), 1.0).tolist() == expected
    assert str(condition) == text


def test_lines_are_found_through_headers_tables_in_lists_and_quotes() -> None:
    text = 'a = 1\n[good]\n"ipm2/sum" = [1, 2]\n[[runs]]\nfirst = 1\n[runs.roles]\ni0 = "x"\n'
    text += "[[runs]]\nfirst = 5\n[[runs.acknowledged]]\ncode = 'x'\ndelay.sign = 3\n"
    assert line_of(text, ("good", "ipm2/sum")) == 3
    assert line_of(text, ("runs", 0, "roles", "i0")) == 7
    assert line_of(text, ("runs", 1, "first")) == 9
    assert line_of(text, ("runs", 1, "acknowledged", 0, "code")) == 11
    assert line_of(text, ("runs", 1, "acknowledged", 0, "delay", "sign")) == 12
    assert line_of(text, ("nothing",)) == 0


def test_a_field_set_for_a_role_that_is_not_in_the_file_is_told(
    write: Write, tmp_path: Path
) -> None:
    monitor = np.abs(RNG.standard_normal(N)) + 1
    path = write({**STATUS, "gasdet/f11ENRC": monitor, "gasdet/f21ENRC": monitor + 1})
    put(tmp_path, '[roles]\ni0 = "gasdet/f11ENR"')
    run = open_run(path)
    (warning,) = run.role("i0").warnings
    assert "names gasdet/f11ENR as i0, but gasdet/f11ENR is not in the file" in warning
    (found,) = [one for one in check_physics(run) if one.code == "role-overruled"]
    assert (found.severity, found.field) == (Severity.WARNING, "i0")
    put(tmp_path, '[roles]\ni0 = ["gasdet/f11ENR", "gasdet/f11ENRC"]\nposition_x = "no/x"')
    run = open_run(path)
    assert run.role("i0").warnings == ()
    assert not [one for one in check_physics(run) if one.code == "role-overruled"]


def test_a_status_by_a_field_that_is_not_there_names_the_file(write: Write, tmp_path: Path) -> None:
    file = put(tmp_path, '[status]\nlaser = "ai/ch33 > 2"')
    run = open_run(write({**STATUS, "ai/ch03": CC}))
    with pytest.raises(UnknownNameError, match=rf"'ai/ch33' in .*{file}.*did you mean ai/ch03"):
        _ = run.classes

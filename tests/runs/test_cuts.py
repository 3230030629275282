import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.arrays import Array, Bools
from workbench.runs import (
    Cut,
    CutError,
    cut,
    cut_from_dict,
    cut_function,
    cut_running_median,
    equals,
    event_code,
    laser_off,
    laser_on,
    xray_off,
    xray_on,
)
from workbench.runs.answers import Reduce
from workbench.runs.cuts import Between, Correlated, NearLine, NearMedian, Origin, Percentiles

PAIRS = np.arange(12.0).reshape(6, 2)
XRAY = np.array([1, 1, 0, -1, 1, 1])
LASER = np.array([1, 0, 1, 1, -1, 1])
# class:         on off dark  ?  ?  on


@dataclass
class MadeUp:
    """Six events of every class, with columns that hold gaps."""

    columns: dict[str, Array] = field(
        default_factory=lambda: {
            "a": np.array([1.0, 2.0, np.nan, 4.0, 5.0, np.nan]),
            "b": np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.0]),
            "n": np.array([1, 0, -99999, 1, 0, 1]),
        }
    )

    label = "made up"
    timestamps = np.arange(6, dtype=np.uint64)

    def cut_values(self, name: str, reduce: Reduce = "") -> tuple[Array, Bools]:
        values = self.columns[name] if reduce == "" else PAIRS.sum(axis=1)
        return values, np.isnan(values) | (values == -99999)

    def cut_stacks(self, fields: tuple[str, ...]) -> Iterator[tuple[Array, ...]]:
        for rows in (slice(0, 4), slice(4, 6)):
            yield tuple(self.columns[name][rows] for name in fields)

    def field_name(self, field: str) -> str:
        return field

    def code_present(self, code: int) -> Bools:
        return np.arange(6) % 2 == code % 2

    def beam(self, which: str) -> Array:
        return XRAY if which == "xray" else LASER

    def in_scope(self, scope: str) -> Bools:
        return {
            "all": np.ones(6, bool),
            "on": (XRAY == 1) & (LASER == 1),
            "off": (XRAY == 1) & (LASER == 0),
            "dark": XRAY == 0,
        }[scope]


def larger(first: Array, second: Array) -> Bools:
    return np.asarray(first > second)


def chosen(selection: Cut) -> list[int]:
    return np.flatnonzero(selection.answer(MadeUp()).selected).tolist()


def test_a_range_is_half_open_and_a_missing_value_fails() -> None:
    assert chosen(cut("a", 2, 5)) == [1, 3]
    assert chosen(cut("a", None, 5)) == [0, 1, 3]
    assert chosen(cut("b", 4)) == [0, 1]


def test_the_opposite_of_a_cut_does_not_select_missing_values_either() -> None:
    assert chosen(~cut("a", 2, 5)) == [0, 4]
    assert chosen(~~cut("a", 2, 5)) == chosen(cut("a", 2, 5))


def test_an_or_selects_a_missing_value_only_through_its_other_side() -> None:
    assert chosen(cut("a", 5) | cut("b", None, 1)) == [4, 5]


def test_integer_sentinels_are_missing_in_equalities() -> None:
    assert chosen(equals("n", 0)) == [1, 4]
    assert chosen(equals("n", True)) == [0, 3, 5]
    assert chosen(~equals("n", True)) == [1, 4]


def test_unknown_beam_state_is_neither_on_nor_off() -> None:
    assert chosen(xray_on()) == [0, 1, 4, 5]
    assert chosen(xray_off()) == [2]
    assert chosen(laser_on()) == [0, 2, 3, 5]
    assert chosen(laser_off()) == [1]


def test_event_codes_select_events_that_carry_them() -> None:
    assert chosen(event_code(1)) == [1, 3, 5]


def test_a_scoped_cut_leaves_events_of_other_classes_alone() -> None:
    assert chosen(cut("a", 4, scope="on")) == [1, 2, 3, 4]  # on: 1.0 fails, NaN is missing
    assert chosen(~cut("a", 4, scope="on")) == [0, 1, 2, 3, 4]


def test_a_scoped_cut_in_an_or_does_not_select_events_outside_its_scope() -> None:
    assert chosen(cut("a", 4, scope="on") | cut("b", 4)) == [0, 1]


def test_scoped_applies_one_scope_to_every_cut_within() -> None:
    both = cut("a", 4) & cut("b", 4)
    assert both.scoped("off") == cut("a", 4, scope="off") & cut("b", 4, scope="off")
    assert chosen(both.scoped("off")) == [0, 2, 3, 4, 5]  # off event 1 fails


@pytest.mark.parametrize(
    ("field", "scope"),
    [
        ("delay", "on"),
        ("tt_amplitude", "on"),
        ("tt/FLTPOS_PS", "on"),
        ("tt/ttCorr", "on"),
        ("enc/lasDelay2", "on"),
        ("scan/lxt_ttc", "on"),
        ("i0", "all"),
        ("ipm2/sum", "all"),
        ("epix_1/ROI_0_sum", "all"),
        ("epics/lxe_opa", "all"),
    ],
)
def test_cuts_on_time_tool_and_delay_judge_laser_on_events_unless_told(
    field: str, scope: str
) -> None:
    assert cut(field, 0, 1).scopes == {scope}
    assert cut_running_median(field, width=1.0).scopes == {scope}
    assert cut(field, 0, 1, scope="dark").scopes == {"dark"}


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (2, 2), (3, 2), (float("nan"), 1), (-np.inf, np.inf)]
)
def test_impossible_ranges_are_refused_with_the_name_of_the_field(
    low: float | None, high: float | None
) -> None:
    with pytest.raises(CutError, match="ipm2/sum"):
        cut("ipm2/sum", low, high)


def test_an_unknown_scope_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CutError, match="all, on, off, dark"):
        cut("a", 1, scope="laser")  # type: ignore[arg-type]


def test_python_and_is_refused_because_it_would_drop_a_cut() -> None:
    with pytest.raises(CutError, match="&"):
        cut("a", 1) and cut("b", 1)


def test_an_unreadable_dictionary_is_an_error_that_shows_it() -> None:
    for plain in ({}, {"cut": "ranje"}, {"cut": "between", "nome": "a"}, {"all": [{}]}):
        with pytest.raises(CutError, match="cannot read a cut"):
            cut_from_dict(plain)


def test_numpy_numbers_survive_json() -> None:
    made = cut("a", np.float32(1.5), np.int64(3)) & equals("n", np.int32(1))
    assert Cut.from_dict(json.loads(json.dumps(made.to_dict()))) == made


SCOPES = st.sampled_from(["all", "on", "off", "dark"])
LEAVES = st.one_of(
    st.builds(
        lambda name, low, width, scope: cut(name, low, low + width, scope=scope),
        st.sampled_from(["a", "b"]),
        st.integers(0, 5),
        st.integers(1, 4),
        SCOPES,
    ),
    st.builds(lambda value, scope: equals("n", value, scope=scope), st.integers(0, 1), SCOPES),
    st.sampled_from([xray_on(), xray_off(), laser_on(), laser_off(), event_code(0)]),
    st.builds(lambda low, scope: cut("p", low, reduce="sum", scope=scope), st.floats(1, 9), SCOPES),
    st.builds(
        lambda width, scope: NearLine("a", "b", 6.0, -1.0, width, 2.0, scope),
        st.floats(0.1, 9),
        SCOPES,
    ),
    st.just(cut_function(larger, "a", "b")),
)
CUTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=6,
)


def same(first: Cut, second: Cut) -> bool:
    one, two = first.answer(MadeUp()), second.answer(MadeUp())
    return all(
        bool((getattr(one, name) == getattr(two, name)).all())
        for name in ("passes", "fails", "concerned")
    )


@settings(max_examples=60, deadline=None)
@given(CUTS, CUTS, CUTS)
def test_order_and_grouping_of_cuts_do_not_matter(a: Cut, b: Cut, c: Cut) -> None:
    assert same(a & b, b & a)
    assert same(a | b, b | a)
    assert same((a & b) & c, a & (b & c))
    assert same((a | b) | c, a | (b | c))
    assert same(~(a & b), ~a | ~b)


@settings(max_examples=60, deadline=None)
@given(CUTS)
def test_evaluating_a_cut_changes_nothing_that_another_one_sees(made: Cut) -> None:
    events = MadeUp()
    before = {name: values.copy() for name, values in events.columns.items()}
    first = made.answer(events)
    for scope in ("off", "on"):
        made.scoped(scope).answer(events)
    (~made & cut("b", 3)).answer(events)
    again = made.answer(events)
    for name in ("passes", "fails", "concerned"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    for name, values in before.items():
        np.testing.assert_array_equal(events.columns[name], values)


@settings(max_examples=60, deadline=None)
@given(CUTS)
def test_every_selection_survives_json(made: Cut) -> None:
    again = Cut.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again == made
    assert same(again, made)


@settings(max_examples=60, deadline=None)
@given(CUTS)
def test_pass_fail_and_missing_never_overlap(made: Cut) -> None:
    answer = made.answer(MadeUp())
    total = answer.passes.astype(int) + answer.fails + answer.missing + ~answer.concerned
    assert (total == 1).all()


NAMES = st.text(min_size=1, max_size=8)
NUMBERS = st.floats(-1e300, 1e300, allow_nan=False)
REDUCTIONS = st.sampled_from(["", "sum", "mean", "max", 0, 7])
ORIGINS = st.none() | st.builds(Origin, NAMES, NAMES, SCOPES, st.integers(0, 10**9))
WIDTHS = st.floats(1e-300, 1e300)
ANY_LEAF = st.one_of(
    LEAVES,
    st.builds(
        lambda field, low, scope, how, origin: Between(field, low, None, scope, how, origin),
        NAMES,
        NUMBERS,
        SCOPES,
        REDUCTIONS,
        ORIGINS,
    ),
    st.builds(equals, NAMES, NUMBERS | st.booleans() | st.integers() | NAMES, scope=SCOPES),
    st.builds(
        lambda field, low, of: Percentiles(field, low, 99, of), NAMES, st.floats(0, 90), SCOPES
    ),
    st.builds(NearMedian, NAMES, WIDTHS, st.integers(5, 999), SCOPES, st.booleans(), WIDTHS),
    st.builds(lambda field, width: cut_running_median(field, width=width), NAMES, WIDTHS),
    st.builds(
        Correlated, NAMES, NAMES, WIDTHS, st.sampled_from(["linear", "robust"]), SCOPES, SCOPES
    ),
    st.builds(
        NearLine, NAMES, NAMES, NUMBERS, NUMBERS, WIDTHS, WIDTHS, SCOPES, REDUCTIONS, ORIGINS
    ),
    st.builds(lambda takes: cut_function("numpy:isfinite", *takes), st.lists(NAMES, min_size=1)),
)
ANY_CUT = st.recursive(
    ANY_LEAF,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(ANY_CUT)
def test_every_cut_survives_toml_and_json(made: Cut) -> None:
    text = made.to_toml()
    assert Cut.from_toml(text) == made
    assert Cut.from_toml(text).to_toml() == text
    assert Cut.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert hash(made) == hash(Cut.from_toml(text))


def test_toml_that_holds_no_cut_is_refused_with_the_place() -> None:
    with pytest.raises(CutError, match="line 1"):
        Cut.from_toml("cut = between\n")
    with pytest.raises(CutError, match="cannot read a cut"):
        Cut.from_toml('[[all]]\ncut = "between"\nfeld = "a"')
    with pytest.raises(CutError, match="origin"):
        Cut.from_toml('cut = "between"\nfield = "a"\nlow = 1\norigin = { metod = "x" }')


def test_a_selection_as_toml_is_what_a_person_would_write() -> None:
    made = cut("ipm2/sum", 500) & ~cut("tt/ampl", None, 0.02, scope="on")
    assert made.to_toml().splitlines() == [
        "[[all]]",
        'cut = "between"',
        'field = "ipm2/sum"',
        "low = 500.0",
        'scope = "all"',
        "",
        "[[all]]",
        'not = { cut = "between", field = "tt/ampl", high = 0.02, scope = "on" }',
    ]


def test_an_end_that_is_no_number_is_refused_by_name() -> None:
    for end in ("5", [1], object()):
        with pytest.raises(CutError, match=r"cut on a: low is .* not a number"):
            cut("a", end)  # type: ignore[arg-type]
    assert cut("a", np.float32(0.5)) == cut("a", 0.5)
    with pytest.raises(CutError, match=r"by its name, not .*use cut_function"):
        cut(lambda values: values > 1, 0)  # type: ignore[arg-type,return-value]

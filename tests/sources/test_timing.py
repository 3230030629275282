from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InputError
from workbench.sources.timing import DestinationRule, EventCodeRule, event_codes

XPP = EventCodeRule(xray=(-137,), laser=(89,))


def codes(*events: tuple[int, ...]) -> np.ndarray:
    """One row for each event, True at the codes named."""
    table = np.zeros((len(events), 288), bool)
    for row, present in enumerate(events):
        table[row, list(present)] = True
    return table


def test_the_published_rule_of_xpp_tells_all_four_kinds_of_shots() -> None:
    status = XPP.status(codes((40, 137), (40, 137, 89), (40, 162), (40, 162, 89)))
    assert status.xray.tolist() == [1, 1, 0, 0]
    assert status.laser.tolist() == [1, 0, 1, 0]


def test_a_required_laser_code_turns_the_laser_on() -> None:
    mec = EventCodeRule(xray=(-137,), laser=(-182,))
    assert mec.status(codes((137,), (137, 182))).laser.tolist() == [0, 1]


def test_an_event_without_any_code_is_unknown() -> None:
    status = XPP.status(codes((40, 137), ()))
    assert status.xray.tolist() == [1, -1]
    assert status.laser.tolist() == [1, -1]


def test_codes_that_were_not_recorded_are_unknown() -> None:
    filled = np.where(codes((40, 137), ()).astype(np.int64) == 0, -99999, 1)
    assert XPP.status(filled).xray.tolist() == [1, -1]


def test_a_beam_without_a_rule_is_unknown() -> None:
    status = EventCodeRule(xray=(-137,), laser=()).status(codes((40,), (137,)))
    assert status.xray.tolist() == [0, 1]
    assert status.laser.tolist() == [-1, -1]


@pytest.mark.parametrize("rule", [(162, 163), (163, 162)])
def test_any_drop_code_turns_a_beam_off_wherever_it_stands(rule: tuple[int, ...]) -> None:
    status = EventCodeRule(xray=rule, laser=rule).status(codes((162,), (163,), (162, 163), (40,)))
    assert status.xray.tolist() == status.laser.tolist() == [0, 0, 0, 1]


def test_a_required_code_does_not_override_a_drop_code() -> None:
    rule = EventCodeRule(xray=(-137, 162), laser=(-182, 91))
    status = rule.status(codes((137, 162, 182, 91), (137, 182), (40,)))
    assert status.xray.tolist() == status.laser.tolist() == [0, 1, 0]


def test_all_required_codes_must_be_present() -> None:
    rule = EventCodeRule(xray=(-137, -141), laser=(-1,))
    assert rule.status(codes((137,), (141,), (137, 141))).xray.tolist() == [0, 0, 1]


signed = st.sampled_from([1, 40, 89, 137, 162, 287])


@given(
    rule=st.dictionaries(signed, st.booleans(), min_size=1),
    events=st.lists(st.sets(signed), min_size=1, max_size=8),
)
def test_status_follows_the_rule_read_word_by_word(
    rule: dict[int, bool], events: list[set[int]]
) -> None:
    expected = []
    for event in events:
        on = all((code in event) is required for code, required in rule.items())
        expected.append(int(on) if event else -1)
    written = tuple(-code if required else code for code, required in rule.items())
    status = EventCodeRule(xray=written, laser=written).status(codes(*map(tuple, events)))
    assert status.xray.tolist() == status.laser.tolist() == expected
    assert status.xray.dtype == np.int8


def test_x_rays_of_the_superconducting_linac_follow_the_destination() -> None:
    rix = DestinationRule(destination=4, laser=(273,))
    table = codes((10,), (10, 273), (10,), ())
    status = rix.status(table, np.array([4, 4, 0, -1]))
    assert status.xray.tolist() == [1, 1, 0, -1]
    assert status.laser.tolist() == [1, 0, 1, -1]


def test_event_codes_are_the_bits_of_the_sequence_values() -> None:
    words = np.random.default_rng(1).integers(0, 2**16, (50, 18)).astype(np.uint16)
    bits = event_codes(words)
    assert bits.shape == (50, 288)
    for event, code in product(range(50), range(288)):
        assert bits[event, code] == (int(words[event, code >> 4]) >> (code & 15)) & 1


def test_event_codes_of_no_events_have_288_columns() -> None:
    assert event_codes(np.zeros((0, 18), np.uint16)).shape == (0, 288)


@pytest.mark.parametrize("rule", [(0,), (288,), (-300,), (137, -137)])
def test_an_impossible_code_is_refused(rule: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="event code"):
        EventCodeRule(xray=rule, laser=())
    with pytest.raises(InputError, match="laser event code"):
        DestinationRule(destination=4, laser=rule)


def test_a_wrong_shape_or_destination_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected .event, 288"):
        XPP.status(np.zeros((3, 256), bool))
    with pytest.raises(InputError, match=r"expected .event, 18"):
        event_codes(np.zeros((3, 16), np.uint16))
    with pytest.raises(InputError, match="int64"):
        event_codes(np.zeros((3, 18), np.int64))
    with pytest.raises(InputError, match="0 to 15"):
        DestinationRule(destination=16, laser=())
    with pytest.raises(InputError, match="one each"):
        DestinationRule(destination=4, laser=()).status(codes((1,)), np.zeros(2, int))

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.runs import RoleError, Run, cut, open_run

Write = Callable[..., Path]
N = 200
RNG = np.random.default_rng(5)
BEAM = 1e4 * (1 + 0.1 * RNG.standard_normal(N))
STATUS = {"lightStatus/xray": np.ones(N, int), "lightStatus/laser": np.arange(N) % 2}


@pytest.fixture
def old(write: Write) -> Callable[..., Run]:
    """Return a function that opens made-up LCLS-I columns of XPP."""
    import h5py

    def make(columns: dict[str, Any], experiment: str = "xpplx1234") -> Run:
        path = write({**STATUS, **columns}, experiment=experiment)
        with h5py.File(path, "a") as h5:
            h5.attrs["generation"] = "lcls1"
            h5["event_time"] = h5["timestamp"][:]
            del h5["timestamp"]
        return open_run(path)

    return make


def test_every_candidate_that_was_passed_over_is_named_with_its_number_and_reason(
    old: Callable[..., Run],
) -> None:
    gone = np.where(np.arange(N) < 140, np.nan, 1.0)
    flat_top = np.minimum(BEAM, np.quantile(BEAM, 0.6))
    run = old(
        {
            "ipm2/sum": -6800 + 0 * BEAM,
            "ipm2/peaks": np.ones((N, 16)),
            "ipm3/sum": np.full(N, 7.0),
            "diodeU/sum": gone,
            "diode2/sum": flat_top,
            "lombpm/sum": BEAM / 1e4,
            "gas_detector/f_21_ENRC": BEAM / 1e4,
        }
    )
    i0 = run.role("i0")
    assert i0.name == "lombpm/sum"
    assert i0.unit == "V"
    assert i0.alternatives == ("gas_detector/f_21_ENRC",)
    for reason in (
        "ipm2/sum is negative on average (-6.8e+03)",
        "ipm3/sum never changes (7)",
        "diodeU/sum is measured in only 30 % of the events",
        "diode2/sum is saturated: 40 % of the events are at its top",
        "could serve too: gas_detector/f_21_ENRC",
        "not in the file: diodeU/channels[0], ",
        "monitor behind the large-offset monochromator",
    ):
        assert reason in i0.why


def test_a_run_of_one_shot_has_an_intensity(write: Write) -> None:
    shot = {name: np.ones(1, np.int64) for name in STATUS}
    run = open_run(write({**shot, "XppSb2BmMon/totalIntensityJoules": np.full(1, 2e-6)}))
    assert run.role("i0").name == "XppSb2BmMon/totalIntensityJoules"


def test_the_energy_is_that_of_the_monochromator_where_it_has_one(write: Write) -> None:
    machine = {"ebeamh/ebeamPhotonEnergy": (np.full(N, 9512.0), "eV")}
    for value, serves in ((9.5, "epics/ccm_E"), (0.0, "ebeamh/ebeamPhotonEnergy")):
        run = open_run(write({**machine, "epics/ccm_E": (np.full(N, value), "keV")}))
        assert run.role("energy").name == serves
    assert "epics/ccm_E is no energy (0 on median)" in run.role("energy").why


def test_a_negative_monitor_after_the_chosen_one_is_named_too(old: Callable[..., Run]) -> None:
    run = old({"ipm2/sum": BEAM, "ipm2/peaks": np.ones((N, 16)), "ipm3/sum": -BEAM})
    i0 = run.role("i0")
    assert i0.name == "ipm2/sum"
    assert "passed over: ipm3/sum is negative on average" in i0.why
    assert i0.alternatives == ()


def test_the_unit_of_a_monitor_follows_the_board_that_read_it(old: Callable[..., Run]) -> None:
    new = old({"ipm2/sum": BEAM, "ipm2/peaks": np.ones((N, 16))})
    assert next(f for f in new.role_fields("i0") if f.name == "ipm2/sum").good == (1e3, 4e4)
    volts = old({"ipm2/sum": BEAM / 1e4, "ipm2/channels": np.ones((N, 4))})
    line = next(f for f in volts.role_fields("i0") if f.name == "ipm2/sum")
    assert (line.unit, line.good) == ("V", (0.2, 10.0))
    assert [f.name for f in volts.role_fields("i0")].count("ipm2/sum") == 1


def test_one_column_of_an_array_serves_as_a_channel(old: Callable[..., Run]) -> None:
    channels = np.stack([BEAM * 0, -BEAM, BEAM, 2 * BEAM], axis=1)
    run = old({"diodeU/channels": channels})
    column = run["diodeU/channels[2]"]
    np.testing.assert_array_equal(column.read(), BEAM)
    np.testing.assert_array_equal(column.read(rows=slice(10, 20)), BEAM[10:20])
    assert column.shape == (N,)
    assert column.unit == "V"
    assert "diodeU/channels[2]" in run
    assert "diodeU/channels[4]" not in run
    np.testing.assert_array_equal(run.mask(cut("diodeU/channels[3]", 2e4)), 2 * BEAM >= 2e4)
    i0 = run.role("i0")
    assert i0.name == "diodeU/channels[2]"
    assert "diodeU/channels[1] is negative" in i0.why


def test_integers_of_a_column_stay_integers(write: Write) -> None:
    codes = RNG.integers(0, 2, (N, 288))
    run = open_run(write({"timing/eventcodes": codes}))
    column = run["timing/eventcodes[137]"].read()
    assert column.dtype == codes.dtype
    np.testing.assert_array_equal(column, codes[:, 137])


def test_only_the_candidates_are_read(
    old: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.smalldata import SmallDataFile

    run = old({"ipm2/sum": BEAM, "epix/ROI_0_sum": BEAM, "ai/ch00": BEAM})
    asked: list[str] = []
    plain = SmallDataFile.read

    def noted(self: SmallDataFile, name: str, *more: Any, **options: Any) -> Any:
        asked.append(name)
        return plain(self, name, *more, **options)

    monkeypatch.setattr(SmallDataFile, "read", noted)
    assert run.role("i0") is run.role("i0")
    assert len(asked) == len(set(asked))
    assert set(asked) == {"ipm2/sum", "lightStatus/xray", "lightStatus/laser"}


def test_an_assumed_name_says_so(write: Write) -> None:
    path = write({**STATUS, "XcsSb1BmMon/totalIntensityJoules": BEAM}, experiment="xcslx1234")
    why = open_run(path).role("i0").why
    assert "assumed: no public file or list shows this field" in why


@pytest.mark.parametrize("hole", [np.nan, -99999.0])
def test_a_run_whose_monitors_are_all_bad_is_an_error_with_every_reason(
    old: Callable[..., Run], hole: float
) -> None:
    run = old({"ipm2/sum": np.full(N, hole), "ipm3/sum": -BEAM})
    with pytest.raises(RoleError, match=r"ipm2/sum is measured in only 0 %.*ipm3/sum is negative"):
        run.role("i0")

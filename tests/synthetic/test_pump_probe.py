import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.synthetic import PumpProbe, response


def test_the_response_has_its_published_values() -> None:
    delays = np.array([-0.1, 0.0, 0.1, 0.5, 1.0])
    expected = [0.0219290240119, 0.462478785288, 0.799205677379, 0.369723444544, 0.136013654167]
    np.testing.assert_allclose(response(delays, t0=0.0, tau=0.5, sigma=0.05), expected, atol=1e-12)


def test_the_response_is_finite_and_none_long_before_t0_and_gone_long_after() -> None:
    values = response(np.array([-1e4, -30.0, 1e4]), t0=0.2, tau=0.3, sigma=0.05)
    np.testing.assert_array_equal(values, 0.0)


def test_steps_share_the_events_in_order_and_evenly() -> None:
    spec = PumpProbe(n_events=1000, n_steps=7)
    steps = spec.step_of(np.arange(1000))
    assert (np.diff(steps) >= 0).all()
    counts = np.bincount(steps)
    assert len(counts) == 7
    assert counts.max() - counts.min() <= 1
    assert (spec.delays[0], spec.delays[-1]) == (-1.0, 3.0)


def test_a_fast_scan_sweeps_the_whole_range_to_and_fro() -> None:
    spec = PumpProbe(scan="fast", sweep_period=10.0)
    swept = spec.sweep(np.arange(1201))
    assert swept[[0, 300, 600, 900, 1200]].tolist() == [-1.0, 1.0, 3.0, 1.0, -1.0]
    assert spec.delays.tolist() == [0.0]


def test_dropped_and_laser_off_shots_fall_on_every_read_out_phase() -> None:
    spec = PumpProbe()
    events = np.arange(60_000)
    for cameras in (spec.camera_every, spec.jungfrau_every):
        read = events % cameras == 0
        assert spec.dropped(events)[read].mean() == pytest.approx(1 / spec.dropped_every, rel=0.05)
        off = spec.laser_off(events)[read].mean()
        assert off == pytest.approx(1 / spec.laser_off_every, rel=0.05)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scan": "spiral"}, "use 'step' or 'fast'"),
        ({"n_events": 0}, "n_events is 0; it must be at least 1"),
        ({"tau": 0.0}, "tau is 0.0; it must be positive"),
        ({"missing": 1.0}, "a fraction"),
        ({"run": 10_000}, "0 to 9999"),
        ({"delay_last": -2.0}, "above delay_first"),
        ({"amplitude": -1.5}, "signal_photons|above -1"),
        ({"background_photons": 5.0}, "more than the background"),
    ],
)
def test_values_that_make_no_experiment_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PumpProbe(**values)

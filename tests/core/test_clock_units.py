import numpy as np
import pytest

from workbench.core import clock
from workbench.core.units import UnitError, factor


def test_time_stamps_survive_packing_and_know_their_epoch() -> None:
    stamps = clock.pack(np.array([0, 10], np.int64), np.array([5, 999_999_999], np.int64))
    assert clock.nanoseconds(stamps).tolist() == [5, 10_999_999_999]
    assert clock.datetimes(stamps)[0] == np.datetime64("1990-01-01T00:00:00.000000005")
    assert clock.datetimes(stamps, epoch=0)[0] == np.datetime64("1970-01-01T00:00:00.000000005")


def test_units_convert_within_a_kind_only() -> None:
    assert factor("s", "ps") == pytest.approx(1e12)
    assert factor("keV", "keV") == 1
    with pytest.raises(UnitError, match="no conversion"):
        factor("ps", "mm")
    with pytest.raises(UnitError, match="unknown unit 'parsec'"):
        factor("parsec", "m")

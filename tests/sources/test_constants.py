from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.core.constants import Constants
from workbench.core.errors import InputError, NotThereError
from workbench.sources.constants import (
    ConstantsFileError,
    detectors_in,
    read_constants,
    write_constants,
)


def of(detector: str, level: float, shape: tuple[int, ...] = (3, 4)) -> Constants:
    good = np.ones(shape, bool)
    good[..., 1, 2] = False
    return Constants(detector, np.full(shape, level), np.full(shape, 41.5), good)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "constants.h5"


def test_constants_come_back_as_written(path: Path) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    write_constants(path, [Constants("jungfrau1M", x=x, y=x + 1, z=x + 2, origin="by hand")])
    back = read_constants(path, "jungfrau1M", 7)
    assert back is not None
    np.testing.assert_array_equal(back.y, x + 1)
    assert back.pedestal is None
    assert back.good is None
    assert back.unit == "ADU"
    assert "by hand" in back.origin


def test_pixels_marked_bad_stay_bad(path: Path) -> None:
    write_constants(path, [of("epix_1", 10.0)])
    back = read_constants(path, "epix_1", 1)
    assert back is not None
    assert back.good is not None
    assert back.good.dtype == np.dtype(bool)
    assert np.argwhere(~back.good).tolist() == [[1, 2]]
    assert back.unit == "keV"


@pytest.mark.parametrize(
    ("run", "level"), [(4, None), (5, 1.0), (9, 1.0), (10, 2.0), (20, 2.0), (21, 1.0), (500, 1.0)]
)
def test_the_range_that_starts_last_decides(path: Path, run: int, level: float | None) -> None:
    write_constants(path, [of("epix_1", 1.0)], first_run=5)
    write_constants(path, [of("epix_1", 2.0)], first_run=10, last_run=20)
    back = read_constants(path, "epix_1", run)
    if level is None:
        assert back is None
    else:
        assert back is not None
        assert back.pedestal is not None
        assert back.pedestal[0, 0] == level


def test_writing_a_range_again_replaces_it_and_keeps_other_detectors(path: Path) -> None:
    write_constants(path, [of("epix_1", 1.0), of("jungfrau1M", 3.0, (2, 3, 4))])
    write_constants(path, [of("epix_1", 2.0)])
    assert detectors_in(path) == ("epix_1", "jungfrau1M")
    back = read_constants(path, "epix_1", 1)
    assert back is not None
    assert back.pedestal is not None
    assert back.pedestal[0, 0] == 2.0


def test_a_detector_that_the_file_does_not_hold_gives_none(path: Path) -> None:
    write_constants(path, [of("epix_1", 1.0)])
    assert read_constants(path, "opal", 1) is None


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(NotThereError, match=r"constants\.h5"):
        read_constants(path, "epix_1", 1)


def test_a_file_that_is_not_hdf5_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("not HDF5")
    with pytest.raises(ConstantsFileError, match="not a readable HDF5 file"):
        read_constants(path, "epix_1", 1)
    with pytest.raises(ConstantsFileError):
        write_constants(path, [of("epix_1", 1.0)])
    assert path.read_text() == "not HDF5"
    assert list(path.parent.iterdir()) == [path]


def test_arrays_of_different_shapes_are_refused_on_writing_and_reading(path: Path) -> None:
    with pytest.raises(ConstantsFileError, match="different shapes"):
        write_constants(path, [Constants("a", np.zeros((3, 4)), np.ones((4, 3)))])
    write_constants(path, [of("a", 0.0)])
    with h5py.File(path, "a") as file:
        del file["a/runs_0_end/gain"]
        file["a/runs_0_end/gain"] = np.ones((4, 3))
    with pytest.raises(ConstantsFileError, match=r"runs_0_end.*different shapes"):
        read_constants(path, "a", 1)


@pytest.mark.parametrize("gain", [0.0, -1.0, np.nan, np.inf])
def test_a_gain_that_cannot_divide_is_refused_unless_the_pixel_is_bad(
    path: Path, gain: float
) -> None:
    gains, good = np.ones((3, 4)), np.ones((3, 4), bool)
    gains[0, 0] = gain
    with pytest.raises(ConstantsFileError, match="gain is not a usable number in 1 pixels"):
        write_constants(path, [Constants("a", np.zeros((3, 4)), gains, good)])
    good[0, 0] = False
    write_constants(path, [Constants("a", np.zeros((3, 4)), gains, good)])


def test_a_range_that_holds_no_run_is_refused(path: Path) -> None:
    with pytest.raises(InputError, match="give first <= last"):
        write_constants(path, [of("a", 0.0)], first_run=9, last_run=8)
    assert not path.exists()


def test_damage_anywhere_in_the_file_is_named_or_harmless(path: Path) -> None:
    random = np.random.default_rng(3)
    pedestal = random.normal(2500, 60, (20, 30))
    write_constants(path, [Constants("a", pedestal, np.ones((20, 30)))])
    whole = path.read_bytes()
    refused = 0
    for case in range(150):
        damaged = bytearray(whole)
        if case % 2:
            del damaged[random.integers(len(whole)) :]
        else:
            damaged[random.integers(len(whole))] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            back = read_constants(path, "a", 1)
        except ConstantsFileError:
            refused += 1
        else:
            if back is not None and back.pedestal is not None:
                np.testing.assert_array_equal(back.pedestal, pedestal)
    assert refused > 100

import numpy as np
import pytest

from workbench.core.errors import InputError
from workbench.smalldata import DatasetSpec


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ("uint16", "int32"),
        ("int8", "int32"),
        ("bool", "int32"),
        ("int32", "int32"),
        ("uint32", "int64"),
        ("uint64", "int64"),
        ("float16", "float32"),
        ("float32", "float32"),
    ],
)
def test_integers_too_narrow_for_the_sentinel_are_stored_wider(declared: str, stored: str) -> None:
    assert DatasetSpec("a/b", declared).stored == np.dtype(stored)


def test_blank_rows_hold_the_missing_value_of_each_type() -> None:
    assert np.isnan(DatasetSpec("a/b", "float32", (2,)).blank(3)).all()
    assert (DatasetSpec("a/b", "uint16").blank(3) == -99999).all()
    assert list(DatasetSpec("a/b", "str").blank(2)) == ["", ""]
    assert list(DatasetSpec("a/var_b/c", "float64", ragged=True).blank(2)) == [None, None]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"name": "a/b", "dtype": "float64", "ragged": True}, "det/var_"),
        ({"name": "/a", "dtype": "float64"}, "path like"),
        ({"name": "a", "dtype": "complex64"}, "complex64"),
        ({"name": "a", "dtype": "float64", "shape": (2,), "dims": ("x", "y")}, "2 axis names"),
    ],
)
def test_an_impossible_spec_is_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text):
        DatasetSpec(**arguments)  # type: ignore[arg-type]

"""Small-data files made on the spot."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from workbench.smalldata import DatasetSpec, OnceValue, create_part, merge_parts

SPECS = (
    DatasetSpec("timestamp", "int64"),
    DatasetSpec("lightStatus/xray", "int64"),
    DatasetSpec("lightStatus/laser", "int64"),
    DatasetSpec("XppSb2BmMon/totalIntensityJoules", "float64", unit="J"),
    DatasetSpec("enc/lasDelay", "float64", unit="ps"),
    DatasetSpec("epix_1/roi_area", "float32", (3, 4), unit="keV", dims=("row", "col")),
    DatasetSpec("epix_1/roi_count", "uint16"),
    DatasetSpec("epix_1/var_hits/adu", "float64", unit="ADU", ragged=True),
    DatasetSpec("epix_1/var_hits/row", "uint16", unit="pixel", ragged=True),
    DatasetSpec("scan/step_docstring", "str"),
    DatasetSpec("timing/eventcodes", "int64", (288,), compress=True),
)
ATTRIBUTES = {"experiment": "xpplx1234", "run": 14, "generation": "lcls2"}
EPOCH = 1_000_000_000 << 32


def rows_of(events: np.ndarray) -> dict[str, np.ndarray]:
    """Return values that follow from the event numbers by rules a test can write down."""
    count = len(events)
    hits, rows = np.empty(count, dtype=object), np.empty(count, dtype=object)
    for place, event in enumerate(events):
        present = event % 5 != 0
        hits[place] = np.arange(event % 4) + 10.0 * event if present else None
        rows[place] = (np.arange(event % 4) + event).astype(np.uint16) if present else None
    return {
        "timestamp": EPOCH + events * 8_333_333,
        "lightStatus/xray": (events % 10 != 9).astype(np.int64),
        "lightStatus/laser": (events % 3 != 2).astype(np.int64),
        "XppSb2BmMon/totalIntensityJoules": 1e-3 + 1e-6 * events,
        "enc/lasDelay": events * 0.01,
        "epix_1/roi_area": np.broadcast_to(events[:, None, None], (count, 3, 4)).astype("f4"),
        "epix_1/roi_count": (events % 65536).astype(np.uint16),
        "epix_1/var_hits/adu": hits,
        "epix_1/var_hits/row": rows,
        "scan/step_docstring": np.array([f"Schritt {event // 100} Åm" for event in events]),
        "timing/eventcodes": (np.arange(288) == events[:, None] % 288),
    }


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a merged file; `change` edits the values before writing."""

    def make(
        events: Sequence[int] | np.ndarray = range(300),
        name: str = "xpplx1234_Run0014.h5",
        change: Callable[[dict[str, np.ndarray]], None] | None = None,
        **merge: Any,
    ) -> Path:
        values = rows_of(np.asarray(events, dtype=np.int64))
        if change is not None:
            change(values)
        with create_part(tmp_path / "part.h5", SPECS) as part:
            part.append(values)
        settings = {"attributes": ATTRIBUTES, "once": {}, "provenance": {}, **merge}
        merge_parts([tmp_path / "part.h5"], tmp_path / name, specs=SPECS, **settings)
        return tmp_path / name

    return make


@pytest.fixture
def write_foreign(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes plain HDF5, as the facility's writers do."""

    def write(name: str, datasets: Mapping[str, Any]) -> Path:
        with h5py.File(tmp_path / name, "w") as h5:
            for key, value in datasets.items():
                h5[key] = value
        return tmp_path / name

    return write


@pytest.fixture
def once() -> dict[str, OnceValue]:
    return {
        "Sums/epix_1_calib": OnceValue(np.ones((5, 6)), "keV", "sum of all frames"),
        "UserDataCfg/epix_1/name": OnceValue("epix_1"),
    }


@pytest.fixture
def specs() -> tuple[DatasetSpec, ...]:
    return SPECS


@pytest.fixture
def rows() -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    return rows_of

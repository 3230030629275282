"""The names of real files, with made-up values: every layout that users have must open."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.core.findings import Severity
from workbench.smalldata import open_file
from workbench.smalldata.check import inspect_file

N_EVENTS = 30


def names_and_shapes(listing: Path, events: int) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for line in listing.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, _, text = line.partition("\t")
        numbers = [int(part) for part in text.strip("() ").split(",") if part.strip().isdigit()]
        lengths = [N_EVENTS if number == events else number for number in numbers]
        shapes[name.strip("/")] = tuple(lengths) if text.strip() else (N_EVENTS,)
    return shapes


@pytest.mark.parametrize(
    ("listing", "events", "generation"),
    [
        ("xppl1001021_Run0070.tsv", 54721, "lcls1"),
        ("xpptut15_Run0252.tsv", 36001, "lcls1"),
        ("mfx100894224_Run0111_lcls2.tsv", 26400, "lcls2"),
    ],
)
def test_names_of_real_files_open_and_sort_into_kinds(
    tmp_path: Path, data_folder: Path, listing: str, events: int, generation: str
) -> None:
    shapes = names_and_shapes(data_folder / "smalldata_listings" / listing, events)
    shapes["event_time" if generation == "lcls1" else "timestamp"] = (N_EVENTS,)
    folders = {name.rsplit("/", 1)[0] for name in shapes if "/" in name}
    path = tmp_path / f"{listing.split('_')[0]}_Run0070.h5"
    with h5py.File(path, "w") as h5:
        for name, shape in shapes.items():
            if name in folders:
                continue
            if name.endswith("_len"):
                h5[name] = np.ones(N_EVENTS, dtype=np.int64)
            elif name in {"timestamp", "event_time", "fiducials"} or "/var_" in name:
                h5[name] = np.arange(N_EVENTS)
            elif "ragged_" in name:
                h5.create_dataset(name, (N_EVENTS,), h5py.vlen_dtype(np.float32))
            else:
                small = tuple(min(length, 40) for length in shape)
                h5[name] = np.random.default_rng(0).random(small)
    with open_file(path) as file:
        assert file.generation == generation
        assert file.n_events == N_EVENTS
        kinds = {name: file.info(name).kind for name in file.names}
    assert len(kinds) > 150
    for name, kind in kinds.items():
        once = name.startswith(("UserDataCfg", "Sums", "epicsOnce"))
        ragged = "ragged_" in name or ("/var_" in name and not name.endswith("_len"))
        assert kind == ("once" if once else "ragged" if ragged else "event"), name
    assert not [each for each in inspect_file(path) if each.severity is Severity.ERROR]

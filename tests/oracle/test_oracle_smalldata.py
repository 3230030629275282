"""Small data written by psana's own writer, alone and in parallel: every value is read equal."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from psana_files import EXPERIMENT, FILE_NUMBER

from workbench.runs import Run, open_run
from workbench.smalldata import count_states, open_file
from workbench.sources import open_raw

SCRIPT = Path(__file__).with_name("psana_writer.py")
RUNS = {"mixed_rate": None, "intg_det": "andor"}
FLOORS = {"mixed_rate": 2500, "intg_det": 400}  # values compared at least
UNPROVEN = "rare/"  # fields without ``damage``: zeros before them could be values
Column = dict[int, Any]  # time stamp -> value given


@dataclass
class Written:
    """A file of psana's writer and what was given to it, by field."""

    run: Run
    events: list[int]
    frames: list[int]
    given: Mapping[str, Column]
    parts: int


def read_record(folder: Path) -> tuple[list[int], list[int], dict[str, Column]]:
    events: list[int] = []
    frames: list[int] = []
    given: dict[str, Column] = {}
    for path in folder.glob("given_*.npz"):
        with np.load(path) as kept:
            events += kept["times"].tolist()
            frames += kept["frames"].tolist()
            for key in kept.files:
                name, _, what = key.partition("@")
                if what != "times":
                    continue
                times, column = kept[key].tolist(), given.setdefault(name, {})
                if f"{name}@values" in kept.files:
                    column |= dict(zip(times, kept[f"{name}@values"], strict=True))
                else:
                    cuts = np.cumsum(kept[f"{name}@lengths"])[:-1]
                    column |= dict(zip(times, np.split(kept[f"{name}@flat"], cuts), strict=True))
    return events, frames, given


@pytest.fixture(scope="module", params=["mixed_rate-1", "intg_det-1", "mixed_rate-6", "intg_det-6"])
def written(
    request: pytest.FixtureRequest,
    oracle_python: str,
    xtc2_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Written:
    name, _, processes = request.param.partition("-")
    source, folder = xtc2_data / "test_data" / name, tmp_path_factory.mktemp(request.param)
    output = folder / f"{EXPERIMENT}_Run{FILE_NUMBER:04d}.h5"
    plan = {
        "path": str(source),
        "exp": EXPERIMENT,
        "run": FILE_NUMBER,
        "times": open_raw(source).timestamps.tolist(),
        "output": str(output),
        "record": str(folder),
        "intg_det": RUNS[name],
        "batch": 5,
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    alone = [oracle_python, str(SCRIPT), str(folder / "plan.json")]
    launcher = [str(Path(oracle_python).with_name("mpiexec")), "-n", processes]
    environment = {key: value for key, value in os.environ.items() if key != "PS_PARALLEL"}
    done = subprocess.run(
        alone if processes == "1" else [*launcher, *alone],
        env={**environment, "PS_SRV_NODES": "2", "PS_SMD_N_EVENTS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    parts = len(list(folder.glob("*_part*.h5")))
    return Written(open_run(output), *read_record(folder), parts)


def test_all_events_are_there_and_the_parallel_writer_made_parts(
    written: Written, request: pytest.FixtureRequest
) -> None:
    assert sorted(written.run.timestamps.tolist()) == sorted(written.events)
    assert written.parts == (2 if "-6" in request.node.callspec.params["written"] else 0)
    np.testing.assert_array_equal(
        written.run["UserDataCfg/det/azav__azav_q"].read(), np.linspace(0.1, 3.0, 8)
    )


def test_every_value_given_is_read_and_every_other_is_missing(
    written: Written, request: pytest.FixtureRequest
) -> None:
    run, compared, absent = written.run, 0, 0
    times = run.timestamps.tolist()
    for name, column in written.given.items():
        if "var_" in name or name.startswith("intg/"):
            continue
        found = run[name].read(masked=True)
        zeros = 0
        for time, value, gone in zip(times, found.data, run[name].missing, strict=True):
            if time in column:
                assert value.dtype == np.asarray(column[time]).dtype, name
                np.testing.assert_array_equal(value, column[time], err_msg=f"{name} at {time}")
                assert not gone, f"{name} at {time}"
                compared += value.size
            elif gone:
                absent += 1
            else:
                assert name.startswith(UNPROVEN), f"{name} at {time}"
                assert not value.any(), f"{name} at {time}"
                zeros += 1
        with open_file(run.path) as file:
            assert count_states(file, name).zeros_at_start == zeros, name
    label = request.node.callspec.params["written"]
    print(f"psana's writer, {label}: {compared} values equal, {absent} missing")  # noqa: T201
    assert compared >= FLOORS[label.partition("-")[0]]
    assert absent > 0


def test_every_entry_of_variable_data_is_read(
    written: Written, request: pytest.FixtureRequest
) -> None:
    compared = 0
    times = written.run.timestamps.tolist()
    for name, column in written.given.items():
        if "var_" not in name:
            continue
        for time, entries in zip(times, written.run.ragged(name), strict=True):
            (values,) = entries.values()
            expected = column.get(time, np.zeros((0, *values.shape[1:])))
            np.testing.assert_array_equal(values, expected, err_msg=f"{name} at {time}")
            compared += values.size
    label = request.node.callspec.params["written"]
    print(f"psana's writer, {label}: {compared} entries of variable data equal")  # noqa: T201
    assert compared > 80


def test_frames_of_an_integrating_detector_are_read_and_linked(written: Written) -> None:
    if not written.frames:
        assert not any(name.startswith("intg/") for name in written.run.infos)
        return
    andor = written.run.integrating("andor")
    times = andor.timestamps.tolist()
    assert sorted(times) == sorted(written.frames)
    compared = 0
    for name in andor:
        column = written.given[f"intg/andor/{name}"]
        for time, value in zip(times, andor[name].read_stored(), strict=True):
            if time in column:
                np.testing.assert_array_equal(value, column[time], err_msg=f"{name} at {time}")
                compared += value.size
            else:  # missing, or 0 before its first appearance in a part
                assert np.isnan(value).all() or not value.any(), f"{name} at {time}"
    assert not andor.mismatched.any()
    energy = andor.sum("det/energy")
    np.testing.assert_array_equal(energy.count, andor["count"].read())
    np.testing.assert_allclose(energy.total, andor["sum"].read(), rtol=1e-12)
    print(f"{compared} values of frames equal")  # noqa: T201
    assert compared >= 40

"""Constants from psana's calibration store, served over HTTP, are those that psana gives."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from workbench.sources.constants import read_constants
from workbench.sources.geometry import read_geometry

EXPERIMENT, SOURCE = "xpplx1234", "jungfrau_module0_module1"
SHORT = "jungfrau_000003"  # as the store calls it
EPIX, EPIX_SHORT = "epix100_serial7", "epix100_000001"
FRAME, RANGES = (2, 20, 30), 3
ASK = """
import sys
import numpy as np
import psana.pscalib.calib.MDBWebUtils as web
experiment, source, output = sys.argv[1:4]
for run in map(int, sys.argv[4:]):
    found = web.calib_constants_all_types(source, exp=experiment, run=run)
    arrays = {name: data for name, (data, _) in found.items() if isinstance(data, np.ndarray)}
    np.savez(f"{output}/{run}.npz", **arrays)
"""
pytestmark = pytest.mark.oracle


class Store:
    """Documents and data as MongoDB would hold them; each document gets a later id."""

    def __init__(self) -> None:
        self.collections: dict[str, list[dict[str, Any]]] = {
            "cdb_detnames/jungfrau": [
                {"_id": f"{1:024x}", "long": SOURCE, "short": SHORT, "seqnumber": 3}
            ],
            "cdb_detnames/epix100": [
                {"_id": f"{2:024x}", "long": EPIX, "short": EPIX_SHORT, "seqnumber": 1}
            ],
        }
        self.data: dict[str, bytes] = {}

    def add(
        self,
        database: str,
        ctype: str,
        run: int,
        end: str,
        values: np.ndarray | str,
        short: str = SHORT,
    ) -> None:
        documents = self.collections.setdefault(f"{database}/{short}", [])
        number = f"{0x60000000 + len(self.data):08x}{len(self.data):016x}"
        kind: dict[str, Any] = {"data_type": "str"}
        if isinstance(values, np.ndarray):
            shape = str(values.shape)
            kind = {"data_type": "ndarray", "data_dtype": values.dtype.name, "data_shape": shape}
        data = values.encode() if isinstance(values, str) else values.tobytes()
        self.data[f"{database}/gridfs/{number}"] = data
        documents.append(
            {
                "_id": number, "id_data": number, "ctype": ctype, "detector": short,
                "experiment": EXPERIMENT, "run": run, "run_end": end, **kind,
            }
        )  # fmt: skip

    def answer(self, path: str, query: dict[str, Any]) -> bytes | None:
        if path in self.data:
            return self.data[path]
        if "/" not in path:
            names = [name for name in self.collections if name.startswith(f"{path}/")]
            return json.dumps([name.partition("/")[2] for name in names]).encode()
        latest = query.get("run", {}).get("$lte", np.inf)
        asked = {key: value for key, value in query.items() if key in {"long", "ctype"}}
        found = [
            one
            for one in self.collections.get(path, [])
            if asked.items() <= one.items() and one.get("run", 0) <= latest
        ]
        return json.dumps(found).encode()


@pytest.fixture(scope="module")
def store() -> Store:
    draw, made = np.random.default_rng(9), Store()
    own, usual = f"cdb_{EXPERIMENT}", f"cdb_{SHORT}"

    def frames(low: float, high: float) -> np.ndarray:
        return draw.uniform(low, high, (RANGES, *FRAME)).astype(np.float32)

    made.add(own, "pedestals", 1, "end", frames(900, 1100))
    made.add(own, "pedestals", 5, "8", frames(900, 1100))
    made.add(own, "pedestals", 5, "end", frames(900, 1100))
    made.add(own, "pixel_rms", 3, "end", frames(2, 4))
    made.add(own, "pixel_gain", 7, "end", frames(30, 50))
    made.add(usual, "pixel_gain", 0, "end", frames(30, 50))
    made.add(usual, "pixel_offset", 0, "end", frames(0, 1))
    made.add(usual, "pixel_offset", 0, "end", frames(0, 1))
    status = np.zeros((RANGES, *FRAME), np.uint64)
    status[1, 0, 3, 4] = 4
    made.add(own, "pixel_status", 0, "end", status)
    return made


@pytest.fixture(scope="module")
def address(store: Store) -> Iterator[str]:
    """Where the store is served."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            text = parse_qs(asked.query).get("query_string", ["{}"])[0]
            body = store.answer(asked.path.removeprefix("/calib_ws/").strip("/"), json.loads(text))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def call(address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    places = {"LCLS_CALIB_HTTP": address, "PS_PARALLEL": "none"}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def imported(address: str, output: Path, source: str = SOURCE) -> subprocess.CompletedProcess[str]:
    asked = ["--psana", EXPERIMENT, "--source", source, "--detector", "jungfrau"]
    return call(
        address, "-m", "workbench", "constants", "import", *asked, "--output", str(output), "--json"
    )


def test_constants_of_every_run_are_those_that_psana_gives(address: str, tmp_path: Path) -> None:
    file, runs = tmp_path / "constants.h5", range(1, 13)
    done = imported(address, file)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["constants"]
    assert [one["runs"] for one in told] == ["0-0", "1-2", "3-4", "5-6", "7-8", "9-end"]
    assert "pedestals 5-end (cdb_xpplx1234" in told[-1]["from"]
    assert "pixel_offset 0-end (cdb_jungfrau_000003" in told[0]["from"]
    asked = call(address, "-c", ASK, EXPERIMENT, SOURCE, str(tmp_path), *map(str, runs))
    assert asked.returncode == 0, asked.stderr
    for run in runs:
        ours, theirs = read_constants(file, "jungfrau", run), np.load(tmp_path / f"{run}.npz")
        assert ours is not None
        assert ours.ranges == ("G0", "G1", "G2")
        pedestal = theirs["pedestals"].astype(float) + theirs["pixel_offset"]
        np.testing.assert_array_equal(ours.pedestal, pedestal, err_msg=str(run))
        np.testing.assert_array_equal(ours.gain, theirs["pixel_gain"], err_msg=str(run))
        assert (ours.noise is not None) == ("pixel_rms" in theirs) == (run >= 3)
        if ours.noise is not None:
            np.testing.assert_array_equal(ours.noise, theirs["pixel_rms"])
        assert np.argwhere(~ours.good).tolist() == [[0, 3, 4]]


def test_a_geometry_gives_the_positions_of_its_table(
    store: Store, address: str, data_folder: Path, tmp_path: Path
) -> None:
    table, file = data_folder / "geometry_lcls2" / "geometry-def-epix100a.data", tmp_path / "c.h5"
    own = f"cdb_{EXPERIMENT}"
    store.add(own, "geometry", 2, "end", table.read_text(), short=EPIX_SHORT)
    store.add(own, "pedestals", 2, "end", np.full((704, 768), 900.0, np.float32), short=EPIX_SHORT)
    done = imported(address, file, source=EPIX)
    assert done.returncode == 0, done.stderr
    found = read_constants(file, "jungfrau", 2)
    assert found is not None
    for ours, theirs in zip((found.x, found.y), read_geometry(table).laboratory, strict=False):
        np.testing.assert_array_equal(ours, theirs.reshape(704, 768))


def test_an_unknown_detector_and_a_silent_store_are_named(address: str, tmp_path: Path) -> None:
    file = tmp_path / "constants.h5"
    done = imported(address, file, source="jungfrau_module7")
    assert done.returncode == 1
    assert f"did you mean {SOURCE}?" in done.stderr
    done = imported("http://127.0.0.1:1", file)
    assert done.returncode == 1
    assert "LCLS_CALIB_HTTP names another address" in done.stderr
    assert not file.exists()

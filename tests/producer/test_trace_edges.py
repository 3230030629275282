"""Edges in the traces of LCLS-II's time tool, against edges planted at known places."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.special import ndtr

from tests.conftest import ModuleFolder
from workbench.producer import ProducerConfig, ProduceRequest, ProduceResult, produce
from workbench.sources.xtc2_writer import Names, Xtc2Writer

EVENTS, PIXELS, WIDTH, DEPTH = 40, 500, 9.0, 0.25
FEX = Names("tmoopal2", "opal", "ttfex", fields={
    "ampl": ("float64", 0), "fltpos": ("float64", 0), "proj_sig": ("int32", 1),
    "proj_ref": ("float64", 1)})  # fmt: skip
CONFIG = """
detectors = []

def get_tt_traces(run):
    return {'tmoopal2': GIVEN}
"""
REGION = (100, 450)
GIVEN = {"roi_n": [0, 90], "roi_s": list(REGION), "sigma_TT": 12, "sm": 2}


@pytest.fixture(scope="module")
def run(module_folder: ModuleFolder) -> tuple[Path, np.ndarray]:
    """Write shots with an edge; of every fifth no trace; return the folder and the places."""
    folder, draw = module_folder("traces"), np.random.default_rng(2)
    places = draw.uniform(180, 380, EVENTS)
    places[::5] = np.nan
    pixels = np.arange(PIXELS)
    reference = 40_000 + 8_000 * np.sin(pixels / 60)
    begin = 1_100_000_000 << 32
    with Xtc2Writer(folder / "tmolx1234-r0007-s000-c000.xtc2", [FEX]) as stream:
        stream.configure(begin - 5000)
        stream.begin_run(begin - 4000, experiment="tmolx1234", run=7)
        stream.begin_step(begin - 3000)
        stream.enable(begin - 2000)
        for event, place in enumerate(places):
            records: dict[int, Any] = {}
            if np.isfinite(place):
                light = draw.uniform(0.4, 1.6)
                step = 1 - DEPTH * ndtr((pixels - place) / WIDTH)
                signal = np.rint(draw.normal(light * reference * step, 40)).astype(np.int32)
                records[0] = {
                    "ampl": 0.1, "fltpos": place, "proj_sig": signal, "proj_ref": reference
                }  # fmt: skip
            stream.event(begin + event * 8_000_000, records)
        stream.end_run(begin + (9 << 32))
    return folder, places


def made(folder: Path, output: Path, given: object, **more: Any) -> ProduceResult:
    config = output / "prod_config_tmo.py"
    config.write_text(CONFIG.replace("GIVEN", repr(given)))
    return produce(ProduceRequest("tmolx1234", 7, folder, output, config=config, **more))


def test_edges_of_traces_are_found_where_they_were_planted_whatever_the_light(
    run: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    folder, places = run
    there = np.isfinite(places)
    with h5py.File(made(folder, tmp_path, GIVEN).output) as h5:
        own = h5["tmoopal2"]
        found, width, err = (own[f"edge_{name}"][()] for name in ("time_px", "width_px", "err"))
        assert own["edge_time_px"].attrs["units"] == "pixel"
        assert own["proj_sig"].shape == (EVENTS, PIXELS)
        assert h5["UserDataCfg/tmoopal2/edge__edge_roi_s"][()].tolist() == list(REGION)
    np.testing.assert_allclose(found[there] + REGION[0], places[there], atol=0.5)
    np.testing.assert_allclose(width[there], np.hypot(WIDTH, 2), rtol=0.1)  # smoothed by 2
    assert set(err[there].tolist()) <= {1, 2, 3, 4}
    assert np.isnan(found[~there]).all()
    assert set(err[~there].tolist()) == {-99999}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"roi": [0, 90]}, "unknown-key"),
        ({"sigma_TT": 0}, "wrong-type"),
        ({"roi_s": [90, 10]}, "wrong-type"),
        ([1], "wrong-type"),
    ],
)
def test_wrong_entries_are_named_with_their_line(tmp_path: Path, given: object, code: str) -> None:
    path = tmp_path / "prod_config_tmo.py"
    path.write_text(CONFIG.replace("GIVEN", repr(given)))
    config = ProducerConfig.load(path, 7)
    assert config.traces == ()
    assert [(one.code, one.line) for one in config.findings] == [(code, 5)]


def test_a_run_without_traces_says_so_and_the_rest_is_produced(
    run: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    result = made(run[0], tmp_path, {"signal": "proj_sb"})
    assert [one.code for one in result.findings] == ["no-traces"]
    assert "told to write projections" in result.skipped[0].reason
    with h5py.File(result.output) as h5:
        assert "tmoopal2/fltpos" in h5
        assert "tmoopal2/edge_time_px" not in h5

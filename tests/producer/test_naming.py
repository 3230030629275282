"""The same raw run under the names of either generation, in three hutches."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ModuleFolder
from workbench import open_run
from workbench.core.clock import EPICS_EPOCH
from workbench.core.errors import InputError
from workbench.core.findings import Severity
from workbench.producer import ProduceRequest, produce
from workbench.producer.naming import as_lcls1
from workbench.smalldata import open_file
from workbench.sources import open_raw
from workbench.synthetic import PumpProbe, write_raw_run
from workbench.synthetic.dialect import TT_CALIBRATION, columns
from workbench.synthetic.pump_probe import COUNTS_PER_JOULE
from workbench.synthetic.shots import blocks
from workbench.synthetic.station import station

HUTCHES = ("xpp", "xcs", "mec")
I0 = {
    ("xpp", "lcls1"): "ipm2/sum", ("xpp", "lcls2"): "XppSb2BmMon/totalIntensityJoules",
    ("xcs", "lcls1"): "ipm4/sum", ("xcs", "lcls2"): "XcsSb1BmMon/totalIntensityJoules",
    ("mec", "lcls1"): "xt2_ipm2/sum", ("mec", "lcls2"): "MecXt2BmMon02/totalIntensityJoules",
}  # fmt: skip
SCALES = {"sum": COUNTS_PER_JOULE, "peaks": 1e4, "xpos": 1e3, "ypos": 1e3}  # of LCLS-I's monitors
CONFIG = f"detectors = []\nepicsOncePV = []\nttCalib = {list(TT_CALIBRATION)}\n"


class Produced:
    """One made-up run of a hutch, and its file under both namings."""

    def __init__(self, hutch: str, folder: Path) -> None:
        self.hutch = hutch
        self.spec = PumpProbe(
            experiment=f"{hutch}syn0126", n_events=240, n_steps=3, camera_every=80,
            jungfrau_every=240, missing=0.03,
        )  # fmt: skip
        self.raw = write_raw_run(self.spec, folder / "xtc")
        self.shots = next(blocks(self.spec))
        config = folder / "config.py"
        config.write_text(CONFIG)
        request = ProduceRequest(
            self.spec.experiment, 1, folder / "xtc", folder / "lcls2", config=config
        )
        lcls1 = replace(request, naming="lcls1", output=folder / "lcls1")
        self.results = {"lcls2": produce(request), "lcls1": produce(lcls1)}

    def run(self, naming: str) -> Any:
        return open_run(self.results[naming].output)


@pytest.fixture(scope="module", params=HUTCHES)
def made(request: pytest.FixtureRequest, module_folder: ModuleFolder) -> Produced:
    return Produced(request.param, module_folder(request.param))


def test_under_the_names_of_lcls1_values_are_those_that_lcls1_would_have_had(
    made: Produced,
) -> None:
    would = columns(made.spec, station(made.hutch, "lcls1"), made.shots)
    one_monitor = I0[made.hutch, "lcls1"].partition("/")[0]
    groups = {"ebeam", "gas_detector", "evr", "lightStatus", "scan", "tt", "enc", one_monitor}
    with open_file(made.results["lcls1"].output) as file:
        assert file.generation == "lcls1"
        names = [name for name in would if name.partition("/")[0] in groups and name in file.names]
        for name in names:
            group, _, leaf = name.partition("/")
            scale = SCALES[leaf] if group == one_monitor else 1.0
            found = np.asarray(file.read(name)) * scale
            np.testing.assert_allclose(found, would[name], rtol=1e-12, err_msg=name)
        np.testing.assert_array_equal(file.read("event_time"), would["event_time"])
    always = {"ebeam", "gas_detector", "tt", "lightStatus", one_monitor}
    assert {name for name in would if name.partition("/")[0] in always} <= set(names)
    assert {"evr/code_137", "evr/code_162", "scan/varStep", "scan/lxt_ttc"} <= set(names)


def test_both_namings_hold_the_same_numbers(made: Produced) -> None:
    old, new = made.run("lcls1"), made.run("lcls2")
    first, second = I0[made.hutch, "lcls1"], I0[made.hutch, "lcls2"]
    np.testing.assert_array_equal(old[first].read(), new[second].read())
    assert old[first].unit == new[second].unit == "J"
    stamps = new.timestamps.astype(np.int64) + (EPICS_EPOCH << 32)
    np.testing.assert_array_equal(old.timestamps.astype(np.int64), stamps)
    table = new["timing/eventcodes"].read()
    for code in (40, 137, 162):
        np.testing.assert_array_equal(old[f"evr/code_{code}"].read(), table[:, code])
    seen = [int(name[9:]) for name in old if name.startswith("evr/code_")]
    assert set(np.flatnonzero((table > 0).any(axis=0)).tolist()) <= set(seen)
    there = first.partition("/")[0]
    source = second.partition("/")[0]
    np.testing.assert_array_equal(old[f"damage/{there}"].read(), new[f"damage/{source}"].read())
    np.testing.assert_array_equal(old[f"damage/{source}"].read(), new[f"damage/{source}"].read())


@pytest.mark.parametrize("naming", ["lcls1", "lcls2"])
def test_roles_are_found_in_every_hutch_under_both_namings(made: Produced, naming: str) -> None:
    run, shots = made.run(naming), made.shots
    i0 = run.role("i0")
    assert i0.name == I0[made.hutch, naming]
    values = i0.read()
    known = np.isfinite(values)
    assert np.corrcoef(values[known], shots.i0[known])[0, 1] > 0.99
    np.testing.assert_array_equal(run.role("laser").read(), shots.laser)
    np.testing.assert_array_equal(run.role("xray").read(), shots.xray)
    assert "tt/ttCorr" in run.role("jitter").why
    delay = run.delay().read()
    seen = np.isfinite(delay)
    assert seen.sum() > 100
    np.testing.assert_allclose(delay[seen], shots.delay[seen], atol=0.06)


def test_a_usual_range_in_another_unit_than_the_file_states_cuts_nothing(made: Produced) -> None:
    run = made.run("lcls1")
    assert str(run.default_cuts(("i0",))) == str(run.default_cuts(()))


def test_the_correction_of_the_time_tool_follows_the_polynomial(made: Produced) -> None:
    constant, slope, square = TT_CALIBRATION
    with open_file(made.results["lcls2"].output) as file:
        edge, found = file.read("tt/fltpos"), file.read("tt/ttCorr")
        expected = np.where(edge == 0, 0.0, constant + slope * edge + square * edge**2)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert (edge == 0).any()
        np.testing.assert_array_equal(file.read("UserDataCfg/tt/ttCalib"), TT_CALIBRATION)
        assert file.info("tt/ttCorr").unit == "ps"


def test_slow_values_are_kept_once_a_run_as_lcls1_does(made: Produced) -> None:
    with open_file(made.results["lcls1"].output) as file:
        assert file.read("epicsOnce/ccm_E") == made.spec.photon_energy
        assert file.provenance["naming"] == "lcls1"
    with open_file(made.results["lcls2"].output) as file:
        assert not [name for name in file.names if name.startswith("epicsOnce")]


def test_the_scale_of_renamed_monitors_is_told(made: Produced) -> None:
    told = [one for one in made.results["lcls1"].findings if one.code == "other-scale"]
    assert [(one.severity, one.field.split(", ")[0]) for one in told] == [
        (Severity.INFO, I0[made.hutch, "lcls1"])
    ]
    assert not made.results["lcls2"].skipped


def test_an_unknown_naming_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is one of lcls1, lcls2"):
        ProduceRequest("xpplx1234", 1, tmp_path, tmp_path, naming="lcls3")


def test_columns_of_an_unknown_hutch_keep_their_names(made: Produced) -> None:
    raw = open_raw(made.raw.folder)
    assert as_lcls1([], None, raw) == ([], [])

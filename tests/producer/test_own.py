"""Reductions of the user: a class of the config, and one of an installed package."""

import ast
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.core.frames import FrameSpec
from workbench.producer import produce
from workbench.producer.entries import DetectorFacts, EntryError, ReductionEntry
from workbench.producer.functions import read_functions
from workbench.producer.own import OwnReduction, OwnReductionError
from workbench.producer.own_entries import read_own
from workbench.producer.places import Places
from workbench.producer.report import Report
from workbench.smalldata import open_file

CLASS = """
from dataclasses import dataclass
import numpy as np
import psana
from workbench.core.frames import Output, Setting
from workbench.reductions import Reduction

@dataclass(frozen=True)
class Corner(Reduction):
    size: int = 3

    def outputs(self, spec):
        return (Output("sum", spec.unit, long_name="sum of a corner"),)

    def settings(self, spec):
        return {"size": Setting(self.size, "pixel", "of the corner")}

    def reduce_region(self, pixels, spec):
        return {"sum": pixels[:, -self.size :, -self.size :].sum(axis=(1, 2), dtype=float)}
"""
CONFIG = f"""{CLASS}
detectors = ['cam']

def get_reductions(run):
    return {{'cam': [{{'reduction': 'Corner', 'name': 'edge', 'parameters': {{'size': 5}}}},
                    {{'reduction': 'Corner', 'parameters': {{'sise': 5}}}}]}}
"""
SPEC = FrameSpec((8, 9), "keV", np.ones((8, 9), bool))
FRAMES = np.arange(144, dtype="f4").reshape(2, 8, 9)


def own(text: str, kind: str = "Corner", **parameters: Any) -> OwnReduction:
    return OwnReduction(kind, parameters, "prod_config_xpp.py", text)


def test_a_class_of_the_config_works_on_every_event_of_a_run(made: Any, tmp_path: Path) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(CONFIG)
    result = produce(made.request(tmp_path, config=config))
    (skipped,) = result.skipped
    assert skipped.entry == "get_reductions['cam'] (Corner)"
    assert "unexpected keyword argument 'sise'" in skipped.reason
    corner = made.cam[:, -5:, -5:].astype(float).sum(axis=(1, 2)) - 25 * 1000
    with open_file(result.output) as file:
        stored = file.read("cam/edge_sum")
        np.testing.assert_allclose(
            stored[made.has_cam], corner[made.has_cam] / 25, rtol=1e-5, atol=1e-4
        )
        assert np.isnan(stored[~made.has_cam]).all()
        assert file.info("cam/edge_sum").unit == "keV"
        assert file.read("UserDataCfg/cam/edge__edge_size") == 5
        assert file.read("UserDataCfg/cam/edge__edge_reduction") == "Corner"
    assert "psana" not in sys.modules  # stand-ins of facility packages are gone


def test_a_class_of_an_installed_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corner_package.py").write_text(CLASS.replace("import psana", ""))
    info = tmp_path / "corner_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: corner-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[workbench.reductions]\nmy-corner = corner_package:Corner\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = own("", "my-corner", size=2)
    expected = FRAMES[:, -2:, -2:].sum(axis=(1, 2))
    np.testing.assert_array_equal(found.reduce(FRAMES, SPEC)["sum"], expected)


def test_it_is_made_anew_in_another_process() -> None:
    found = own(CLASS, size=4)
    expected = found.reduce(FRAMES, SPEC)["sum"]
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.reduce(FRAMES, SPEC)["sum"], expected)


def test_ours_are_found_by_name_too() -> None:
    found = own("", "rebin", shape=(2, 3))
    assert found.reduce(FRAMES, SPEC)["data"].shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        (CLASS, "Cornr", "no class of that name in the config"),
        (CLASS, "np", "derived from workbench.reductions.Reduction"),
        (CLASS.replace("(Reduction)", ""), "Corner", "derived from"),
        (CLASS.replace("spec.unit", "spec.units"), "Corner", "(line 13 of the config)"),
        ("import no_such_package", "Corner", "No module named 'no_such_package'"),
        ("", "sum", "derived from"),
    ],
)
def test_a_class_that_does_not_work_is_refused_before_any_event(
    text: str, kind: str, reason: str
) -> None:
    _, made = read_own({"reduction": kind}, Path("prod_config_xpp.py"), text)
    with pytest.raises(EntryError) as caught:
        ReductionEntry("cam", kind, made).build(DetectorFacts("cam", 7, SPEC))
    assert caught.value.code == "does-not-fit"
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("{'total': pixels}", "declares ['sum'] and returns others"),
        ("3", "returns others"),
        ("{'sum': pixels}", "has shape (2, 8, 9), not (event, )"),
        ("{'sum': pixels[:1, 0, 0]}", "has shape (1,)"),
        ("{'sum': pixels.max(axis=(1, 2)) + 1j}", "Cannot cast"),
        ("{'sum': 1 / 0}", "ZeroDivisionError"),
    ],
)
def test_what_a_class_returns_is_checked_against_what_it_declares(
    returned: str, reason: str
) -> None:
    head, _, _ = CLASS.rpartition("        return ")
    found = own(f"{head}        return {returned}\n")
    with pytest.raises(OwnReductionError) as caught:
        found.reduce(FRAMES, SPEC)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({}, "reduction"),
        ({"reduction": "A", "parameters": [1]}, "parameters"),
        ({"size": 3}, "size"),
    ],
)
def test_a_wrong_entry_names_its_key(entry: Any, key: str) -> None:
    with pytest.raises(EntryError) as caught:
        read_own(entry, Path("c.py"), "")
    assert caught.value.key == key


def test_readers_may_be_given_for_one_config() -> None:
    report = Report("c.py", Places(ast.parse("def get_reductions(run):\n    return 0\n")))
    values = {"get_reductions": {"cam": {"reduction": "Corner"}}}
    readers = {"get_reductions": lambda value: read_own(value, Path("c.py"), CLASS)}
    (entry,) = read_functions(values, ("cam",), None, report, readers)
    assert (entry.name, entry.function) == ("Corner", "get_reductions")

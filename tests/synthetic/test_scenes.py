"""Scenes: what they add, replace and leave out of a made-up run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.core.arrays import Array
from workbench.facility import FieldFact
from workbench.smalldata import OnceValue
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station


@dataclass(frozen=True)
class Ladder(Scene):
    """A motor that climbs by `rung` in each step, in place of the delay."""

    rung: float = 0.25

    @property
    def leaves_out(self) -> tuple[str, ...]:
        return ("scan/lxt*", "scan/var0", "UserDataCfg/*/peak__*")

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        del spec, place
        return {"scan/ladder": self.rung * shots.step, "scan/varStep": shots.step + 1}

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        del spec
        return {f"UserDataCfg/{place.spot}/rung": OnceValue(self.rung, "mm", "of the ladder")}

    def fact(self, place: Station, name: str) -> FieldFact | None:
        del place
        return FieldFact("ladder", "mm", "height") if name == "scan/ladder" else None

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        del spec, place
        return {"rung": (self.rung, "mm", "height of a rung"), "t0": (9.0, "ps", "replaced")}


@pytest.mark.parametrize("style", ["ours", "facility"])
@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
def test_a_scene_adds_replaces_and_leaves_out(tmp_path: Path, generation: str, style: str) -> None:
    spec = PumpProbe(n_events=300, n_steps=5)
    file = write_small_data(spec, tmp_path, generation=generation, style=style, scene=Ladder())
    run = wb.open_run(file)
    names = set(run.fields.names)
    assert "scan/ladder" in names
    assert not [name for name in names if name.startswith("scan/lxt") or "var0" in name]
    np.testing.assert_allclose(np.unique(run["scan/ladder"].read()), 0.25 * np.arange(5))
    assert run["scan/varStep"].read().min() == 1
    if style == "ours":
        assert run["scan/ladder"].unit == "mm"
    assert run.truth is not None
    assert run.truth["rung"].value == 0.25
    assert run.truth["t0"].value == 9.0
    assert run.truth["tau"].value == spec.tau


def test_without_a_scene_nothing_changes(tmp_path: Path) -> None:
    spec = PumpProbe(n_events=240)
    plain = write_small_data(spec, tmp_path / "plain")
    scened = write_small_data(spec, tmp_path / "scened", scene=Scene())
    one, two = wb.open_run(plain), wb.open_run(scened)
    assert list(one.fields.names) == list(two.fields.names)
    np.testing.assert_array_equal(one["epix_1/signal_sum"].read(), two["epix_1/signal_sum"].read())

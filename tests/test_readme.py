"""What the README shows works as it stands there."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.synthetic import PumpProbe, write_raw_run, write_small_data

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
SPEC = PumpProbe(experiment="xpplx1234", run=14, n_events=600, camera_every=2)


def test_the_notebook_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hdf5").mkdir()
    write_small_data(SPEC, tmp_path / "hdf5" / "xpplx1234_Run0014.h5")
    names: dict[str, object] = {}
    exec(SNIPPETS[0], names)
    assert "epix_1/signal_sum" in names["run"]  # type: ignore[operator]


def test_the_raw_example_runs(tmp_path: Path) -> None:
    write_raw_run(replace(SPEC, n_events=64, jungfrau_every=8), tmp_path)
    names: dict[str, object] = {}
    exec("import workbench as wb\n" + SNIPPETS[1].replace("/path/to/xtc", str(tmp_path)), names)
    assert names["frames"].shape[1:] == (2, 512, 1024)  # type: ignore[attr-defined]
    assert names["there"].dtype == bool  # type: ignore[attr-defined]
    assert len(SNIPPETS) == 2

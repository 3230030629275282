"""No fill value of any kind ever reaches a bin, whatever it looks like on file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.binning import bin_run
from workbench.runs import open_run

N = 240
FILLS = {  # type on file -> what stands for "not measured"
    "float64": np.nan,
    "float32": -99999,
    "int64": -99999,
    "int32": -99999,
    "uint16": 31073,
    "uint32": 4294867297,
    "zeros": 0,  # of LCLS-II's writer, before the detector appeared
}


@pytest.mark.parametrize("kind", list(FILLS))
@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_bins_hold_the_mean_of_what_was_measured(
    write: Callable[..., Path], kind: str, shape: tuple[int, ...]
) -> None:
    draw = np.random.default_rng(8)
    values = draw.integers(1, 60000, (N, *shape)).astype("float64" if kind == "zeros" else kind)
    gone = np.arange(N) < 30 if kind == "zeros" else draw.random(N) < 0.2
    values[gone] = FILLS[kind]
    position = np.repeat(np.arange(4.0), N // 4)[draw.permutation(N)]
    columns = {"motor/position": position, "det/value": values}
    if kind == "zeros":
        columns["damage/det"] = (~gone).astype(np.int64)
    run = open_run(write(columns))
    binned = bin_run(run, {"motor/position": np.arange(-0.5, 4)}, ["det/value"], stack_size=17)
    for place in range(4):
        chosen = (position == place) & ~gone
        expected = values[chosen].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(binned["det/value"].values[place], expected, rtol=1e-12)
        assert binned["det/value_count"].values[place].max() == chosen.sum()
    masked = run["det/value"].read(masked=True)
    assert np.ma.getmaskarray(masked).reshape(N, -1).all(axis=1).sum() == gone.sum()

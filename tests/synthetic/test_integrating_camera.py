"""The made-up integrating camera: its frames add up the light of their shots."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.producer import ProduceRequest, produce
from workbench.synthetic import PumpProbe, write_raw_run
from workbench.synthetic.integrating import SHAPE

EVERY, EVENTS = 12, 130  # 10 frames a second


@pytest.fixture(scope="module")
def spec() -> PumpProbe:
    return PumpProbe(
        n_events=EVENTS, n_steps=2, camera_every=50, jungfrau_every=100, missing=0.05,
        integrating_every=EVERY,
    )  # fmt: skip


def test_light_of_a_frame_over_the_intensity_of_its_shots_is_the_planted_one(
    spec: PumpProbe, tmp_path: Path
) -> None:
    files = write_raw_run(spec, tmp_path / "raw")
    truth = {
        name: one["value"]
        for name, one in json.loads(files.truth.read_text())["quantities"].items()
    }
    result = produce(
        ProduceRequest(spec.experiment, 1, files.folder, tmp_path, config=files.config)
    )
    with h5py.File(result.output) as h5:
        own = h5["intg/archon"]
        frames, counts = own["all_sum"][()], own["count"][()]
        monitor = own["XppSb3BmMon_sum_totalIntensityJoules"][()]
        number = own["XppSb3BmMon_count_totalIntensityJoules"][()]
    assert counts.tolist() == [EVERY] * (EVENTS // EVERY)
    (after,) = [one.count for one in result.findings if one.code == "after-last-frame"]
    assert after == EVENTS % EVERY
    assert (number < EVERY).any()  # some shots lack the monitor's record
    light = frames - truth["integrating_pedestal"] * np.prod(SHAPE)
    gain = json.loads(files.truth.read_text())["monitors"]["XppSb3BmMon"]
    i0 = (monitor - gain["offset"] * number) / gain["gain"] * (EVERY / number)
    assert light.sum() / i0.sum() == pytest.approx(truth["integrated_per_i0"], rel=0.03)
    assert np.corrcoef(light, i0)[0, 1] > 0.9

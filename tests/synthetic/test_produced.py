from pathlib import Path

import numpy as np

from workbench.producer import ProduceRequest, produce
from workbench.smalldata import open_file
from workbench.synthetic import PumpProbe, RawFiles, write_small_data

DRAWN_ANEW = ("epix_1", "jungfrau1M")
NOT_IN_RAW = ("Em3l0BmMon", "XppUsrDio", "Sp1L2Wv8")  # default detectors that raw runs lack
NOT_CONFIGURED = ("azav_", "droplet_", "peak_", "UserDataCfg/", "Sums/", "epics_archiver/")


def test_produced_and_direct_small_data_hold_the_same_scalars(
    raw: RawFiles, spec: PumpProbe, tmp_path: Path
) -> None:
    produced = produce(
        ProduceRequest(
            experiment=spec.experiment,
            run=spec.run,
            xtc=raw.folder,
            output=tmp_path,
            config=raw.config,
            constants=raw.constants,
        )
    ).output
    direct = write_small_data(spec, tmp_path / "direct.h5")
    with open_file(produced) as one, open_file(direct) as two:
        shared = set(one.names) & set(two.names)
        missing = {
            name
            for name in set(two.names) - shared
            if not any(part in name for part in (*NOT_IN_RAW, *NOT_CONFIGURED))
        }
        assert not missing
        events = {name for name in shared if one.info(name).kind == "event"}
        for name in sorted(events):
            first, second = one.info(name), two.info(name)
            assert (first.dtype, first.shape) == (second.dtype, second.shape), name
            assert first.unit in {second.unit, ""}, name
            left, right = one.read(name), two.read(name)
            if not name.startswith(DRAWN_ANEW):
                np.testing.assert_array_equal(left, right, err_msg=name)
                continue
            np.testing.assert_array_equal(np.isnan(left), np.isnan(right))
        lit = one.read("lightStatus/xray") == 1
        photons = [file.read("epix_1/signal_sum")[lit] / spec.photon_energy for file in (one, two)]
    pulls = (photons[0] - photons[1]) / np.sqrt(photons[0] + photons[1])
    pulls = pulls[np.isfinite(pulls)]
    assert abs(pulls.mean()) < 4 / len(pulls) ** 0.5
    assert abs(pulls.std() - 1) < 4 / (2 * len(pulls)) ** 0.5
    assert len(shared) > 60

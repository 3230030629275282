"""Dark runs to constants, and productions with the constants of all gain ranges."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from workbench.cli.app import app
from workbench.core.constants import Constants
from workbench.core.errors import UnknownNameError
from workbench.producer import ProduceRequest, produce
from workbench.producer.darks import measure_darks
from workbench.producer.frames import frame_fields
from workbench.sources import open_raw
from workbench.sources.constants import read_constants, write_constants
from workbench.sources.epix10ka import RANGES

RUN, PEDESTAL, GAIN = 7, 1000.0, 25.0  # number of the made run; ADU, ADU/keV


def test_pedestal_and_noise_of_a_run_are_those_of_its_whole_frames(made: Any) -> None:
    result = measure_darks([open_raw(made.folder)], "cam", sigmas=100)
    frames = made.cam[made.has_cam]
    assert result.frames == len(frames)
    constants = result.constants
    np.testing.assert_allclose(constants.pedestal, frames.mean(axis=0), rtol=1e-14)  # type: ignore[arg-type]
    np.testing.assert_allclose(constants.noise, frames.std(axis=0, ddof=1), rtol=1e-12)  # type: ignore[arg-type]


def test_ranges_that_a_run_does_not_show_keep_what_they_had(made: Any) -> None:
    raw, shape = open_raw(made.folder), made.tiles.shape[1:]
    alone = measure_darks([raw], "tiles", sigmas=100)
    assert (alone.kept, alone.unknown) == ((), ("G1", "G2"))
    before = Constants(
        "tiles",
        np.full((3, *shape), 5.0),
        np.full((3, *shape), -2.0),
        noise=np.full((3, *shape), 1.0),
        ranges=("G0", "G1", "G2"),
    )
    result = measure_darks([raw], "tiles", before=before, sigmas=100)
    assert result.kept == ("G1", "G2")
    frames = made.tiles[made.has_tiles]
    assert result.constants.pedestal is not None
    np.testing.assert_allclose(result.constants.pedestal[0], frames.mean(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(result.constants.pedestal[2], np.full(shape, 5.0))
    np.testing.assert_array_equal(result.constants.gain, before.gain)  # type: ignore[arg-type]


def test_an_unknown_detector_is_answered_with_those_there_are(made: Any) -> None:
    with pytest.raises(UnknownNameError, match="did you mean tiles"):
        measure_darks([open_raw(made.folder)], "tile")


def test_a_run_in_the_first_range_gives_the_same_file_with_constants_of_one_range_and_of_three(
    made: Any, tmp_path: Path
) -> None:
    (one,) = (c for c in [read_constants(made.constants, "tiles", RUN)] if c is not None)
    other = np.full_like(one.pedestal, np.nan)  # type: ignore[arg-type]
    three = replace(
        one,
        pedestal=np.stack([one.pedestal, other, other]),  # type: ignore[list-item]
        gain=np.stack([one.gain, -one.gain, -one.gain]),  # type: ignore[list-item, operator]
        noise=None,
        ranges=("G0", "G1", "G2"),
    )
    ranged = tmp_path / "ranged.h5"
    cam = read_constants(made.constants, "cam", RUN)
    assert cam is not None
    write_constants(ranged, [three, cam])
    single = produce(made.request(tmp_path / "single"))
    table = produce(made.request(tmp_path / "table", constants=ranged))
    with h5py.File(single.output) as first, h5py.File(table.output) as second:
        for name in ("tiles/tile_sum", "tiles/tile_max", "Sums/tiles_calib"):
            np.testing.assert_array_equal(second[name][()], first[name][()])
        assert second["UserDataCfg/tiles/ped"].shape == (3, *made.tiles.shape[1:])


def test_the_command_measures_shows_and_keeps_the_gain(made: Any, tmp_path: Path) -> None:
    file = tmp_path / "constants.h5"
    shape = made.cam.shape[1:]
    write_constants(file, [Constants("cam", np.full(shape, PEDESTAL), np.full(shape, GAIN))])
    words = ["constants", "dark", "--run", str(RUN), "--xtc", str(made.folder)]
    words += ["--detector", "cam", "--output", str(file), "--sigmas", "100", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["frames"] == made.has_cam.sum()
    assert told["constants"][0]["runs"] == f"{RUN}-end"
    now = read_constants(file, "cam", RUN)
    assert now is not None
    assert now.unit == "keV"
    np.testing.assert_array_equal(now.gain, np.full(shape, GAIN))  # type: ignore[arg-type]
    shown = CliRunner().invoke(app, ["constants", "show", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "0-end" in shown.output
    assert f"{RUN}-end" in shown.output


JUNGFRAU, QUAD = "test_jungfrau05M_calib.xtc2", "test_epix_calib.xtc2"
WHOLE = """
detectors = ['{0}']

def getROIs(run):
    return {{'{0}': [{{'name': 'full', 'ROI': None, 'writeArea': True}}]}}
"""


@pytest.mark.parametrize(
    ("file", "detector", "names", "codes"),
    [
        (JUNGFRAU, "jungfrau", ("G0", "G1", "G2"), {0: 0, 1: 1, 3: 2}),
        # Every pixel of this run is set to the fixed low range, with the gain bit on.
        (QUAD, "epixquad", RANGES, {1: RANGES.index("FL")}),
    ],
)
def test_real_frames_in_other_gain_ranges_are_calibrated_by_the_constants_of_these(
    data_folder: Path,
    tmp_path: Path,
    file: str,
    detector: str,
    names: tuple[str, ...],
    codes: dict[int, int],
) -> None:
    path = data_folder / "xtc2" / "test_data" / "detector" / file
    source = open_raw(path)
    (field,) = (f for name, f in frame_fields(source).items() if name == detector)
    frames = np.concatenate(
        [np.stack([np.stack(f) for f in some]) for _, some in source.frames(field.name)]
    ).reshape(-1, *field.shape)
    draw = np.random.default_rng(8)
    pedestal = draw.uniform(1000, 3000, (len(names), *field.shape)).astype(np.float32)
    gain = draw.uniform(1, 2, pedestal.shape).astype(np.float32)
    constants = tmp_path / "constants.h5"
    write_constants(constants, [Constants(detector, pedestal, gain, ranges=names)])
    config = tmp_path / "config.py"
    config.write_text(WHOLE.format(detector))
    request = ProduceRequest(
        "xpptut15", source.number, path, tmp_path / "out", config=config, constants=constants
    )
    expected = np.full(frames.shape, np.nan, np.float32)
    for code, place in codes.items():
        readings = (frames & 0x3FFF).astype(np.float32)
        here = frames >> 14 == code
        expected[here] = ((readings - pedestal[place]) / gain[place])[here]
    assert np.isfinite(expected).all()
    with h5py.File(produce(request).output) as made:
        area = made[f"{detector}/full_area"][()]
    np.testing.assert_array_equal(area, expected.reshape(area.shape))

"""TIFF files as ImageJ itself reads them: size, slices, every pixel, statistics, what it shows."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.producer.conftest import (
    EXPERIMENT,
    GAIN,
    PEDESTAL,
    RUN,
    MadeRun,
    write_made_run,
)
from workbench.cli.app import app
from workbench.smalldata.exports import imagej, pack_tiffs, write_tiffs

JAR = Path(os.environ.get("WORKBENCH_IMAGEJ", "/usr/share/java/ij.jar"))  # of libij-java
READER = Path(__file__).with_name("ReadByImageJ.java")
EVENTS = 7
Slices = list[dict[str, Any]]
Ask = Callable[..., dict[Path, Slices]]


@pytest.fixture(scope="session")
def ask_imagej() -> Ask:
    """Function of TIFF files to the slices that ImageJ reads of each."""
    lacking = [name for name in ("java", "javac") if shutil.which(name) is None]
    lacking += [] if JAR.is_file() else [str(JAR)]
    if lacking:
        text = f"no {', '.join(lacking)}: apt-get install default-jdk-headless libij-java"
        (pytest.fail if os.environ.get("WORKBENCH_REQUIRE_DATA") else pytest.skip)(text)

    def ask(*files: Path) -> dict[Path, Slices]:
        done = subprocess.run(
            ["java", "-Djava.awt.headless=true", "-cp", str(JAR), str(READER), *map(str, files)],
            capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        found: dict[Path, Slices] = {file: [] for file in files}
        for line in filter(lambda line: line.startswith("{"), done.stdout.splitlines()):
            told = json.loads(line)
            found[Path(told["file"])].append(told)
        return found

    return ask


def about(told: dict[str, Any]) -> dict[str, Any]:
    """Return the description that ImageJ shows with Image > Show Info."""
    text = told["about"].split("ImageDescription: ", 1)[1].rsplit("\nSoftware", 1)[0]
    return dict(json.loads(text))


def assert_pictures(slices: Slices, truth: np.ndarray, bits: int) -> None:
    assert all(told["opened"] for told in slices)
    assert [told["slice"] for told in slices] == list(range(1, len(truth) + 1))
    for told, picture in zip(slices, truth, strict=True):
        assert told["slices"] == len(truth)
        assert (told["height"], told["width"], told["bits"]) == (*picture.shape, bits)
        assert (told["length_unit"], told["pixel_width"]) == (" ", 1.0)  # none is claimed
        read = np.array(told["values"], np.float32).reshape(picture.shape)
        np.testing.assert_array_equal(read, picture.astype(np.float32))
        there = picture[np.isfinite(picture)].astype(np.float64)
        found = [told[name] for name in ("mean", "min", "max")]
        np.testing.assert_allclose(found, [there.mean(), there.min(), there.max()], rtol=1e-6)


def tiffs_of(made: MadeRun, folder: Path, *more: object) -> list[Path]:
    """Produce whole frames as TIFF files; return these."""
    words = ["--experiment", EXPERIMENT, "--run", RUN, "--xtc", made.folder, "--output", folder]
    words += ["--tiff", "cam", "--tiff-folder", folder / "tiffs", *more]
    done = CliRunner().invoke(app, ["produce", *map(str, words)])
    assert done.exit_code == 0, done.output
    return sorted((folder / "tiffs").glob("*.tiff"))


def test_frames_produced_from_a_raw_run(ask_imagej: Ask, tmp_path: Path) -> None:
    made = write_made_run(tmp_path, events=EVENTS)
    counts = made.cam[made.has_cam].astype(np.float32)
    energies = (counts - np.float32(PEDESTAL)) / np.float32(GAIN)
    plain = tiffs_of(made, tmp_path / "plain")
    single = tiffs_of(made, tmp_path / "single", "--constants", made.constants)
    packed = tiffs_of(made, tmp_path / "packed", "--constants", made.constants, "--tiff-pack")
    found = ask_imagej(*plain, *single, *packed)
    stamps = made.stamps[made.has_cam].tolist()
    names = [f"{stamp >> 32}-{stamp & 0xFFFFFFFF:09d}" for stamp in stamps]
    for files, truth, unit in ((plain, counts, "ADU"), (single, energies, "keV")):
        for path, picture, stamp, name in zip(files, truth, stamps, names, strict=True):
            (told,) = found[path]
            assert_pictures([told], picture[None], 32)
            assert told["title"] == f"Run_0007_evt_{name}_cam_full_area_{unit}.tiff"
            facts = about(told)
            assert (facts["experiment"], facts["run"]) == (EXPERIMENT, RUN)
            assert (facts["detector"], facts["field"], facts["unit"]) == ("cam", "full_area", unit)
            assert facts["timestamp"] == stamp
    assert_pictures(found[packed[0]], energies, 32)
    assert about(found[packed[0]][0])["slices"] == names


@pytest.fixture
def finished(tmp_path: Path) -> dict[str, np.ndarray]:
    """Return what a file of LCLS-I holds: pictures of every type that a dataset can have."""
    draw = np.random.default_rng(5)
    pictures = {
        "quad/full_area": draw.normal(9, 3, (EVENTS, 2, 4, 6)).astype(np.float32),
        "opal/img": draw.integers(0, 65536, (EVENTS, 5, 7)).astype(np.uint16),
        "opal/roi_img": draw.integers(-32768, 32768, (EVENTS, 5, 7)).astype(np.int16),
        "opal/low_img": draw.integers(0, 256, (EVENTS, 5, 7)).astype(np.uint8),
        "opal/signed_img": draw.integers(-128, 128, (EVENTS, 5, 7)).astype(np.int8),
        "opal/good_img": draw.integers(0, 2, (EVENTS, 5, 7)).astype(np.bool_),
        "opal/half_img": draw.normal(size=(EVENTS, 5, 7)).astype(np.float16),
        "opal/count_img": draw.integers(-(1 << 24), 1 << 24, (EVENTS, 5, 7)).astype(np.int32),
        "opal/wide_img": draw.integers(-(1 << 40), 1 << 40, (EVENTS, 5, 7)),
        "Sums/opal_calib": draw.normal(1e6, 1e3, (5, 7)),
    }
    pictures["quad/full_area"][2] = np.nan
    pictures["quad/full_area"][3, 0, 1, 1] = np.nan
    with h5py.File(tmp_path / "meclx1234_Run0014.h5", "w") as h5:
        h5["event_time"] = (1_600_000_000 << 32) + np.arange(EVENTS) * 8_333_333
        h5["fiducials"] = np.arange(EVENTS) * 3
        for name, values in pictures.items():
            h5[name] = values
        h5["UserDataCfg/quad/ix"] = np.stack([np.indices((4, 6))[0], np.indices((4, 6))[0] + 5])
        h5["UserDataCfg/quad/iy"] = np.stack([np.indices((4, 6))[1] + 1, np.indices((4, 6))[1]])
    return pictures


def test_pictures_of_every_type_of_a_finished_lcls1_file(
    finished: dict[str, np.ndarray], ask_imagej: Ask, tmp_path: Path
) -> None:
    source = tmp_path / "meclx1234_Run0014.h5"
    packed = write_tiffs(source, list(finished), tmp_path / "tiffs", pack=True)
    single = write_tiffs(source, list(finished), tmp_path / "tiffs" / "single")
    assert packed.rounded == single.rounded == ("opal/wide_img", "Sums/opal_calib")
    assert not packed.big
    found = iter(ask_imagej(*packed.files, *single.files).values())
    for (name, values), pack in [
        (item, pack) for pack in (True, False) for item in finished.items()
    ]:
        bits = {"low": 8, "good": 8, "roi": 16, "signed": 16}.get(name[5:].split("_")[0], 32)
        bits = 16 if name == "opal/img" else bits
        pictures = values[None] if name.startswith("Sums") else values
        present = pictures[~np.isnan(pictures).reshape(len(pictures), -1).all(axis=1)]
        stacks = [present.reshape(-1, *present.shape[-2:])] if pack else list(present)
        for stack in stacks:
            slices = next(found)
            assert_pictures(slices, stack.reshape(-1, *stack.shape[-2:]), bits)
            facts = about(slices[0])
            assert f"{facts['detector']}/{facts['field']}" == name
            assert facts.get("rounded_from") == (
                str(values.dtype) if name in packed.rounded else None
            )
            assert len(facts.get("slices", slices)) == len(slices)
    assert next(found, None) is None


def test_assembled_tiles_and_files_packed_afterwards(
    finished: dict[str, np.ndarray], ask_imagej: Ask, tmp_path: Path
) -> None:
    source = tmp_path / "meclx1234_Run0014.h5"
    result = write_tiffs(source, ["quad/full_area"], tmp_path / "tiffs", assembled=True)
    packed = pack_tiffs(result.files, tmp_path / "packed.tiff")
    assert (packed.pages, packed.kinds, packed.big) == (EVENTS - 1, 1, False)
    truth = np.full((EVENTS - 1, 9, 7), np.nan, np.float32)
    tiles = np.delete(finished["quad/full_area"], 2, axis=0)
    truth[:, :4, 1:], truth[:, 5:, :6] = tiles[:, 0], tiles[:, 1]
    found = ask_imagej(*result.files, packed.path)
    assert_pictures(found[packed.path], truth, 32)
    for path, picture in zip(result.files, truth, strict=True):
        assert_pictures(found[path], picture[None], 32)
    assert about(found[packed.path][0])["slices"] == [path.name for path in result.files]


def test_what_imagej_cannot_show_is_what_we_say_that_it_cannot(
    finished: dict[str, np.ndarray], ask_imagej: Ask, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    source = tmp_path / "meclx1234_Run0014.h5"
    files = write_tiffs(source, ["opal/img", "opal/low_img"], tmp_path / "tiffs").files
    mixed = pack_tiffs(files, tmp_path / "mixed.tiff")
    assert (mixed.pages, mixed.kinds) == (2 * EVENTS, 2)
    monkeypatch.setattr(imagej, "CLASSIC_BYTES", 1000)
    result = write_tiffs(source, ["opal/img"], tmp_path / "packed", pack=True)
    big = pack_tiffs(files, tmp_path / "big.tiff")
    assert (result.big, big.big) == (result.files, True)
    found = ask_imagej(mixed.path, *result.files, big.path)
    assert_pictures(found[mixed.path], finished["opal/img"][:1], 16)
    assert [found[path][0]["opened"] for path in (*result.files, big.path)] == [False, False]

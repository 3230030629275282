"""TIFF files of pictures, read back by another library."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.TiffTags import TAGS_V2

from workbench.core.errors import InputError
from workbench.runs import open_run
from workbench.smalldata.exports import (
    QuotaRefusedError,
    forecast_tiffs,
    pack_hdf5,
    pack_tiffs,
    write_tables,
    write_tiffs,
)

EVENTS = 6


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a file of LCLS-I as the facility writes it: two detectors, one not in every event."""
    draw = np.random.default_rng(3)
    path = tmp_path / "mecl1234_Run0014.h5"
    with h5py.File(path, "w") as h5:
        seconds = 1_600_000_000 + np.arange(EVENTS) // 2
        h5["event_time"] = (seconds << 32) | (np.arange(EVENTS) % 2 * 8_333_333)
        frames = draw.normal(size=(EVENTS, 5, 7)).astype(np.float32)
        frames[2] = np.nan
        h5["Epix10kaQuad2/full_area"] = frames
        h5["Epix10kaQuad2/full_area"].attrs["units"] = "keV"
        h5["alvium_tt/img"] = draw.integers(0, 4000, (EVENTS, 4, 6)).astype(np.uint16)
        h5["alvium_tt/tiles_area"] = draw.normal(size=(EVENTS, 2, 4, 6)).astype(np.float32)
        h5["alvium_tt/sum"] = np.arange(EVENTS, dtype=float)
        tiles = draw.normal(size=(EVENTS, 2, 3, 4)).astype(np.float32)
        h5["cspad/full_area"] = tiles
        h5["UserDataCfg/cspad/full__full_writeArea"] = 1
        h5["UserDataCfg/cspad/ix"] = np.stack([np.indices((3, 4))[0], np.indices((3, 4))[0] + 4])
        h5["UserDataCfg/cspad/iy"] = np.stack([np.indices((3, 4))[1] + 1, np.indices((3, 4))[1]])
        h5["ipm2/sum"] = draw.normal(size=EVENTS)
        h5["ipm2/channels"] = draw.normal(size=(EVENTS, 4)).astype(np.float32)
        h5["ipm2/sum"].attrs["units"] = "V"
        h5["evr/code_40"] = np.array([1, 1, -99999, 0, 1, 1])
        h5["epics/att_T"] = np.array([0.5, 0.5, np.nan, 0.25, 0.25, 0.25])
        h5["epicsOnce/lens_z"] = np.array([12.5])
        h5["Sums/alvium_tt_calib"] = draw.normal(size=(4, 6)).astype(np.float32)
    return path


def content(path: Path, name: str) -> Any:
    with h5py.File(path) as h5:
        return h5[name][()]


def pages(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(np.array(image))
    return found


def told(path: Path) -> dict[str, Any]:
    number = next(number for number, tag in TAGS_V2.items() if tag.name == "ImageDescription")
    with Image.open(path) as image:
        return dict(json.loads(image.tag_v2[number]))


def test_each_event_is_a_file_with_its_values_time_and_unit(source: Path, tmp_path: Path) -> None:
    fields = ["Epix10kaQuad2/full_area", "alvium_tt/img"]
    result = write_tiffs(source, fields, tmp_path / "scratch" / "run14")
    assert len(result.files) == len(set(result.files)) == 2 * EVENTS - 1
    assert result.missing == {"Epix10kaQuad2/full_area": 1, "alvium_tt/img": 0}
    for path in result.files:
        facts = told(path)
        name = f"{facts['detector']}/{facts['field']}"
        (page,) = pages(path)
        np.testing.assert_array_equal(page, content(source, name)[facts["event"]])
        assert page.dtype == content(source, name).dtype
        assert facts["timestamp"] == content(source, "event_time")[facts["event"]]
    first = result.files[0]
    assert first.name == "Run_0014_evt_1600000000-000000000_Epix10kaQuad2_full_area_keV.tiff"
    assert told(first)["unit"] == "keV"
    assert told(first)["utc"].startswith("2020-09-13T12:26:40")


def test_a_packed_file_holds_the_same_pictures_as_pages(source: Path, tmp_path: Path) -> None:
    name = "Epix10kaQuad2/full_area"
    (result,) = open_run(source).to_tiff(tmp_path / "packed", [name], pack=True)
    (path,) = result.files
    expected = np.delete(content(source, name), 2, axis=0)
    np.testing.assert_array_equal(pages(path), expected)
    assert result.missing[name] == 1
    with h5py.File(source, "r+") as h5:
        h5[name][:] = np.nan
    nothing = write_tiffs(source, [name], tmp_path / "none", pack=True)
    assert (nothing.files, nothing.missing[name]) == ((), EVENTS)
    assert not list((tmp_path / "none").iterdir())


def test_tiles_are_pages_and_run_sums_a_file_without_event(source: Path, tmp_path: Path) -> None:
    fields = ["alvium_tt/tiles_area", "Sums/alvium_tt_calib"]
    *tiled, summed = write_tiffs(source, fields, tmp_path).files
    assert len(tiled) == EVENTS
    np.testing.assert_array_equal(pages(tiled[3]), content(source, fields[0])[3])
    np.testing.assert_array_equal(pages(summed)[0], content(source, fields[1]))
    assert "evt" not in summed.name


def test_how_many_files_is_told_before_and_a_full_results_folder_refuses_them(
    source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results" / "run14"
    fields = ["alvium_tt/img"]
    free = forecast_tiffs(source, fields, tmp_path)
    assert (free.files, free.quota) == (EVENTS, None)
    assert free.bytes >= content(source, fields[0]).nbytes
    quota = forecast_tiffs(source, fields, folder).quota
    assert quota is not None
    folder.mkdir(parents=True)
    for number in range(quota.files - EVENTS + 1):
        (folder / f"{number}").touch()
    with pytest.raises(QuotaRefusedError, match="pack them"):
        write_tiffs(source, fields, folder)
    assert not list(folder.glob("*.tiff"))
    assert len(write_tiffs(source, fields, folder, pack=True).files) == 1


def test_a_field_without_rows_and_columns_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures"):
        write_tiffs(source, ["alvium_tt/sum"], tmp_path)


@pytest.mark.parametrize("by_a_function", [True, False])  # whole frames need no function
def test_assembled_frames_have_their_tiles_where_they_lie(
    source: Path, tmp_path: Path, by_a_function: bool
) -> None:
    if not by_a_function:
        with h5py.File(source, "r+") as h5:
            del h5["UserDataCfg/cspad/full__full_writeArea"]
    result = write_tiffs(source, ["cspad/full_area"], tmp_path / "img", assembled=True)
    frames = content(source, "cspad/full_area")
    for path, frame in zip(result.files, frames, strict=True):
        (picture,) = pages(path)
        expected = np.full((7, 5), np.nan, np.float32)
        expected[:3, 1:], expected[4:, :4] = frame
        np.testing.assert_array_equal(picture, expected)
        assert "full_area_assembled" in path.name
    with pytest.raises(InputError, match="does not say where its pixels lie"):
        write_tiffs(source, ["alvium_tt/tiles_area"], tmp_path / "img", assembled=True)


def test_tables_beside_the_pictures_hold_every_number_of_each_shot(
    source: Path, tmp_path: Path
) -> None:
    (first, *_) = write_tiffs(source, ["alvium_tt/img"], tmp_path).files
    shots, epics = write_tables(source, tmp_path)
    assert (shots.name, epics.name) == ("Run_0014_shots.txt", "Run_0014_epics.txt")
    rows = {path: read_table(path) for path in (shots, epics)}
    assert f"evt_{rows[shots]['event'][0]}_" in first.name  # rows and pictures go together
    assert rows[shots]["utc"][0].startswith("2020-09-13T12:26:40")
    for column, name, element in (
        ("ipm2/sum", "ipm2/sum", ...), ("ipm2/channels[2]", "ipm2/channels", (slice(None), 2)),
        ("alvium_tt/sum", "alvium_tt/sum", ...),
    ):  # fmt: skip
        found = np.array(rows[shots][column], content(source, name).dtype)
        np.testing.assert_array_equal(found, content(source, name)[element])
    assert rows[shots]["evr/code_40"] == ["1", "1", "nan", "0", "1", "1"]
    assert rows[epics]["epics/att_T"][1:4] == ["0.5", "nan", "0.25"]
    assert "# epicsOnce/lens_z = 12.5" in epics.read_text()
    units = shots.read_text().splitlines()[1].split("\t")
    assert units[list(rows[shots]).index("ipm2/sum")] == "V"
    assert not [name for name in rows[shots] if "full_area" in name or "epics" in name]


def read_table(path: Path) -> dict[str, list[str]]:
    lines = [line.split("\t") for line in path.read_text().splitlines() if line[0] != "#"]
    return dict(zip(lines[0], map(list, zip(*lines[1:], strict=True)), strict=True))


def test_tiff_files_of_others_are_packed_without_loss(source: Path, tmp_path: Path) -> None:
    files = list(write_tiffs(source, ["alvium_tt/img", "cspad/full_area"], tmp_path).files)
    foreign = tmp_path / "Run_14_evt_3_cam.tiff"
    Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4)).save(foreign)
    done = pack_tiffs([*files, foreign], tmp_path / "packed" / "run14.tiff")
    packed = done.path
    assert len(list(tmp_path.glob("*.tiff"))) == len(files) + 1
    with tifffile.TiffFile(packed) as tiff:
        every = list(tiff.pages)
        told_ = [json.loads(page.description) for page in every]
    expected = [(path, page) for path in (*files, foreign) for page in pages(path)]
    assert len(every) == len(expected)
    for page, facts, (path, values) in zip(read_pages(packed), told_, expected, strict=True):
        np.testing.assert_array_equal(page, values)
        assert (page.dtype, facts["file"]) == (values.dtype, path.name)
    assert told_[0]["unit"] == told(files[0])["unit"]
    with pytest.raises(InputError, match=r"cannot pack: .*txt"):
        pack_tiffs([write_tables(source, tmp_path)[0]], tmp_path / "bad.tiff")
    cut = tmp_path / "cut.tiff"  # its last pages are lost
    cut.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cannot pack: .*cut.tiff.* write it again"):
        pack_tiffs([foreign, cut], tmp_path / "bad.tiff")
    assert not (tmp_path / "bad.tiff").exists()


def test_pictures_of_one_camera_are_packed_into_hdf5_without_loss(
    source: Path, tmp_path: Path
) -> None:
    files = list(write_tiffs(source, ["Epix10kaQuad2/full_area"], tmp_path).files)
    target = tmp_path / "packed" / "run14.h5"
    assert pack_hdf5(files, target) == len(files) == EVENTS - 1  # one frame is missing
    with h5py.File(target) as h5:
        pictures = h5["pictures"]
        for number, path in enumerate(files):
            (page,) = pages(path)
            np.testing.assert_array_equal(pictures[number], page, strict=True)
            assert h5["file"].asstr()[number] == path.name
            assert json.loads(h5["description"].asstr()[number]) == told(path)
        assert pictures.attrs["units"] == "keV"
        assert pictures.chunks == (1, 5, 7)
    before = target.read_bytes()
    other = list(write_tiffs(source, ["alvium_tt/img"], tmp_path).files)
    with pytest.raises(InputError, match=r"alvium.* 4 x 6 uint16.* 5 x 7 float32.* one detector"):
        pack_hdf5([*files, *other], target)
    with pytest.raises(InputError, match="name at least one"):
        pack_hdf5([], target)
    assert target.read_bytes() == before


def read_pages(path: Path) -> list[np.ndarray]:
    with tifffile.TiffFile(path) as tiff:
        return [page.asarray() for page in tiff.pages]

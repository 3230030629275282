"""TIFF files of pictures, read back by another library."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from PIL.TiffTags import TAGS_V2

from workbench.core.errors import InputError
from workbench.runs import open_run
from workbench.smalldata.exports import QuotaRefusedError, forecast_tiffs, write_tiffs

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

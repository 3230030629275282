from pathlib import Path

import numpy as np
import pytest

from workbench.core.errors import NotThereError
from workbench.sources.geometry import GeometryError, parse_geometry, read_geometry

ONE_PANEL = "IP 0 EPIX100:V1 0  0 0 1000000  90 180 0  0 0 0\n"


@pytest.fixture(scope="session")
def tables(data_folder: Path) -> Path:
    return data_folder / "geometry_lcls2"


# Values of psana 4.3 (GeometryAccess.get_pixel_coords, assembled image) for the same files [um].
PSANA = {
    "epix100a": [(0, 0, 0, -17700, -19300, -1e6), (0, 703, 767, 17700, 19300, -1e6)],
    "jungfrau1M": [(0, 0, 0, -39862.5, -38587.5, -1e5), (1, 511, 1023, 39862.5, 38587.5, -1e5)],
    "jungfrau05M": [(0, 0, 0, 19237.5, -38587.5, -1e4), (0, 511, 1023, -19237.5, 38587.5, -1e4)],
    "jungfrau4M": [(0, 0, 0, -5418, -76044.6, -1e5), (7, 511, 1023, 5418, 76044.6, -1e5)],
    "cspad": [
        (0, 0, 0, 25225.537903, 97018.424098, -999847.987763),
        (31, 184, 387, 29060.492271, 96208.4307, -999894.906838),
    ],
    "cspad2x2": [
        (0, 0, 0, 42487.724536, 7836.592007, -999985.524955),
        (1, 184, 387, -7256.323542, 43315.650789, -1000006.233844),
    ],
    "epixhr2x2": [
        (0, 0, 0, -14475.0, -19275.0, -10000.0),
        (0, 287, 383, 14475.0, 19275.0, -10000.0),
    ],
    "epixm320": [(0, 0, 0, -25.0, -25.0, -10000.0), (3, 191, 383, 9575.0, -25.0, -10000.0)],
    "epixuhr": [(0, 0, 0, -19250.0, -150.0, -10000.0), (3, 167, 191, 19250.0, -16850.0, -10000.0)],
    "jungfrau16M": [
        (0, 0, 0, 168750.0, -152887.5, -100000.0),
        (31, 511, 1023, -163575.0, 152887.5, -100000.0),
    ],
    "epix10kaquad": [
        (0, 0, 0, 3143.2618965489273, 1055.803214571133, -100130.0904071002),
        (3, 351, 383, -3150.9779451543836, -952.5408425160165, -99878.801956052),
    ],
}


@pytest.mark.parametrize(("name", "pixels"), PSANA.items())
def test_pixel_centres_equal_those_of_psana(
    tables: Path, name: str, pixels: list[tuple[float, ...]]
) -> None:
    geometry = read_geometry(tables / f"geometry-def-{name}.data")
    for segment, row, col, *expected in pixels:
        place = int(segment), int(row), int(col)
        found = [axis[place] for axis in (geometry.x, geometry.y, geometry.z)]
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "pixels"),
    [
        ("epix100a", (709, 773), 704 * 768),
        ("jungfrau1M", (1064, 1030), 2 * 512 * 1024),
        ("epix10kaquad", (775, 793), 540_661),  # tilted panels: some pixels share a place
    ],
)
def test_assembled_images_have_the_recorded_shape(
    tables: Path, name: str, shape: tuple[int, int], pixels: int
) -> None:
    geometry = read_geometry(tables / f"geometry-def-{name}.data")
    image = geometry.assemble(np.ones(geometry.x.shape))
    assert image.shape == shape
    assert np.nansum(image) == pixels


def test_mean_radius_of_a_tilted_detector_equals_that_of_psana(tables: Path) -> None:
    geometry = read_geometry(tables / "geometry-def-epix10kaquad.data")
    rms = [np.sqrt(np.mean(axis**2)) for axis in (geometry.x, geometry.y, geometry.z)]
    expected = [23255.967615712183, 23093.204676737958, 100000.26804680025]
    np.testing.assert_allclose(rms, expected, rtol=1e-12)


def test_the_laboratory_frame_has_y_up_and_z_along_the_beam() -> None:
    geometry = parse_geometry(ONE_PANEL)
    x, y, z = geometry.laboratory
    top_left = (0, 0, 0)  # first pixel of the image: left and up as seen along the beam
    assert x[top_left] > 0  # x, y, z right-handed: x points left as seen along the beam
    assert y[top_left] > 0
    assert (z > 0).all()


def test_neighbouring_jungfrau_pixels_are_one_pitch_apart_except_at_asic_borders() -> None:
    geometry = parse_geometry("IP 0 JUNGFRAU:V2 0  0 0 0  0 0 0  0 0 0")
    steps = np.diff(geometry.x[0, 0])
    assert (np.count_nonzero(steps == 75.0), np.count_nonzero(steps == 112.5)) == (1014, 6)
    assert np.count_nonzero(steps == 150.0) == 3
    assert steps.sum() == pytest.approx(1029 * 75)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("IP 0 EPIX100:V1 0 1 2 3", "line 1: 7 columns"),
        (ONE_PANEL.replace("1000000", "far"), "line 1: could not convert"),
        (ONE_PANEL.replace("EPIX100:V1", "CCD:V9"), "unknown panel CCD:V9"),
        ("# nothing\n", "no object stands at the top"),
        ("A 0 B 0" + " 0" * 9 + "\nB 0 A 0" + " 0" * 9, "no object stands at the top"),
        (ONE_PANEL.replace("EPIX100:V1", "A") + 2 * ("A 0 A 0" + " 0" * 9 + "\n"), "inside itself"),
    ],
)
def test_a_table_that_cannot_be_understood_is_named(text: str, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        parse_geometry(text)


def test_a_missing_geometry_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="no geometry file"):
        read_geometry(tmp_path / "none.data")

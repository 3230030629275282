"""Produced averages of real powder frames: LaB6, through .poni files."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

from tests.conftest import ModuleFolder
from workbench.core.constants import Constants
from workbench.producer import ProduceRequest, produce
from workbench.regions import Poni, calibrant, write_poni
from workbench.smalldata import SmallDataFile, open_file
from workbench.sources.constants import write_constants
from workbench.sources.xtc2_writer import Names, Xtc2Writer

LINE = {8: 0, 25: 3, 29: 4, 48: 9}  # frame -> line of LaB6 on it
WAVELENGTH, PIXEL, SHAPE = 0.8856e-10, 172e-6, (195, 1475)  # m
GAPS = (slice(487, 494), slice(981, 988))  # columns between the modules
GAP_MASK = np.zeros(SHAPE, np.int8)
for _gap in GAPS:
    GAP_MASK[:, _gap] = 1
CONFIG = """
detectors = {names}

def get_sum_algos(run):
    return {{}}

def get_azav_pyfai(run):
    curve = {{'return2d': False, 'polarization_factor': None}}
    return {entries}
"""


def stem(folder: Path, number: int) -> Path:
    return folder / "diffraction_LaB6_ssrl" / f"b_toney_lab6_th3_scan1_{number:04d}"


def authors(folder: Path, number: int) -> tuple[Poni, np.ndarray]:
    """Return the geometry in the header of the authors' curve, and the curve."""
    path = stem(folder, number).with_suffix(".xy")
    text = path.read_text()
    (distance,) = re.search(r"Detector: (\S+) m", text).groups()
    poni = re.search(r"PONI: (\S+), (\S+) m", text).groups()
    rotations = re.search(r"Rotations: (\S+) (\S+) (\S+) rad", text).groups()
    numbers = (float(one) for one in (distance, *poni, *rotations))
    return Poni(*numbers, WAVELENGTH, PIXEL, PIXEL, SHAPE), np.loadtxt(path)


def integrator_of(poni: Poni) -> AzimuthalIntegrator:
    return AzimuthalIntegrator(
        poni.distance, poni.poni1, poni.poni2, *poni.rotations, wavelength=WAVELENGTH,
        detector=Detector(PIXEL, PIXEL, max_shape=SHAPE),
    )  # fmt: skip


def frame(folder: Path, number: int) -> np.ndarray:
    return np.array(Image.open(stem(folder, number).with_suffix(".tif")))


@pytest.fixture(scope="module")
def file(data_folder: Path, module_folder: ModuleFolder) -> SmallDataFile:
    """Produce a run of one event in which each frame is a camera of its own."""
    folder = module_folder("rings")
    names = {number: f"arm_{number}" for number in LINE}
    declared = [Names(name, "epix100", "raw", fields={"raw": ("float32", 2)})
                for name in names.values()]  # fmt: skip
    with Xtc2Writer(folder / "xpplx1234-r0001-s000-c000.xtc2", declared) as stream:
        stream.configure(1 << 32)
        stream.begin_run(2 << 32, experiment="xpplx1234", run=1)
        stream.begin_step(3 << 32)
        stream.enable(4 << 32)
        frames = [{"raw": frame(data_folder, number)} for number in LINE]
        stream.event(5 << 32, dict(enumerate(frames)))
        stream.end_run(6 << 32)
    good = np.ones(SHAPE, np.bool_)
    for gap in GAPS:
        good[:, gap] = False
    flat = np.zeros(SHAPE), np.ones(SHAPE), good
    write_constants(folder / "c.h5", [Constants(name, *flat) for name in names.values()])
    entries = []
    for number, name in names.items():
        poni, curve = authors(data_folder, number)
        write_poni(folder / f"{name}.poni", poni)
        half = np.diff(curve[:, 0]).mean() / 2
        span = {"radial_range": [float(curve[0, 0] - half), float(curve[-1, 0] + half)]}
        same = {"poni_file": f"{name}.poni", "azav_kwargs": span}
        made = [same | {"name": "fine", "npts": len(curve)},
                same | {"name": "pairs", "npts": len(curve) // 2},
                same | {"name": "split", "npts": len(curve), "splitting": "bbox"},
                same | {"name": "wide", "npts": len(curve) // 130, "splitting": "bbox"},
                ]  # fmt: skip
        entries.append(f"{name!r}: [{', '.join(f'curve | {one}' for one in made)}]")
    config = folder / "prod_config_xpp.py"
    text = CONFIG.format(names=list(names.values()), entries=f"{{{', '.join(entries)}}}")
    config.write_text(text)
    request = ProduceRequest(
        "xpplx1234", 1, folder, folder / "out", config=config, constants=folder / "c.h5", workers=1
    )
    result = produce(request)
    assert result.skipped == ()
    with open_file(result.output) as opened:
        yield opened


@pytest.mark.parametrize("number", LINE)
def test_rings_of_lab6_lie_at_the_tabulated_angles(file: SmallDataFile, number: int) -> None:
    energy = 12.398419843320026 / (WAVELENGTH * 1e10)
    angle = np.rad2deg(calibrant("LaB6_SRM660c").angles(energy)[LINE[number]])
    centre = centroid(file.read(f"arm_{number}/fine_q")[0], file.read(f"arm_{number}/fine_azav")[0])
    assert abs(centre - angle) < 0.006


def centroid(angles: np.ndarray, light: np.ndarray) -> float:
    """Return the centre of mass of the brightest peak above the level around it [degree]."""
    known = np.isfinite(light)
    smooth = np.convolve(np.where(known, light, 0), np.ones(25), "same")
    top = angles[np.argmax(smooth)]
    for _ in range(5):
        near = known & (np.abs(angles - top) < 0.08)
        beside = known & (np.abs(angles - top) > 0.1) & (np.abs(angles - top) < 0.2)
        weight = light[near] - np.median(light[beside])
        top = (angles[near] * weight).sum() / weight.sum()
    return float(top)


def test_the_curve_is_that_of_the_authors(file: SmallDataFile, data_folder: Path) -> None:
    curve = authors(data_folder, 25)[1][:, 1]
    # Their bins are 13 times finer than a pixel and share each pixel out among them; here each
    # pixel is in one, which two of them together hardly feel.
    theirs = curve.reshape(-1, 2).mean(axis=1)
    off = {
        "fine": np.abs(file.read("arm_25/fine_azav")[0] / curve - 1),
        "pairs": np.abs(file.read("arm_25/pairs_azav")[0] / theirs - 1),
    }
    counts = {name: file.read(f"UserDataCfg/arm_25/{name}__{name}_pixels") > 10 for name in off}
    assert np.median(off["pairs"][counts["pairs"]]) < 0.01
    assert np.median(off["fine"][counts["fine"]]) < 0.016


def test_with_split_pixels_the_curve_is_that_of_the_authors_on_their_own_grid(
    file: SmallDataFile, data_folder: Path
) -> None:
    off = np.abs(file.read("arm_25/split_azav")[0] / authors(data_folder, 25)[1][:, 1] - 1)
    assert np.median(off[file.read("UserDataCfg/arm_25/split__split_pixels") > 1]) < 0.0015


def test_what_is_left_of_the_authors_curve_is_the_way_they_share_out_pixels(
    data_folder: Path,
) -> None:
    """pyFAI itself, with their geometry, mask and grid, and no correction but the solid angle.

    Shared out over the bins that its bounding box covers, as they did, it gives their curve to
    0.09 % (median); with each pixel in one bin it is 1.58 % off, as ours is. So geometry,
    polarisation, absorption, bad pixels and grid are theirs: a bin that is 13 times finer than a
    pixel holds another sample of the light. Bins of two are 0.8 % off.
    """
    poni, curve = authors(data_folder, 25)
    half = np.diff(curve[:, 0]).mean() / 2
    off = {}
    for split in ("bbox", "no"):
        made = integrator_of(poni).integrate1d_ng(
            frame(data_folder, 25), len(curve), unit="2th_deg", mask=GAP_MASK,
            radial_range=(float(curve[0, 0] - half), float(curve[-1, 0] + half)),
            method=(split, "histogram", "cython"),
        )  # fmt: skip
        off[split] = np.median(np.abs(made.intensity / curve[:, 1] - 1)[made.count > 10])
    assert off["bbox"] < 0.0015
    assert 0.014 < off["no"] < 0.017


@pytest.mark.parametrize("number", LINE)
def test_the_curve_is_that_of_pyfai_without_splitting(
    file: SmallDataFile, data_folder: Path, number: int
) -> None:
    poni, _ = authors(data_folder, number)
    edges = file.read(f"UserDataCfg/arm_{number}/pairs__pairs_radial_edges")
    made = integrator_of(poni).integrate1d_ng(
        frame(data_folder, number), len(edges) - 1, unit="2th_deg", mask=GAP_MASK,
        radial_range=(float(edges[0]), float(edges[-1])),
        method=("no", "histogram", "python"),  # finds bins in double precision
    )  # fmt: skip
    count = file.read(f"UserDataCfg/arm_{number}/pairs__pairs_pixels")
    filled = count > 10
    assert filled.sum() > 450
    ours = file.read(f"arm_{number}/pairs_azav")[0]
    np.testing.assert_allclose(ours[filled], made.intensity[filled], rtol=1e-5)


@pytest.mark.parametrize("number", LINE)
def test_the_curve_of_split_pixels_is_that_of_pyfai(
    file: SmallDataFile, data_folder: Path, number: int
) -> None:
    poni, _ = authors(data_folder, number)
    off = {}
    for name in ("wide", "split"):
        prefix = f"UserDataCfg/arm_{number}/{name}__{name}_"
        edges, count = file.read(f"{prefix}radial_edges"), file.read(f"{prefix}pixels")
        made = integrator_of(poni).integrate1d_ng(
            frame(data_folder, number), len(edges) - 1, unit="2th_deg", mask=GAP_MASK,
            radial_range=(float(edges[0]), float(edges[-1])), method=("bbox", "csr", "cython"),
        )  # fmt: skip
        inner = np.flatnonzero(count[1:-1] > 1) + 1  # in its ends pyFAI counts more
        off[name] = np.abs(file.read(f"arm_{number}/{name}_azav")[0] / made.intensity - 1)[inner]
    assert off["wide"].max() < 1e-5
    # pyFAI knows corners in single precision, which a bin 13 times finer than a pixel feels.
    assert np.median(off["split"]) < 5e-5
    assert off["split"].max() < 2e-3

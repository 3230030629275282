"""``get_azav`` and ``get_azav_pyfai``: from an edited config to a file that notebooks read."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyFAI.detectors import Detector
from pyFAI.integrator.azimuthal import AzimuthalIntegrator

import workbench as wb
from tests.conftest import ModuleFolder
from workbench.core.findings import Severity
from workbench.core.frames import FrameSpec
from workbench.producer import produce
from workbench.producer.azimuthal_entries import read_azav
from workbench.producer.entries import DetectorFacts, EntryError, ReductionEntry
from workbench.producer.identity import changed, facts_of
from workbench.producer.pyfai_entries import read_azav_pyfai
from workbench.recipes import azimuthal
from workbench.regions.scattering import HC
from workbench.smalldata import open_file
from workbench.sources.constants import write_constants
from workbench.widgets.models import RawFrames, azav_of, picture_of_raw, profile, signal

from .conftest import CAMERA, TILES, made_constants

PIXEL = 100.0  # um
PICTURE = (72, 80)  # of the two tiles, 8 rows apart
PONI = {"dist": 0.05, "poni1": 0.003, "poni2": 0.004, "rot1": 0.1, "rot2": -0.05, "rot3": 0.2}
WAVELENGTH = 1.3e-10  # m
GEOMETRY = {"center": [3000.0, 4200.0], "dis_to_sam": 50.0, "eBeam": 9.5, "tx": 2.0, "ty": -9.0}
CONFIG = f"""
detectors = ['cam', 'tiles']

def get_sum_algos(run):
    return {{}}

def getAzIntParams(run):
    return {{'tiles': [{{'name': 'old', 'center': [3600, 4000], 'dis_to_sam': 60, 'eBeam': 9.5,
                        'qbin': [0.05, 0.2, 0.4]}}]}}

def get_azav_pyfai(run):
    both = {{'poni_file': 'geometry/both.poni', 'npts': 40}}
    numbers = {PONI | {"wavelength": WAVELENGTH}}
    return {{'tiles': [both | {{'npts_az': 6, 'threshold': 1.5}},
                      both | {{'name': 'line', 'return2d': False, 'int_units': 'q_A^-1'}},
                      both | {{'name': 'nano', 'npts_az': 6, 'int_units': 'q_nm^-1'}}],
            'cam': {{'ai_kwargs': numbers, 'npts': 30, 'return2d': False, 'name': 'bare'}}}}
"""
POSITIONS = {}
for name, rows in (("cam", np.arange(70)), ("tiles", np.array([*range(32), *range(40, 72)]))):
    down, right = np.meshgrid((rows + 0.5) * PIXEL, (np.arange(80) + 0.5) * PIXEL, indexing="ij")
    shape = {"cam": CAMERA, "tiles": TILES}[name]
    POSITIONS[name] = down.reshape(shape), right.reshape(shape)


def poni_text(**changes: Any) -> str:
    known = {"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": list(PICTURE), "orientation": 3}
    config = str(known | changes).replace("'", '"')
    lines = [f"{name if name != 'dist' else 'Distance'}: {value}" for name, value in PONI.items()]
    head = f"poni_version: 2.1\nDetector: Detector\nDetector_config: {config}\n"
    return head + "\n".join([*lines, f"Wavelength: {WAVELENGTH}"]) + "\n"


def with_geometry(folder: Path) -> Path:
    """Write constants with the places of the pixels, y up and x to the left."""
    made = [
        replace(made_constants(name, down.shape), x=-right, y=-down, z=np.zeros(down.shape))
        for name, (down, right) in POSITIONS.items()
    ]
    write_constants(folder / "constants.h5", made)
    return folder / "constants.h5"


@pytest.fixture(scope="module")
def run(module_folder: ModuleFolder, make_run: Any) -> Any:
    (folder := module_folder("raw_azimuthal") / "raw").mkdir()
    return make_run(folder, events=24)


@pytest.fixture(scope="module")
def result(run: Any, module_folder: ModuleFolder) -> Any:
    folder = module_folder("azimuthal")
    (folder / "geometry").mkdir()
    (folder / "geometry" / "both.poni").write_text(poni_text())
    config = folder / "prod_config_xpp.py"
    config.write_text(CONFIG)
    values = {**GEOMETRY, "qbin": 0.02, "phiBins": 3, "Pplane": 0.8, "thresADU": 1.0}
    with wb.edit_config(config) as edit:
        edit.set_azav("cam", from_run=7, **values)
        edit.save()
    constants = with_geometry(folder)
    return produce(run.request(folder / "out", config=config, constants=constants, workers=1))


@pytest.fixture(scope="module")
def file(result: Any) -> Any:
    with open_file(result.output) as opened:
        yield opened


def kev(frames: np.ndarray) -> np.ndarray:
    return (frames.astype("f4") - np.float32(1000)) / np.float32(25)


def good(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.ones(shape, bool)
    mask.flat[[3, 70, 133]] = False
    return mask


def facility_formulas() -> dict[str, np.ndarray]:
    """Return what the facility's azimuthal function computes of the pixels of "cam", literally."""
    (x, y), (xc, yc) = (1e-3 * np.array(one) for one in (POSITIONS["cam"], GEOMETRY["center"]))
    tx, ty = np.deg2rad([GEOMETRY["tx"], GEOMETRY["ty"]])
    first, second, third = -np.sin(ty) * np.cos(tx), -np.sin(tx), -np.cos(ty) * np.cos(tx)
    d = GEOMETRY["dis_to_sam"]
    a, b, c = xc + d * np.tan(ty), yc - d * np.tan(tx), d
    r = np.sqrt((x - a) ** 2 + (y - b) ** 2 + c**2)
    u = first * (x - a) + second * (y - b) - third * c
    theta = np.arccos(u / r)
    up = (first**2 + third**2) * (y - b) - first * second * (x - a) + second * third * c
    phi = np.arccos(up / np.sqrt((first**2 + third**2) * (r**2 - u**2)))
    # Which half of the turn: along the third axis, across the beam and the one above.
    side = third * (x - a) + first * c
    phi = np.where(side > 0, 2 * np.pi - phi, phi)
    across, along = np.sin(phi) * np.sin(theta), np.cos(phi) * np.sin(theta)
    light = 0.2 * (1 - across**2) + 0.8 * (1 - along**2)
    q = 4 * np.pi * GEOMETRY["eBeam"] / 12.398419843320026 * np.sin(theta / 2)
    return {"q": q, "phi": phi, "norm": light * (d / r) ** 3}


def test_nothing_is_left_out_or_doubted(result: Any) -> None:
    assert result.skipped == ()
    assert {one.code for one in result.findings} <= {"partial", "damaged"}


def test_an_edited_entry_is_produced_as_the_facilitys_formulas_say(run: Any, file: Any) -> None:
    prefix = "UserDataCfg/cam/azav__azav"
    q_edges, phi_edges = file.read(f"{prefix}_qbins"), file.read(f"{prefix}_phi_edges")
    np.testing.assert_allclose(np.diff(q_edges), 0.02)
    made, used = facility_formulas(), good(CAMERA)
    counts, expected = np.zeros((3, len(q_edges) - 1)), None
    waves = np.full(counts.shape, complex(np.nan, np.nan))
    frames = kev(run.cam[run.has_cam])
    frames = np.where(frames < 1.0, 0, frames).astype(float)
    expected = np.full((len(frames), *counts.shape), np.nan)
    for turn in range(3):
        for ring in range(counts.shape[1]):
            inside = used & (made["q"] >= q_edges[ring]) & (made["q"] < q_edges[ring + 1])
            inside &= (made["phi"] >= phi_edges[turn]) & (made["phi"] < phi_edges[turn + 1])
            counts[turn, ring] = inside.sum()
            if inside.any():
                total = frames[:, inside].sum(axis=1)
                expected[:, turn, ring] = total / made["norm"][inside].sum()
                turned = np.exp(2j * made["phi"][inside])
                waves[turn, ring] = np.average(turned, weights=made["norm"][inside])
    azav = file.read("cam/azav_azav")
    assert azav.shape == (24, 3, len(q_edges) - 1)
    np.testing.assert_array_equal(file.read(f"{prefix}_pixels"), counts)
    np.testing.assert_allclose(file.read(f"{prefix}_cos2phi"), waves.real, atol=1e-9)
    np.testing.assert_allclose(file.read(f"{prefix}_sin2phi"), waves.imag, atol=1e-9)
    np.testing.assert_allclose(azav[run.has_cam], expected, rtol=1e-9)
    assert np.isnan(azav[~run.has_cam]).all()
    assert file.info("cam/azav_azav").unit == "keV"


def test_the_file_tells_how_the_average_was_set_up(result: Any, file: Any) -> None:
    azav = wb.open_run(result.output).settings["cam"].functions["azav"]
    assert (azav.kind, azav.center, azav.distance) == ("azav", (3000.0, 4200.0), 50.0)
    assert (azav.photon_energy, azav["tx"], azav["ty"], azav["Pplane"]) == (9.5, 2.0, -9.0, 0.8)
    assert azav.limits == (1.0, np.inf)
    np.testing.assert_array_equal(azav.good, good(CAMERA))
    np.testing.assert_allclose(azav.q, (azav.q_edges[:-1] + azav.q_edges[1:]) / 2)
    assert "pixels are not split" in azav["method"]
    assert "hc = 12.39842" in azav["method"]
    pyfai = wb.open_run(result.output).settings["tiles"].functions["pyfai"]
    assert (pyfai.kind, pyfai["azcfg_dist"], pyfai["poni_file"]) == (
        "pyfai", 0.05, "geometry/both.poni",
    )  # fmt: skip
    assert file.info("UserDataCfg/tiles/pyfai__pyfai_azcfg_rot1").unit == "rad"


def test_open_run_gives_q_and_azimuth_as_coordinates(result: Any) -> None:
    opened = wb.open_run(result.output)
    azav = opened["cam/azav_azav"].to_xarray()
    assert azav.dims == ("event", "phi", "q")
    assert (azav["q"].attrs["units"], azav["phi"].attrs["units"]) == ("1/angstrom", "rad")
    settings = opened.settings["cam"].functions["azav"]
    np.testing.assert_array_equal(azav["q"], settings.q)
    np.testing.assert_array_equal(azav["phi"], settings.phi)
    pyfai = opened["tiles/pyfai_azav"].to_xarray()
    assert (pyfai.dims, pyfai.shape) == (("event", "phi", "two_theta"), (24, 6, 40))
    assert pyfai["phi"].attrs["units"] == "degree"
    assert opened["tiles/line_azav"].to_xarray().dims == ("event", "q")


def test_recipes_read_q_and_azimuths_in_whatever_unit_they_stand(result: Any, file: Any) -> None:
    opened = wb.open_run(result.output)
    averages = azimuthal(opened, "tiles/nano_azav")
    edges = file.read("UserDataCfg/tiles/nano__nano_radial_edges")  # 1/nm
    np.testing.assert_allclose(averages.q, (edges[:-1] + edges[1:]) / 20, rtol=1e-6)
    around = file.read("UserDataCfg/tiles/nano__nano_azimuth_edges")  # degree
    np.testing.assert_allclose(averages.phi, np.deg2rad(around[:-1] + around[1:]) / 2, rtol=1e-6)


def test_integrals_from_a_poni_file_are_those_of_pyfai(run: Any, file: Any) -> None:
    integrator = AzimuthalIntegrator(
        **PONI, detector=Detector(1e-4, 1e-4, max_shape=PICTURE), wavelength=WAVELENGTH
    )
    there = np.flatnonzero(run.has_tiles)
    used, rows = np.zeros(PICTURE, bool), [*range(32), *range(40, 72)]
    used[rows] = good(TILES).reshape(64, 80)
    edges = {
        name: file.read(f"UserDataCfg/tiles/{name}__{name}_radial_edges")
        for name in ("pyfai", "line")
    }
    sectors = file.read("UserDataCfg/tiles/pyfai__pyfai_azimuth_edges")
    option = {"mask": ~used, "polarization_factor": 1.0, "method": ("no", "histogram", "cython")}
    for event in there[[0, -1]]:
        picture = np.zeros(PICTURE, "f4")
        picture[rows] = kev(run.tiles[event]).reshape(64, 80)
        line = integrator.integrate1d_ng(
            picture, 40, unit="q_A^-1", radial_range=ends(edges["line"]), **option
        )
        np.testing.assert_allclose(file.read("tiles/line_q")[event], line.radial, 1e-6)
        _same_curve(file.read("tiles/line_azav")[event], line.intensity, line.count)
        picture[picture < 1.5] = 0
        cake = integrator.integrate2d_ng(
            picture, 40, 6, unit="2th_deg", radial_range=ends(edges["pyfai"]),
            azimuth_range=ends(sectors), **option,
        )  # fmt: skip
        np.testing.assert_allclose(file.read("tiles/pyfai_az")[event], cake.azimuthal, 1e-5)
        _same_curve(file.read("tiles/pyfai_azav")[event], cake.intensity, cake.count)


def ends(edges: np.ndarray) -> tuple[float, float]:
    return float(edges[0]), float(edges[-1])


def _same_curve(ours: np.ndarray, theirs: np.ndarray, count: np.ndarray) -> None:
    filled = count > 10
    ratio = ours[filled] / theirs[filled]
    assert filled.sum() > 25
    # pyFAI finds bins in single precision: a pixel on an edge may go either way.
    assert np.median(np.abs(ratio - 1)) < 1e-6
    assert (np.abs(ratio - 1) < 5e-3).mean() > 0.9


def test_the_preview_of_the_region_editor_is_the_produced_file_bit_for_bit(
    run: Any, result: Any, file: Any
) -> None:
    constants = result.output.parent.parent / "constants.h5"
    raw = wb.open_raw(run.folder)
    picture = picture_of_raw(raw, "cam", events=1, constants=constants)
    values = {**GEOMETRY, "qbin": 0.02, "phiBins": 3, "Pplane": 0.8, "thresADU": 1.0}
    reduction = azav_of(picture, values)
    produced = file.read("cam/azav_azav")
    first = int(np.argmax(run.has_cam))
    np.testing.assert_array_equal(profile(picture, reduction).values, produced[first])
    shown = signal(RawFrames.of(raw, "cam", constants=constants), reduction)
    np.testing.assert_array_equal(shown.events, np.flatnonzero(run.has_cam))
    np.testing.assert_array_equal(shown["azav"], produced[run.has_cam])


def test_events_worked_one_by_one_give_the_same_bits(run: Any, result: Any, file: Any) -> None:
    constants = result.output.parent.parent / "constants.h5"
    frames = RawFrames.of(wb.open_raw(run.folder), "tiles", constants=constants)
    facts = DetectorFacts("tiles", 7, frames.spec, constants, constants.parent)
    entry = {"poni_file": "geometry/both.poni", "npts": 40, "npts_az": 6, "threshold": 1.5}
    reduction = read_azav_pyfai(entry)[1].build(facts)
    for event in np.flatnonzero(run.has_tiles)[:4]:
        alone = signal(frames, reduction, start=int(event), stop=int(event) + 1)
        np.testing.assert_array_equal(alone["azav"][0], file.read("tiles/pyfai_azav")[event])


def test_the_older_spelling_with_a_list_of_edges_is_read(file: Any) -> None:
    assert file.read("tiles/old_azav").shape == (24, 1, 2)
    np.testing.assert_array_equal(file.read("UserDataCfg/tiles/old__old_qbins"), [0.05, 0.2, 0.4])


BAD = """
detectors = ['cam', 'tiles']
AZAV = {'center': [3000., 4000.], 'dis_to_sam': 50, 'eBeam': 9.5}

def get_sum_algos(run):
    return {}

def get_azav(run):
    dark = [[0] * 80] * 70
    return {'cam': [AZAV, AZAV | {'name': 'dark', 'userMask': dark},
                    AZAV | {'name': 'far', 'center': [-9000, 4000.]},
                    AZAV | {'name': 'beyond', 'qbin': [20, 30, 40]},
                    AZAV | {'name': 'odd', 'userMask': [[1, 0], [0, 1]]}],
            'tiles': AZAV}

def get_azav_pyfai(run):
    return {'cam': [{'poni_file': 'none.poni'}, {'poni_file': 'other.poni', 'name': 'other'},
                    {'poni_file': 'cut.poni', 'name': 'cut'},
                    {'ai_kwargs': {'dist': 0.1, 'pixel1': 1e-4, 'pixel2': 1e-4},
                     'int_units': 'q_A^-1', 'name': 'colour'}],
            'tiles': [{'poni_file': 'other.poni'}]}
"""


def test_entries_that_cannot_be_made_are_named_and_the_others_are_there(
    run: Any, tmp_path: Path
) -> None:
    config = tmp_path / "prod_config_xpp.py"
    config.write_text(BAD)
    (tmp_path / "other.poni").write_text(poni_text(max_shape=[10, 20]))
    (tmp_path / "cut.poni").write_text(poni_text()[:80])
    down, right = POSITIONS["cam"]
    geometry = {"x": -right, "y": -down, "z": np.zeros(CAMERA)}
    made = [replace(made_constants("cam", CAMERA), **geometry), made_constants("tiles", TILES)]
    write_constants(tmp_path / "c.h5", made)
    request = run.request(tmp_path / "out", config=config, constants=tmp_path / "c.h5", workers=1)
    result = produce(request)
    told = {one.field: one for one in result.findings if one.severity is Severity.ERROR}
    expected = {
        "get_azav['cam'] (dark)": ("no-pixels", "every pixel is masked"),
        "get_azav['cam'] (beyond)": ("no-pixels", "between 20 and 40 1/angstrom"),
        "get_azav['cam'] (odd)": ("does-not-fit", "userMask has shape (2, 2)"),
        "get_azav['tiles'] (azav)": ("no-geometry", "import its geometry"),
        "get_azav_pyfai['cam'] (pyfai)": ("poni-file", f"no file {tmp_path / 'none.poni'}"),
        "get_azav_pyfai['cam'] (other)": ("poni-shape", "(10, 20)"),
        "get_azav_pyfai['cam'] (cut)": ("poni-file", "cut.poni"),
        "get_azav_pyfai['cam'] (colour)": ("no-wavelength", "'q_A^-1'"),
        "get_azav_pyfai['tiles'] (pyfai)": ("no-geometry", "import its geometry"),
    }
    assert told.keys() == expected.keys()
    for entry, (code, words) in expected.items():
        assert (told[entry].code, words in told[entry].message) == (code, True), told[entry]
        assert told[entry].line > 0
    assert {one.entry for one in result.skipped} == expected.keys()  # which gives exit code 3
    (far,) = (one for one in result.findings if one.code == "centre-off-detector")
    assert "plane of cam 9.1 mm beside" in far.message
    with open_file(result.output) as file:
        assert {name for name in file.names if name.endswith("_azav")} == {
            "cam/azav_azav", "cam/far_azav",
        }  # fmt: skip


def test_a_production_is_not_resumed_with_another_geometry_file(run: Any, tmp_path: Path) -> None:
    config, poni = tmp_path / "prod_config_xpp.py", tmp_path / "geometry" / "both.poni"
    poni.parent.mkdir()
    config.write_text(CONFIG)
    raw, request = wb.open_raw(run.folder), run.request(tmp_path / "out", config=config)
    loaded = wb.ProducerConfig.load(config, 7)
    without = facts_of(request, loaded, raw)
    poni.write_text(poni_text())
    first = facts_of(request, loaded, raw)
    poni.write_text(poni_text() + "# measured again\n")
    second = facts_of(request, loaded, raw)
    for old, new in ((without, first), (first, second)):
        assert changed(old, new) == ["files that the config names"]


GIVEN = {"center": [1, 2], "dis_to_sam": 50, "eBeam": 9.5}
NUMBERS = {"ai_kwargs": {"dist": 0.1}}


@pytest.mark.parametrize(
    ("reader", "entry", "code", "words"),
    [
        (read_azav, {"center": [1, 2], "dis_to_sam": 50}, "missing-key", "needs 'eBeam'"),
        (read_azav, {"center": [1, 2], "eBeam": 9.5}, "missing-key", "needs 'dis_to_sam'"),
        (read_azav, {"dis_to_sam": 50, "eBeam": 9.5}, "missing-key", "needs 'center'"),
        (read_azav, GIVEN | {"centre": [1, 2]}, "unknown-key", "did you mean 'center'?"),
        (read_azav, GIVEN | {"center": [1, 2, 3]}, "wrong-type", "center is x, y in um"),
        (read_azav, GIVEN | {"eBeam": -9.5}, "wrong-type", "energy"),
        (read_azav, GIVEN | {"tx": 95}, "wrong-type", "below 90 degrees"),
        (read_azav, GIVEN | {"Pplane": 2}, "wrong-type", "0 to 1"),
        (read_azav, GIVEN | {"qbin": 0}, "wrong-type", "a width above 0"),
        (read_azav, GIVEN | {"qbin": [0.3, 0.2]}, "wrong-type", "rising"),
        (read_azav, GIVEN | {"phiBins": 1.5}, "wrong-type", "number of bins"),
        (read_azav, GIVEN | {"phiBins": [0, 9]}, "wrong-type", "one turn"),
        (read_azav, GIVEN | {"rbin": 0.1}, "not-produced", "give qbin"),
        (read_azav, GIVEN | {"splitting": "full"}, "wrong-type", "known are no, bbox"),
        (read_azav_pyfai, NUMBERS | {"splitting": True}, "wrong-type", "must be a text"),
        (read_azav_pyfai, {}, "missing-key", "'poni_file' and 'ai_kwargs'"),
        (read_azav_pyfai, {"ai_kwargs": {"poni1": 1}}, "missing-key", "needs 'dist'"),
        (read_azav_pyfai, {"ai_kwargs": {"dist": -1}}, "wrong-type", "lengths above 0 m"),
        (read_azav_pyfai, {"ai_kwargs": {"distance": 1}}, "unknown-key", "'dist'"),
        (read_azav_pyfai, NUMBERS | {"return2d": "False"}, "wrong-type", "True or False"),
        (read_azav_pyfai, NUMBERS | {"int_units": "q"}, "wrong-type", "2th_deg"),
        (read_azav_pyfai, NUMBERS | {"npts": 0}, "wrong-type", "from 1 on"),
        (read_azav_pyfai, NUMBERS | {"polarization_factor": 3}, "wrong-type", "horizontal"),
        (read_azav_pyfai, NUMBERS | {"thres": 1, "threshold": 2}, "wrong-type", "not both"),
        (read_azav_pyfai, NUMBERS | {"azav_kwargs": {"unit": 1}}, "unknown-key", "unit"),
        (
            read_azav_pyfai, NUMBERS | {"azav_kwargs": {"radial_range": (3, 1)}}, "wrong-type",
            "(low, high)",
        ),
        (
            read_azav_pyfai, NUMBERS | {"azav_kwargs": {"azimuth_range": (0, 400)}}, "wrong-type",
            "one turn",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_entry_is_named(
    reader: Any, entry: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(EntryError) as raised:
        reader(entry)
    assert raised.value.code == code
    assert words in str(raised.value)


def cut(shape: tuple[int, ...], good: np.ndarray, name: str = "tiles") -> DetectorFacts:
    down, right = (at.reshape(-1)[: good.size].reshape(shape) for at in POSITIONS[name])
    spec = FrameSpec(shape, "keV", good)
    return DetectorFacts(name, 7, spec, known=(-right, -down, np.zeros(shape)))


def test_axes_do_not_depend_on_masks() -> None:
    every, half = np.ones(TILES, bool), np.arange(80) < 40
    entry = {"ai_kwargs": PONI | {"pixel1": 1e-4, "pixel2": 1e-4}, "npts": 20, "npts_az": 4}
    for reader, given in ((read_azav_pyfai, entry), (read_azav, GEOMETRY)):
        recipe = reader(given)[1]
        whole, masked = (
            recipe.build(cut(TILES, good)).settings(cut(TILES, good).spec)
            for good in (every, every & half)
        )
        for name in ("radial_edges", "azimuth_edges", "qbins", "phi_edges"):
            if name in whole:
                np.testing.assert_array_equal(whole[name].value, masked[name].value)
        assert whole["pixels"].value.sum() == 2 * masked["pixels"].value.sum() > 0


def test_split_pixels_of_either_function_are_those_of_pyfai() -> None:
    facts = cut(CAMERA, good(CAMERA), "cam")
    plain = {"center": [3000.0, 4200.0], "dis_to_sam": 50.0, "eBeam": HC / (1e10 * WAVELENGTH)}
    numbers = {"dist": 0.05, "poni1": 3e-3, "poni2": 4.2e-3}
    edges = np.linspace(0.1, 0.5, 26)
    entries = {
        "azav": read_azav(plain | {"qbin": edges, "phiBins": [0, 2 * np.pi], "polCorr": False,
                           "splitting": "bbox"}),
        "pyfai": read_azav_pyfai(
            {"ai_kwargs": numbers | {"pixel1": 1e-4, "pixel2": 1e-4, "wavelength": WAVELENGTH},
             "int_units": "q_A^-1", "azav_kwargs": {"radial_range": [0.1, 0.5]}, "npts": 25,
             "polarization_factor": None, "return2d": False, "splitting": "bbox"}
        ),
    }  # fmt: skip
    frame = np.random.default_rng(4).poisson(40, CAMERA).astype(np.float32)
    detector = Detector(1e-4, 1e-4, max_shape=CAMERA)
    integrator = AzimuthalIntegrator(**numbers, detector=detector, wavelength=WAVELENGTH)
    theirs = integrator.integrate1d_ng(
        frame, 25, unit="q_A^-1", radial_range=(0.1, 0.5), mask=~facts.spec.good,
        method=("bbox", "csr", "cython"),
    )  # fmt: skip
    for _, recipe in entries.values():
        made = recipe.build(facts)
        azav = made.reduce(frame[np.newaxis], facts.spec)["azav"].ravel()
        np.testing.assert_allclose(azav[1:-1], theirs.intensity[1:-1], rtol=1e-5)
        assert "pixels are split" in made.settings(facts.spec)["method"].value


@pytest.mark.parametrize(
    ("q", "code", "words"),
    [
        ([0.1, 0.2, 0.4], "does-not-fit", "radial bins are not equal"),
        (0.01, "missing-package", "splitting of pixels needs pyFAI"),
    ],
)
def test_why_pixels_cannot_be_split_is_named(
    q: Any, code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyFAI.ext.splitBBoxCSC", None)
    entry = read_azav(GEOMETRY | {"qbin": q, "splitting": "bbox"})[1]
    with pytest.raises(EntryError, match=words) as raised:
        ReductionEntry("cam", "azav", entry).build(cut(CAMERA, good(CAMERA), "cam"))
    assert raised.value.code == code


def test_pixels_that_share_a_place_in_the_picture_count_one_by_one() -> None:
    down, right = (np.stack([at, at]) for at in POSITIONS["cam"])
    spec = FrameSpec((2, *CAMERA), "keV", np.ones((2, *CAMERA), bool))
    facts = DetectorFacts("twice", 7, spec, known=(-right, -down, np.zeros(down.shape)))
    made = read_azav_pyfai({"ai_kwargs": PONI, "npts": 20, "return2d": False})[1].build(facts)
    frame = np.stack([np.full(CAMERA, 1, "f4"), np.full(CAMERA, 3, "f4")])[np.newaxis]
    count = made.settings(spec)["pixels"].value
    assert count.sum() == 2 * frame[0, 0].size
    flat = read_azav_pyfai(
        {"ai_kwargs": PONI, "npts": 20, "return2d": False, "polarization_factor": None,
         "azav_kwargs": {"correctSolidAngle": False}}
    )[1].build(facts)  # fmt: skip
    np.testing.assert_allclose(flat.reduce(frame, spec)["azav"][0], 2)


def test_corrections_can_be_switched_off_and_signals_squared() -> None:
    spec = FrameSpec(CAMERA, "keV", np.ones(CAMERA, bool))
    down, right = POSITIONS["cam"]
    facts = DetectorFacts("cam", 7, spec, known=(-right, -down, np.zeros(CAMERA)))
    plain = {**GEOMETRY, "geomCorr": False, "polCorr": False, "square": True, "thresADUhigh": 7}
    made = read_azav(plain)[1].build(facts)
    np.testing.assert_array_equal(made.scattering.norm, np.ones(CAMERA))
    frames = np.stack([np.full(CAMERA, 3, "f4"), np.full(CAMERA, 8, "f4")])
    values = made.reduce(frames, spec)["azav"]
    assert (set(values[0].ravel()), set(values[1].ravel())) == ({9.0}, {0.0})
    (azav,) = made.outputs(spec)
    assert azav.unit == "keV^2"
    assert "Pplane" not in made.settings(spec)

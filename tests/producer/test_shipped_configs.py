"""Configs as experiments have them are read in both dialects; what passes in silence is named."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from workbench.core.findings import Severity
from workbench.producer import ProducerConfig

_PLACE = Path(__file__).with_name("shipped_configs.py")
_SPEC = importlib.util.spec_from_file_location("shipped_configs", _PLACE)
assert _SPEC is not None
assert _SPEC.loader is not None
shipped: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(shipped)

SPOT = [(10, 20), (30, 40)]
EXPECTED = {  # bounds by config, run, detector and name
    ("bare lists", 5): {"epix_1/ROI_0": SPOT},
    ("bare lists", 12): {"epix_1/ROI_0": SPOT, "epix_1/ROI_1": [(50, 60), (0, 1_000_000)]},
    ("bare lists", 13): {"epix_1/ROI_0": [(12, 22), (30, 40)]},
    ("dict literals", 12): {
        "epix_1/ROI_0": SPOT, "epix_1/ROI_1": [(50, 60), (0, 60)], "jungfrau1M/full": None,
    },
    ("loops", 12): {
        "epix_1/spot": [(0, 10), (30, 40)], "epix_2/spot": SPOT,
        "epix_3/spot": [(20, 30), (30, 40)],
    },
    ("annotated names", 3): {},
    ("annotated names", 2): {"epix_1/near": SPOT, "epix_1/far": [(50, 60), (30, 40)]},
    ("annotated names", 10): {"epix_1/near": SPOT, "epix_1/far": [(52, 62), (30, 40)]},
}  # fmt: skip
SUMS = {
    "bare lists": {"epix_1_calib"},
    "dict literals": {"epix_1_calib", "jungfrau1M_calib", "epix_1_calib_thresADU1"},
    "loops": {"epix_1_calib", "epix_2_calib", "epix_3_calib", "epix_2_calib_max"},
    "annotated names": {"epix_1_calib"},
}


def load(folder: Path, text: str, run: int = 12) -> ProducerConfig:
    path = folder / "prod_config.py"
    path.write_text(text)
    return ProducerConfig.load(path, run)


def regions(config: ProducerConfig) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in config.reductions:
        if entry.function == "getROIs":
            bounds = entry.reduction.bounds
            pairs = None if bounds is None else list(zip(bounds.low, bounds.high, strict=True))
            found[f"{entry.detector}/{entry.name}"] = pairs
    return found


@pytest.mark.parametrize("generation", ["lcls1", "lcls2"])
@pytest.mark.parametrize(("name", "run"), EXPECTED)
def test_four_configs_give_the_same_in_both_dialects(
    name: str, run: int, generation: str, tmp_path: Path
) -> None:
    config = load(tmp_path, shipped.written(name, generation), run)
    assert regions(config) == EXPECTED[name, run]
    assert {f"{one.detector}_{one.sum.name}" for one in config.sums} == SUMS[name]
    assert [entry.function for entry in config.reductions if "z" in entry.function] == (
        [shipped.WORDS[generation]["azav"]] if name == "dict literals" else []
    )
    asked = config.epics_archiver if generation == "lcls1" else config.epics
    assert [(one.pv, one.alias) for one in asked] == [
        ("slit_s1_hw", "slit_s1_hw"), ("XPP:USR:MMS:01.RBV", "sample"),
    ]  # fmt: skip
    assert config.skipped == ()
    old = {"old-spelling"} if name == "bare lists" else set()
    assert {finding.code for finding in config.findings} == old
    assert all(finding.line > 0 for finding in config.findings)


@pytest.mark.parametrize(("text", "code", "line", "says"), [
    ("detnames = ['a']\ndef getROIs(run):\n    return {'a': [{'ROIs': [[[0, 9], [0, 9]]]}]}\n",
     "old-key", 3, "write one dict per region"),
    ("detnames = ['a']\ndef getROIs(run):\n    return {'a': []} if run == 12 else {}\n",
     "run-is-text", 2, "gives something else. Begin it with run = int(run)"),
    ("detnames = ['a']\ndef getROIs(run):\n    return {'a': []} if run > 9 else {}\n",
     "run-is-text", 2, "fails with '>' not supported"),
    ("detectors = ['a', 'b']\ndef get_azav(run):\n    one = {'center': [0, 0], 'dis_to_sam': 80}\n"
     "    return {'a': one, 'b': one}\n", "shared-dict", 2, "['a'] and ['b'] are one and the same"),
    ("detectors = ['a']\ndetectors = ['b']\n", "defined-twice", 2, "what line 1 says is not used"),
    ("def getROIs(run):\n    return {'a': [{'ROI': None}]}\n",
     "no-detectors", 0, "no list `detectors`"),
    ("detnames = []\ndef getDroplet(run):\n    return {'a': 1}\n",
     "unknown-name", 2, "write get_droplet(run)"),
    ("detnames = ['a']\ndef getmectt(run):\n    return {'a': [{}]}\n",
     "missing-key", 3, "name the small-data file of a run without pump"),
    ("import numpy\ndetnames = []\nttCalib = numpy.array([1.5])\n",
     "wrong-type", 3, "2 or 3 numbers are needed"),
    ("detnames = []\nttCalib = 'by the DAQ'\n", "wrong-type", 2, "write [constant, slope, square]"),
    ("detectors = []\nintegrating_detectors = ['a']\n", "unknown-name", 2, "no producer reads"),
    ("detectors = ['a']\ndef getROI_a(run):\n    return [[[0, 9], [0, 9]]]\n",
     "old-spelling", 2, "are read as ROI_0"),
    ("detectors = ['a']\ndef get_droplet(run):\n    return {'a': {}}\n"
     "def get_droplet2photon(run):\n    return {'a': {'droplet': {}, 'd2p': {'aduspphot': 9}}}\n",
     "name-clash", 5, "add a 'name' to one dict"),
    ("detectors = []\nepicsArchFilePV = [('A:B', 'x'),\n    ('C:D', 'x')]\n",
     "duplicate-name", 3, "A:B is stored as 'x' already"),
    ("detectors = []\ndef get_pressio_compression(run):\n    return {'a': {'bound': 3}}\n",
     "not-produced", 2, "they change no value there either"),
])  # fmt: skip
def test_what_passes_in_silence_today_is_named_with_its_line(
    text: str, code: str, line: int, says: str, tmp_path: Path
) -> None:
    findings = [one for one in load(tmp_path, text).findings if one.code == code]
    assert len(findings) == 1
    assert says in findings[0].message
    assert findings[0].line == line


@pytest.mark.parametrize(
    "text",
    [
        "detectors = ['a']\ndetectors = [*detectors, 'b']\n",
        "detectors = ['a']\ndef getROIs(run):\n    return {'a': []}\n"
        "old = getROIs\ndef getROIs(run):\n    return old(run)\n",
    ],
)
def test_a_name_that_is_given_again_from_what_it_was_is_no_trap(text: str, tmp_path: Path) -> None:
    assert "defined-twice" not in [one.code for one in load(tmp_path, text).findings]


def test_the_run_of_an_lcls1_config_is_a_text_as_its_producer_hands_it_over(
    tmp_path: Path,
) -> None:
    text = "detnames = ['a']\ndef getROIs(run):\n    return {'a': [{'name': 'r' + run}]}\n"
    config = load(tmp_path, text)
    assert list(regions(config)) == ["a/r12"]
    assert all(finding.severity is not Severity.ERROR for finding in config.findings)


def test_droplets_of_two_functions_are_both_kept_under_names_of_their_own(tmp_path: Path) -> None:
    text = """
detectors = ['a']
def get_droplet(run):
    return {'a': {}}
def get_droplet2photon(run):
    return {'a': {'droplet': {'name': 'photons'}, 'd2p': {'aduspphot': 9}}}
"""
    config = load(tmp_path, text)
    assert not config.findings
    assert [entry.name for entry in config.reductions] == ["droplet", "photons"]

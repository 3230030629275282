"""Configs as scientists write them at three in the morning."""

import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from workbench.core.bounds import Bounds
from workbench.core.errors import NotThereError
from workbench.core.findings import Finding, Severity
from workbench.producer import ProducerConfig

SHAPES = {"epix_1": (704, 768), "jungfrau1M": (2, 512, 1024)}


def load(folder: Path, text: str, run: int = 14, time_limit: float = 10.0) -> ProducerConfig:
    path = folder / "prod_config_xpp.py"
    path.write_text(textwrap.dedent(text))
    return ProducerConfig.load(path, run, shapes=SHAPES, time_limit=time_limit)


def only(config: ProducerConfig, code: str) -> Finding:
    assert [finding.code for finding in config.findings] == [code], config.findings
    assert len(config.skipped) == 1
    return config.findings[0]


def test_regions_sums_and_variables_become_typed_entries(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        import numpy as np
        detectors = ['epix_1', 'jungfrau1M']
        epicsPV = ['las_fs14_controller_time']
        epicsArchFilePV = [('XPP:ATT:T', 'att_T'), 'lxt']
        epicsOncePV = []

        def getROIs(run):
            if isinstance(run, str):
                run = int(run)
            ret_dict = {}
            if run > 10:
                ret_dict['epix_1'] = [{'name': 'ROI_0', 'ROI': [[100, 200], [50, 1e6]],
                                       'writeArea': True, 'thresADU': [2., 9.], 'proj_ax': 0}]
            mask = np.ones((2, 512, 1024))
            mask[1] = 0
            tile = {}
            tile['ROI'] = np.array([[0, 1], [0, 300], [200, 700]])
            tile['userMask'] = mask
            tile['calcPars'] = False
            tile['pj'] = [{'name': 'q', 'axis': 1, 'mean': True}]
            ret_dict['jungfrau1M'] = [tile, {'ROI': None}]
            return ret_dict

        def get_sum_algos(run):
            return {'all': ['calib'], 'epix_1': ['calib_dropped', 'calib_thresADU2']}
        """,
    )
    assert config.findings == ()
    names = [(entry.detector, entry.name) for entry in config.reductions]
    assert names == [("epix_1", "ROI_0"), ("jungfrau1M", "ROI"), ("jungfrau1M", "full")]
    first, tile, full = (entry.reduction for entry in config.reductions)
    assert first.bounds == Bounds((100, 50), (200, 1_000_000))
    assert (first.area, first.low, first.high) == (True, 2.0, 9.0)
    assert [projection.axis for projection in first.projections] == [0]
    assert tile.good is not None
    np.testing.assert_array_equal(tile.good.sum(axis=(1, 2)), [512 * 1024, 0])
    assert (tile.statistics, tile.projections[0].name, full.bounds) == (False, "q", None)
    assert [(entry.detector, entry.sum.name) for entry in config.sums] == [
        ("epix_1", "calib"),
        ("jungfrau1M", "calib"),
        ("epix_1", "calib_dropped"),
        ("epix_1", "calib_thresADU2"),
    ]
    assert [(entry.pv, entry.alias) for entry in config.epics] == [
        ("XPP:ATT:T", "att_T"),
        ("lxt", "lxt"),
    ]
    assert config.epics_archiver[0].pv == "las_fs14_controller_time"
    assert config.reductions[0].line == 13


def test_run_guards_are_followed(tmp_path: Path) -> None:
    text = """
    detectors = ['epix_1']
    def getROIs(run):
        return {'epix_1': [{'ROI': [[0, run], [0, 5]]}]} if run >= 20 else {}
    """
    assert load(tmp_path, text, run=19).reductions == ()
    assert load(tmp_path, text, run=20).reductions[0].reduction.bounds == Bounds((0, 0), (20, 5))


def test_without_sum_function_each_listed_detector_is_summed_as_today(tmp_path: Path) -> None:
    config = load(tmp_path, "detectors = ['epix_1']")
    assert [(entry.detector, entry.sum.name) for entry in config.sums] == [("epix_1", "calib")]


REGION = """\
detectors = ['epix_1', 'jungfrau1M']
def getROIs(run):
    return {{
        {}: [{{'name': 'ok', 'ROI': [[0, 5], [0, 5]]}},

            {}]
    }}
"""


@pytest.mark.parametrize(
    ("region", "code", "says"),
    [
        ("{'ROI': [[0,5],[0,5]], 'writearea': True}", "unknown-key", "mean 'writeArea'"),
        ("{'ROIs': [[[0,5],[0,5]]]}", "old-key", "one dict per region"),
        ("{'ROI': [[800,900],[0,5]]}", "roi-outside", "detector ends at 704"),
        ("{'ROI': [[90,20],[0,5]]}", "roi-reversed", "0 <= low < high"),
        ("{'ROI': [[0,1],[0,5],[0,5]]}", "roi-axes", r"write \[\[low, high\], \[low, high\]\]"),
        ("{'ROI': [[0,5]]}", "roi-axes", "detector has shape"),
        ("{'ROI': 'all'}", "wrong-type", "not str 'all'"),
        ("{'ROI': [[0.5,5],[0,5]]}", "wrong-type", "whole numbers"),
        ("{'ROI': None, 'name': 'ok'}", "duplicate-name", "already named 'ok'"),
        ("{'ROI': None, 'thresADU': '2'}", "wrong-type", "number or"),
        ("{'ROI': None, 'thresADU': [9, 2]}", "wrong-type", "number or"),
        ("{'ROI': None, 'writeArea': 'yes'}", "wrong-type", "True or False"),
        ("{'ROI': None, 'userMask': [[1, 0]]}", "mask-shape", r"shape \(1, 2\)"),
        ("{'ROI': None, 'userMask': object()}", "wrong-type", "not a object"),
        ("{'ROI': None, 'proj_ax': 2}", "projection-axis", "axis 2"),
        ("{'ROI': None, 'pj': [{'axs': 0}]}", "unknown-key", "mean 'axis'"),
        ("{'ROI': None, 'name': 'a/b'}", "wrong-type", "without '/'"),
        ("'ROI_0'", "wrong-type", "a region is a dict"),
    ],
)
def test_a_bad_region_is_skipped_and_the_good_one_kept(
    tmp_path: Path, region: str, code: str, says: str
) -> None:
    config = load(tmp_path, REGION.format("'epix_1'", region))
    finding = only(config, code)
    assert [entry.name for entry in config.reductions] == ["ok"]
    assert finding.severity is Severity.ERROR
    assert finding.line in {4, 6}
    assert finding.file.endswith("prod_config_xpp.py")
    assert finding.field.startswith("getROIs['epix_1'][1]")
    assert re.search(says, finding.message), finding.message


def test_the_line_of_a_misspelt_key_is_found_among_several_regions(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """\
        detectors = ['epix_1']
        def getROIs(run):
            d = {}
            roi0 = {'name': 'ROI_0', 'ROI': [[0, 10], [0, 10]]}
            roi1 = {'name': 'ROI_1', 'ROI': [[0, 10], [0, 10]]}
            roi1['thresAdU'] = 5
            d['epix_1'] = [roi0, roi1]
            return d
        """,
    )
    finding = only(config, "unknown-key")
    assert finding.line == 6
    assert "did you mean 'thresADU'?" in finding.message
    assert config.skipped[0].entry == "getROIs['epix_1'][1]['thresAdU'] (ROI_1)"


def test_a_region_of_a_detector_that_is_not_listed_is_named(tmp_path: Path) -> None:
    config = load(tmp_path, REGION.format("'epix1'", "{'ROI': None}"))
    assert "did you mean 'epix_1'?" in only(config, "detector-not-listed").message


def test_detectors_are_named_where_the_run_has_no_frames_at_all(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text(
        "detectors = ['epix_1', 'alvium_1']\n"
        "def getROIs(run):\n    return {'epix_1': [{'name': 'all', 'ROI': None}]}\n"
        "def get_photon(run):\n    return {'epix_1': {'ADU_per_photon': 8}}\n"
        "def get_intg(run):\n    return 'archon', None\n"
    )
    without = ProducerConfig.load(path, 14, shapes={})
    told = [one for one in without.findings if one.code == "detector-not-in-run"]
    assert [one.line for one in told] == [1, 1]
    assert ["'epix_1'" in told[0].message, "'alvium_1'" in told[1].message] == [True, True]
    assert all("no frames at all" in one.message for one in told)
    assert (without.reductions, without.sums, without.detectors) == ((), (), ())
    unknown = ProducerConfig.load(path, 14)  # nobody looked
    assert not [one for one in unknown.findings if one.code == "detector-not-in-run"]
    assert len(unknown.reductions) == 2
    assert unknown.detectors == ("epix_1", "alvium_1", "archon")


def test_a_listed_detector_that_the_run_lacks_is_a_warning_once(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "detectors = ['alvium_1']\ndef getROIs(run):\n    return {'alvium_1': [{'ROI': None}]}",
    )
    assert only(config, "detector-not-in-run").severity is Severity.WARNING
    assert (config.reductions, config.sums, config.detectors) == ((), (), ())


def test_unsupported_sums_are_named_and_others_kept(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        detectors = ['epix_1']
        def get_sum_algos(run):
            return {'epix_1': ['calib', 'calib_image', 'calib_sqare']}
        """,
    )
    assert [finding.code for finding in config.findings] == ["unknown-sum", "unknown-sum"]
    assert [entry.sum.name for entry in config.sums] == ["calib"]


def test_a_function_with_a_name_close_to_a_known_one_is_named(tmp_path: Path) -> None:
    config = load(tmp_path, "detectors = []\ndef getROI(run):\n    return {}\n")
    finding = config.findings[0]
    assert (finding.line, "did you mean 'getROIs'?" in finding.message) == (2, True)


def test_functions_of_later_versions_are_named_when_they_ask_for_something(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "detectors = []\ndef get_pressio_compression(run):\n    return {'epix_1': {}}\n"
        "def get_droplet(run):\n    return {}\n",
    )
    assert (only(config, "not-produced").field, config.findings[0].severity) == (
        "get_pressio_compression",
        Severity.WARNING,
    )


def test_lcls1_names_are_read_or_point_to_todays(tmp_path: Path) -> None:
    text = """
    detnames = ['epix_1']
    ttCalib = [0, 1]
    def getDetSums(run):
        return {'epix_1': ['calib_img']}
    def getPhotonParams(run):
        return {'epix_1': [{'ADU_per_photon': 9}]}
    def getDropletParams(run):
        return {'epix_1': {'threshold': 3, 'thresholdLo': 2}}
    """
    config = load(tmp_path, text)
    assert config.detectors == ("epix_1",)
    assert [str(entry) for entry in config.sums] == ["getDetSums['epix_1'] (calib_img)"]
    assert [str(entry) for entry in config.reductions] == ["getPhotonParams['epix_1'] (photon)"]
    assert [finding.code for finding in config.findings] == ["unknown-key"]
    assert "did you mean 'thresholdLow'?" in config.findings[0].message
    assert config.time_tool is not None
    assert config.time_tool.coefficients == (0.0, 1.0)


def test_a_syntax_error_gives_its_line(tmp_path: Path) -> None:
    config = load(tmp_path, "detectors = ['epix_1']\ndef getROIs(run)\n    return {}\n")
    assert only(config, "config-syntax").line == 2


def test_an_exception_in_one_function_leaves_the_others(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "detectors = ['epix_1']\ndef getROIs(run):\n    x = {}\n    return x['a']\n"
        "def get_sum_algos(run):\n    return {'all': ['calib']}\n",
    )
    finding = only(config, "config-exception")
    assert (finding.line, finding.field) == (4, "getROIs")
    assert "KeyError: 'a'" in finding.message
    assert len(config.sums) == 1


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("import sys\nsys.exit(1)\n", "config-exit", 2),
        ("import os\ndef getROIs(run):\n    os._exit(3)\n", "config-crash", 0),
        ("1 / 0", "config-exception", 1),
        ("import not_a_module_of_ours", "config-exception", 1),
        ("def getROIs(run):\n    return getROIs(run)\n", "config-exception", 2),
        ("def getROIs(run):\n    return bytearray(1 << 40)\n", "config-exception", 2),
    ],
)
def test_a_config_that_ends_its_process_is_reported(
    tmp_path: Path, text: str, code: str, line: int
) -> None:
    finding = only(load(tmp_path, text), code)
    assert finding.line == line


def test_an_endless_loop_ends_at_the_limit_and_names_its_line(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "detectors = ['epix_1']\ndef getROIs(run):\n    while True:\n        pass\n",
        time_limit=0.7,
    )
    finding = only(config, "config-timeout")
    assert finding.line in {3, 4}
    assert config.detectors == ("epix_1",)  # told before the loop


def test_a_config_that_wants_too_much_memory_is_stopped_and_named(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "detectors = ['epix_1']\ndef getROIs(run):\n    return bytearray(16 << 30)\n",
    )
    finding = only(config, "config-exception")
    assert (finding.line, "it may use 8 GB of memory" in finding.message) == (3, True)
    assert config.detectors == ("epix_1",)


def test_prints_and_facility_imports_do_no_harm(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = load(
        tmp_path,
        """
        import psana
        from smalldata_tools.ana_funcs.roi_rebin import ROIFunc
        from smalldata_tools.utilities import *
        print('hello from the config')
        detectors = ['epix_1']
        ds = psana.DataSource(exp='x')
        """,
    )
    assert config.findings == ()
    assert config.detectors == ("epix_1",)
    assert "hello" not in "".join(capfd.readouterr())


def test_values_that_are_no_data_are_named(tmp_path: Path) -> None:
    config = load(tmp_path, "detectors = ['epix_1', 5]\nx = []\nx.append(x)\nepicsPV = x\n")
    assert {finding.code for finding in config.findings} == {"wrong-type"}


def test_a_config_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotThereError, match="producer config"):
        ProducerConfig.load(tmp_path / "none.py", 1)


def test_the_hash_names_the_text(tmp_path: Path) -> None:
    first, second = load(tmp_path, "detectors = []"), load(tmp_path, "detectors = [] ")
    assert first.hash != second.hash
    assert first.hash == load(tmp_path, "detectors = []").hash

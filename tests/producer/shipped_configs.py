"""Four configs as they are found in experiments, each in the words of both generations.

Patterns measured over historical files: bare lists, dict literals, keys set one by one, loops,
annotated names, run branches, a config switched off by ``run < 0``.
"""

BARE_LISTS = """
{detectors} = ['epix_1']
{more}

def getROIs(run):
    if isinstance(run, str):
        run = int(run)
    if run <= 6:
        return [[[10, 20], [30, 40]]]
    elif run > 6 and run <= 12:
        return {{'epix_1': [[[10, 20], [30, 40]], [[50, 60], [0, 1e6]]]}}
    return {{'epix_1': [[12, 22], [30, 40]]}}
"""

DICT_LITERALS = """
{detectors} = ['epix_1', 'jungfrau1M']
{more}

def getROIs(run):
    return {{'epix_1': [{{'name': 'ROI_0', 'ROI': [[10, 20], [30, 40]], 'writeArea': True,
                       'calcPars': True, 'thresADU': None}},
                      {{'name': 'ROI_1', 'ROI': ((50, 60),
                                               (0, 60))}}],
            'jungfrau1M': [{{'ROI': None, 'writeArea': False}}]}}

def {azav}(run):
    azav = {{'center': [87526.79, 79016.83], 'dis_to_sam': 80., 'eBeam': 9.5}}
    return {{'jungfrau1M': {azav_value}}}

def {sums}(run):
    ret = {{'all': ['calib']}}
    if int(run) > 10:
        ret['epix_1'] = ['calib_thresADU1']
    return ret
"""

LOOPS = """
import numpy as np
{detectors} = []
for number in (1, 2, 3):
    {detectors}.append(f'epix_{{number}}')
{more}

def getROIs(run):
    ret_dict = {{}}
    for number, name in enumerate({detectors}):
        low = 10 * number
        roi_dict = {{}}
        roi_dict['name'] = 'spot'
        roi_dict['ROI'] = [[low, low + 10], [30, 30 + 2 * 5]]
        roi_dict['thresADU'] = 2.5
        ret_dict[name] = []
        ret_dict[name].append(roi_dict)
    return ret_dict

def {sums}(run):
    ret_dict = {{}}
    for name in {detectors}:
        ret_dict[name] = ['calib']
    ret_dict['epix_2'].append('calib_max')
    return ret_dict
"""

ANNOTATED = """
roi_detname: str = "epix_1"
{detectors}: list = [roi_detname]
{more}

def getROIs(run: {run_type}):
    run = int(run)
    ret_dict = {{}}
    if run < 0:  # switched off
        ret_dict[roi_detname] = [{{'ROI': None}}]
    if run > 4 or run in [1, 2]:
        # roi0_dict = {{'ROI': [[1, 2], [3, 4]]}}
        roi0_dict = {{}}
        roi0_dict['ROI'] = [[10, 20], [30, 40]]
        roi0_dict['name'] = 'near'
        roi1_dict = {{'ROI': [[50, 60], [30, 40]], 'name': 'far'}}
        if run >= 10:
            roi1_dict['ROI'] = [[52, 62], [30, 40]]
        ret_dict[roi_detname] = [roi0_dict, roi1_dict]
    return ret_dict
"""

WORDS = {
    "lcls1": {
        "detectors": "detnames", "azav": "getAzIntParams", "azav_value": "[azav]",
        "sums": "getDetSums", "run_type": "str",
        "more": "epicsPV = ['slit_s1_hw', ('XPP:USR:MMS:01.RBV', 'sample')]\n"
                "epicsOncePV = []\nttCalib = []\n",
    },
    "lcls2": {
        "detectors": "detectors", "azav": "get_azav", "azav_value": "azav",
        "sums": "get_sum_algos", "run_type": "int",
        "more": "epicsPV = []\nepicsArchFilePV = ['slit_s1_hw', ('XPP:USR:MMS:01.RBV', 'sample')]\n"
                "epicsOncePV = []\nintegrating_detectors = []\n",
    },
}  # fmt: skip
TEXTS = {
    "bare lists": BARE_LISTS,
    "dict literals": DICT_LITERALS,
    "loops": LOOPS,
    "annotated names": ANNOTATED,
}


def written(name: str, generation: str) -> str:
    """Return one of the configs in the words of one generation."""
    return TEXTS[name].format(**WORDS[generation])

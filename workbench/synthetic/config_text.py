"""The producer config that a user of the made-up experiment would have written."""

CONFIG_TEXT = '''\
"""What to reduce in every run of this experiment: pump-probe diffraction at XPP.

epix_1      looks at one diffraction spot; its intensity follows the pump.
jungfrau1M  looks at powder rings; they do not change and tell how stable beam and sample are.
"""

# Area detectors to reduce. Detectors that are not listed here are not read at all;
# scalars (beam monitors, time tool, encoders, timing) are always kept.
detectors = ["epix_1", "jungfrau1M"]
integrating_detectors = []
slow_detectors = []
xdetectors = []

# Slow values. The delay set point is in the stream already; these are for the record.
epicsPV = []
epicsArchFilePV = ["lxt", "lxt_ttc", "att_T", "ccm_E", "sample_T"]
epicsOncePV = ["ccm_E"]


def getROIs(run):
    """Regions: [[first row, last row], [first col, last col]], the last ones not included."""
    signal = {
        "name": "signal",  # the diffraction spot -> epix_1/signal_sum
        "ROI": [[330, 370], [180, 220]],
        "writeArea": False,
        "calcPars": True,  # sum, mean, max, centre of mass
        "thresADU": None,  # no threshold: a sum of few-photon pixels would be biased
    }
    background = {
        "name": "background",  # same size, away from the spot
        "ROI": [[330, 370], [260, 300]],
        "writeArea": False,
        "calcPars": True,
        "thresADU": None,
    }
    ring = {
        "name": "ring",  # a piece of the second ring, on tile 0; small enough to keep whole
        "ROI": [[0, 1], [250, 314], [400, 528]],
        "writeArea": True,
        "calcPars": True,
        "thresADU": None,
    }
    return {"epix_1": [signal, background], "jungfrau1M": [ring]}


def get_sum_algos(run):
    """Sums over the whole run, kept once a file under Sums/."""
    return {
        "epix_1": ["calib"],
        "jungfrau1M": ["calib", "calib_thresADU5"],  # 5 keV: half a photon
    }
'''

"""The producer config that a new experiment starts with: every scalar, no frames yet, examples."""

from dataclasses import dataclass

from workbench.core.errors import InputError
from workbench.facility import hutch


@dataclass(frozen=True)
class _Cameras:
    """Usual cameras of a hutch: one that looks at a spot or a line, one with tiles on rings."""

    spot: str
    rings: str


# As in the configs that the facility ships for these hutches, and in listings of real files.
CAMERAS = {
    "xpp": _Cameras("epix_1", "jungfrau1M"),
    "xcs": _Cameras("epix_2", "epix10k2M"),
    "mec": _Cameras("epix100a_1_xtcs", "Epix10kaQuad2"),
}
ANY = _Cameras("epix100", "jungfrau")

_LCLS2 = '''\
"""What to reduce in every run of {experiment} ({title}, LCLS-II data acquisition).

Scalars (beam monitors, time tool, encoders, timing, slow values) are always kept; frames only of
the detectors listed here. Ranges are [first, last), the last one not included. Check it with
    workbench config check {name} --run 1
Regions can be drawn: workbench app regions PATH_TO_XTC --config {name}
"""

# Area detectors to reduce, by their names in the run.
detectors = []
integrating_detectors = []
slow_detectors = []
xdetectors = []  # nothing is made of these

# Slow values beyond the usual ones of the hutch: from the archiver, from the data stream, and of
# the latter those that are wanted once a run.
epicsPV = []
epicsArchFilePV = []
epicsOncePV = []


def getROIs(run):
    """Regions: a list of them for each detector."""
    rois = {{}}
    # rois["{spot}"] = [
    #     {{"name": "ROI_0", "ROI": [[330, 370], [180, 220]], "writeArea": False}},
    # ]
    # if run >= 20:  # from this run on
    #     rois["{rings}"] = [{{"name": "ring", "ROI": [[0, 1], [250, 314], [400, 528]]}}]
    return rois


def get_azav(run):
    """Azimuthal averages: centre [um], distance [mm], photon energy [keV]."""
    averages = {{}}
    # averages["{rings}"] = {{"name": "azav", "center": [0.0, 0.0], "dis_to_sam": 100.0,
    #                        "eBeam": 9.5, "qbin": 0.01}}
    return averages


def get_droplet2photon(run):
    """Photons in droplets."""
    photons = {{}}
    # photons["{spot}"] = {{
    #     "droplet": {{"threshold": 5, "thresholdLow": 3, "thresADU": None, "useRms": True}},
    #     "d2p": {{"aduspphot": 9.5}},  # signal of one photon in the unit of the frames
    #     "nData": None,
    # }}
    return photons


def get_sum_algos(run):
    """Sums over the whole run, kept once a file under Sums/."""
    sums = {{}}
    # sums["{rings}"] = ["calib", "calib_dropped"]
    return sums
'''

_LCLS1 = '''\
"""What to reduce in every run of {experiment} ({title}, LCLS-I data acquisition).

Scalars (beam monitors, time tool, encoders, event codes, slow values) are always kept; frames only
of the detectors listed here. Ranges are [first, last), the last one not included. Check it with
    workbench config check {name} --run 1
"""

# Area detectors to reduce, by their names in the run.
detnames = []

# Slow values beyond the usual ones of the hutch: for every event, and once a run.
epicsPV = []
epicsOncePV = []

# Calibration of the time tool as [p0, p1, p2]; empty: that of the run.
ttCalib = []


def getROIs(run):
    """Regions: a list of them for each detector."""
    run = int(run)  # the producer hands it over as a text
    rois = {{}}
    # rois["{spot}"] = [
    #     {{"name": "ROI_0", "ROI": [[330, 370], [180, 220]], "writeArea": False}},
    # ]
    # if run >= 20:  # from this run on
    #     rois["{rings}"] = [{{"name": "ring", "ROI": [[0, 1], [250, 314], [300, 350]]}}]
    return rois


def getAzIntParams(run):
    """Azimuthal averages: centre [um], distance [mm], photon energy [keV]."""
    run = int(run)
    averages = {{}}
    # averages["{rings}"] = [{{"name": "azav", "center": [0.0, 0.0], "dis_to_sam": 100.0,
    #                         "eBeam": 9.5, "qbin": 0.01}}]
    return averages


def get_droplet2photon(run):
    """Photons in droplets."""
    run = int(run)
    photons = {{}}
    # photons["{spot}"] = [{{
    #     "droplet": {{"threshold": 5, "thresholdLow": 3, "thresADU": None, "useRms": True}},
    #     "d2p": {{"aduspphot": 9.5}},  # signal of one photon in the unit of the frames
    #     "nData": None,
    # }}]
    return photons


def getDetSums(run):
    """Sums over the whole run, kept once a file under Sums/."""
    run = int(run)
    sums = {{}}
    # sums["{rings}"] = ["calib", "calib_dropped"]
    return sums
'''

_TEXTS = {"lcls1": _LCLS1, "lcls2": _LCLS2}


def config_name(experiment: str) -> str:
    """Return the file name that the facility's producers look for: ``prod_config_<hutch>.py``."""
    return f"prod_config_{hutch(experiment).name}.py"


def starter_config(experiment: str, generation: str) -> str:
    """Return the text of a producer config in the dialect of one DAQ generation.

    Raises `InputError` for a generation that is not "lcls1" or "lcls2".
    """
    if generation not in _TEXTS:
        raise InputError(f"generation {generation!r}: it is one of {', '.join(_TEXTS)}")
    place = hutch(experiment)
    cameras = CAMERAS.get(place.name, ANY)
    return _TEXTS[generation].format(
        experiment=experiment,
        title=place.title,
        name=config_name(experiment),
        spot=cameras.spot,
        rings=cameras.rings,
    )

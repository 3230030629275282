"""The grammar of ``UserDataCfg``: which function a key belongs to, and what kind it is."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

GROUP = "UserDataCfg"

KIND_SIGNS = {  # kind of function -> parameters that only this kind has, most telling kind first
    "azav": ("q", "qbins", "phiVec", "dis_to_sam"),
    "pyfai": ("poni_file", "npts", "int_units", "azcfg_dist"),
    "droplet2photon": ("aduspphot", "photpts"),
    "photon": ("ADU_per_photon", "thr_fraction"),
    "droplet": ("thresholdLow", "relabel", "useRms"),
    "roi": ("bound", "ROI", "writeArea"),
    "projection": ("singlePhoton", "thresRms"),
    "image": ("mask_img", "mask_ones", "npix"),
    "sparsify": ("nData",),
    "spectrum": ("bins",),
    "lineout": ("idx",),
    "rebin": ("shape",),
}
BAD, GOOD = False, True  # what a 1 in a stored mask means
MASKS = {  # kind of function -> (its mask's parameter, what a 1 in it means)
    "roi": ("mask", BAD),
    "azav": ("mask", BAD),
    "pyfai": ("mask", BAD),
    "image": ("mask_img", BAD),
    "photon": ("mask", GOOD),
    "droplet": ("mask", GOOD),
    "droplet2photon": ("mask", GOOD),
}
UNITS = {  # units that the producers use without storing them
    "azav": {
        "q": "1/angstrom",
        "qbin": "1/angstrom",
        "qbins": "1/angstrom",
        "phiVec": "rad",
        "theta": "rad",
        "dis_to_sam": "mm",
        "xcen": "mm",
        "ycen": "mm",
        "eBeam": "keV",
        "lam": "angstrom",
        "tx": "degree",
        "ty": "degree",
    },
    "roi": {"bound": "pixel", "ROI": "pixel"},
    "droplet2photon": {"aduspphot": "ADU"},
    "detector": {"x": "um", "y": "um", "z": "um", "pixelsize": "m", "ix": "pixel", "iy": "pixel"},
}
SUB_PARAMETERS = sorted(  # of functions inside functions, the longest first
    {
        *(sign for signs in KIND_SIGNS.values() for sign in signs),
        *("axis", "mean", "thresADU", "threshold", "mask", "imgShape", "coords", "correction"),
        *("ix", "iy", "name", "cputime", "one_photon_info", "calcPars", "nPeak", "minPeakNum"),
    },
    key=lambda parameter: (-len(parameter), parameter),
)


@dataclass(frozen=True)
class Keys:
    """Datasets of one detector: its own parameters, and those of its functions by name."""

    own: dict[str, str] = field(default_factory=dict)
    functions: dict[str, dict[str, str]] = field(default_factory=dict)


def sort_keys(names: Sequence[str], detector: str) -> Keys:
    """Return which dataset holds which parameter of a detector; `names` must be sorted."""
    folder = f"{GROUP}/{detector}"
    keys = Keys()
    for dataset in datasets_under(names, folder):
        key = dataset[len(folder) + 1 :]
        function, parameter = split_key(key)
        if function:
            keys.functions.setdefault(function, {})[parameter] = dataset
        else:
            keys.own[key] = dataset
    _adopt_old_spelling(keys)
    return keys


def datasets_under(names: Sequence[str], folder: str) -> Sequence[str]:
    """Return the datasets in a folder and below; `names` must be sorted."""
    first = bisect_left(names, f"{folder}/")
    return names[first : bisect_left(names, f"{folder}0")]  # "0" follows "/"


def split_key(key: str) -> tuple[str, str]:
    """Return (function, parameter) of ``<func>__<func>_<param>``; function "" for others.

    A parameter of a function inside it (``<func>__<sub>_<param>``) keeps the inner name.
    """
    pieces = key.split("__")
    for count in range(1, len(pieces)):
        function, rest = "__".join(pieces[:count]), "__".join(pieces[count:])
        if function and rest.startswith(f"{function}_"):
            return function, rest[len(function) + 1 :]
    function, _, rest = key.partition("__")
    return (function, rest) if function and rest else ("", key)


def split_subs(
    parameters: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return a function's own parameters, and those of the functions inside it by name."""
    own, inner = dict(parameters), dict[str, dict[str, str]]()
    for key, dataset in parameters.items():
        sub, parameter = _split_sub(key)
        inside = dataset.rpartition("__")[2] == key  # written without the function's own name
        if sub and inside:
            inner.setdefault(sub, {})[parameter] = own.pop(key)
    return own, inner


def kind_of(parameters: Iterable[str]) -> str:
    """Return what kind of function has these parameters: a key of `KIND_SIGNS`, or "other"."""
    parameters = set(parameters)
    for kind, signs in KIND_SIGNS.items():
        if any(sign in parameters for sign in signs):
            return kind
    if "axis" in parameters:
        return "projection"
    return "other"


def _adopt_old_spelling(keys: Keys) -> None:
    # Files before 2019 name the region ROI0 and its edges ROI0_bound, without the function.
    for key in [key for key in keys.own if key.endswith("_bound")]:
        keys.functions.setdefault(key.removesuffix("_bound"), {})["bound"] = keys.own.pop(key)
    for key in [key for key in keys.own if key in {"azav_q", "azav_qbins", "azav_phiVec"}]:
        keys.functions.setdefault("azav", {})[key.removeprefix("azav_")] = keys.own.pop(key)


def _split_sub(key: str) -> tuple[str, str]:
    for parameter in SUB_PARAMETERS:
        if key.endswith(f"_{parameter}") and len(key) > len(parameter) + 1:
            return key[: -len(parameter) - 1], parameter
    return "", key

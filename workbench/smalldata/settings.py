"""``UserDataCfg`` read back: what each detector and each of its functions was set to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools, Floats
from workbench.core.bounds import Bounds
from workbench.core.errors import UnknownNameError
from workbench.smalldata.reader import SmallDataFile
from workbench.smalldata.settings_keys import (
    GOOD,
    GROUP,
    MASKS,
    UNITS,
    datasets_under,
    kind_of,
    sort_keys,
    split_subs,
)

Load = Callable[[str], Array]


class Parameters(Mapping[str, Any]):  # Any: numbers, texts and arrays side by side
    """Named parameters; each is read from the file when it is asked for.

    Single values come as Python numbers and texts (the files hold them with shape (1,)).
    """

    def __init__(self, datasets: Mapping[str, str], load: Load, where: str) -> None:
        self._datasets = dict(datasets)
        self._load = load
        self.where = where

    def __getitem__(self, name: str) -> Any:
        return plain(self._load(self.dataset(name)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)

    def __contains__(self, name: object) -> bool:
        return name in self._datasets

    def __repr__(self) -> str:
        return f"{self.where}: {', '.join(self._datasets) or 'no parameters'}"

    def dataset(self, name: str) -> str:
        """Return where in the file a parameter lies."""
        if name not in self._datasets:
            raise UnknownNameError("parameter", name, self._datasets, self.where)
        return self._datasets[name]

    def _number(self, name: str) -> float | None:
        value = self.get(name)
        return float(value) if isinstance(value, (int, float)) else None

    def _array(self, name: str) -> Array | None:
        return np.atleast_1d(self._load(self.dataset(name))) if name in self else None


@dataclass(frozen=True)
class DropletThresholds:
    """Thresholds of a droplet finder.

    Parameters
    ----------
    seed, low
        A droplet holds a pixel above `seed` and grows over pixels above `low`.
    unit
        "sigma" of the pixel's noise, else "ADU".
    total
        Smallest sum of a droplet that is kept [ADU]; None for all.
    """

    seed: float
    low: float
    unit: str
    total: float | None = None


class FunctionSettings(Parameters):
    """What one function of a detector was set to.

    Parameters
    ----------
    name
        Prefix of the function's datasets: "ROI_0", "azav".
    kind
        What it does: a key of `KIND_SIGNS`, or "other".
    subs
        Functions inside it by name, such as projections of a region.
    """

    def __init__(
        self,
        name: str,
        datasets: Mapping[str, str],
        load: Load,
        where: str,
        subs: Mapping[str, "FunctionSettings"] | None = None,
    ) -> None:
        super().__init__(datasets, load, where)
        self.name = name
        self.kind = kind_of(datasets)
        self.subs = dict(subs or {})

    def unit(self, name: str) -> str:
        """Return the unit in which the producers store a parameter; "" where not known."""
        return UNITS.get(self.kind, {}).get(name, "")

    @property
    def bounds(self) -> Bounds | None:
        """The region as the function cut it, half-open; None for functions without one.

        Its end may lie beyond the detector where the file says "to the end" (1e6).
        """
        pairs = self._array("bound" if "bound" in self else "ROI")
        if self.kind != "roi" or pairs is None or pairs.size % 2 or not pairs.size:
            return None
        return Bounds.from_pairs(np.sort(pairs.reshape(-1, 2).astype(np.int64), axis=1).tolist())

    @property
    def good(self) -> Bools | None:
        """Usable pixels of the function's own mask, True = use; see `mask_one_means_good`."""
        parameter, one_is_good = MASKS.get(self.kind, ("", GOOD))
        mask = self._array(parameter)
        return None if mask is None else (mask != 0) == one_is_good

    @property
    def mask_one_means_good(self) -> bool | None:
        """Whether the stored mask marks usable pixels with 1; None where there is none."""
        parameter, one_is_good = MASKS.get(self.kind, ("", GOOD))
        return one_is_good if parameter in self else None

    @property
    def limits(self) -> tuple[float, float] | None:
        """Pixels outside these values counted as 0 [unit of the frames]; None for no limits."""
        low, high = self._array("thresADU"), self._number("thresADUhigh")
        if low is not None and low.size == 2:
            return float(low[0]), float(low[1])
        least = self._number("thresADU")
        if least is None and high is None:
            return None
        return -np.inf if least is None else least, np.inf if high is None else high

    @property
    def center(self) -> tuple[float, float] | None:
        """Beam centre x, y of an azimuthal integration [um]; stored in mm."""
        x, y = self._number("xcen"), self._number("ycen")
        return None if x is None or y is None else (1e3 * x, 1e3 * y)

    @property
    def distance(self) -> float | None:
        """Distance from sample to detector [mm]."""
        return self._number("dis_to_sam")

    @property
    def photon_energy(self) -> float | None:
        """Photon energy that q was computed with [keV]."""
        return self._number("eBeam")

    @property
    def q(self) -> Floats | None:
        """Centres of the q bins [1/angstrom], shape (q,)."""
        return self._array("q")

    @property
    def q_edges(self) -> Floats | None:
        """Edges of the q bins [1/angstrom], shape (q + 1,)."""
        return self._array("qbins")

    @property
    def phi(self) -> Floats | None:
        """Centres of the phi bins [rad]: the producer centres bin k on its edge k.

        May hold one value more than there are bins.
        """
        return self._array("phiVec")

    @property
    def droplets(self) -> DropletThresholds | None:
        """Thresholds of a droplet finder; None for other functions."""
        seed = self._number("threshold")
        if self.kind not in {"droplet", "droplet2photon"} or seed is None:
            return None
        low, in_noise = self._number("thresholdLow"), self.get("useRms", True)
        return DropletThresholds(
            seed=seed,
            low=seed if low is None else low,
            unit="sigma" if in_noise else "ADU",
            total=self._number("thresADU"),
        )


class DetectorSettings(Parameters):
    """What one detector was set to: its own parameters and its functions.

    Parameters
    ----------
    name
        The detector.
    functions
        Settings of its functions by name.
    """

    def __init__(
        self,
        name: str,
        datasets: Mapping[str, str],
        load: Load,
        where: str,
        functions: Mapping[str, FunctionSettings],
    ) -> None:
        super().__init__(datasets, load, where)
        self.name = name
        self.functions = dict(functions)

    def __repr__(self) -> str:
        return f"{super().__repr__()}; functions {', '.join(self.functions) or 'none'}"

    def unit(self, name: str) -> str:
        """Return the unit in which the producers store a parameter; "" where not known."""
        return UNITS["detector"].get(name, "")

    @property
    def good(self) -> Bools | None:
        """Usable pixels, True = use: status, edges and geometry (stored as ``mask``, 1 = good)."""
        return self._mask("mask")

    @property
    def good_calibrated(self) -> Bools | None:
        """Usable pixels with the mask of the calib folder (``cmask``, 1 = good)."""
        return self._mask("cmask")

    @property
    def common_mode(self) -> int | None:
        """Number of the common-mode correction; None where not stored."""
        value = self._number("common_mode")
        return None if value is None else int(value)

    @property
    def pixel_size(self) -> float | None:
        """Edge of a pixel [um]; stored in m."""
        size = self._array("pixelsize")
        return None if size is None or size.dtype.kind not in "iuf" else 1e6 * float(size.flat[0])

    def _mask(self, name: str) -> Bools | None:
        mask = self._array(name)
        return None if mask is None else mask != 0


def read_settings(file: SmallDataFile, load: Load | None = None) -> dict[str, DetectorSettings]:
    """Return the settings of every detector of a file.

    Parameters
    ----------
    file
        An open file; only names are read from it.
    load
        Reads one dataset when a parameter is asked for; the file itself, which must then still
        be open, if left out.
    """
    names = datasets_under(file.names, GROUP)
    detectors = dict.fromkeys(name.split("/")[1] for name in names if name.count("/") > 1)
    return {detector: detector_settings(file, detector, load) for detector in detectors}


def detector_settings(
    file: SmallDataFile, detector: str, load: Load | None = None
) -> DetectorSettings:
    """Return the settings of one detector; empty where the file holds none."""
    load = load or file.read
    where = f"{file.path}: {GROUP}/{detector}"
    keys = sort_keys(file.names, detector)
    functions = {
        name: _function(name, parameters, load, f"{where} {name}")
        for name, parameters in keys.functions.items()
    }
    return DetectorSettings(detector, keys.own, load, where, functions)


def plain(value: Array) -> Any:
    """Return a single value of shape () or (1,) as a Python number or text, arrays as they are."""
    value = np.asarray(value)
    return value.reshape(()).item() if value.shape in {(), (1,)} else value


def _function(name: str, parameters: Mapping[str, str], load: Load, where: str) -> FunctionSettings:
    own, inner = split_subs(parameters)
    subs = {
        sub: FunctionSettings(sub, found, load, f"{where} {sub}") for sub, found in inner.items()
    }
    return FunctionSettings(name, own, load, where, subs)

"""Spatial-encoding time tool: where along a camera the pump changes the light, event by event.

After the MEC time tool of smalldata_tools (`mecttFunc`): each frame over that of unpumped shots,
levelled in a region without signal, turned upright, projected, and the edge in the projection
fitted as a Gaussian on a line in its slope.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, rotate
from scipy.optimize import leastsq

from workbench.core.arrays import Array, Bools, Floats, Frames
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec, Output, Setting, Values
from workbench.reductions.base import Reduction, reductions
from workbench.reductions.roi import squeezed

FLAT = 0.03  # a projection that varies less holds no edge
NO_EDGE = -1  # `err` of such an event
FITTED = ("time_px", "width_px", "ampl_px", "bkg_const", "bkg_slope")


@dataclass(frozen=True, eq=False)
class EdgeRegions:
    """Where the time tool looks.

    Parameters
    ----------
    level
        Region without signal, in which frame and background are levelled.
    signal
        Region of the edge, in the upright picture.
    """

    level: Bounds
    signal: Bounds


@reductions.register("edge")
@dataclass(frozen=True, eq=False)
class TimeToolEdge(Reduction):
    """Place, width and height of the edge that the pump makes along the rows of a camera.

    Bad pixels, and those without light in the background, count as unchanged.

    Parameters
    ----------
    background
        Frame, or sum of frames, without pump, in the shape of the detector.
    regions
        Where levels and edge are read.
    tilt
        Turn of the picture about its middle, keeping its shape [deg].
    sigma
        Width of the edge with which the fit begins [pixel].
    smoothing
        Width of the Gaussian that smooths the projection [pixel]; 0: none.
    picture
        Whether to store the upright ratio of the signal region.
    """

    background: Floats
    regions: EdgeRegions
    tilt: float = 0.0
    sigma: float = 18.0
    smoothing: float = 0.0
    picture: bool = False

    def __post_init__(self) -> None:
        if not self.sigma > 0 or self.smoothing < 0:
            raise InputError("the width of the edge is above 0, that of the smoothing 0 or more")

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare the fitted numbers, the state of the fit, and the projection."""
        shape = self._signal(spec).shape
        texts = ("place of the edge", "its width", "height of its slope", "constant", "slope")
        units = ("pixel", "pixel", "1", "1", "1")
        out = [
            Output(name, unit, long_name=f"{text}, in the fit of the projection's slope")
            for name, text, unit in zip(FITTED, texts, units, strict=True)
        ]
        text = "1 to 4: fitted; more: the fit gave up; -1: there is no edge"
        out += [Output("err", "1", (), "int64", text), Output("sig_pj", "1", shape[:1])]
        return (*out, Output("ttRaw", "1", shape, "float32")) if self.picture else tuple(out)

    def settings(self, spec: FrameSpec) -> Mapping[str, Setting]:
        """Return regions, background and the parameters of the fit."""
        level, signal = self.regions.level, self._signal(spec)
        return {
            "roi_n": Setting(np.array([level.low, level.high]).T, "pixel", "region of the levels"),
            "roi_s": Setting(np.array([signal.low, signal.high]).T, "pixel", "region of the edge"),
            "bkg": Setting(self.background, spec.unit, "frames without pump"),
            "tilt": Setting(self.tilt, "degree", "turn of the picture"),
            "sigma_TT": Setting(self.sigma, "pixel", "width with which the fit begins"),
            "sm": Setting(self.smoothing, "pixel", "smoothing of the projection"),
        }

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs of whole frames, shape (event, ...)."""
        shape, signal = squeezed(spec.shape), self._signal(spec)
        usable = spec.good.reshape(shape) & (self.background.reshape(shape) > 0)
        found: dict[str, list[Array]] = {output.name: [] for output in self.outputs(spec)}
        for frame in pixels.reshape(-1, *shape).astype(np.float64):
            upright = self._ratio(frame, usable)[signal.slices]
            projection = upright.sum(axis=1)
            values = {
                **fit_edge(projection, self.sigma, self.smoothing),
                "sig_pj": projection,
                "ttRaw": upright,
            }
            for name, kept in found.items():
                kept.append(values[name])
        kinds = {output.name: (output.dtype, output.shape) for output in self.outputs(spec)}
        return {
            name: np.asarray(kept, kinds[name][0]).reshape(-1, *kinds[name][1])
            for name, kept in found.items()
        }

    def _signal(self, spec: FrameSpec) -> Bounds:
        shape = squeezed(spec.shape)
        if len(shape) != 2 or squeezed(self.background.shape) != shape:
            raise InputError(
                f"the time tool reads pictures (row, col) like its background's of shape "
                f"{self.background.shape}, the frames are {spec.shape}"
            )
        self.regions.level.fit(shape)
        return self.regions.signal.fit(shape)

    def _ratio(self, frame: Floats, usable: Bools) -> Floats:
        """Return frame over background, 1 where nothing changed."""
        background = self.background.reshape(frame.shape)
        level = self.regions.level.fit(frame.shape).slices
        inside = usable[level]
        levels = frame[level][inside].mean() if inside.any() else np.nan
        scale = background[level][inside].mean() / levels if levels > 0 else np.nan
        ratio = np.ones_like(frame)
        np.divide(frame * scale, background, out=ratio, where=usable)
        if self.tilt == 0 or not np.isfinite(ratio).all():
            return ratio
        return np.asarray(rotate(ratio, self.tilt, reshape=False, mode="nearest"))


def fit_edge(projection: Floats, sigma: float, smoothing: float) -> dict[str, Array]:
    """Return the numbers of `FITTED` and the state ``err`` of the fit to one projection's slope.

    NaN and -1 where the projection is not finite or varies by less than `FLAT`.

    Parameters
    ----------
    projection
        Shape (pixel,); the edge falls with the pixel's number.
    sigma, smoothing
        Width with which the fit begins, and of the smoothing before it [pixel].
    """
    nothing = {name: np.asarray(np.nan) for name in FITTED} | {"err": np.asarray(NO_EDGE)}
    if not np.isfinite(projection).all() or np.ptp(projection) < FLAT:
        return nothing
    smooth = gaussian_filter1d(projection, smoothing) if smoothing else projection
    slope = -np.gradient(smooth)
    x = np.arange(len(slope), dtype=np.float64)
    rise = (slope[-1] - slope[0]) / x[-1]
    above = slope - (slope[0] + rise * x)
    start = (float(x[np.argmax(above)]), sigma, float(above.max()), slope[0], rise)
    fitted, state = leastsq(lambda given: _edge(x, given) - slope, start, maxfev=2000)
    values = dict(zip(FITTED, map(np.asarray, fitted), strict=True))
    return {**values, "width_px": np.abs(values["width_px"]), "err": np.asarray(state)}


def _edge(x: Floats, given: Floats) -> Floats:
    centre, width, height, constant, slope = given
    gauss = height * np.exp(-((x - centre) ** 2) / (2 * width**2))
    return np.asarray(gauss + constant + slope * x)

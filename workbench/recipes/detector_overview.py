"""Area detectors of a run: average, noise, masks and presence, and what the file lacks of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.table import Cell, Table
from workbench.runs import Run
from workbench.runs.measured import measured

MASKS = ("mask", "cmask", "statusMask")
KEPT = ("run sum", "mask", "noise", "stored pixels")
FLATTEST = 2  # axes of a picture


@dataclass(frozen=True)
class AreaDetector:
    """What a file holds of one area detector.

    Parameters
    ----------
    name
        Of the detector.
    frames
        Events with a whole frame; None where nothing in the file tells.
    partial
        Events of which some segments arrived; None where the file does not say.
    average
        Run sum over its frames, NaN at masked pixels; None without run sum.
    unit
        Of the average.
    noise
        Dark standard deviation of each pixel [ADU]; None where it was not stored.
    good
        Usable pixels by the name of the mask.
    missing
        Which of `KEPT` the file lacks.
    noise_high
        Noise above which a pixel is too noisy [ADU]; None: no pixel is.
    """

    name: str
    frames: int | None
    partial: int | None
    average: Floats | None
    unit: str
    noise: Floats | None
    good: Mapping[str, Bools]
    missing: tuple[str, ...]
    noise_high: float | None = None

    def limited(self, noise_high: float | None) -> "AreaDetector":
        """Return the same detector with another limit of the noise [ADU]."""
        return replace(self, noise_high=noise_high)

    @property
    def noisy(self) -> Bools | None:
        """Tell which pixels are too noisy; None without noise or limit."""
        if self.noise is None or self.noise_high is None:
            return None
        return self.noise > self.noise_high

    @property
    def noisy_pixels(self) -> int | None:
        """Pixels that are too noisy; None without noise or limit."""
        return None if self.noisy is None else int(np.count_nonzero(self.noisy))

    @property
    def bad_pixels(self) -> int | None:
        """Pixels that the mask leaves out; None without a mask."""
        mask = self.good.get("mask")
        return None if mask is None else int(np.count_nonzero(~mask))

    @property
    def median_noise(self) -> float | None:
        """Median of the dark noise [ADU]; None where it was not stored."""
        return None if self.noise is None else float(np.nanmedian(self.noise))


@dataclass(frozen=True)
class DetectorOverview:
    """The area detectors of a run, by name.

    Parameters
    ----------
    detectors
        All that the file knows of.
    events
        Events of the run.
    """

    detectors: Mapping[str, AreaDetector]
    events: int

    def __getitem__(self, name: str) -> AreaDetector:
        try:
            return self.detectors[name]
        except KeyError:
            raise UnknownNameError("area detector", name, self.detectors, "this run") from None

    @property
    def table(self) -> Table:
        """A row per detector; the last column names what the file lacks."""
        rows: list[tuple[Cell, ...]] = []
        for name, one in self.detectors.items():
            share = None if one.frames is None else 100 * one.frames / max(self.events, 1)
            mean = None if one.average is None else float(np.nanmean(one.average))
            lacks = ", ".join(one.missing) or "nothing"
            row = (name, one.frames, share, one.partial, mean, one.unit)
            rows.append((*row, one.median_noise, one.bad_pixels, lacks))
        columns = (
            "detector",
            "frames",
            "% of events",
            "partial",
            "mean of a pixel",
            "unit",
            "median noise [ADU]",
            "bad pixels",
            "not in the file",
        )
        return Table(columns, tuple(rows), f"{len(rows)} area detectors, {self.events} events")

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def detector_overview(run: Run) -> DetectorOverview:
    """Return what a file holds of each area detector: those with a mask, a run sum or pixels.

    Raises `InputError` where there is none.
    """
    found = {name: _detector(run, name) for name in _names(run)}
    if not found:
        raise InputError(
            f"{run.label} holds no area detector: no mask in UserDataCfg, no run sum in Sums/, no "
            "pixels of regions; ask for them in the producer config"
        )
    return DetectorOverview(found, run.n_events)


def _names(run: Run) -> list[str]:
    """Return the detectors with pixels, in alphabetical order."""
    pictured = {name.partition("/")[0] for name in run.infos if _is_pixels(run, name)}
    masked = {name for name, one in run.settings.items() if one.good is not None}
    known = pictured | masked | set(run.settings)
    summed = {
        max((one for one in known if stem.startswith(f"{one}_")), key=len, default=stem)
        for stem in (name.removeprefix("Sums/") for name in run.infos if name.startswith("Sums/"))
    }
    return sorted(pictured | masked | summed)


def _is_pixels(run: Run, name: str) -> bool:
    info = run.infos[name]
    return name.endswith("_area") and info.kind == "event" and len(info.shape) > FLATTEST


def _detector(run: Run, name: str) -> AreaDetector:
    stored = {one: f"UserDataCfg/{name}/{one}" for one in (*MASKS, "rms")}
    good = {
        one: np.squeeze(run[stored[one]].read()) == 1 for one in MASKS if stored[one] in run.infos
    }
    noise = np.squeeze(run[stored["rms"]].read()) if stored["rms"] in run.infos else None
    sums = f"Sums/{name}_calib"
    there = (
        sums in run.infos,
        "mask" in good,
        noise is not None,
        any(_is_pixels(run, one) for one in run.infos if one.startswith(f"{name}/")),
    )
    counts = run.failures.get(name, {})
    frames = _frames(run, name)
    average = _average(run, sums, frames, good.get("mask")) if there[0] and frames else None
    return AreaDetector(
        name,
        frames,
        counts.get("partial"),
        average,
        run[sums].unit if there[0] else "",
        noise,
        good,
        tuple(what for what, here in zip(KEPT, there, strict=True) if not here),
    )


def _frames(run: Run, name: str) -> int | None:
    """Return events with a whole frame, from the writer's counts, its flags, or the values."""
    counts = run.failures.get(name)
    if counts:
        return counts.get("present", 0)
    if f"damage/{name}" in run.infos:
        return int(np.count_nonzero(run[f"damage/{name}"].read() == 1))
    shape = (run.n_events,)
    fields = [one for one in run.infos if one.startswith(f"{name}/")]
    scalars = [one for one in fields if run.infos[one].shape == shape]
    if not scalars:
        return None
    return int(np.count_nonzero(np.isfinite(measured(run[scalars[0]]))))


def _average(run: Run, name: str, frames: int, good: Bools | None) -> Floats:
    values = np.squeeze(run[name].read()).astype(np.float64) / frames
    if good is None or good.shape != values.shape:
        return np.asarray(values)
    return np.where(good, values, np.nan)

"""TIFF files of pictures: one per detector and event, or one of many pages for a whole run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core import clock
from workbench.core.arrays import Array
from workbench.core.atomic import appearing, make_folder
from workbench.core.ending import check_ended
from workbench.core.errors import InputError, WorkbenchError
from workbench.core.extras import load
from workbench.facility.quota import Quota, QuotaState, results_quota, size_text
from workbench.regions.layout import Layout
from workbench.regions.places import pixel_places
from workbench.smalldata.backfill import zero_filled
from workbench.smalldata.exports.imagej import is_rounded, name_slices, needs_bigtiff, readable
from workbench.smalldata.exports.tables import event_name
from workbench.smalldata.fields import FieldInfo
from workbench.smalldata.identity import EPOCHS
from workbench.smalldata.missing import missing_rows
from workbench.smalldata.pixel_maps import pixel_maps
from workbench.smalldata.reader import SmallDataFile, open_file

HEADER_BYTES = 1024  # of a TIFF besides its pixels, with what it says of itself
BLOCK_BYTES = 64 << 20  # of pictures held in memory
RESULTS = "results"  # folder with a quota on files


class QuotaRefusedError(WorkbenchError, OSError):
    """More files than the quota of the results folder leaves room for."""


@dataclass(frozen=True)
class TiffForecast:
    """What is about to be written.

    Parameters
    ----------
    files, bytes
        At most so many: events without a picture give none.
    quota
        Of the results folder that the target lies in, as it will stand; None elsewhere.
    """

    files: int
    bytes: int
    quota: Quota | None = None

    def __str__(self) -> str:
        return f"up to {self.files:,} TIFF files, {size_text(self.bytes)}"


@dataclass(frozen=True)
class TiffResult:
    """What was written.

    Parameters
    ----------
    files
        In the order of fields and events.
    missing
        Field to the number of events without a picture.
    rounded
        Fields of 64 bits, which ImageJ does not read: written in 32 bits, as floats.
    big
        Files of more than 4 GB, as BigTIFF: ImageJ reads them by its plugin Bio-Formats alone.
    """

    files: tuple[Path, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    rounded: tuple[str, ...] = ()
    big: tuple[Path, ...] = ()


def forecast_tiffs(
    source: Path, fields: Sequence[str], folder: Path, *, pack: bool = False
) -> TiffForecast:
    """Tell how many files, of how many bytes, `write_tiffs` will write; not assembled."""
    with open_file(source) as file:
        infos = [_picture(file, name) for name in fields]
    files = sum(1 if pack or info.kind == "once" else info.shape[0] for info in infos)
    size = sum(prod(info.shape) * np.dtype(info.dtype).itemsize for info in infos)
    size += sum(HEADER_BYTES * (1 if info.kind == "once" else info.shape[0]) for info in infos)
    parents = [folder.absolute(), *folder.absolute().parents]
    results = next((parent for parent in parents if parent.name == RESULTS), None)
    quota = None if results is None else results_quota(results).after(files, size)
    return TiffForecast(files, size, quota)


def write_tiffs(
    source: Path,
    fields: Sequence[str],
    folder: Path,
    *,
    pack: bool = False,
    assembled: bool = False,
) -> TiffResult:
    """Write pictures of a small-data file of either generation as TIFF files that ImageJ reads.

    Values are unchanged; those of 64 bits are rounded to floats of 32 bits, and the result names
    their fields.

    A file is called ``Run_0014_evt_<s>-<ns>_<detector>_<field>_<unit>.tiff`` after the event's
    time stamp, which no other event of the run has (a repeated one gets a number); run sums have no
    event. A tiled detector gives one page per tile. The description in each file is JSON:
    experiment, run, event number, time stamp, UTC, detector, field, unit. Each file appears whole;
    an older one of that name is replaced. Where no event has a picture there is no file.

    Parameters
    ----------
    source
        The small-data file.
    fields
        Datasets of pictures: ``cam/full_area``, ``epix/img``, ``Sums/epix_calib``.
    folder
        Made where it is not there.
    pack
        One file of many pages for each field instead, without ``evt_...`` in its name; the first
        page also lists the events of all pages, as ``slices``.
    assembled
        Put the tiles of a frame where they lie on the detector, by the pixel maps of the file: NaN,
        or 0 among integers, between them. Such files have ``assembled`` in their name.

    Raises
    ------
    QuotaRefusedError
        Where `folder` lies under a results folder whose quota would break.
    InputError
        For a field that holds no pictures; and to assemble, where the file has no pixel maps.
    """
    _refuse_over_quota(forecast_tiffs(source, fields, folder, pack=pack), folder)
    make_folder(folder)
    result = TiffResult()
    with open_file(source) as file:
        for name in fields:
            info = _picture(file, name)
            writer = _Writer(file, info, folder, _layout(file, info) if assembled else None)
            files = tuple(writer.packed() if pack else writer.singles())
            result = TiffResult(
                result.files + files,
                {**result.missing, name: writer.missing},
                (*result.rounded, *([name] if is_rounded(np.dtype(info.dtype)) else [])),
                (*result.big, *(files if pack and writer.big else ())),
            )
    return result


def _refuse_over_quota(forecast: TiffForecast, folder: Path) -> None:
    if forecast.quota is not None and forecast.quota.state is QuotaState.OVER:
        raise QuotaRefusedError(
            f"{forecast} in {folder} would break the quota of {forecast.quota.folder} "
            f"({forecast.quota}); pack them into one file for each field, or choose a folder "
            "under scratch"
        )


class _Writer:
    """Writes the pictures of one field."""

    def __init__(
        self, file: SmallDataFile, info: FieldInfo, folder: Path, layout: Layout | None
    ) -> None:
        self._file, self._info, self._folder, self._layout = file, info, folder, layout
        self._tifffile = load("tifffile", "writing TIFF files", "export")
        self._stamps = file.timestamps
        self._taken: set[str] = set()
        self.missing = 0

    def singles(self) -> Iterator[Path]:
        """Write one file per event."""
        for event, picture in self._pictures():
            path = self._folder / self._name(event)
            with appearing(path) as place:
                self._tifffile.imwrite(place, picture, **self._told(event))
            yield path

    def packed(self) -> Iterator[Path]:
        """Write one file of many pages; none where no event has a picture."""
        pictures = self._pictures()
        first = next(pictures, None)
        if first is None:
            return
        path = self._folder / self._name(None)
        slices: list[str] = []
        with appearing(path) as place:
            with self._tifffile.TiffWriter(place, bigtiff=self.big) as tiff:
                for event, picture in chain([first], pictures):
                    tiff.write(picture, **self._told(event), contiguous=False)
                    slices += self._slices(event, picture)
            name_slices(place, slices)
        yield path

    @property
    def big(self) -> bool:
        """Whether one file of all pictures can be too large for ImageJ."""
        shape = self._info.shape
        events, frame = (1, shape) if self._info.kind == "once" else (shape[0], shape[1:])
        drawn = frame if self._layout is None else self._layout.shape
        pixel = readable(np.empty(0, self._info.dtype)).itemsize
        return needs_bigtiff(events * (prod(drawn) * pixel + prod(drawn[:-2]) * HEADER_BYTES))

    def _slices(self, event: int | None, picture: Array) -> list[str]:
        name = self._info.name if event is None else event_name(int(self._stamps[event]))
        if picture.ndim == 2:
            return [name]
        return [f"{name} tile {tile}" for tile in range(len(picture))]

    def _pictures(self) -> Iterator[tuple[int | None, Array]]:
        """Yield event number and picture of the events that have one."""
        info = self._info
        if info.kind == "once":
            yield None, self._drawn(self._file.read(info.name))
            return
        one = prod(info.shape[1:]) * np.dtype(info.dtype).itemsize
        size = max(1, BLOCK_BYTES // max(one, 1))
        filled = zero_filled(self._file, info.name)
        for start in range(0, info.shape[0], size):
            block = self._file.read(info.name, slice(start, start + size))
            lacking = missing_rows(block) | filled[start : start + size]
            self.missing += int(np.count_nonzero(lacking))
            for place in np.flatnonzero(~lacking).tolist():
                check_ended()
                yield start + place, self._drawn(block[place])

    def _drawn(self, frame: Array) -> Array:
        """Return a frame as it is written, its tiles in their places where that is wanted."""
        if self._layout is None:
            return readable(frame)
        picture = self._layout.picture(frame)
        whole = picture if frame.dtype.kind == "f" else np.nan_to_num(picture)
        return readable(whole.astype(frame.dtype))

    def _name(self, event: int | None) -> str:
        parts = [f"Run_{self._file.run or 0:04d}"]
        if event is not None:
            stamp = int(self._stamps[event])
            parts.append(f"evt_{event_name(stamp)}")
        unit = self._info.unit.replace("/", "_per_") or "unknown-unit"
        drawn = [] if self._layout is None else ["assembled"]
        stem = "_".join([*parts, self._info.name.replace("/", "_"), *drawn, unit])
        name, repeat = stem, 1
        while name in self._taken:
            repeat += 1
            name = f"{stem}_{repeat}"
        self._taken.add(name)
        return f"{name}.tiff"

    def _told(self, event: int | None) -> dict[str, Any]:  # Any: arguments of tifffile
        group, _, leaf = self._info.name.partition("/")
        told: dict[str, object] = {
            "experiment": self._file.experiment,
            "run": self._file.run,
            "detector": group,
            "field": leaf,
            "unit": self._info.unit,
            "source": str(self._file.path),
        }
        if is_rounded(np.dtype(self._info.dtype)):
            told["rounded_from"] = self._info.dtype
        if event is not None:
            stamps = self._stamps[[event]]
            utc = clock.datetimes(stamps, epoch=EPOCHS[self._file.generation])[0]
            told |= {"event": event, "timestamp": int(stamps[0]), "utc": str(utc)}
        return {
            "description": json.dumps(told),
            "metadata": None,
            "photometric": "minisblack",
            "software": "workbench",
        }


def _layout(file: SmallDataFile, info: FieldInfo) -> Layout:
    """Return where the pixels of a field lie; `InputError` where the file does not say."""
    maps = {one.name: one.values for one in pixel_maps(file, info.name)}
    places = None
    if {"ix", "iy"} <= maps.keys():  # as LCLS-I keeps them
        places = maps["ix"].astype(np.int64), maps["iy"].astype(np.int64)
    elif {"x", "y"} <= maps.keys():
        places = pixel_places(maps["x"], maps["y"])
    if places is None:
        raise InputError(
            f"{info.name} in {file.path}: the file does not say where its pixels lie (no ix and "
            "iy, no x and y below UserDataCfg), so nothing can be assembled; produce the run with "
            "constants that hold the geometry"
        )
    return Layout(*places)


def holds_pictures(info: FieldInfo) -> bool:
    """Tell whether a field has rows and columns, once or for each event."""
    axes = len(info.shape) - int(info.kind == "event")
    return info.kind in {"event", "once"} and axes in {2, 3} and info.dtype != "str"


def _picture(file: SmallDataFile, name: str) -> FieldInfo:
    info = file.info(name)
    if not holds_pictures(info):
        raise InputError(
            f"{name} in {file.path} has shape {info.shape}: no pictures; name a dataset with rows "
            "and columns, such as one that ends in _area or img"
        )
    return info

"""Pictures of a run or of TIFF files: which there are, frames of chosen shots, places of pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools, Floats, Ints
from workbench.core.errors import InputError, NotThereError, UnknownNameError
from workbench.core.run_numbers import runs_text
from workbench.regions import Layout, LayoutError, pixel_places
from workbench.runs import Run
from workbench.smalldata import missing_rows
from workbench.smalldata.exports import DamagedTiffError, opened_tiff

NAMES = ("area", "img", "image", "calib", "raw", "ttRaw")  # ends of the names of pictures
SMALLEST = 64  # pixels of a picture
MOST_FRAMES = 50  # of a run that are read whole


class NoPictureError(InputError):
    """A run without pictures, or a shot without one."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Frames of one field, or of one TIFF file.

    Parameters
    ----------
    name
        Field, or name of the file.
    label
        What a figure calls them: "run 3".
    unit
        Of the pixels; empty where not known.
    frames
        (frame, row, col) or (frame, tile, row, col).
    shots
        Number of each frame from 1, in the order of time.
    missing
        Shots that have none.
    good
        Which pixels to use, in the shape of a frame; None: nothing is known of bad ones.
    positions
        x, y, z of the pixel centres in the laboratory [um]; None: not known.
    """

    name: str
    label: str
    unit: str
    frames: Array
    shots: tuple[int, ...]
    missing: tuple[int, ...] = ()
    good: Bools | None = None
    positions: tuple[Floats, Floats, Floats] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        lacking = f", none in {runs_text(self.missing)}" if self.missing else ""
        noun = "shot" if len(self.shots) == 1 else "shots"
        return f"{self.name} of {noun} {runs_text(self.shots)}{lacking}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a frame."""
        return self.frames.shape[1:]

    @property
    def places(self) -> tuple[Ints, Ints] | None:
        """Row and column of each pixel in the assembled picture; None where not known."""
        if self.positions is None or len(self.shape) == 2:
            return None
        return pixel_places(self.positions[0], self.positions[1])

    @property
    def layout(self) -> Layout:
        """Where each pixel lies in the assembled picture; frames of one tile are pictures.

        Raises
        ------
        LayoutError
            For frames of several tiles whose places the file does not hold.
        """
        places = self.places
        if places is None and len(self.shape) == 3:
            raise LayoutError(
                f"{self.name} has {self.shape[0]} tiles whose places are not in the file: name a "
                "field with the assembled image"
            )
        return Layout.flat(self.shape) if places is None else Layout(*places)


def picture_fields(run: Run) -> tuple[str, ...]:
    """Return the fields with a picture per event, the largest first, then run sums."""
    found: list[tuple[int, str]] = []
    for name, info in run.infos.items():
        shape = info.shape[1:] if info.kind == "event" else info.shape
        summed = info.kind == "once" and name.startswith("Sums/")
        if info.kind != "event" and not summed:
            continue
        leaf = name.rpartition("/")[2].rpartition("_")[2]
        fits = len(shape) in {2, 3} and prod(shape) >= SMALLEST and info.dtype != "str"
        if fits and (summed or leaf in NAMES):
            found.append((prod(shape) - (1 << 40 if summed else 0), name))
    return tuple(name for _, name in sorted(found, reverse=True))


def pictures_of(
    run: Run, field: str = "", shots: Sequence[int] = (), *, label: str = ""
) -> Pictures:
    """Read the frames of shots.

    Parameters
    ----------
    run
        With few events; of longer runs name the shots.
    field
        A field of `picture_fields`; empty: the largest.
    shots
        Numbers from 1, in the order of time; empty: all of them.
    label
        What figures call it; empty: the run's number.

    Raises
    ------
    NoPictureError
        For a run without pictures, a field that holds none per event, and where none of the
        shots has one.
    UnknownNameError
        For a field that the run does not have.
    """
    known = picture_fields(run)
    if not known:
        raise NoPictureError(
            f"{run.label} holds no pictures; produce it with full frames (full_area), an image "
            "(img) or a region with its pixels (writeArea)"
        )
    name = field or known[0]
    if name not in run.infos:
        raise UnknownNameError("picture", name, known, run.label)
    if run.infos[name].kind != "event" or len(run.infos[name].shape) not in {3, 4}:
        raise NoPictureError(
            f"{name} of {run.label} has no picture per event; it has {', '.join(known)}"
        )
    chosen = _chosen(run, shots, name)
    channel = run[name]
    frames = [channel.read(rows=slice(row, row + 1)) for row in run.time_order[chosen].tolist()]
    lacking = [bool(missing_rows(frame)[0]) for frame in frames]
    kept = [frame[0] for frame, gone in zip(frames, lacking, strict=True) if not gone]
    numbers = [int(place) + 1 for place in chosen]
    if not kept:
        raise NoPictureError(
            f"{name} of {run.label} is in none of shots {numbers}: not measured; take other shots, "
            "or look at run.presence()"
        )
    maps = _maps(run, name, kept[0].shape)
    known_positions = all(axis in maps for axis in "xyz")
    return Pictures(
        name,
        label or f"run {run.run}",
        channel.unit,
        np.stack(kept),
        tuple(number for number, gone in zip(numbers, lacking, strict=True) if not gone),
        tuple(number for number, gone in zip(numbers, lacking, strict=True) if gone),
        maps.get("good"),
        (maps["x"], maps["y"], maps["z"]) if known_positions else None,
    )


def tiff_pictures(path: Path, *, label: str = "", unit: str = "") -> Pictures:
    """Read a TIFF file: its pages are frames of one size.

    Raises
    ------
    NoPictureError
        Where its pages are not pictures of one size.
    """
    path = Path(path)
    pages = read_pages(path)
    if not pages or pages[0].ndim != 2 or any(page.shape != pages[0].shape for page in pages):
        raise NoPictureError(f"{path} holds no pages (row, col) of one size; name another file")
    shots = tuple(range(1, len(pages) + 1))
    return Pictures(path.name, label or path.stem, unit, np.stack(pages), shots)


def read_pages(path: Path) -> list[Array]:
    """Return the pages of a TIFF file as they are stored.

    Raises
    ------
    NotThereError
        Where there is no such file.
    NoPictureError
        Where it is no TIFF file, or cut off or damaged.
    """
    if not path.is_file():
        raise NotThereError(f"no TIFF file {path}; name another")
    try:
        with opened_tiff(path) as file:
            return [page.asarray() for page in file.pages]
    except DamagedTiffError as error:
        raise NoPictureError(str(error)) from None


def _maps(run: Run, name: str, shape: tuple[int, ...]) -> dict[str, Array]:
    """Return positions and mask of the pixels: the field's own, else the whole detector's."""
    maps = {one.name: one.values for one in run.pixel_maps(name)}
    detector = f"UserDataCfg/{name.partition('/')[0]}"
    for axis, path in (*((one, one) for one in "xyz"), ("good", "mask")):
        if axis not in maps and f"{detector}/{path}" in run.infos:
            values = run[f"{detector}/{path}"].read()
            maps[axis] = values == 1 if axis == "good" else values
    return {axis: values for axis, values in maps.items() if values.shape == shape}


def _chosen(run: Run, shots: Sequence[int], name: str) -> Ints:
    if not run.n_events:
        raise NoPictureError(
            f"{name} of {run.label}: the run has no events; look at run.check(), or take another"
        )
    outside = [shot for shot in shots if not 1 <= shot <= run.n_events]
    if outside:
        raise InputError(f"shot {outside[0]}: {run.label} has shots 1 to {run.n_events}")
    if shots:
        return np.array(shots, np.int64) - 1
    if run.n_events <= MOST_FRAMES:
        return np.arange(run.n_events)
    flag = f"damage/{name.partition('/')[0]}"
    there = run[flag].read()[run.time_order] == 1 if flag in run.infos else None
    first = np.arange(run.n_events) if there is None else np.flatnonzero(there)
    return np.asarray(first[:MOST_FRAMES], np.int64)

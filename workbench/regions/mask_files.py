"""Masks of others: read with the polarity said, in any usual shape; what looks wrong is named.

``.npy`` and text files count 1 = use, as ``userMask`` of the producer configs; ``.edf`` files count
0 = use, as pyFAI's mask tool writes them.
"""

from enum import StrEnum
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError, NotThereError
from workbench.core.extras import load
from workbench.core.findings import Finding, Severity
from workbench.regions.layout import Layout

MOST_BAD = 0.5  # of the pixels; a mask that takes out more is likely the wrong way round
AGREE = 0.5  # of the pixels known as bad that a mask should take out as well


class Polarity(StrEnum):
    """What 1 means in a mask file."""

    USE = "1 = use"
    BAD = "1 = bad"


class MaskFileError(InputError):
    """A file that holds no mask of this detector; the text names the file and what is wrong."""


def read_mask(
    path: Path,
    shape: tuple[int, ...],
    *,
    layout: Layout | None = None,
    polarity: Polarity | None = None,
) -> Bools:
    """Read a mask, True = use, in the shape of the detector's frames.

    Parameters
    ----------
    path
        ``.npy``, ``.edf``, or text as `numpy.loadtxt` reads it.
    shape
        Of the frames: (row, col) or (tile, row, col). The file may hold tiles one below the other.
    layout
        Place of each pixel in the assembled picture; with it the file may hold a picture.
    polarity
        What 1 means; None: what it means in files of this kind.
    """
    path = Path(path)
    values = _whole(_values(path), path)
    kind = Polarity.BAD if path.suffix.lower() == ".edf" else Polarity.USE
    good = values if (polarity or kind) is Polarity.USE else ~values
    return _fitted(good, shape, layout, path)


def check_mask(good: Bools, *, status: Bools | None = None, name: str = "mask") -> list[Finding]:
    """Say what looks wrong with a mask: inverted, or without effect.

    Parameters
    ----------
    good
        The mask as it is understood, True = use.
    status
        The detector's own mask, True = use, if there is one.
    name
        Names the mask in the findings.
    """
    bad = 1 - float(good.mean())
    if not good.any():
        text = "takes out every pixel: nothing would be left; check that 1 means use"
        return [Finding("mask-empty", Severity.ERROR, text, name, good.size)]
    found = []
    if status is not None and status.shape != good.shape:
        text = f"has shape {good.shape}, the detector's own mask {status.shape}"
        return [Finding("mask-shape", Severity.ERROR, text, name)]
    known = status is not None and not status.all() and bool(status.any())
    if known and _runs_against(good, ~np.asarray(status)):
        text = (
            "keeps the pixels that the detector calls bad and takes out others: it looks "
            "inverted; here 1 means use, pyFAI's masks mean 1 = bad"
        )
        found.append(Finding("mask-inverted", Severity.ERROR, text, name, int((~good).sum())))
    elif bad > MOST_BAD:
        text = (
            f"takes out {100 * bad:.0f} % of the pixels: it may be inverted; here 1 means use, "
            "pyFAI's masks mean 1 = bad"
        )
        found.append(Finding("mask-inverted", Severity.WARNING, text, name, int((~good).sum())))
    if good.all():
        text = "takes out no pixel: it has no effect"
        found.append(Finding("mask-without-effect", Severity.INFO, text, name, 0))
    return found


def _runs_against(good: Bools, broken: Bools) -> bool:
    """Tell whether the opposite of a mask agrees with the known bad pixels and it does not."""
    taken = float((~good)[broken].mean())
    others = float((~good)[~broken].mean())
    return taken < 1 - AGREE and others > AGREE


def _values(path: Path) -> Array:
    if not path.is_file():
        raise NotThereError(f"no mask file {path}; name another one")
    try:
        match path.suffix.lower():
            case ".npy":
                return np.asarray(np.load(path, allow_pickle=False))
            case ".edf":
                fabio = load("fabio", "a mask in an .edf file", "geometry")
                return np.asarray(fabio.open(str(path)).data)
            case _:
                return np.loadtxt(path, ndmin=2)
    except (ValueError, OSError, EOFError) as error:
        raise MaskFileError(
            f"{path} holds no mask: {error}; masks are .npy, .edf or text of numbers"
        ) from None


def _whole(values: Array, path: Path) -> Bools:
    """Return 0 and 1 as False and True; refuse anything else."""
    if values.dtype.kind not in "biuf":
        raise MaskFileError(f"{path} holds {values.dtype}; a mask holds 0 and 1")
    other = ~np.isin(values, (0, 1))
    if other.any():
        first = values[other].flat[0]
        raise MaskFileError(
            f"{path} holds {int(other.sum())} values that are not 0 or 1, the first {first!s}: is "
            "it a picture? make a mask with a threshold"
        )
    return np.asarray(values == 1)


def _fitted(good: Bools, shape: tuple[int, ...], layout: Layout | None, path: Path) -> Bools:
    """Return a mask in the shape of the frames."""
    stacked = (int(np.prod(shape[:-1])), shape[-1])
    if good.shape == shape:
        return good
    if good.shape in {stacked, (1, *shape), shape[1:] if shape[0] == 1 else shape}:
        return good.reshape(shape)
    if layout is not None and good.shape == layout.shape:
        return np.asarray(good[layout.rows, layout.cols])
    fits = [f"{shape} as the frames"]
    fits += [f"{stacked}, tiles one below the other"] if len(shape) == 3 else []
    fits += [f"{layout.shape}, the assembled picture"] if layout is not None else []
    hint = "; it looks transposed" if good.T.shape in {shape, stacked} else ""
    raise MaskFileError(
        f"{path} has shape {good.shape}, the detector needs {' or '.join(fits)}{hint}"
    )

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

FEW = 0.5  # of the usable pixels; a mask that leaves fewer may be the wrong way round


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


def check_mask(
    good: Array,
    *,
    shape: tuple[int, ...] | None = None,
    status: Bools | None = None,
    field: str = "",
    origin: str = "the mask",
) -> list[Finding]:
    """Return what is wrong with a mask, worst first; an error forbids its use.

    Masks come in both polarities: in ``userMask`` and the detector's own ``mask`` 1 means use, in
    the masks that producers store of regions 1 means bad. Here and in configs 1 means use.

    Parameters
    ----------
    good
        The mask as it is understood, True or 1 = use.
    shape
        Of the detector's frames; None: not known but by `status`.
    status
        The detector's own mask, True = use, if it is known.
    field
        Detector or entry, for the findings.
    origin
        Where the mask comes from, for the findings.
    """
    values, found = np.asarray(good), []

    def tell(code: str, severity: Severity, text: str, count: int = 1) -> None:
        found.append(Finding(code, severity, text, field, count, origin))

    wanted = shape if status is None else status.shape
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        tell("mask-values", Severity.ERROR, "a mask holds only 1 (use) and 0 (do not use)")
        return found
    if wanted is not None and values.shape != wanted:
        text = f"has shape {values.shape}, the detector's frames {wanted}: make it in the shape "
        tell("mask-shape", Severity.ERROR, f"{text}of the frames, tile by tile")
        return found
    mask = values.astype(np.bool_)
    usable = np.ones(mask.shape, np.bool_) if status is None else status
    broken = mask[~usable]
    left = int((mask & usable).sum())
    share = left / max(int(usable.sum()), 1)
    if not left:
        text = "leaves no usable pixel; 1 means use: invert it if it marks bad pixels with 1"
        tell("mask-empty", Severity.ERROR, text)
    elif share < FEW and broken.size and broken.mean() > FEW:
        text = f"uses {broken.mean():.0%} of the pixels that the detector calls bad and only "
        text += (
            f"{share:.0%} of the others: it is inverted; 1 means use (in pyFAI's masks bad). If it "
            "is meant so, take the detector's bad pixels out too"
        )
        tell("mask-inverted", Severity.ERROR, text, int(broken.sum()))
    elif share < FEW:
        text = f"leaves {share:.0%} of the usable pixels; is it inverted? 1 means use"
        tell("mask-leaves-few", Severity.WARNING, text, left)
    elif mask.all():
        tell("mask-without-effect", Severity.INFO, "takes out no pixel: it has no effect", 0)
    return found


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

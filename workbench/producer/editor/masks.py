"""Mask files beside a config: named by their content, with a record of where they come from."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError
from workbench.producer.editor.beside import keep
from workbench.producer.evaluation import Odd
from workbench.regions import read_mask

FOLDER = "masks"


@dataclass(frozen=True)
class StoredMask:
    """A mask file.

    Parameters
    ----------
    path
        The .npy file: boolean, True = use, of the shape of the detector's frames.
    relative
        As the config writes it.
    told
        The value as the evaluator of configs tells it.
    made
        False where the same mask was there already.
    """

    path: Path
    relative: str
    told: Odd
    made: bool


def store(config: Path, name: str, good: Any, shape: tuple[int, ...] | None = None) -> StoredMask:
    """Keep a mask as ``masks/<name>_<hash>.npy`` beside a config.

    Parameters
    ----------
    config
        The config.
    name
        Of the entry that uses it.
    good
        Array of booleans or of 0 and 1, True = use; or the path of a file: .npy, or where the
        shape is known any that `regions.read_mask` reads.
    shape
        Of the detector's frames; another one is refused. None: not known.
    """
    mask = usable(good, shape)
    content = io.BytesIO()
    np.save(content, mask)
    origin: dict[str, str | int | list[int]] = {
        "entry": name,
        "polarity": "True = use",
        "shape": list(mask.shape),
        "used": int(mask.sum()),
        "from": str(good) if isinstance(good, str | Path) else "an array",
    }
    kept = keep(config, f"{FOLDER}/{name}.npy", content.getvalue(), origin)
    told = hashlib.sha256(np.ascontiguousarray(mask).tobytes()).hexdigest()
    value = Odd(f"array {mask.dtype.str} {list(mask.shape)} {told}")
    return StoredMask(kept.path, kept.relative, value, kept.made)


def usable(good: Any, shape: tuple[int, ...] | None = None) -> Bools:
    """Return a mask as booleans, True = use; refuse what is none, or of another shape.

    Parameters
    ----------
    good, shape
        As for `store`.
    """
    name = str(good) if isinstance(good, str | Path) else "the mask"
    if isinstance(good, str | Path):
        mask = _loaded(Path(good)) if shape is None else read_mask(Path(good), shape)
    else:
        mask = _of_bits(np.asarray(good), name)
    if not mask.any():
        raise InputError(f"{name}: no pixel is left to use; is it inverted? 1 means use")
    if shape is not None and mask.shape != shape:
        raise InputError(
            f"{name} has shape {mask.shape}, the detector's frames {shape}: make it in the shape "
            "of the frames, tile by tile"
        )
    return mask


def _loaded(path: Path) -> Bools:
    if path.is_file() and path.suffix != ".npy":
        raise InputError(
            f"{path}: only .npy files tell their shape: give that of the detector's frames too "
            "(--shape, --geometry or --xtc), or save the mask with np.save"
        )
    try:
        return _of_bits(np.load(path), str(path))
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: cannot be read as .npy ({error}); save it with np.save, or give the shape of "
            "the detector's frames"
        ) from error


def _of_bits(values: Array, name: str) -> Bools:
    if values.dtype.kind not in "biu" or not values.ndim or not np.isin(values, (0, 1)).all():
        raise InputError(f"{name}: a mask holds only 0 and 1 (or False and True), 1 = use")
    return values.astype(np.bool_)

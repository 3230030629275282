"""Mask files beside a config: named by their content, with a record of where they come from."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Bools
from workbench.core.errors import InputError
from workbench.producer.editor.beside import keep
from workbench.producer.evaluation import Odd

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


def store(config: Path, name: str, good: Any) -> StoredMask:
    """Keep a mask as ``masks/<name>_<hash>.npy`` beside a config.

    Parameters
    ----------
    config
        The config.
    name
        Of the entry that uses it.
    good
        Array of booleans or of 0 and 1, True = use; or the path of a .npy file.
    """
    mask = _read(good)
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


def _read(good: Any) -> Bools:
    name = str(good) if isinstance(good, str | Path) else "the mask"
    try:
        values = np.load(good) if isinstance(good, str | Path) else np.asarray(good)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name}: cannot be read as .npy ({error}); save it with np.save"
        ) from error
    if values.dtype.kind not in "biu" or not values.ndim or not np.isin(values, (0, 1)).all():
        raise InputError(f"{name}: a mask holds only 0 and 1 (or False and True), 1 = use")
    mask: Bools = values.astype(np.bool_)
    if not mask.any():
        raise InputError(f"{name}: no pixel is left to use; is it inverted? 1 means use")
    return mask

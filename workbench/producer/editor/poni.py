"""Geometry files of pyFAI (``.poni``) that a config uses, kept beside it."""

import re
from pathlib import Path

from workbench.core.errors import InputError
from workbench.producer.editor.beside import Kept, keep

FOLDER = "poni"
NEEDED = ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3")  # pyFAI, geometry/core.py: save


def store(config: Path, detector: str, source: str | Path) -> Kept:
    """Keep a ``.poni`` file as ``poni/<detector>_<hash>.poni`` beside a config.

    Parameters
    ----------
    config
        The config.
    detector
        Whose geometry it is.
    source
        The file.
    """
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}; name a .poni file") from error
    text = content.decode("utf-8", "replace")
    for key in NEEDED:
        if not re.search(rf"^{key}\s*:\s*[-+.\d]", text, re.MULTILINE | re.IGNORECASE):
            raise InputError(
                f"{source}: no number {key!r} in it; give a .poni file as pyFAI writes it"
            )
    origin: dict[str, str | int | list[int]] = {"detector": detector, "from": str(source)}
    return keep(config, f"{FOLDER}/{detector}.poni", content, origin)

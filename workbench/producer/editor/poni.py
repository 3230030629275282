"""Geometry files of pyFAI (``.poni``) that a config uses, kept beside it."""

from pathlib import Path

from workbench.core.errors import InputError
from workbench.producer.editor.beside import Kept, keep
from workbench.regions import parse_poni

FOLDER = "poni"


def store(config: Path, detector: str, source: str | Path) -> Kept:
    """Keep a ``.poni`` file as ``poni/<detector>_<hash>.poni`` beside a config.

    Raises `InputError` where it cannot be read, `PoniError` where a production could not use it.

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
    parse_poni(content.decode("utf-8", "replace"), where=str(source))
    origin: dict[str, str | int | list[int]] = {"detector": detector, "from": str(source)}
    return keep(config, f"{FOLDER}/{detector}.poni", content, origin)

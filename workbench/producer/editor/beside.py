"""Files that a config needs, kept beside it: named by their content, with a record of origin."""

import getpass
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.core.atomic import make_folder, replacing, write_text
from workbench.producer.editor.journal import locked


@dataclass(frozen=True)
class Kept:
    """A file beside a config.

    Parameters
    ----------
    path
        The file.
    relative
        Its path seen from the config.
    made
        False where the same content was there already.
    """

    path: Path
    relative: str
    made: bool


def keep(
    config: Path, place: str, content: bytes, origin: Mapping[str, str | int | list[int]]
) -> Kept:
    """Keep content as ``<place>_<hash><suffix>`` beside a config, with a .json of its origin.

    Parameters
    ----------
    config
        The config.
    place
        Folder, name and suffix, as ``masks/ROI_0.npy``.
    content
        The bytes of the file.
    origin
        What the record says besides hash, time and user.
    """
    asked = Path(place)
    digest = hashlib.sha256(content).hexdigest()
    stem = re.sub(r"[^\w.+-]", "_", asked.stem)
    path = config.parent / asked.parent / f"{stem}_{digest[:12]}{asked.suffix}"
    made = not path.exists()
    if made:
        make_folder(path.parent)
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        facts = {"config": config.name, "sha256": digest, "made": stamp, "user": getpass.getuser()}
        write_text(path.with_suffix(".json"), json.dumps({**origin, **facts}, indent=1) + "\n")
        with replacing(path) as part:
            part.write_bytes(content)
    return Kept(path, str(path.relative_to(config.parent)), made)


def discard(config: Path, path: Path) -> None:
    """Remove a kept file, unless a config beside it or an earlier version of one needs it."""
    with locked(config):
        near = [*config.parent.glob("*.py"), *config.parent.glob(".*.history")]
        if any(path.name.encode() in other.read_bytes() for other in near):
            return
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)

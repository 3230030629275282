"""Many TIFF files, whoever wrote them, packed into one of many pages, without loss."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.core.atomic import appearing, make_folder
from workbench.core.errors import InputError
from workbench.core.extras import load


def pack_tiffs(files: Sequence[Path], target: Path) -> Path:
    """Write all pages of TIFF files into one BigTIFF file, in the order given; return its path.

    Pixels and their type stay as they are. The description of each page is that of its file, as
    JSON with the file's name under "file"; a description that is no JSON is kept as "description".
    The target appears whole; an older one is replaced, the files stay.

    Raises
    ------
    InputError
        Without files, and for one that is no TIFF.
    """
    tifffile = load("tifffile", "packing TIFF files", "export")
    if not files:
        raise InputError(f"no TIFF files to pack into {target}: name at least one")
    make_folder(target.parent)
    with appearing(target) as place, tifffile.TiffWriter(place, bigtiff=True) as writer:
        for path in files:
            try:
                with tifffile.TiffFile(path) as tiff:
                    for page in tiff.pages:
                        told = json.dumps({**_told(page.description), "file": path.name})
                        writer.write(
                            page.asarray(), description=told, metadata=None, contiguous=False,
                            photometric=page.photometric, software="workbench",
                        )  # fmt: skip
            except (tifffile.TiffFileError, OSError) as error:
                raise InputError(f"cannot pack {path}: {error}; leave it out") from error
    return target


def _told(description: str) -> dict[str, Any]:
    try:
        told = json.loads(description)
    except ValueError:
        return {"description": description} if description else {}
    return told if isinstance(told, dict) else {"description": description}

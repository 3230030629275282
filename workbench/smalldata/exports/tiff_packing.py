"""Many TIFF files, whoever wrote them, packed into one of many pages, without loss."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from workbench.core.atomic import appearing, make_folder
from workbench.core.errors import InputError
from workbench.core.extras import load
from workbench.smalldata.exports.imagej import name_slices, needs_bigtiff
from workbench.smalldata.exports.tiff_reading import DamagedTiffError, opened_tiff

T = TypeVar("T")
HEADER_BYTES = 4096  # of a page besides its pixels: descriptions of others can be long


@dataclass(frozen=True)
class PackedTiff:
    """One file of many pages.

    Parameters
    ----------
    path, pages
        Which file, and how many pages it has.
    kinds
        How many sizes and types of pixels these have; of several, ImageJ shows the first page.
    big
        Whether it is a BigTIFF, for more than 4 GB: ImageJ reads it by its plugin Bio-Formats.
    """

    path: Path
    pages: int
    kinds: int
    big: bool


def pack_tiffs(files: Sequence[Path], target: Path) -> PackedTiff:
    """Write all pages of TIFF files into one file, in the order given.

    Pixels and their type stay as they are. The description of each page is that of its file, as
    JSON with the file's name under "file"; a description that is no JSON is kept as "description".
    That of the first page also lists the files of all pages, as "slices". The target appears whole;
    an older one is replaced, the files stay.

    Raises
    ------
    InputError
        Without files, and for one that is no TIFF or is cut off.
    """
    tifffile = load("tifffile", "packing TIFF files", "export")
    if not files:
        raise InputError(f"no TIFF files to pack into {target}: name at least one")
    sizes = _of_pages(files, lambda page: int(page.nbytes))
    big = needs_bigtiff(sum(size + HEADER_BYTES for _, size in sizes))
    make_folder(target.parent)
    slices: list[str] = []
    kinds = set()
    with appearing(target) as place:
        with tifffile.TiffWriter(place, bigtiff=big) as writer:
            for path, (page, pixels) in _of_pages(files, lambda page: (page, page.asarray())):
                writer.write(
                    pixels, description=json.dumps({**_told(page.description), "file": path.name}),
                    metadata=None, contiguous=False, photometric=page.photometric,
                    software="workbench",
                )  # fmt: skip
                slices.append(path.name)
                kinds.add((pixels.shape, pixels.dtype))
        name_slices(place, slices)
    return PackedTiff(target, len(slices), len(kinds), big)


def described_pages(
    files: Sequence[Path],
) -> Iterator[tuple[Path, dict[str, Any], np.ndarray[Any, Any]]]:
    """Yield file, description and pixels of each page; `InputError` for what is no TIFF."""
    for path, (told, pixels) in _of_pages(
        files, lambda page: (_told(page.description), page.asarray())
    ):
        yield path, told, pixels


def _of_pages(files: Sequence[Path], ask: Callable[[Any], T]) -> Iterator[tuple[Path, T]]:
    """Yield the answer of each page, one of tifffile, with the file that it is in."""
    for path in files:
        try:
            with opened_tiff(path) as tiff:
                for page in tiff.pages:
                    yield path, ask(page)
        except DamagedTiffError as error:
            raise InputError(f"cannot pack: {error}, or leave it out") from error


def _told(description: str) -> dict[str, Any]:
    try:
        told = json.loads(description)
    except ValueError:
        return {"description": description} if description else {}
    return told if isinstance(told, dict) else {"description": description}

"""Pictures of the pages, drawn by the lines that stand there; ``make pictures`` draws them anew.

A page shows ``pictures/<page>.png``, ``pictures/<page>-2.png`` ...: the figures that its lines
show, in that order. Each file notes the lines that drew it and what its axes are called.
"""

import io
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

from tests.pages.lines import python_of, run_lines
from tests.pages.made_up import MADE_UP

DOCS = Path(__file__).parents[2] / "docs"
DPI = 90
COLOURS = 256
EMBEDDED = re.compile(r"!\[[^\]]{20,}\]\(pictures/([\w-]+)\.png\)")


def pictures_of(page: Path) -> list[str]:
    """Return the names of the pictures that a page shows."""
    return EMBEDDED.findall(page.read_text(encoding="utf-8"))


def note_of(picture: Path) -> dict[str, str]:
    """Return what a stored picture notes of itself: its lines and the names of its axes."""
    with Image.open(picture) as image:
        return {key: str(value) for key, value in image.info.items() if key in {"lines", "axes"}}


def axes_of(figure: Figure) -> str:
    """Return titles and names of the axes of a figure."""
    names = ((one.get_title(), one.get_xlabel(), one.get_ylabel()) for one in figure.axes)
    return "\n".join("|".join(each) for each in names)


def drawn(name: str, folder: Path) -> dict[str, Figure]:
    """Run the lines of a page on its made-up run; the figures that they show, by name."""
    MADE_UP[name](folder)
    figures = run_lines(python_of(DOCS / f"{name}.md"), folder, name)
    stem = name.rpartition("/")[2]
    return {f"{stem}-{k}" if k > 1 else stem: figure for k, figure in enumerate(figures, 1)}


def store(figure: Figure, path: Path, lines: str) -> None:
    """Store a figure as a small PNG file with its note."""
    axes = axes_of(figure)
    figure.set_dpi(DPI)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call]
    note = PngImagePlugin.PngInfo()
    note.add_itxt("lines", lines)
    note.add_itxt("axes", axes)
    image = Image.open(buffer).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    image.save(path, pnginfo=note, optimize=True)


def main(names: list[str]) -> None:
    """Draw the pictures of some pages, or of all."""
    for name in names or MADE_UP:
        page = DOCS / f"{name}.md"
        shown = pictures_of(page)
        if not shown:
            continue
        with TemporaryDirectory() as place:
            os.environ["WORKBENCH_DATA_ROOT"] = place
            os.chdir(place)
            figures = drawn(name, Path(place))
            os.chdir(DOCS)
        for one in shown:
            path = page.parent / "pictures" / f"{one}.png"
            store(figures[one], path, "".join(python_of(page)))
            sys.stdout.write(f"{path.relative_to(DOCS)}: {path.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])

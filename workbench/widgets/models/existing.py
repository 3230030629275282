"""The regions that a config already gives for a run, ready to be shown on the picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Floats
from workbench.core.bounds import Bounds
from workbench.core.errors import InputError
from workbench.producer.editor import CannotEditError
from workbench.producer.editor.journal import read_bytes
from workbench.producer.evaluation import evaluate_config
from workbench.producer.regions import read_roi
from workbench.regions import Box, ConfigRegion, Layout, border
from workbench.widgets.models.state import Drawn

MOST_LINES = 4000  # around one region: more would take long to send and to draw


@dataclass(frozen=True, eq=False)
class Existing:
    """One region of a config.

    Parameters
    ----------
    name
        Of the entry.
    config
        Its bounds and mask on the detector; None where it cannot be read.
    problem
        Why it cannot be read, or lies outside; "" where it can.
    """

    name: str
    config: ConfigRegion | None = None
    problem: str = ""

    @property
    def region(self) -> Drawn | None:
        """Its bounds as a region of the detector; its mask is not in it."""
        return None if self.config is None else Box(self.config.bounds)

    @property
    def has_mask(self) -> bool:
        """Whether a mask chooses its pixels."""
        return self.config is not None and self.config.good is not None

    def outline(self, layout: Layout) -> tuple[Floats, ...]:
        """Return the lines around its pixels in the picture, at most `MOST_LINES` of them.

        A mask with a great many holes is outlined without the smallest; see `regions.border`.
        """
        if self.config is None:
            return ()
        return border(layout.on_picture(self.config.pixels(layout.frame_shape)), most=MOST_LINES)

    def same_pixels(self, other: ConfigRegion, shape: tuple[int, ...]) -> bool:
        """Tell whether it holds exactly the pixels of another region."""
        return self.config is not None and np.array_equal(
            self.config.pixels(shape), other.pixels(shape)
        )


def existing_regions(
    config: str | Path, detector: str, shape: tuple[int, ...], *, run: int
) -> dict[str, Existing]:
    """Return the regions that a config gives for a detector in one run.

    Raises `CannotEditError` where the config fails as a whole.

    Parameters
    ----------
    config
        The file.
    detector, shape
        Which detector, and the shape of its frames.
    run
        For which the config is evaluated.
    """
    path = Path(config).absolute()
    text = read_bytes(path).decode(errors="replace")
    told = evaluate_config(path, text, ["getROIs"], run=run)
    if told.failed:
        raise CannotEditError(f"{path}: {told.findings[0].message}")
    regions = told.values.get("getROIs", {})
    found = regions.get(detector, []) if isinstance(regions, Mapping) else []
    listed = [found] if isinstance(found, Mapping) else found
    entries = listed if isinstance(listed, list) else [listed]
    read = (_existing(entry, place, shape) for place, entry in enumerate(entries))
    return {one.name: one for one in read}


def _existing(entry: Any, place: int, shape: tuple[int, ...]) -> Existing:
    named = entry.get("name", "ROI") if isinstance(entry, Mapping) else f"entry {place}"
    try:
        name, roi = read_roi(entry)
        whole = Bounds((0,) * len(shape), shape)
        bounds = whole if roi.bounds is None else roi.bounds.fit(shape)
        if roi.good is not None and roi.good.shape != shape:
            text = f"its mask has shape {roi.good.shape}, the frames {shape}"
            return Existing(name, ConfigRegion(bounds), text)
    except InputError as error:
        return Existing(str(named), problem=str(error))
    return Existing(name, ConfigRegion(bounds, roi.good))

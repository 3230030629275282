"""``get_autocorrelation`` of a config: autocorrelations inside masks or a region."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Bools
from workbench.core.bounds import Bounds
from workbench.producer.entries import DetectorFacts, EntryError, Recipe
from workbench.producer.given import Given
from workbench.producer.regions import read_bounds, thresholds
from workbench.reductions import Autocorrelation, Reduction, Roi
from workbench.reductions.base import Nested
from workbench.reductions.roi import squeezed

CORRECTION = "illumination_correction"
KEYS = ("name", "thresADU", "roi", "mask", "save_range", "save_lineout", CORRECTION)


@dataclass(frozen=True, eq=False)
class AutocorrelationRecipe(Recipe):
    """An autocorrelation whose masks are cut to its region.

    Parameters
    ----------
    masks
        Shape (mask, row, col), of the detector or of the region; None takes every pixel.
    bounds
        The region; None takes the whole detector.
    half
        Largest distances in rows and columns [pixel].
    low, high
        Pixels outside count as 0, in the unit of the frames.
    lines
        Store only the row and the column through the middle.
    corrected
        The config asks for a correction of the illumination, which is not made.
    """

    masks: Bools | None = None
    bounds: Bounds | None = None
    half: tuple[int, int] = (50, 50)
    low: float = -math.inf
    high: float = math.inf
    lines: bool = False
    corrected: bool = False

    def doubts(self, facts: DetectorFacts) -> Iterable[tuple[str, str]]:  # noqa: ARG002 - for others
        """Say that the illumination is not corrected, as it never was."""
        text = (
            f"{CORRECTION} is not made, as today's tool computes a corrected picture and uses the "
            "other one; remove the key"
        )
        return [("no-correction", text)] if self.corrected else []

    def build(self, facts: DetectorFacts) -> Reduction:
        """Return the reduction for frames of this shape."""
        roi = Roi(self.bounds, statistics=False)
        region, whole = roi.region(facts.spec), squeezed(facts.spec.shape)
        masks, shape = self.masks, squeezed(region.shape)
        if masks is None:
            masks = np.ones((1, *shape), np.bool_)
        elif masks.shape[1:] == whole:
            masks = masks.reshape(len(masks), *facts.spec.shape)[:, *region.slices]
            masks = masks.reshape(len(masks), *shape)
        made = Autocorrelation(masks, self.half, self.low, self.high, self.lines)
        return Roi(self.bounds, statistics=False, children=(Nested("", made),))


def read_autocorrelation(value: object) -> tuple[str, AutocorrelationRecipe]:
    """Return name and recipe of one dictionary of ``get_autocorrelation``, or raise `EntryError`.

    ``mask`` is an array or the path of a ``.npy`` file, of one mask or of several along its first
    axis.
    """
    given = Given(value, KEYS, "an autocorrelation")
    low, high = thresholds(given.get("thresADU"))
    half = given.wholes("save_range") if "save_range" in given else (50, 50)
    if len(half) != 2 or min(half) < 1:
        text = f"save_range is two numbers of pixels, 1 or more, not {list(half)}"
        raise EntryError("wrong-type", text, "save_range")
    return given.name("autocorr"), AutocorrelationRecipe(
        _masks(given),
        read_bounds(given.get("roi")),
        (half[0], half[1]),
        low,
        high,
        given.flag("save_lineout", default=False),
        CORRECTION in given,
    )


def _masks(given: Given) -> Bools | None:
    if "mask" not in given:
        return None
    if isinstance(given["mask"], str):
        try:
            stored = np.load(given.path("mask"), allow_pickle=False)
        except (OSError, ValueError) as error:
            text = f"mask: cannot read {given['mask']!r} as a .npy file: {error}"
            raise EntryError("no-mask", text, "mask") from error
        masks: Bools | None = stored.astype(np.bool_)
    else:
        masks = given.mask("mask")
    if masks is None or masks.ndim not in {2, 3}:
        text = "mask has shape (row, col), or (mask, row, col) for several"
        raise EntryError("mask-shape", text, "mask")
    return masks if masks.ndim == 3 else masks[np.newaxis]

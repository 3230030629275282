"""``get_image`` of a config: the assembled picture of each event, and what is made of it."""

from dataclasses import dataclass

from workbench.core.arrays import Bools
from workbench.producer.children import PICTURES, read_children
from workbench.producer.entries import DetectorFacts, Recipe
from workbench.producer.given import Given
from workbench.producer.pictures import layout_of
from workbench.producer.regions import thresholds
from workbench.reductions import AssembledImage, Reduction
from workbench.reductions.base import Nested
from workbench.regions import Layout

KEYS = ("name", "writeArea", "userMask", "thresADU", *PICTURES)
NAME = "full_image"  # as today's function calls it below a whole detector: full_image_img


@dataclass(frozen=True, eq=False)
class ImageRecipe(Recipe):
    """A picture that is assembled once the geometry of the detector is known.

    Parameters
    ----------
    good
        The user's mask, True = use.
    limits
        Pixels outside count as 0, in the unit of the frames.
    store
        Whether to store the picture itself.
    children
        What is made of it.
    """

    good: Bools | None
    limits: tuple[float, float]
    store: bool
    children: tuple[Nested[Reduction], ...]

    def build(self, facts: DetectorFacts) -> Reduction:
        """Return the reduction; `EntryError` where the geometry is needed and not known."""
        layout = layout_of(facts) or Layout.flat(facts.spec.shape)
        return AssembledImage(layout, self.good, *self.limits, self.store, self.children)


def read_image(value: object) -> tuple[str, ImageRecipe]:
    """Return name and recipe of one dictionary of ``get_image``, or raise `EntryError`."""
    given = Given(value, KEYS, "an image")
    return given.name(NAME), ImageRecipe(
        given.mask("userMask"),
        thresholds(given.get("thresADU")),
        given.flag("writeArea", default=True),
        tuple(read_children(given)),
    )

"""Where the pixels of a detector lie in its assembled picture, for the run at hand."""

from workbench.producer.entries import DetectorFacts, EntryError
from workbench.regions import Layout, LayoutError, pixel_places


def layout_of(facts: DetectorFacts) -> Layout | None:
    """Return the place of each pixel; None for a camera of one tile whose geometry is not known.

    Its frames are pictures already. Raises `EntryError` for others without geometry.
    """
    try:
        x, y, _ = facts.positions
    except EntryError:
        if len(facts.spec.shape) == 2:
            return None
        raise
    places = pixel_places(x, y)
    try:
        layout = None if places is None else Layout(*places)
    except LayoutError:
        layout = None
    if layout is None or layout.frame_shape != facts.spec.shape:
        text = f"the geometry of {facts.detector}, of shape {x.shape}, makes no picture of frames"
        raise EntryError(
            "no-geometry", f"{text} of shape {facts.spec.shape}; import that of this detector"
        )
    return layout

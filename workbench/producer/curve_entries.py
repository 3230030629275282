"""``get_polynomial_correction`` of a config: curved lines made straight, and what is made of it."""

from workbench.producer.children import PICTURES, read_children
from workbench.producer.droplet_entries import DROPLET_KEYS, droplets
from workbench.producer.entries import EntryError
from workbench.producer.given import Given, naming
from workbench.producer.regions import read_projection
from workbench.producer.report import kind
from workbench.reductions import CurveCorrection, Projected, Reduction
from workbench.reductions.base import Nested

KEYS = (
    "name", "polynomial_coefficients", "axis", "method", "droplet", "projection", *PICTURES,
)  # fmt: skip


def read_polynomial_correction(value: object) -> tuple[str, Reduction]:
    """Return name and reduction of one dictionary, or raise `EntryError`.

    With ``droplet`` it is the picture of droplets that is corrected, each with its sum in one
    pixel; ``projection`` and what is inside work on the corrected picture.
    """
    given = Given(value, KEYS, "a correction of curves")
    children = [*read_children(given)]
    if "projection" in given:
        one = given["projection"]
        if not isinstance(one, dict):
            text = f"projection is a dict like {{'axis': 0}}, not {kind(one)}"
            raise EntryError("wrong-type", text, "projection")
        children.append(Nested("", Projected(read_projection(one))))
    with naming("polynomial_coefficients"):
        curve = CurveCorrection(
            tuple(given.numbers("polynomial_coefficients")),
            given.whole("axis", 0),
            given.text("method", "roll"),  # type: ignore[arg-type]  # checked by the correction
            tuple(children),
        )
    name = given.name("curve_corr")
    if "droplet" not in given:
        return name, curve
    inner = Given(given["droplet"], DROPLET_KEYS, "droplet")
    found = droplets(inner, children=(Nested(f"dense_{name}", curve),))
    return inner.name("droplet"), found

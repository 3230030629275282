"""What is suspicious about a mask: its shape, its polarity, how little it leaves.

Masks come in both polarities: in ``userMask`` and the detector's ``mask`` 1 means use, in the masks
that producers store of regions 1 means bad. Here and in configs True or 1 means use.
"""

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.findings import Finding, Severity, worst_first
from workbench.widgets.models.masks import GivenStep, MaskError
from workbench.widgets.models.picture import Picture

FEW = 0.5  # part of the usable pixels; a mask that leaves fewer may be inverted


def check_mask(good: Array, picture: Picture, *, origin: str = "the mask") -> list[Finding]:
    """Return what is wrong with a mask for a detector, worst first; an error forbids its use.

    Parameters
    ----------
    good
        True or 1 = use.
    picture
        Of the detector, with its own mask.
    origin
        Where the mask comes from, for the messages.
    """
    values, found = np.asarray(good), []

    def tell(code: str, severity: Severity, text: str, count: int = 1) -> None:
        found.append(Finding(code, severity, text, picture.detector, count, origin))

    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        tell("mask-values", Severity.ERROR, "a mask holds only 1 (use) and 0 (do not use)")
        return found
    if values.shape != picture.frame.shape:
        text = f"has shape {values.shape}, the detector's frames {picture.frame.shape}: make it "
        tell("mask-shape", Severity.ERROR, f"{text}in the shape of the frames, tile by tile")
        return found
    mask = values.astype(np.bool_)
    usable, bad = picture.good, ~picture.good
    left = int((mask & usable).sum())
    share = left / max(int(usable.sum()), 1)
    if not left:
        text = "leaves no usable pixel; 1 means use: invert it if it marks bad pixels with 1"
        tell("mask-empty", Severity.ERROR, text)
    elif share < FEW and bad.any() and mask[bad].mean() > FEW:
        text = f"uses {mask[bad].mean():.0%} of the pixels that the detector calls bad and only "
        text += f"{share:.0%} of the others: it is inverted; 1 means use"
        tell("mask-inverted", Severity.ERROR, text, int((mask & bad).sum()))
    elif share < FEW:
        text = f"leaves {share:.0%} of the usable pixels; is it inverted? 1 means use"
        tell("mask-leaves-few", Severity.WARNING, text, left)
    return worst_first(found)


def given(good: Array, picture: Picture, *, origin: str = "the mask") -> GivenStep:
    """Return the step that combines with a user's mask; `MaskError` where a check forbids it."""
    errors = [
        one for one in check_mask(good, picture, origin=origin) if one.severity is Severity.ERROR
    ]
    if errors:
        raise MaskError(f"{origin}: {errors[0].message} [{errors[0].code}]")
    mask: Bools = np.asarray(good).astype(np.bool_)
    return GivenStep(mask, origin)

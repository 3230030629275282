"""State and rules of the widgets, free of any toolkit: tested without a browser."""

from workbench.widgets.models.display import (
    DisplayRange,
    Rendered,
    Viewport,
    render,
    render_marks,
)
from workbench.widgets.models.frames import NoFramesError, RawFrames
from workbench.widgets.models.listeners import Changed
from workbench.widgets.models.masks import (
    EdgeStep,
    GivenStep,
    GrowStep,
    InvertStep,
    MaskError,
    MaskStep,
    RegionStep,
    StatusStep,
    ThresholdStep,
    mask_of,
    proposed,
    step_from_dict,
)
from workbench.widgets.models.model import RegionModel
from workbench.widgets.models.picture import (
    EmptyPictureError,
    Picture,
    PictureError,
    picture_of_array,
    picture_of_raw,
    picture_of_run,
    sums_in,
)
from workbench.widgets.models.session import Session
from workbench.widgets.models.state import RegionState, StateError

__all__ = [
    "Changed",
    "DisplayRange",
    "EdgeStep",
    "EmptyPictureError",
    "GivenStep",
    "GrowStep",
    "InvertStep",
    "MaskError",
    "MaskStep",
    "NoFramesError",
    "Picture",
    "PictureError",
    "RawFrames",
    "RegionModel",
    "RegionState",
    "RegionStep",
    "Rendered",
    "Session",
    "StateError",
    "StatusStep",
    "ThresholdStep",
    "Viewport",
    "mask_of",
    "picture_of_array",
    "picture_of_raw",
    "picture_of_run",
    "proposed",
    "render",
    "render_marks",
    "step_from_dict",
    "sums_in",
]

"""State and rules of the widgets, free of any toolkit: tested without a browser."""

from workbench.widgets.models.answers import (
    Answer,
    FrameSource,
    Signal,
    answer,
    masked,
    roi_of,
    signal,
)
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
from workbench.widgets.models.stored import NotStoredError, StoredAreas

__all__ = [
    "Answer",
    "Changed",
    "DisplayRange",
    "EdgeStep",
    "EmptyPictureError",
    "FrameSource",
    "GivenStep",
    "GrowStep",
    "InvertStep",
    "MaskError",
    "MaskStep",
    "NoFramesError",
    "NotStoredError",
    "Picture",
    "PictureError",
    "RawFrames",
    "RegionModel",
    "RegionState",
    "RegionStep",
    "Rendered",
    "Session",
    "Signal",
    "StateError",
    "StatusStep",
    "StoredAreas",
    "ThresholdStep",
    "Viewport",
    "answer",
    "mask_of",
    "masked",
    "picture_of_array",
    "picture_of_raw",
    "picture_of_run",
    "proposed",
    "render",
    "render_marks",
    "roi_of",
    "signal",
    "step_from_dict",
    "sums_in",
]

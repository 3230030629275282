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
from workbench.widgets.models.drift import Drift, DriftError, Fit, follow
from workbench.widgets.models.existing import Existing, existing_regions
from workbench.widgets.models.frames import NoFramesError, RawFrames
from workbench.widgets.models.listeners import Changed
from workbench.widgets.models.mask_checks import check_mask, given
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
from workbench.widgets.models.profiles import Profile, azav_of, azimuthal_of, place_of, profile
from workbench.widgets.models.reproduce import affected, produce_commands, runs_in
from workbench.widgets.models.session import Session
from workbench.widgets.models.state import RegionState, StateError
from workbench.widgets.models.stored import NotStoredError, StoredAreas
from workbench.widgets.models.write_back import BothChangedError, Planned, Saved, WriteBack

__all__ = [
    "Answer",
    "BothChangedError",
    "Changed",
    "DisplayRange",
    "Drift",
    "DriftError",
    "EdgeStep",
    "EmptyPictureError",
    "Existing",
    "Fit",
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
    "Planned",
    "Profile",
    "RawFrames",
    "RegionModel",
    "RegionState",
    "RegionStep",
    "Rendered",
    "Saved",
    "Session",
    "Signal",
    "StateError",
    "StatusStep",
    "StoredAreas",
    "ThresholdStep",
    "Viewport",
    "WriteBack",
    "affected",
    "answer",
    "azav_of",
    "azimuthal_of",
    "check_mask",
    "existing_regions",
    "follow",
    "given",
    "mask_of",
    "masked",
    "picture_of_array",
    "picture_of_raw",
    "picture_of_run",
    "place_of",
    "produce_commands",
    "profile",
    "proposed",
    "render",
    "render_marks",
    "roi_of",
    "runs_in",
    "signal",
    "step_from_dict",
    "sums_in",
]

"""Alignment and drift of a run: shot lag, dark level, saturation, flags, time tool, exchanges."""

from workbench.runs.alignment.darks import DarkLevel, dark_level
from workbench.runs.alignment.flags import Contradiction, compare, see_light
from workbench.runs.alignment.lags import Lag, shot_lag
from workbench.runs.alignment.report import Alignment, align
from workbench.runs.alignment.saturation import Saturation, gain_fractions, over_limit, piled_up
from workbench.runs.alignment.swaps import Monitor, Swap, compare_flags, compare_monitors
from workbench.runs.alignment.time_tool import Segment, Track, follow, segments

__all__ = [
    "Alignment",
    "Contradiction",
    "DarkLevel",
    "Lag",
    "Monitor",
    "Saturation",
    "Segment",
    "Swap",
    "Track",
    "align",
    "compare",
    "compare_flags",
    "compare_monitors",
    "dark_level",
    "follow",
    "gain_fractions",
    "over_limit",
    "piled_up",
    "see_light",
    "segments",
    "shot_lag",
]

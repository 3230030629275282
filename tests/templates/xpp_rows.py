"""Rows of XPP's templates."""

from tests.templates.matrix import Row, both_generations
from workbench.synthetic.scenes import (
    AbsorptionEdge,
    CurvedTimeTool,
    DiffractionPeak,
    LiquidScattering,
)

ROWS = {
    "xpp/delay_scan": Row(
        faults=(
            "ps-as-seconds",
            "seconds-as-ps",
            "double-counted",
            "flipped-sign",
            "time-tool-zero",
            "time-tool-uncalibrated",
            "lock-jump",
            "small-lock-jump",
            "encoder-stuck",
        ),
        places=both_generations("xpp"),
        made={"camera_every": 1},
        given={"signal": "epix_1/signal_sum"},
    ),
    "xpp/time_tool_calibration": Row(
        faults=("small-lock-jump", "zero-events"),
        places=both_generations("xpp"),
        scene=CurvedTimeTool(),
        made={"scan": "lxt", "delay_first": -1.5, "delay_last": 1.5, "n_steps": 31},
    ),
    "xpp/difference_scattering": Row(
        faults=("lock-jump", "time-tool-zero"),
        places=both_generations("xpp"),
        scene=LiquidScattering(),
        made={"jungfrau_every": 1},
    ),
    "xpp/x_ray_absorption": Row(
        faults=("swapped-monitors", "stale-pedestal"),
        places=both_generations("xpp"),
        scene=AbsorptionEdge(),
        made={
            "scan": "fast",
            "sweep_period": 1.0,
            "camera_every": 1,
            "n_events": 9600,
            "delay_first": -0.8,
            "delay_last": 2.4,
        },
    ),
    "xpp/peak_tracking": Row(
        faults=("unsorted", "nan"),
        places=both_generations("xpp"),
        scene=DiffractionPeak(),
        made={
            "camera_every": 1,
            "amplitude": -0.3,
            "delay_first": -0.8,
            "delay_last": 3.2,
        },
    ),
}

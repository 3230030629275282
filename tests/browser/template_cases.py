"""Each template with its slider, and the small made-up run that it is tried on by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.scenes import (
    AbsorptionEdge,
    CurvedTimeTool,
    DiffractionPeak,
    EmissionLine,
    GridScene,
    LaserShots,
    LiquidScattering,
    MaskedCamera,
    MotorScene,
    PowderShots,
    Scene,
    SpatialEdge,
    Speckle,
    SplitAndDelay,
    XrtsShots,
)

SHOTS = {
    "camera_every": 1, "jungfrau_every": 1, "n_steps": 1, "missing": 0.0, "camera_missing": 0.0,
    "partial": 0,
}  # fmt: skip
CAMERA = {"camera_every": 1}


@dataclass(frozen=True)
class Case:
    """One template.

    Parameters
    ----------
    name
        Of the template.
    slider
        The parameter on its slider.
    key
        That moves it.
    made
        Values of `PumpProbe`.
    scenes
        One for each run, from 1; the template is run on the last, or over all.
    given
        Parameters that it needs besides its run.
    """

    name: str
    slider: str
    key: str
    made: Mapping[str, object]
    scenes: tuple[Scene, ...] = (Scene(),)
    given: Mapping[str, object] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """Its name without the hutch."""
        return self.name.partition("/")[2]

    @property
    def runs(self) -> tuple[int, ...]:
        """Run numbers of all that is written."""
        return tuple(range(1, len(self.scenes) + 1))

    def write(self, folder: Path) -> list[Path]:
        """Write its runs."""
        hutch = self.name.partition("/")[0].replace("common", "xpp")
        experiment = f"{hutch}syn0126"
        return [
            write_small_data(
                PumpProbe(experiment=experiment, run=run, **self.made),  # type: ignore[arg-type]
                folder,
                scene=scene,
            )
            for run, scene in zip(self.runs, self.scenes, strict=True)
        ]


CASES = (
    Case("common/run_summary", "i0_low", "End", {"n_events": 600}),
    Case("common/detector_overview", "noise_high", "End", {"n_events": 240}, (MaskedCamera(),)),
    Case("common/i0_study", "i0_low", "End", {"n_events": 1200}),
    Case("common/timing_check", "level", "End", {"n_events": 600}),
    Case("common/custom_variable", "bins", "ArrowLeft", {"n_events": 600, **CAMERA}),
    Case("common/motor_scan", "i0_low", "End", {"n_events": 1200, **CAMERA}, (MotorScene(),)),
    Case(
        "common/grid_scan", "i0_low", "End", {"n_events": 1800, "n_steps": 99, **CAMERA},
        (GridScene(),),
    ),
    Case("xpp/delay_scan", "bin_width", "ArrowRight", {"n_events": 1800, **CAMERA}),
    Case(
        "xpp/time_tool_calibration", "tt_ampl_low", "End",
        {"n_events": 1200, "scan": "lxt", "delay_first": -1.5, "delay_last": 1.5, "n_steps": 21},
        (CurvedTimeTool(),),
    ),
    Case(
        "xpp/difference_scattering", "bin_width", "ArrowRight",
        {"n_events": 1200, "jungfrau_every": 1}, (LiquidScattering(),),
    ),
    Case(
        "xpp/peak_tracking", "radius", "ArrowLeft",
        {"n_events": 2400, "amplitude": -0.3, "delay_first": -0.8, "delay_last": 3.2, **CAMERA},
        (DiffractionPeak(),), {"fewest_shots": 5},
    ),
    Case(
        "xpp/x_ray_absorption", "bin_width", "ArrowRight",
        {"n_events": 9600, "scan": "fast", "sweep_period": 1.0, "delay_first": -0.8,
         "delay_last": 2.4, **CAMERA},
        (AbsorptionEdge(),),
    ),
    Case(
        "xcs/liquid_scattering", "bin_width", "ArrowRight",
        {"n_events": 1200, "jungfrau_every": 1},
        (LiquidScattering(anisotropy=0.02, axis=20.0, azimuths=12),), {"axis": 20.0},
    ),
    Case(
        "xcs/emission_spectroscopy", "threshold", "Home",
        {"n_events": 600, "camera_every": 3, "laser_off_every": 4}, (EmissionLine(),),
    ),
    Case(
        "xcs/speckle_statistics", "i0_low", "End", {"n_events": 600, "camera_every": 3},
        (Speckle(),), {"samples": 50},
    ),
    Case(
        "xcs/xpcs", "per_octave", "ArrowRight", {"n_events": 600, "camera_every": 3},
        (Speckle(relaxation_time=0.25),),
    ),
    Case(
        "xcs/split_delay", "threshold", "End", {"n_events": 900, "n_steps": 5},
        (SplitAndDelay(noise=0.15),),
    ),
    Case(
        "mec/shot_table", "most_shots", "Home", {"n_events": 2, **SHOTS},
        (LaserShots(driven=False), LaserShots(delay=2e-9)),
    ),
    Case(
        "mec/diffraction_lineouts", "bins", "ArrowLeft", {"n_events": 1, **SHOTS},
        (PowderShots(driven=False), PowderShots()), {"before": "1"},
    ),
    Case(
        "mec/spatial_time_tool", "smoothing", "ArrowRight",
        {"n_events": 120, "scan": "lxt", "delay_first": -1, "delay_last": 1, "n_steps": 9,
         "missing": 0.0},
        (SpatialEdge(),),
    ),
    Case(
        "mec/spectrometer_lineout", "photon", "ArrowRight", {"n_events": 2, **SHOTS},
        (XrtsShots(foil=True), XrtsShots(foil=False)), {"calibration": "1"},
    ),
    Case(
        "mec/tiff_browse", "shot", "ArrowRight", {"n_events": 4, **SHOTS},
        (PowderShots(lost=((2, "Epix10kaQuad2"),)),),
    ),
)  # fmt: skip

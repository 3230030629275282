"""The made-up runs on which the lines of each page run: name of the page -> what writes them."""

from collections.abc import Callable
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

Write = Callable[[Path], None]
SHOTS = {
    "camera_every": 1, "jungfrau_every": 1, "n_steps": 1, "missing": 0.0, "camera_missing": 0.0,
    "partial": 0,
}  # fmt: skip


def small(
    experiment: str = "xpplx1234",
    run: int = 14,
    scene: Scene | None = None,
    *,
    generation: str = "lcls2",
    **values: object,
) -> Write:
    """Return what writes a run to where `open_run(experiment, run)` finds it below a folder."""

    def write(folder: Path) -> None:
        spec = PumpProbe(experiment=experiment, run=run, **values)  # type: ignore[arg-type]
        place = folder / experiment[:3] / experiment / "hdf5" / "smalldata"
        place.mkdir(parents=True, exist_ok=True)
        write_small_data(spec, place, generation=generation, scene=scene)

    return write


def several(*writes: Write) -> Write:
    """Return what writes several runs."""

    def write(folder: Path) -> None:
        for one in writes:
            one(folder)

    return write


def mec(run: int, scene: Scene, n_events: int, **values: object) -> Write:
    """Return what writes a run of few shots at MEC."""
    given = {**SHOTS, "n_events": n_events, **values}
    return small("mecl1000123", run, scene, generation="lcls1", **given)


def peak(n_events: int) -> Write:
    """Return what writes a run with a diffraction peak that the pump weakens and moves."""
    return small(
        run=22, scene=DiffractionPeak(), camera_every=1, amplitude=-0.3, delay_first=-0.8,
        delay_last=3.2, n_events=n_events,
    )  # fmt: skip


def powder(folder: Path) -> None:
    """Write one run before the drive laser and one that it drives."""
    mec(11, PowderShots(driven=False), 1)(folder)
    mec(12, PowderShots(driven=True), 1)(folder)


LOST = {2: ((1, "epix100a_2_bxrts"),), 5: ((1, "Epix10kaQuad2"), (2, "Epix10kaQuad2"))}
MADE_UP: dict[str, Write] = {
    "reference/producer-functions": several(),
    "tutorial/first-plot": small("xppsyn0126", 1, n_events=6000),
    "how-to/averages-over-runs": several(
        *(small(run=run, n_events=600, jungfrau_every=1) for run in (14, 15, 16))
    ),
    "how-to/custom-variable": small(camera_every=1, n_events=1200),
    "how-to/delay-scan": small(n_events=6000, camera_every=1),
    "how-to/detector-overview": small(scene=MaskedCamera(), n_events=600),
    "how-to/difference-scattering": small(
        run=31, scene=LiquidScattering(), n_events=6000, jungfrau_every=1
    ),
    "how-to/emission-spectroscopy": small(
        "xcslx1234", scene=EmissionLine(), n_events=900, camera_every=3, laser_off_every=4
    ),
    "how-to/grid-scan": small(scene=GridScene(), camera_every=1, n_events=2400, n_steps=99),
    "how-to/i0-study": small(n_events=2400, camera_every=1),
    "how-to/liquid-scattering": small(
        "xcslx1234", 31, LiquidScattering(anisotropy=0.02, axis=90.0, azimuths=12),
        n_events=6000, jungfrau_every=1,
    ),
    "how-to/mec-diffraction": powder,
    "how-to/mec-pictures": powder,
    "how-to/mec-shot-table": several(
        *(
            mec(run, LaserShots(driven=run in {2, 5}, lost=LOST.get(run, ())), 2)
            for run in range(1, 7)
        )
    ),
    "how-to/mec-spectrometer": several(
        mec(4, XrtsShots(foil=True), 2), mec(12, XrtsShots(foil=False), 2)
    ),
    "how-to/mec-time-tool": small(
        "mecl1000123", 7, SpatialEdge(), generation="lcls1", n_events=240, scan="lxt",
        delay_first=-1, delay_last=1, n_steps=9, missing=0.0,
    ),
    "how-to/motor-scan": small(scene=MotorScene(kind="edge"), camera_every=1, n_events=2400),
    "how-to/pair-distribution": small(
        run=31, scene=LiquidScattering(), n_events=3600, jungfrau_every=1
    ),
    "how-to/peak-tracking": peak(4800),
    "how-to/pictures-over-delay": peak(2400),
    "how-to/run-summary": small(n_events=3600, jungfrau_every=1),
    "how-to/sliders": small(n_events=3600, camera_every=1),
    "how-to/speckle-statistics": small("xcslx1234", scene=Speckle(), n_events=1800, camera_every=3),
    "how-to/split-delay": small("xcslx1234", scene=SplitAndDelay(), n_events=1500, n_steps=5),
    "how-to/time-tool-calibration": small(
        run=12, scene=CurvedTimeTool(), scan="lxt", delay_first=-1.5, delay_last=1.5, n_steps=31,
        n_events=3600,
    ),
    "how-to/timing-check": small(n_events=1200),
    "how-to/watch-a-run": small(n_events=1200, camera_every=1),
    "how-to/write-tiffs": mec(14, PowderShots(), 2),
    "how-to/x-ray-absorption": small(
        run=40, scene=AbsorptionEdge(), scan="fast", sweep_period=1.0, camera_every=1,
        n_events=9600, delay_first=-0.8, delay_last=2.4,
    ),
    "how-to/xpcs": small(
        "xcslx1234", scene=Speckle(relaxation_time=0.25), n_events=1500, camera_every=3
    ),
}  # fmt: skip

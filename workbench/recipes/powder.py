"""Line-outs of powder rings over the scattering angle, by a .poni file or the run's geometry."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.core.frames import FrameSpec
from workbench.core.run_numbers import parse_runs
from workbench.recipes.pictures import Pictures, pictures_of, tiff_pictures
from workbench.reductions import Azimuthal, scattering_from_positions
from workbench.reductions.bins import equal_edges
from workbench.reductions.scattering import Scattering, scattering_from_geometry
from workbench.regions import DetectorGeometry, read_poni
from workbench.regions.scattering import HC
from workbench.runs import Run, open_run

BINS = 700  # of a line-out, as the facility's MEC config asks for
TURN = 2 * np.pi


class LineOutError(InputError):
    """Frames of which no line-out can be made; the text says what is lacking."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Intensity over the scattering angle.

    Parameters
    ----------
    label
        Whose it is: "before".
    two_theta
        Middles of the bins [deg], shape (bin,).
    value, error
        Mean of a pixel, and its standard error from the scatter of the pixels, in `unit`; NaN in
        bins without pixels.
    unit
        Of the pixels.
    energy
        Of the photons [keV].
    frames
        How many were averaged.
    missing
        Shots without a frame.
    """

    label: str
    two_theta: Floats
    value: Floats
    error: Floats
    unit: str
    energy: float
    frames: int = 1
    missing: tuple[int, ...] = ()

    @property
    def wavelength(self) -> float:
        """Wavelength [angstrom]."""
        return HC / self.energy


@dataclass(frozen=True, eq=False)
class LineOutGeometry:
    """Scattering angles of the pixels of a frame.

    Parameters
    ----------
    scattering
        In degrees of the scattering angle.
    energy
        Of the photons [keV].
    why
        Where it comes from, in words.
    """

    scattering: Scattering
    energy: float
    why: str


def poni_geometry(
    pictures: Pictures, poni: Path | str, *, horizontal: float | None = 1.0
) -> LineOutGeometry:
    """Return the geometry of a ``.poni`` file, made on the assembled picture.

    Parameters
    ----------
    pictures
        Whose pixels they are.
    poni
        The file; it must know the wavelength.
    horizontal
        Share of the light that is polarised horizontally; None: no correction.

    Raises
    ------
    LineOutError
        Where the file is for pictures of another shape, or names no wavelength.
    """
    read = read_poni(Path(poni))
    layout = pictures.layout
    if read.shape is not None and read.shape != layout.shape:
        raise LineOutError(
            f"{poni} is for pictures of {read.shape} pixels, the assembled picture of "
            f"{pictures.name} has {layout.shape}: calibrate on that picture"
        )
    if read.wavelength is None:
        raise LineOutError(f"{poni} has no wavelength, which spacings need: add it")
    scattering = scattering_from_geometry(
        layout.rows.astype(np.float64) + 0.5,
        layout.cols.astype(np.float64) + 0.5,
        DetectorGeometry.from_poni(read),
        horizontal=horizontal,
        unit="degree",
        orientation=read.orientation,
    )
    return LineOutGeometry(scattering, HC / (1e10 * read.wavelength), f"from {poni}")


def stored_geometry(run: Run, pictures: Pictures) -> LineOutGeometry:
    """Return the geometry with which the run's own azimuthal averages were made.

    Raises
    ------
    LineOutError
        Where the run does not say where the detector stands.
    """
    detector = pictures.name.partition("/")[0]
    prefix = f"UserDataCfg/{detector}/azav__azav_"
    names = ("xcen", "ycen", "dis_to_sam", "eBeam")
    if pictures.positions is None or any(prefix + name not in run for name in names):
        raise LineOutError(
            f"{run.label} does not say where {detector} stands (no azimuthal average, or no "
            "positions of pixels): name a .poni file"
        )
    x, y, distance, energy = (float(np.squeeze(run[prefix + name].read())) for name in names)
    told = {"center": [1e3 * x, 1e3 * y], "dis_to_sam": distance, "eBeam": energy}
    for name in ("tx", "ty", "Pplane"):
        if prefix + name in run:
            told[name] = float(np.squeeze(run[prefix + name].read()))
    from workbench.producer.azimuthal_entries import read_azav  # with it, all of the producer

    _, recipe = read_azav(told)
    made = scattering_from_positions(*pictures.positions, recipe.setup)
    sine = np.clip(made.radial * HC / energy / (4 * np.pi), -1, 1)
    angle = replace(made, radial=np.rad2deg(2 * np.arcsin(sine)), unit="degree")
    return LineOutGeometry(angle, energy, f"as {run.label} was produced with")


def line_out(
    pictures: Pictures,
    geometry: LineOutGeometry,
    *,
    bins: int = BINS,
    low: float = -np.inf,
    good: Bools | None = None,
) -> Pattern:
    """Average frames over azimuth: sum of signal over sum of solid angle and polarisation.

    Parameters
    ----------
    pictures
        The frames; all of them enter one pattern.
    geometry
        Of their pixels.
    bins
        Equal bins from the smallest to the largest scattering angle.
    low
        Pixels below count as zero, in the unit of the frames.
    good
        A mask of one's own in the shape of a frame, True = use.
    """
    usable = np.ones(pictures.shape, bool) if pictures.good is None else pictures.good
    spec = FrameSpec(pictures.shape, pictures.unit or "1", usable)
    reduction = Azimuthal(
        geometry.scattering,
        equal_edges(geometry.scattering.radial, bins),
        np.array([0.0, TURN]),
        low=low,
        good=good,
        extra=("signal", "norm", "error"),
    )
    values = reduction.reduce(pictures.frames, spec)
    norm = values["norm"][:, 0]
    total = norm.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nansum(values["signal"][:, 0], axis=0) / total
        spread = np.sqrt(((values["error"][:, 0] * norm) ** 2).sum(axis=0)) / total
    return Pattern(
        pictures.label,
        reduction.radial,
        np.where(total > 0, mean, np.nan),
        np.where(total > 0, spread, np.nan),
        pictures.unit,
        geometry.energy,
        len(pictures.frames),
        pictures.missing,
    )


def geometry_of(
    run: Run, pictures: Pictures, poni: str = "", *, horizontal: float | None = 1.0
) -> LineOutGeometry:
    """Return the geometry of a ``.poni`` file; without one, that of the run's own averages."""
    if poni:
        return poni_geometry(pictures, poni, horizontal=horizontal)
    return stored_geometry(run, pictures)


def other_pictures(run: Run, field: str, runs: str, label: str) -> Pictures | None:
    """Return the frames of the same field in other runs of the experiment, as one; None for "".

    Parameters
    ----------
    run
        Next to whose file the others lie.
    field
        Name of the field.
    runs
        Their numbers: "1-3"; empty: none.
    label
        What figures call them.

    Raises
    ------
    LineOutError
        Where frames of the runs differ in shape.
    """
    if not runs.strip():
        return None
    found = [
        pictures_of(open_run(run.path.parent, number), field, label=label)
        for number in parse_runs(runs)
    ]
    shapes = {one.shape for one in found}
    if len(shapes) > 1:
        raise LineOutError(f"{field} has frames of {shapes} in runs {runs}: take runs of one kind")
    frames = np.concatenate([one.frames for one in found])
    missing = tuple(shot for one in found for shot in one.missing)
    return replace(found[0], frames=frames, shots=tuple(range(1, len(frames) + 1)), missing=missing)


def tiff_line_outs(
    paths: Sequence[Path], poni: Path | str, *, bins: int = BINS, horizontal: float | None = 1.0
) -> tuple[Pattern, ...]:
    """Return one pattern for each TIFF file."""
    found = []
    for path in paths:
        pictures = tiff_pictures(path)
        geometry = poni_geometry(pictures, poni, horizontal=horizontal)
        found.append(line_out(pictures, geometry, bins=bins))
    return tuple(found)

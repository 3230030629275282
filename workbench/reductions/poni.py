"""Azimuthal integration with the geometry of a ``.poni`` file, as pyFAI reads it."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.arrays import Floats, Frames
from workbench.core.errors import NotThereError
from workbench.core.extras import load
from workbench.core.frames import FrameSpec, Output, Values
from workbench.reductions.azimuthal import Azimuthal
from workbench.reductions.base import reductions
from workbench.reductions.scattering import (
    GeometryInputError,
    Scattering,
    scattering_from_rays,
)

UNITS = {  # pyFAI's names of radial units -> ours
    "q_A^-1": "1/angstrom",
    "q_nm^-1": "1/nm",
    "2th_deg": "degree",
    "2th_rad": "rad",
    "r_mm": "mm",
}
PLACE = ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")
PURPOSE = "the geometry of a .poni file"
Integrator = Any  # Any: pyFAI's AzimuthalIntegrator; pyFAI is not typed


def read_poni(path: Path | str) -> Integrator:
    """Return pyFAI's integrator of a ``.poni`` file."""
    path = Path(path)
    if not path.is_file():
        raise NotThereError(f"no geometry file {path}; give the path of a .poni file")
    pyfai = load("pyFAI", PURPOSE, "geometry")
    try:
        return pyfai.load(str(path))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise GeometryInputError(f"{path} is not a .poni file that pyFAI reads: {error}") from error


def make_integrator(numbers: dict[str, Any]) -> Integrator:
    """Return pyFAI's integrator of given parameters (dist, poni1 ... in metres and radians)."""
    module = load("pyFAI.integrator.azimuthal", PURPOSE, "geometry")
    try:
        return module.AzimuthalIntegrator(**numbers)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise GeometryInputError(f"pyFAI refuses this geometry: {error}") from error


def scattering_from_poni(
    integrator: Integrator,
    shape: tuple[int, ...],
    *,
    picture: tuple[Floats, Floats] | None = None,
    unit: str = "q_A^-1",
    polarisation: float | None = None,
    solid_angle: bool = True,
) -> Scattering:
    """Return the scattering geometry of a detector's pixels by pyFAI's geometry.

    Parameters
    ----------
    integrator
        From `read_poni` or `make_integrator`.
    shape
        Of a frame: (row, col) as in the geometry, or tiles (tile, row, col), which the geometry has
        one below the other or, with `picture`, assembled.
    picture
        Distance of each pixel centre from the first row and column of the assembled picture [um].
    unit
        Radial unit, pyFAI's name: a key of `UNITS`.
    polarisation
        pyFAI's factor, 1 horizontal to -1 vertical; None: no correction.
    solid_angle
        Whether to correct for it.
    """
    if unit not in UNITS:
        raise GeometryInputError(f"no radial unit {unit!r}; known are {', '.join(UNITS)}")
    if polarisation is not None and not -1 <= polarisation <= 1:
        raise GeometryInputError(f"the polarisation factor lies in -1 to 1, not {polarisation!r}")
    wavelength = integrator.wavelength
    along, down, right, share = _rays(integrator, shape, picture)
    return scattering_from_rays(
        right,
        down,
        along,
        solid_angle=share if solid_angle else np.ones_like(share),
        horizontal=None if polarisation is None else (1 + polarisation) / 2,
        wavelength=1e10 * wavelength if wavelength else None,
        unit=UNITS[unit],
    )


@reductions.register("azimuthal-pyfai")
@dataclass(frozen=True, eq=False)
class PoniAzimuthal(Azimuthal):
    """Azimuthal integration stored as pyFAI's results are: with its axes in every event.

    Parameters
    ----------
    flat
        One curve per event, shape (q,), instead of (phi, q).
    """

    flat: bool = False

    def outputs(self, spec: FrameSpec) -> tuple[Output, ...]:
        """Declare azav, the extras, q and, unless flat, az [degree]."""
        made = super().outputs(spec)
        shape = (self.bins[1],) if self.flat else self.bins
        values = [Output(one.name, one.unit, shape, one.dtype, one.long_name) for one in made]
        values.append(Output("q", self.scattering.unit, shape[-1:], long_name="centres of bins"))
        if not self.flat:
            text = "centres of bins; azimuth as in pyFAI"
            values.append(Output("az", "degree", shape[:1], long_name=text))
        return tuple(values)

    def reduce_region(self, pixels: Frames, spec: FrameSpec) -> Values:
        """Return the declared outputs, shape (event, ...)."""
        found = dict(super().reduce_region(pixels, spec))
        events = len(pixels)
        if self.flat:
            found = {name: value[:, 0] for name, value in found.items()}
        else:
            found["az"] = np.tile(np.rad2deg(self.phi), (events, 1))
        found["q"] = np.tile(self.radial, (events, 1))
        return found


def _rays(
    integrator: Integrator, shape: tuple[int, ...], picture: tuple[Floats, Floats] | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return rays to the pixels along the beam, down and right [um], and relative solid angles."""
    detector = integrator.detector
    known = tuple(detector.shape) if detector.shape else None
    plain = (prod(shape[:-1]), shape[-1])
    if known == plain or (known is None and prod(shape[:-2]) == 1):
        rays = 1e6 * integrator.position_array(plain)
        share = np.asarray(integrator.solidAngleArray(plain), np.float64)
        along, down, right = (rays[..., axis].reshape(shape) for axis in range(3))
        return along, down, right, share.reshape(shape)
    if picture is None:
        raise GeometryInputError(
            f"the geometry is of a detector of shape {known}, its frames have {shape}; tiles that "
            "it has assembled need their positions in the constants file"
        )
    rows, cols = (1e-6 * axis for axis in picture)
    numbers = {"d1": rows / detector.pixel1, "d2": cols / detector.pixel2}
    size = (int(numbers["d1"].max()) + 1, int(numbers["d2"].max()) + 1)
    if known is not None and any(abs(a - b) > 1 for a, b in zip(known, size, strict=True)):
        raise GeometryInputError(
            f"the geometry is of a picture of shape {known}, the assembled one has {size}; make "
            "the geometry with this detector's picture"
        )
    module = load("pyFAI.detectors", PURPOSE, "geometry")
    flat = module.Detector(detector.pixel1, detector.pixel2, max_shape=known or size)
    assembled = make_integrator(
        {name: getattr(integrator, name) for name in (*PLACE, "wavelength")} | {"detector": flat}
    )
    along, down, right = (1e6 * axis for axis in assembled.calc_pos_zyx(**numbers))
    share = (1e6 * integrator.dist / np.sqrt(along**2 + down**2 + right**2)) ** 3
    return along, down, right, share

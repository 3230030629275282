"""Von Hamos geometry: which photon energy falls on which pixel.

The crystal is bent around an axis with radius R, and source and detector lie on the axis: a ray
reflected at the Bragg angle theta comes back to the axis at z = 2 R cot(theta) from the source, so
E = hc / (2 d) sqrt(1 + (z / 2 R)²).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.core.table import Table

HC = 12_398.419843320026  # eV angstrom, CODATA 2018 (exact)


class VonHamosError(InputError):
    """A geometry that reflects no such energy; the text says which number is wrong."""


@dataclass(frozen=True)
class VonHamos:
    """Crystal and detector of a von Hamos spectrometer.

    Parameters
    ----------
    radius
        Bending radius of the crystal [mm].
    lattice
        Edge of the cubic cell of the crystal [angstrom].
    miller
        Indices h, k, l of the reflection.
    pitch
        Distance of pixels along the dispersive axis [mm].
    reference_pixel, reference_energy
        A place along the dispersive axis [pixel], and the energy that falls there [eV].
    sense
        +1 where the energy rises with the pixel number, -1 where it falls.

    Raises
    ------
    VonHamosError
        For a length or energy that is not positive, a sense or indices that mean nothing, and a
        reference energy that the crystal cannot reflect.
    """

    radius: float
    lattice: float
    miller: tuple[int, int, int]
    pitch: float
    reference_pixel: float
    reference_energy: float
    sense: int = 1

    def __post_init__(self) -> None:
        for name in ("radius", "lattice", "pitch", "reference_energy"):
            if not getattr(self, name) > 0:
                raise VonHamosError(f"{name} is {getattr(self, name)!r}; it must be positive")
        if self.sense not in {1, -1} or not any(self.miller):
            raise VonHamosError(f"sense {self.sense} must be +1 or -1, indices {self.miller} not 0")
        if self.reference_energy <= self.lowest:
            raise VonHamosError(
                f"no reflection at {self.reference_energy:g} eV: the indices {self.miller} of this "
                f"crystal reflect from {self.lowest:.1f} eV on; check indices, lattice and energy"
            )

    @property
    def table(self) -> Table:
        """The geometry with its units, the Bragg angle and the place on the axis."""
        rows = (
            ("radius of the crystal", f"{self.radius:g} mm"),
            ("reflection", " ".join(map(str, self.miller))),
            ("distance of its planes", f"{self.spacing:.6g} angstrom"),
            ("pitch of the pixels", f"{self.pitch:g} mm"),
            ("reference", f"{self.reference_energy:g} eV at pixel {self.reference_pixel:g}"),
            ("Bragg angle there", f"{self.angle:.3f} deg"),
            ("from source to there", f"{self.reference_place:.3f} mm"),
            ("energy over pixels", "rises" if self.sense > 0 else "falls"),
        )
        return Table(("geometry", "value"), rows)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    @property
    def spacing(self) -> float:
        """Distance of the lattice planes [angstrom]."""
        return self.lattice / float(np.sqrt(sum(index**2 for index in self.miller)))

    @property
    def lowest(self) -> float:
        """Energy reflected straight back [eV]."""
        return HC / (2 * self.spacing)

    @property
    def angle(self) -> float:
        """Bragg angle of the reference energy [deg]."""
        return float(np.degrees(np.arcsin(self.lowest / self.reference_energy)))

    @property
    def reference_place(self) -> float:
        """Distance along the axis from source to where the reference energy falls [mm]."""
        return 2 * self.radius / float(np.tan(np.radians(self.angle)))

    def energy(self, pixel: ArrayLike) -> Floats:
        """Return the photon energy at places along the dispersive axis [eV].

        Parameters
        ----------
        pixel
            Places [pixel], counted as `reference_pixel`.
        """
        away = np.asarray(pixel, np.float64) - self.reference_pixel
        place = self.reference_place + self.sense * self.pitch * away
        return np.asarray(self.lowest * np.sqrt(1 + (place / (2 * self.radius)) ** 2))

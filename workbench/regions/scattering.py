"""Scattering angle and scattering vector of rays from the sample."""

import numpy as np

from workbench.core.arrays import Floats

HC = 12.398419843320026  # keV angstrom; exact since the SI of 2019


def two_theta(rays: Floats, beam: Floats) -> Floats:
    """Return the angle between rays and the beam [rad], exact for small and large angles.

    Parameters
    ----------
    rays
        From the sample, shape (..., 3), of any length.
    beam
        Its direction, shape (3,), of any length.
    """
    away = np.linalg.norm(np.cross(rays, beam), axis=-1)
    return np.asarray(np.arctan2(away, rays @ beam))


def scattering_vector(angle: Floats, energy: float) -> Floats:
    """Return q = 4 pi / lambda sin(2 theta / 2) [1/angstrom].

    Parameters
    ----------
    angle
        2 theta [rad].
    energy
        Of the photons [keV].
    """
    return np.asarray(4 * np.pi * energy / HC * np.sin(angle / 2))

"""Liquid scattering: isotropic and anisotropic difference curves, kinetics, the pump's axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.binning import Parameter, on_off
from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.recipes.azimuth import (
    LEAST_SPREAD,
    Azimuthal,
    cosine_squared,
    determined,
    legendre,
    sectors,
)
from workbench.recipes.difference import Difference, difference_curves
from workbench.recipes.global_fit import GlobalFit, fit_global
from workbench.runs import Channel, Cut, Run, Runs
from workbench.runs.pairs import WITHIN

SEEN = 3.0  # errors, that the wave around the circle must be away from 0
OTHER = 4.0  # errors, that the axis found must be away from the one given to be told
FEWEST = 4  # azimuths, to fit a level and a wave of any direction
UNFIXED = (
    "the axis of the pump's polarisation is undetermined: masks, gaps or few azimuths leave a wave "
    "of one direction unseen"
)


@dataclass(frozen=True)
class LiquidCurves:
    """Difference curves over delay: dS(q, phi, t) = S0(q, t) + P2(cos theta_q) S2(q, t).

    Parameters
    ----------
    isotropic, anisotropic
        S0 and S2, each over the light in the q window; NaN at q where they are undetermined.
    undetermined
        q at which pixels are lit, but at azimuths that do not tell S0 and S2 apart, shape (q,).
    message
        What is to be known of the azimuths, in words; empty where all is well.
    """

    isotropic: Difference
    anisotropic: Difference
    undetermined: Bools
    message: str

    @property
    def table(self) -> Table:
        """Bins, their delays and shots."""
        return self.isotropic.table


@dataclass(frozen=True)
class AzimuthCourse:
    """How the change after the pump goes around the circle, in one window of q and delays.

    Fitted is level + strength * P2(cos theta_q), with the azimuth of the pump's polarisation free:
    a wave of two periods around the circle.

    Parameters
    ----------
    phi, value, error
        Azimuth [rad], change and its error, shape (phi,).
    unit
        Of values, errors and strength.
    axis
        Azimuth of the polarisation [deg], of the two that the data allow (90 deg apart, with the
        sign of S2 changed) the one nearer to that given.
    strength
        S2 in the window.
    given
        The azimuth that was given [deg].
    level, height
        The change without the wave, and the height of P2 around the circle, a mean over the window.
    chi2, dof
        Sum of squared residuals in units of the errors, and degrees of freedom.
    state
        "converged"; "no-signal": no wave stands out of the noise; "other-axis": the polarisation
        does not lie where it was given; "undetermined": the azimuths left by masks and gaps do not
        fix a wave, strength and axis are NaN.
    message
        The state in words.
    """

    phi: Floats
    value: Floats
    error: Floats
    unit: str
    axis: Parameter
    strength: Parameter
    given: float
    level: float
    height: float
    chi2: float
    dof: int
    state: str
    message: str

    def at(self, phi: Floats) -> Floats:
        """Return the fitted change at any azimuth [rad]."""
        wave = np.cos(2 * (phi - np.deg2rad(self.axis.value)))
        return np.asarray(self.level + self.strength.value * self.height * wave)


@dataclass(frozen=True)
class LiquidFit:
    """Kinetics of both parts, and the axis of the pump.

    Parameters
    ----------
    isotropic, anisotropic
        Global fits of S0 and of S2; the second knows time zero and response from the first.
    course
        The change around the circle.
    parameters
        "t0", "sigma", "tau_1"... of S0 [ps]; "tau_aniso", decay time of S2 [ps]; "anisotropy", mean
        of the curve of S2 in the window; "axis" [deg].
    state
        That of the isotropic fit where it is not "converged"; else "undetermined" where masks and
        gaps leave S2 undetermined in the window, "no-anisotropy" where S2 does not stand out of the
        noise, "other-axis" or "undetermined" from the course, or that of the anisotropic fit.
    message
        What is to be known of each part, in words.
    """

    isotropic: GlobalFit
    anisotropic: GlobalFit
    course: AzimuthCourse
    parameters: Mapping[str, Parameter]
    state: str
    message: str

    @property
    def table(self) -> Table:
        """Parameter and value with error."""
        rows = tuple((name, str(one)) for name, one in self.parameters.items())
        return Table(("parameter", "value"), rows, self.state, (self.message,))

    def __str__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def liquid_curves(
    run: Run | Runs,
    averages: Azimuthal,
    light: Channel,
    edges: Floats,
    where: Cut | None = None,
    *,
    axis: float = 0.0,
    nearest: int = 0,
    within: float = WITHIN,
    delay: str | Channel = "delay",
) -> LiquidCurves:
    """Split the scattering into its two parts, and subtract laser off from on in bins of delay.

    Parameters
    ----------
    run, averages, light
        The run, its averages from `azimuthal`, and the light from `window`.
    edges
        Of the bins in delay [ps].
    where
        Which events; laser on and off are told apart here.
    axis
        Azimuth of the pump's polarisation, counted as the averages' phi [deg].
    nearest, within
        How many laser-off shots, nearest in time, in the same step and not farther away [s], each
        on shot is compared with; 0: all of the run together.
    delay
        The channel or role to bin by [ps].

    Raises `InputError` for averages that do not tell azimuths apart at any q or lack the photon
    energy, and `DifferenceError` where too few bins hold shots.
    """
    _check_azimuths(averages)
    undetermined, message = _azimuths_told(averages, np.deg2rad(axis))
    isotropic, anisotropic = (
        difference_curves(
            run, part, light, edges, where, nearest=nearest, within=within, delay=delay
        )
        for part in legendre(run, averages, (0, 2), axis=np.deg2rad(axis))
    )
    return LiquidCurves(isotropic, anisotropic, undetermined, message)


def azimuth_course(
    run: Run | Runs,
    averages: Azimuthal,
    light: Channel,
    q: tuple[float, float],
    delays: tuple[float, float],
    where: Cut | None = None,
    *,
    axis: float = 0.0,
    delay: str | Channel = "delay",
) -> AzimuthCourse:
    """Measure the change after the pump at each azimuth, and find the axis of its polarisation.

    Parameters
    ----------
    run, averages, light, where, axis, delay
        As for `liquid_curves`.
    q
        Window in which the anisotropic part has one sign [1/angstrom].
    delays
        Begin and end of a stretch after time zero in which it has not yet decayed [ps].

    Raises `InputError` where fewer than four azimuths hold shots.
    """
    _check_azimuths(averages)
    around = sectors(run, averages, *q)
    binned = on_off(run, {delay: np.array(delays, np.float64)}, around, where=where, by=light)
    value = binned["difference"].values[0]
    error = np.hypot(binned["on_error"].values[0], binned["off_error"].values)
    good = np.isfinite(value) & (error > 0)
    if good.sum() < FEWEST:
        raise InputError(
            f"{run.label}: {int(good.sum())} azimuths hold values from {q[0]:g} to {q[1]:g} "
            f"1/angstrom, {delays[0]:g} to {delays[1]:g} ps after the pump; {FEWEST} are needed: "
            "widen both windows or produce the run with more azimuths"
        )
    unit = str(binned["difference"].attrs["units"])
    return _course(averages.phi, value, error, _waves(averages, q), axis, unit)


def fit_liquid(
    curves: LiquidCurves,
    course: AzimuthCourse,
    decays: Sequence[float],
    *,
    lasting: bool = True,
    aligned: float = 1.0,
    q: tuple[float, float],
) -> LiquidFit:
    """Fit the kinetics of both parts: S0 by `fit_global`, then S2 by one decay.

    The decay of S2 is that of the alignment and of the excited state together; where the state
    lives much longer it is the time of rotation. S2 takes time zero and response of S0 into
    account, each with its error.

    Parameters
    ----------
    curves, course
        From `liquid_curves` and `azimuth_course`.
    decays, lasting
        Guesses of the decay times of S0 [ps], and whether something lasts.
    aligned
        Guess of the decay time of S2 [ps].
    q
        Window over which the curve of S2 is averaged [1/angstrom].
    """
    isotropic = fit_global(curves.isotropic, decays, lasting=lasting)
    known = {
        name: isotropic.parameters[name]
        for name in ("t0", "sigma")
        if np.isfinite(isotropic.parameters[name].error)
    }
    anisotropic = fit_global(curves.anisotropic, [aligned], lasting=False, known=known)
    parameters = {
        **isotropic.parameters,
        "tau_aniso": anisotropic.parameters["tau_1"],
        "anisotropy": anisotropic.mean("tau_1", *q),
        "axis": course.axis,
    }
    inside = (curves.isotropic.q >= q[0]) & (curves.isotropic.q < q[1])
    lost = bool((curves.undetermined & inside).any())
    state, message = _judged(isotropic, anisotropic, course, lost=lost)
    message = "; ".join(filter(None, (message, curves.message)))
    return LiquidFit(isotropic, anisotropic, course, parameters, state, message)


def _check_azimuths(averages: Azimuthal) -> None:
    lit = int((averages.pixels.sum(axis=1) > 0).sum())
    if lit < FEWEST:
        raise InputError(
            f"{averages.channel.name} has {lit} azimuths, too few for an anisotropic part: set "
            "phiBins (azav) or npts_az (pyFAI) to 8 or more in the producer config and produce "
            "the run again; template difference_scattering needs no azimuths"
        )


def _azimuths_told(averages: Azimuthal, axis: float) -> tuple[Bools, str]:
    """Return the q at which S0 and S2 are undetermined, and what is to be known of azimuths."""
    lit = averages.pixels.sum(axis=0) > 0
    lost = lit & ~determined(averages, axis)
    texts = []
    if (lost == lit).all():
        raise InputError(
            f"{averages.channel.name}: masks and gaps leave azimuths that do not tell S0 and S2 "
            f"apart with the polarisation at {np.rad2deg(axis):g} deg: mask less, or turn the "
            "polarisation; template difference_scattering needs no azimuths"
        )
    if lost.any():
        low, high = averages.q[lost].min(), averages.q[lost].max()
        texts.append(
            f"S0 and S2 undetermined, NaN, at {int(lost.sum())} of {int(lit.sum())} q from "
            f"{low:.3g} to {high:.3g} 1/angstrom: masks and gaps leave azimuths that are too alike"
        )
    if averages.direction is None:
        texts.append(
            "the file does not say where the pixels of each azimuth lie (cos2phi, sin2phi): each "
            "is taken as evenly filled, and masks that cut through one bias S2"
        )
    return lost, "; ".join(texts)


def _waves(averages: Azimuthal, q: tuple[float, float]) -> Floats:
    """Return what P2(cos theta_q) adds at each azimuth, as mean over the pixels in the window.

    For the polarisation at azimuth 0, and at 45 deg, shape (2, phi).
    """
    pixels = averages.pixels * averages.inside(*q)
    mean = pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1e-300)
    wave = (mean * 0.75 * cosine_squared(averages) * averages.wave).sum(axis=1)
    return np.stack([wave.real, wave.imag])


def _course(
    phi: Floats, value: Floats, error: Floats, waves: Floats, given: float, unit: str
) -> AzimuthCourse:
    """Fit level and wave by linear least squares, and tell where its crest lies."""
    good = np.isfinite(value) & (error > 0)
    height = float(np.hypot(*waves[:, good]).mean())
    basis = np.concatenate([np.ones((1, len(phi))), waves]).T
    scaled = basis[good] / error[good, None]
    covariance = np.linalg.pinv(scaled.T @ scaled, hermitian=True)
    found = covariance @ (scaled.T @ (value[good] / error[good]))
    chi2 = float((((basis @ found - value)[good] / error[good]) ** 2).sum())
    level, along, across = found.tolist()
    axis, strength = _crest(along, across, np.asarray(covariance[1:, 1:]), given, unit)
    state, message = _told(axis, strength, given)
    if not _fixed(waves[:, good], error[good]):
        axis, strength = Parameter(np.nan, np.nan, "deg"), Parameter(np.nan, np.nan, unit)
        state, message = "undetermined", UNFIXED
    dof = int(good.sum()) - 3
    return AzimuthCourse(
        phi, value, error, unit, axis, strength, given, level, height, chi2, dof, state, message
    )


def _crest(
    along: float, across: float, covariance: Floats, given: float, unit: str
) -> tuple[Parameter, Parameter]:
    """Return where the crest of a wave lies, of two the one nearer to `given`, and its height."""
    size = float(np.hypot(along, across))
    sides = np.array([[along, across], [-across / (2 * size), along / (2 * size)]]) / size
    spread = np.sqrt(np.diag(sides @ covariance @ sides.T))
    crest = np.rad2deg(np.arctan2(across, along)) / 2
    turns = int(np.rint((given - crest) / 90))
    axis = Parameter(float(crest + 90 * turns), float(np.rad2deg(spread[1])), "deg")
    strength = Parameter(size if turns % 2 == 0 else -size, float(spread[0]), unit)
    return axis, strength


def _fixed(waves: Floats, error: Floats) -> bool:
    """Tell whether waves of either direction scatter over the azimuths, weighted as they are."""
    scatter = np.cov(waves, aweights=1 / error**2, ddof=0)
    return bool(np.linalg.eigvalsh(scatter)[0] > LEAST_SPREAD**2)


def _told(axis: Parameter, strength: Parameter, given: float) -> tuple[str, str]:
    if not abs(strength.value) > SEEN * strength.error:
        return "no-signal", "no wave around the circle stands out of the noise"
    if abs(axis.value - given) > OTHER * axis.error:
        return "other-axis", (
            f"the pump's polarisation lies at {axis}, not at the {given:g} deg that were given: S2 "
            "is too small and S0 holds part of it; give the axis found"
        )
    return "converged", f"the pump's polarisation lies at {axis}, as given ({given:g} deg)"


def _judged(
    iso: GlobalFit, aniso: GlobalFit, course: AzimuthCourse, *, lost: bool
) -> tuple[str, str]:
    texts = f"isotropic: {iso.message}; anisotropic: {aniso.message}; {course.message}"
    if iso.state != "converged":
        return iso.state, texts
    if lost:
        return "undetermined", texts
    if aniso.state == "no-signal":
        return "no-anisotropy", texts
    told = course.state in {"other-axis", "undetermined"}
    return (course.state if told else aniso.state), texts

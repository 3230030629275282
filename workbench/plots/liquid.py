"""Pictures of liquid scattering: both parts over delay and q, their curves, the pump's axis."""

from typing import TYPE_CHECKING

import numpy as np

from workbench.plots.difference import Q_LABEL, SIGMAS, points, signed_map
from workbench.plots.style import (
    BLUE,
    CUT,
    CYCLE,
    DELAY_LABEL,
    FIT,
    GREY,
    RED,
    Picture,
    house_style,
    label,
    legend_above,
    panels,
    robust_range,
    tidy,
)
from workbench.recipes import AzimuthCourse, GlobalFit, LiquidCurves, LiquidFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = ("isotropic, S0", "anisotropic, S2")


def azimuth_course(course: AzimuthCourse) -> Picture:
    """Draw the change after the pump over azimuth, its wave, and where the pump is polarised."""
    with house_style():
        picture, (axes,) = panels(height=3.9)
        phi = np.rad2deg(course.phi)
        fine = np.linspace(phi.min() - 10, phi.max() + 10, 200)
        axes.axhline(0, color=GREY, linewidth=0.7)
        points(axes, phi, course.value, course.error, BLUE, "laser on - off")
        axes.plot(fine, course.at(np.deg2rad(fine)), color=FIT, label="level and wave")
        marks = (
            (course.given, CUT, 5.0, f"polarisation given, {course.given:g} deg"),
            (course.axis.value, RED, 1.2, f"found, {course.axis}"),
        )
        for place, colour, width, text in marks:
            for turn in (-180, 0, 180, 360):
                if fine[0] <= place + turn <= fine[-1]:
                    shown = None if turn else text
                    axes.axvline(place + turn, color=colour, linewidth=width, label=shown)
        axes.set_xlabel(label("azimuth on the detector", "deg"))
        axes.set_ylabel(label("change in the q window", course.unit))
        legend_above(axes)
        tidy(axes)
    picture.alt = "change after the pump over azimuth, with a wave of two periods"
    return picture


def liquid_maps(curves: LiquidCurves, fit: LiquidFit | None = None) -> Picture:
    """Draw both parts over delay and q; with a fit also its residuals in sigma."""
    both = (curves.isotropic, curves.anisotropic)
    rows = 1 if fit is None else 2
    with house_style():
        picture, axes = panels(rows, 2, height=3.2 * rows + 0.4, sharex=True, sharey=True)
        for one, difference, name in zip(axes, both, PARTS, strict=False):
            reach = max(np.abs(robust_range(difference.value)).max(), 1e-12)
            mesh = signed_map(one, difference, difference.value, reach)
            picture.colorbar(mesh, ax=one, extend="both", pad=0.01).set_label(
                label("change", difference.unit)
            )
            one.set_title(name)
        for one, part in zip(axes[2:], _parts(fit), strict=True):
            mesh = signed_map(one, part.difference, part.residuals, SIGMAS)
            bar = picture.colorbar(mesh, ax=one, extend="both", pad=0.01)
            bar.set_label(label("residual", "sigma"))
        for number, one in enumerate(axes):
            one.set_xlabel(DELAY_LABEL if number >= 2 * (rows - 1) else "")
            one.set_ylabel(one.get_ylabel() if number % 2 == 0 else "")
        tidy(*axes)
    picture.alt = "isotropic and anisotropic difference scattering over delay and q"
    return picture


def liquid_kinetics(
    fit: LiquidFit, isotropic: tuple[float, float], anisotropic: tuple[float, float]
) -> Picture:
    """Draw the curves of both parts over q, and over delay their means in a window of q each."""
    with house_style():
        picture, axes = panels(2, 2, height=6.8)
        windows = (isotropic, anisotropic)
        for column, (part, window) in enumerate(zip(_parts(fit), windows, strict=True)):
            over_q, over_delay = axes[column], axes[2 + column]
            _curves(over_q, part, PARTS[column])
            over_q.axvspan(*window, color=GREY, alpha=0.15, linewidth=0)
            values, error = part.difference.at(*window)
            inside = part.difference.good
            inside &= (part.difference.q >= window[0]) & (part.difference.q < window[1])
            text = f"{window[0]:g} to {window[1]:g} 1/Å"
            points(over_delay, part.difference.delay, values, error, BLUE, text)
            course = part.model[:, inside].mean(axis=1)
            over_delay.plot(part.difference.delay, course, color=FIT, label="fit")
            over_delay.axhline(0, color=GREY, linewidth=0.7)
            over_delay.set_xlabel(DELAY_LABEL)
            over_delay.set_ylabel(label("mean change", part.difference.unit))
            legend_above(over_delay)
        tidy(*axes)
    picture.alt = "curves of the isotropic and the anisotropic part, and their kinetics"
    return picture


def _curves(axes: "Axes", part: GlobalFit, name: str) -> None:
    axes.axhline(0, color=GREY, linewidth=0.7)
    for number, (decay, curve, error) in enumerate(
        zip(part.names, part.curves, part.errors, strict=True)
    ):
        one = part.parameters.get(decay)
        text = f"{name}: lasting" if one is None else f"{name}: decay {one}"
        points(axes, part.difference.q, curve, error, CYCLE[number], text)
    axes.set_xlabel(Q_LABEL)
    axes.set_ylabel(label("curve", part.difference.unit))
    legend_above(axes, columns=1)


def _parts(fit: LiquidFit | None) -> tuple[GlobalFit, ...]:
    return () if fit is None else (fit.isotropic, fit.anisotropic)

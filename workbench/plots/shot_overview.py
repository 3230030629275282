"""Shots of several runs: which detectors were in each of them, and how strong the beam was."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from workbench.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    RED,
    SKY,
    Picture,
    house_style,
    legend_above,
    nothing,
    panels,
    tidy,
)
from workbench.recipes.shots import Shot

NAMED = 40  # shots along an axis that can be named one by one
HEIGHT = 0.27  # inch of a row
STATES = ("in the shot", "not in the shot", "not in the run")
COLOURS = (SKY, RED, "#E8E8E8")
LIGHT = {"driven": ORANGE, "not driven": BLUE}


def shot_overview(shots: Sequence[Shot], *, i0: str = "I0 [arb.]") -> Picture:
    """Draw I0 of each shot and, below, every detector: there, missing, or not in that run.

    Parameters
    ----------
    shots
        As `recipes.read_shots` gives them; lines about whole runs are left out.
    i0
        Which monitor I0 is, with its unit in brackets.
    """
    real = [shot for shot in shots if shot.state == "shot"]
    names = sorted({name for shot in real for name in shot.present})
    if not real or not names:
        return nothing("no shots to show")
    states = np.array(
        [[_state(shot.present.get(name)) for shot in real] for name in names], np.int64
    )
    beam = np.array([_number(shot.values.get("i0")) for shot in real])
    with house_style():
        picture, (top, below) = panels(
            2, 1, height=3.4 + HEIGHT * len(names), sharex=True,
            height_ratios=(2.0, 0.6 + HEIGHT * len(names)),
        )  # fmt: skip
        place = np.arange(len(real))
        for light, colour in (*LIGHT.items(), ("other", GREY)):
            of = np.array([(shot.beams if shot.beams in LIGHT else "other") == light
                           for shot in real])  # fmt: skip
            if of.any():
                top.bar(place[of], np.nan_to_num(beam[of]), color=colour, width=0.8, label=light)
        for at in place[np.isnan(beam)]:
            top.text(at, 0, "?", ha="center", va="bottom", color=GREY)
        top.set_ylabel(i0)
        legend_above(top)
        tidy(top)
        below.grid(visible=False)
        below.pcolormesh(
            np.arange(len(real) + 1) - 0.5, np.arange(len(names) + 1) - 0.5, states,
            cmap=ListedColormap(COLOURS), vmin=0, vmax=2, edgecolors="white", linewidth=1.0,
        )  # fmt: skip
        for row, column in np.argwhere(states == 1):
            below.text(column, row, "x", ha="center", va="center", color="white", weight="bold")
        below.set_yticks(np.arange(len(names)), names)
        below.invert_yaxis()
        below.set_xlabel("run.shot")
        every = max(1, -(-len(real) // NAMED))
        below.set_xticks(
            place[::every], [f"{shot.run}.{shot.shot}" for shot in real[::every]], rotation=90
        )
        below.legend(
            handles=[Patch(facecolor=one, label=text)
                     for one, text in zip(COLOURS, STATES, strict=True)],
            loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2,
        )  # fmt: skip
    picture.alt = f"{len(real)} shots: I0, and which of {len(names)} detectors were in each"
    return picture


def _state(there: bool | None) -> int:
    return 2 if there is None else int(not there)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")

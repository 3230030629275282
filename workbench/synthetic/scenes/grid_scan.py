"""Two motors scanned over a grid, row by row; a spot or a hole on the sample."""

import math
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats
from workbench.facility import FieldFact
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.scenes.motor_scan import over_monitor, spot_signal
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

FWHM = math.sqrt(8 * math.log(2))  # standard deviations


@dataclass(frozen=True)
class GridScene(Scene):
    """A grid of places, row by row; make the run with `columns_of_grid` times rows steps.

    Parameters
    ----------
    x, y, unit
        Names under ``scan/`` and unit of both positions.
    columns_of_grid
        Positions of x in a row.
    half
        The grid goes from -half to half in both directions.
    centre, width
        Of the spot, (x, y); full widths at half maximum.
    height
        Of the spot over the level around it; negative for a hole.
    photons
        Expected around the spot in a shot of mean intensity.
    """

    x: str = "sam_x"
    y: str = "sam_y"
    unit: str = "mm"
    columns_of_grid: int = 11
    half: float = 1.0
    centre: tuple[float, float] = (0.18, -0.24)
    width: tuple[float, float] = (0.7, 0.5)
    height: float = 2.0
    photons: float = 300.0

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """The laser's delay is not scanned here."""
        return ("scan/lxt*", "scan/var0")

    def positions(self, spec: PumpProbe, step: Array) -> tuple[Floats, Floats]:
        """Return where both motors are in a step."""
        rows = spec.n_steps // self.columns_of_grid
        along, row = step % self.columns_of_grid, step // self.columns_of_grid
        x = -self.half + 2 * self.half * along / (self.columns_of_grid - 1)
        y = -self.half + 2 * self.half * np.minimum(row, rows - 1) / (rows - 1)
        return np.round(x, 9), np.round(y, 9)

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return both motors and the signal of the spot camera."""
        x, y = self.positions(spec, shots.step)
        away = sum(
            ((one - centre) * FWHM / width) ** 2
            for one, centre, width in zip((x, y), self.centre, self.width, strict=True)
        )
        level = 1 + self.height * np.exp(-np.asarray(away) / 2)
        signal = spot_signal(spec, shots, self.photons * level)
        found = {f"scan/{self.x}": x, f"scan/{self.y}": y, f"{place.spot}/signal_sum": signal}
        if place.generation == "lcls1":
            found |= {"scan/var0": x, "scan/var1": y}
        return found

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and meaning of the motors."""
        del place
        names = {f"scan/{self.x}", f"scan/{self.y}", "scan/var0", "scan/var1"}
        return FieldFact(name, self.unit, f"position {name}") if name in names else None

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return centre and width of the spot along both motors, and its height."""
        ratio, unit = over_monitor(spec, place, self.height * self.photons)
        said = f"of the spot, signal over {place.monitor('upstream')}"
        found: dict[str, Planted] = {"height": (ratio, unit, said)}
        for axis, centre, width in zip("xy", self.centre, self.width, strict=True):
            found[f"centre_{axis}"] = (centre, self.unit, f"of the spot along {axis}")
            found[f"width_{axis}"] = (width, self.unit, "full width at half maximum")
        return found

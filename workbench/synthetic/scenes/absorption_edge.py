"""Absorption across an edge, by fluorescence: energy steps, fast delays, an edge that shifts."""

from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array, Floats, Ints
from workbench.facility import FieldFact
from workbench.synthetic.dialect import blanked
from workbench.synthetic.draws import Draw, generator
from workbench.synthetic.pump_probe import REGION_PIXELS, PumpProbe, response
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

STREAM = 2  # of random numbers, beside those of the made-up run and of other scenes
READ_NOISE = 20.0  # keV, of the summed signal
READBACK_NOISE = 2.0e-5  # keV


@dataclass(frozen=True)
class AbsorptionEdge(Scene):
    """The monochromator steps through an edge again and again; make the run with scan="fast".

    ``signal_sum`` of the camera on the spot holds fluorescence photons: an edge like an arctangent
    with a Lorentzian white line on it. The pump turns a part of the sample into a state whose edge
    is shifted; that part follows the run's `t0`, `tau` and `sigma`.

    Parameters
    ----------
    edge, width
        Position and full width at half maximum of the edge [keV].
    line, line_offset, line_width
        Height of the white line over that of the edge, its position behind the edge, and its full
        width at half maximum [keV].
    floor
        Signal before the edge, over the edge's height.
    part, shift
        Part of the sample that the pump turns at full response, and the shift of its edge [keV].
    first, last, energies, passes
        Set points [keV], how many, and how often the run goes through them.
    photons
        In a shot of mean I0, at the height of the edge.
    """

    edge: float = 9.6586
    width: float = 0.004
    line: float = 0.7
    line_offset: float = 0.004
    line_width: float = 0.006
    floor: float = 0.12
    part: float = 0.3
    shift: float = -0.002
    first: float = 9.635
    last: float = 9.695
    energies: int = 31
    passes: int = 2
    photons: float = 6000.0

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return signal, set point and readback of one block."""
        draw = generator(spec.seed, Draw.USER, spec.run, int(shots.events[0]), STREAM)
        energy = self.set_points[self._numbers(spec, shots)]
        pumped = response(shots.delay, t0=spec.t0, tau=spec.tau, sigma=spec.sigma) * shots.laser
        share = self.part * pumped
        level = (1 - share) * self.absorption(energy) + share * self.absorption(energy - self.shift)
        photons = draw.poisson(self.photons * level * shots.i0 / spec.pulse_energy)
        signal = energy * photons + READ_NOISE * draw.standard_normal(len(shots))
        readback = energy + READBACK_NOISE * draw.standard_normal(len(shots))
        there = np.asarray(shots.epix[1].all(axis=1))
        return {
            f"{place.spot}/signal_sum": blanked(signal, there),
            f"{place.spot}/signal_mean": blanked(signal / REGION_PIXELS, there),
            "epicsUser/ccm_E_setpoint": energy,
            "epics/ccm_E": readback,
        }

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit and meaning of signal and energy."""
        if name == f"{place.spot}/signal_sum":
            return FieldFact("signal_sum", "keV", "fluorescence, sum of the region")
        if name == "epicsUser/ccm_E_setpoint":
            return FieldFact("ccm_E_setpoint", "keV", "set point of the monochromator")
        return None

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return the edge's numbers and its shift; kinetics are the run's own."""
        del place
        return {
            "edge_energy": (self.edge, "keV", "position of the edge"),
            "edge_width": (self.width, "keV", "full width at half maximum of the edge"),
            "line_energy": (self.edge + self.line_offset, "keV", "position of the white line"),
            "line_width": (self.line_width, "keV", "full width at half maximum of the white line"),
            "edge_shift": (
                self.part * self.shift,
                "keV",
                "mean shift of the edge at full response",
            ),
            "tau_1": (spec.tau, "ps", "decay time of the shifted state"),
        }

    @property
    def set_points(self) -> Floats:
        """Energies of the scan [keV]."""
        return np.round(np.linspace(self.first, self.last, self.energies), 6)

    def absorption(self, energy: Floats) -> Floats:
        """Return the absorption at each energy [keV], over the height of the edge."""
        away = energy - self.edge
        half = self.line_width / 2
        edge = 0.5 + np.arctan(away / (self.width / 2)) / np.pi
        line = self.line * half**2 / ((away - self.line_offset) ** 2 + half**2)
        return np.asarray(self.floor + edge + line)

    def _numbers(self, spec: PumpProbe, shots: Shots) -> Ints:
        """Return the number of each shot's energy: up, down, up ..."""
        along = shots.events * self.energies * self.passes // spec.n_events
        down = along // self.energies % 2 == 1
        number = along % self.energies
        return np.asarray(np.where(down, self.energies - 1 - number, number))

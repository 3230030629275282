"""X-ray absorption: spectra with and without laser, their difference over energy and delay."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.binning import bin_run, edges_around, edges_by_width
from workbench.core.arrays import Bools, Floats
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.recipes.difference import Difference, even_parts
from workbench.runs import Channel, Cut, Run, Runs, need_events

if TYPE_CHECKING:
    import xarray as xr

FEWEST_SHOTS = 20  # of an energy, with laser and without; below it is left out
MONOCHROMATORS = ("ccm_E_setpoint", "dccm_E_setpoint", "ccm_E", "dccm_E", "lom_E")  # best first
TOO_MANY = 500  # different set points: more are readings


class AbsorptionError(InputError):
    """Spectra that cannot be made; the text says what is lacking."""


@dataclass(frozen=True)
class Absorption:
    """Spectra by energy: sum of signal over sum of I0, dropped shots subtracted from both.

    Parameters
    ----------
    energy
        Mean energy of the shots of each point [keV], shape (energy,).
    off, off_error, off_shots
        Without laser: the static spectrum.
    on, on_error, on_shots
        With laser, all delays together.
    unit
        Of the spectra.
    transient
        On minus off over delay and energy: its `q` are the energies [keV], its errors those of the
        laser-on shots, `common` those of the laser-off shots of the same energy. None where no
        bins of delay were asked for.
    message
        Energies and events that were left out, in words.
    """

    energy: Floats
    off: Floats
    off_error: Floats
    off_shots: Floats
    on: Floats
    on_error: Floats
    on_shots: Floats
    unit: str
    transient: Difference | None
    message: str

    @property
    def difference(self) -> Floats:
        """On minus off, shape (energy,)."""
        return np.asarray(self.on - self.off)

    @property
    def difference_error(self) -> Floats:
        """Its error: on and off shots are different shots."""
        return np.asarray(np.hypot(self.on_error, self.off_error))

    @property
    def table(self) -> Table:
        """Energies, spectra and shots."""
        columns = (self.energy, self.off, self.off_error, self.on, self.on_error)
        shots = (self.off_shots.astype(int), self.on_shots.astype(int))
        rows = tuple(zip(*(one.tolist() for one in (*columns, *shots)), strict=True))
        heads = ("energy [keV]", "off", "error", "on", "error", "shots off", "shots on")
        return Table(heads, rows, f"signal over I0 [{self.unit}]", (self.message,))


def absorption(
    run: Run | Runs,
    signal: str | Channel,
    delay_edges: Floats | None = None,
    where: Cut | None = None,
    *,
    by: str | Channel = "i0",
    energy: str | Channel = "",
    energy_step: float | None = None,
    delay: str | Channel = "delay",
    fewest: int = FEWEST_SHOTS,
) -> Absorption:
    """Bin a signal by energy, with and without laser, and by delay.

    Laser-off shots are compared with laser-on shots of the same energy. The error of a cell of the
    map follows from the scatter of all laser-on shots of its energy, as single cells hold few:
    sqrt(v / sum I), with v the mean of (S - R I)^2 over I.

    Parameters
    ----------
    run
        From `open_run`.
    signal
        Fluorescence or transmitted intensity, one value per event.
    delay_edges
        Of the bins in delay [ps]; None: spectra only.
    where
        Which events; laser on and off are told apart here.
    by
        Normalisation.
    energy, energy_step
        Set point or reading of the monochromator, empty: the first of them that moves; and the
        width of its bins in its unit, None: each set point by itself.
    delay
        The channel or role to bin by [ps].
    fewest
        Shots that an energy needs, laser on and off each; others are left out and named.

    Raises `AbsorptionError` where fewer than two energies are left.
    """
    need_events(run, 2)
    axis = run.channel(energy or _monochromator(run))
    edges = _edges(run, axis, energy_step)
    found, kept = _spectra(run, signal, (axis, edges), where, by, fewest)
    if delay_edges is None:
        return found
    axes: dict[str | Channel, Floats] = {delay: np.asarray(delay_edges), axis: edges}
    cells = bin_run(run, axes, signal, where, by, of="on", background="dark")
    names = (run.channel(signal).name, delay if isinstance(delay, str) else delay.name)
    return replace(found, transient=_transient(run, cells, names, kept, found))


def _spectra(
    run: Run | Runs,
    signal: str | Channel,
    axis: tuple[Channel, Floats],
    where: Cut | None,
    by: str | Channel,
    fewest: int,
) -> tuple[Absorption, Bools]:
    """Return both spectra without transient, and which bins of energy they have."""
    energy, edges = axis
    named: dict[str | Channel, Floats] = {energy: edges}
    on, off = (
        bin_run(run, named, signal, where, by, of=of, background="dark") for of in ("on", "off")
    )
    name = run.channel(signal).name
    shots = {key: one[f"{name}_count"].values for key, one in (("on", on), ("off", off))}
    kept = np.minimum(shots["on"], shots["off"]) >= fewest
    scale = _to_kev(energy)
    lost = scale * on[energy.name].values[~kept & (shots["on"] + shots["off"] > 0)]
    if kept.sum() < 2:
        raise AbsorptionError(
            f"{run.label}: {int(kept.sum())} energies of {energy.name} hold {fewest} shots with "
            "and without laser, at least 2 are needed; loosen the cuts, lower the fewest shots, or "
            "name the field that was scanned"
        )
    spectra = {
        key: (one[name].values[kept], one[f"{name}_error"].values[kept], shots[key][kept] * 1.0)
        for key, one in (("on", on), ("off", off))
    }
    means = [one[f"{energy.name}_mean"].values[kept] for one in (on, off)]
    unit = str(on[name].attrs["units"])
    found = Absorption(
        scale * np.mean(means, axis=0),
        *spectra["off"],
        *spectra["on"],
        unit,
        None,
        _left_out(lost, fewest),
    )
    return found, kept


def _transient(
    run: Run | Runs, cells: "xr.Dataset", names: tuple[str, str], kept: Bools, spectra: Absorption
) -> Difference:
    name, delay = names
    value, norm = cells[name].values[:, kept], cells[f"{name}_norm"].values[:, kept]
    count = cells[f"{name}_count"].values[:, kept]
    several = count >= 2
    squares = np.where(several, (cells[f"{name}_error"].values[:, kept] * norm) ** 2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_norm = squares.sum(axis=0) / np.where(several, norm, 0.0).sum(axis=0)
        error = np.sqrt(per_norm / norm)
    rows = (count > 0).all(axis=1)
    if not rows.any():
        raise AbsorptionError(
            f"{run.label}: no bin of {delay} holds laser-on shots at all {int(kept.sum())} "
            "energies; take wider bins of delay or of energy"
        )
    weight = np.where(count > 0, norm, 0.0)[rows]
    mean, spread = (
        (np.nan_to_num(cells[f"{delay}_{part}"].values[:, kept][rows]) * weight).sum(axis=1)
        / weight.sum(axis=1)
        for part in ("mean", "std")
    )
    lost = ", ".join(f"{one:.3g}" for one in cells[delay].values[~rows])
    return Difference(
        delay=mean,
        parts=even_parts(mean, spread),
        q=spectra.energy,
        value=(value - spectra.off)[rows],
        error=error[rows],
        common=np.broadcast_to(spectra.off_error, value.shape)[rows],
        overlap=np.ones((int(rows.sum()), int(rows.sum()))),
        jackknife=None,
        off=spectra.off,
        off_error=spectra.off_error,
        shots=count[rows].sum(axis=1).astype(np.float64),
        unit=spectra.unit,
        reference="all laser-off shots together",
        message=f"bins of delay without shots at some energy left out: {lost} ps" if lost else "",
    )


def _monochromator(run: Run | Runs) -> str:
    there = [
        name for leaf in MONOCHROMATORS for name in run.infos if name.rpartition("/")[2] == leaf
    ]
    for name in there:
        values = run.channel(name).read().astype(np.float64)
        if np.unique(values[np.isfinite(values)]).size > 1:
            return name
    raise AbsorptionError(
        f"{run.label}: no monochromator moves ({', '.join(there) or 'none is in the file'}); name "
        "the field of the energy that was scanned, and keep it with epicsPV in the producer config"
    )


def _edges(run: Run | Runs, axis: Channel, step: float | None) -> Floats:
    values = axis.read().astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size or np.ptp(values) == 0:
        raise AbsorptionError(
            f"{run.label}: {axis.name} does not move; name the field of the energy that was "
            "scanned, such as epicsUser/ccm_E_setpoint"
        )
    if step is not None:
        return edges_by_width(float(values.min()), float(np.nextafter(values.max(), np.inf)), step)
    if len(np.unique(values)) > TOO_MANY:
        raise AbsorptionError(
            f"{run.label}: {axis.name} has {len(np.unique(values))} different values: it is a "
            f"reading, no set point; give energy_step [{axis.unit or 'its unit'}]"
        )
    return edges_around(values)


def _to_kev(axis: Channel) -> float:
    if axis.unit not in {"keV", "eV"}:
        raise AbsorptionError(
            f"{axis.name} is in {axis.unit or 'an unknown unit'}, no energy in eV or keV; name "
            "another field, or state its unit in experiment.toml"
        )
    return 1.0 if axis.unit == "keV" else 1e-3


def _left_out(energies: Floats, fewest: int) -> str:
    if not len(energies):
        return f"every energy holds {fewest} shots or more, with laser and without"
    listed = ", ".join(f"{one:.4f}" for one in energies[:8]) + (" ..." if len(energies) > 8 else "")
    return f"{len(energies)} energies with fewer than {fewest} shots left out: {listed} keV"

"""A made-up run in a new local experiment, to try everything on before there are data."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.facility import ExperimentPlaces
    from workbench.synthetic import PumpProbe

EVENTS = 6000  # with fewer the width of the response is so poorly seen that its error is too small
PLOT = "delay_scan"  # the template whose report shows what was planted


@dataclass(frozen=True)
class MadeUpRun:
    """A made-up run that is there, or will be.

    Parameters
    ----------
    spec
        What it is made with.
    path
        Its small-data file.
    generation
        DAQ generation whose names it has.
    signal
        Field that shows the planted response.
    """

    spec: "PumpProbe"
    path: Path
    generation: str
    signal: str

    @property
    def command(self) -> str:
        """Return the command that makes the first plot of it."""
        return (
            f"workbench batch {PLOT} --experiment {self.spec.experiment} --runs {self.spec.run} "
            f"--output reports -p signal={self.signal}"
        )

    def write(self) -> None:
        """Write it where it is not there yet."""
        from workbench.synthetic import write_small_data

        if not self.path.exists():
            write_small_data(self.spec, self.path, generation=self.generation)


def made_up_run(places: "ExperimentPlaces") -> MadeUpRun:
    """Return the run to be made up for an experiment.

    Raises `InputError` for the facility's sites, where made-up data have no place, and for hutches
    that none are made for.
    """
    from workbench.batch.setup.generation import find_generation
    from workbench.core.errors import InputError
    from workbench.facility import LOCAL
    from workbench.synthetic import PumpProbe, small_data_name
    from workbench.synthetic.station import station

    if places.site.key != LOCAL:
        raise InputError("made-up runs are for a tree of your own; add --site local")
    generation = find_generation(places).names[-1]
    place = station(places.experiment, generation)
    spec = PumpProbe(experiment=places.experiment, n_events=EVENTS)
    path = places.small_data / small_data_name(spec)
    return MadeUpRun(spec, path, generation, f"{place.spot}/signal_sum")

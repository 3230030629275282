"""What a scene is: datasets that a made-up run gets, loses or has changed, and their truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from workbench.core.arrays import Array
from workbench.facility import FieldFact
from workbench.smalldata import OnceValue
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

Planted = tuple[float | list[float], str, str]  # value, unit, meaning


@dataclass(frozen=True)
class Scene:
    """A measurement in a made-up run; its beams, events and default detectors are `PumpProbe`'s.

    The base class changes nothing. A scene is a frozen dataclass whose fields are what can be
    planted; every random number comes from `draws.generator` with the run and the first event of
    the block, so that the same scene gives the same bytes.
    """

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """Patterns (`fnmatch`) of datasets that the run does not have."""
        return ()

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return datasets of one block, first axis event; they replace those of the same name."""
        del spec, place, shots
        return {}

    def once(self, spec: PumpProbe, place: Station) -> dict[str, OnceValue]:
        """Return what is kept once a file, by path; replaces entries of the same path."""
        del spec, place
        return {}

    def fact(self, place: Station, name: str) -> FieldFact | None:
        """Return unit, meaning and axes of one of the scene's datasets; None for others."""
        del place, name
        return None

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return the truth: name -> value, unit, meaning."""
        del spec, place
        return {}

    def keeps(self, name: str) -> bool:
        """Tell whether the run has a dataset."""
        return not any(fnmatchcase(name, pattern) for pattern in self.leaves_out)

    def change(
        self, found: Mapping[str, Array], spec: PumpProbe, place: Station, shots: Shots
    ) -> dict[str, Array]:
        """Return all datasets of one block as the scene has them."""
        kept = {name: values for name, values in found.items() if self.keeps(name)}
        return kept | self.columns(spec, place, shots)

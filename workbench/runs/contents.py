"""What a run's file holds besides values per event: settings, axes, ragged data, frames."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from workbench.core.arrays import Array
from workbench.smalldata import (
    Coordinate,
    DetectorSettings,
    Ragged,
    coordinates,
    open_file,
    open_ragged,
    read_settings,
)


class Contents:
    """The part of `Run` that asks its file directly; nothing stays open between calls."""

    path: Path

    def coordinates(self, name: str) -> tuple[Coordinate, ...]:
        """Return what is known of a field's axes: q, phi, rows and columns, with units."""
        with open_file(self.path) as file:
            return coordinates(file, name)

    @cached_property
    def settings(self) -> Mapping[str, DetectorSettings]:
        """What each detector and its functions were set to; values are read when asked for."""

        def load(name: str) -> Array:
            with open_file(self.path) as file:
                return file.read(name)

        with open_file(self.path) as file:
            return read_settings(file, load)

    def ragged(self, name: str) -> Ragged:
        """Return data with another number of entries per event, such as droplets or photons."""
        return open_ragged(self.path, name)

"""What a run's file holds besides values per event: settings, axes, ragged data, frames."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError
from workbench.core.table import Table
from workbench.runs.presence import presence_table
from workbench.runs.storage import Storage
from workbench.runs.variants import variants
from workbench.smalldata import (
    Archived,
    Coordinate,
    DetectorSettings,
    FieldInfo,
    PixelMap,
    Ragged,
    coordinates,
    open_ragged,
    pixel_maps,
    read_archived,
    read_settings,
    zero_filled,
)


class Contents:
    """The part of `Run` that asks its file directly; nothing stays open between calls."""

    path: Path
    _storage: Storage

    @property
    def growing(self) -> bool:
        """Whether its file is that of a run that is still being taken."""
        return self._storage.growing

    @property
    def variants(self) -> Table:
        """All small-data files of this run, with site, label, date and hash of their config."""
        return variants(self._storage.experiment, self._storage.run, self.path)

    def coordinates(self, name: str) -> tuple[Coordinate, ...]:
        """Return what is known of a field's axes: q, phi, rows and columns, with units."""
        with self._storage.open() as file:
            return coordinates(file, name)

    def pixel_maps(self, name: str) -> tuple[PixelMap, ...]:
        """Return where the pixels of an image field lie, and which to use (True)."""
        with self._storage.open() as file:
            return pixel_maps(file, name)

    @cached_property
    def settings(self) -> Mapping[str, DetectorSettings]:
        """What each detector and its functions were set to; values are read when asked for."""

        def load(name: str) -> Array:
            with self._storage.open() as file:
                return file.read(name)

        with self._storage.open() as file:
            return read_settings(file, load)

    def filled_up(self, name: str) -> Bools:
        """Tell which events (or frames) hold a 0 that stands for nothing, shape (event,).

        LCLS-II's writer stores it for the events before a detector first appeared;
        `workbench.smalldata.backfill` says what counts as evidence.
        """
        if name not in self._zeros:
            self._zeros[name] = self._find_zeros(self._storage.infos[name])
        return self._zeros[name]

    def presence(self, *names: str) -> Table:
        """Count in how many events each field was measured, missing, absent, damaged.

        Parameters
        ----------
        names
            Fields, or folders of fields such as a detector; every field with a row per event if
            left out.
        """
        self._refuse_part("presence(...)")
        with self._storage.open() as file:
            return presence_table(file, names)

    def archived(self, name: str) -> Archived:
        """Return a slow variable from the archiver: its own times and values, not one per event.

        ``run.archived(name).at(run.timestamps)`` gives its value at every event.
        """
        with self._storage.open() as file:
            return read_archived(file, name)

    def ragged(self, name: str) -> Ragged:
        """Return data with another number of entries per event, such as droplets or photons."""
        self._refuse_part(f"ragged({name!r})")
        return open_ragged(self.path, name)

    def _refuse_part(self, asked: str) -> None:
        if self._storage.is_part:
            raise InputError(f"{asked}: ask the whole run, not a part of its events")

    def _filled_up(self, info: FieldInfo) -> bool:
        return (
            info.kind in {"event", "intg"}
            and self._storage.generation == "lcls2"
            and not self._storage.ours
        )

    def _find_zeros(self, info: FieldInfo) -> Bools:
        stored = self._storage
        rows = stored.n_events if info.kind == "event" else info.shape[0]
        if info.kind == "event" and len(info.shape) == 1 and stored.column(info.name).all():
            return np.zeros(rows, dtype=np.bool_)  # the column is kept: no file is opened
        with stored.open() as file:
            filled = zero_filled(file, info.name)
        return filled[stored.rows] if info.kind == "event" else filled[:rows]

    @cached_property
    def _zeros(self) -> dict[str, Bools]:
        return {}

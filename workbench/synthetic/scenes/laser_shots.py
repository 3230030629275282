"""Scene: a run of few shots at MEC, with or without the drive laser, some without a detector."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.core.arrays import Array
from workbench.synthetic.dialect import MISSING_INTEGER
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.scenes.base import Planted, Scene
from workbench.synthetic.shots import Shots
from workbench.synthetic.station import Station

DELAY = "epics/MEC:NOTE:LAS:NSDELAY"


@dataclass(frozen=True)
class LaserShots(Scene):
    """Destructive shots of one run; each hits a fresh place of the target.

    Made with `PumpProbe(n_events=3, camera_every=1, jungfrau_every=1, missing=0, ...)`, else more
    detectors are missing than the truth says.

    Parameters
    ----------
    driven
        Whether the drive laser fires in all shots, or in none.
    delay
        Of the drive laser, as its record has it [s].
    lost
        (shot from 1, group of a detector) that the DAQ lost.
    """

    driven: bool = True
    delay: float = 1.0e-8
    lost: tuple[tuple[int, str], ...] = ()

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """Nothing is scanned."""
        return ("scan/*", "epics/lxt*", "enc/*")

    def columns(self, spec: PumpProbe, place: Station, shots: Shots) -> dict[str, Array]:
        """Return the laser's flag and its delay."""
        del spec, place
        return {
            "lightStatus/laser": np.full(len(shots), int(self.driven)),
            DELAY: np.full(len(shots), self.delay),
        }

    def quantities(self, spec: PumpProbe, place: Station) -> dict[str, Planted]:
        """Return how many shots of which kind there are, and what is missing in them."""
        del place
        driven = spec.n_events if self.driven else 0
        return {
            "events_on": (driven, "1", "events of the class on, where none is dropped"),
            "events_off": (spec.n_events - driven, "1", "events of the class off"),
            "shots": (spec.n_events, "1", "shots of the run"),
            "shots_driven": (driven, "1", "shots with X-rays and drive laser"),
            "detectors_missing": (len(self.lost), "1", "detectors that are not in a shot, summed"),
        }

    def change(
        self, found: Mapping[str, Array], spec: PumpProbe, place: Station, shots: Shots
    ) -> dict[str, Array]:
        """Return all datasets of one block: flags, codes, and what was lost."""
        whole = super().change(found, spec, place, shots)
        whole |= dict(self._codes(whole, place))
        for shot, group in self.lost:
            at = np.flatnonzero(shots.events == shot - 1)
            for name in [name for name in whole if name.startswith(f"{group}/")]:
                whole[name] = _without(whole[name], at)
            if f"damage/{group}" in whole:
                whole[f"damage/{group}"] = whole[f"damage/{group}"].copy()
                whole[f"damage/{group}"][at] = 0
        return whole

    def _codes(self, whole: dict[str, Array], place: Station) -> Iterator[tuple[str, Array]]:
        """Yield the event codes that tell of the laser: that of shots with it, and the next."""
        fires = -place.laser_code
        if "timing/eventcodes" in whole:
            codes = whole["timing/eventcodes"].copy()
            codes[:, fires], codes[:, fires + 1] = int(self.driven), int(not self.driven)
            yield "timing/eventcodes", codes
        for code, on in ((fires, self.driven), (fires + 1, not self.driven)):
            name = f"evr/code_{code}"
            if name in whole:
                yield name, np.full_like(whole[name], int(on))


def _without(values: Array, rows: Array) -> Array:
    kept = values.copy()
    if kept.dtype == object:
        for row in rows.tolist():
            kept[row] = np.empty(0)
    else:
        kept[rows] = np.nan if kept.dtype.kind == "f" else MISSING_INTEGER
    return kept

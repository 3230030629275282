"""The made-up raw run in the words of its hutch: names of detectors, event codes, more monitors.

What happens in the shots does not depend on the hutch. XPP's run, which the demo shows, has the
detectors of `shots` alone; other hutches have the beam monitors of their own list too. The camera
on the powder rings is a Jungfrau 1M everywhere: it travels.
"""

from dataclasses import replace

import numpy as np

from workbench.core.arrays import Bools
from workbench.sources.timing import N_CODES
from workbench.synthetic.config_text import CONFIG_TEXT
from workbench.synthetic.dialect import beam_codes
from workbench.synthetic.pump_probe import PumpProbe
from workbench.synthetic.readings import RECORDS, readings
from workbench.synthetic.shots import Fields, Shots
from workbench.synthetic.station import Station

SPOT = "epix_1"  # in `config_text`
IDLE_ENCODER = "XrtUsbEncoder01"  # where the hutch has no delay stage


def names_of(place: Station) -> dict[str, str]:
    """Return the hutch's name of each detector that `shots` calls by XPP's."""
    monitors = {
        record: next(det.source for det in place.detectors if det.follows == follows)
        for follows, record in RECORDS.items()
    }
    return {**monitors, "XppUsbEncoder02": place.stage or IDLE_ENCODER, SPOT: place.spot}


def in_hutch(spec: PumpProbe, place: Station, shots: Shots) -> Shots:
    """Return shots with the hutch's event codes, and with the records of its other monitors."""
    codes = np.zeros((len(shots), N_CODES), np.bool_)
    for code, there in beam_codes(place, shots).items():
        codes[:, code] = there
    words = np.packbits(codes, axis=1, bitorder="little").view("<u2")
    records: dict[str, Fields] = {**shots.records}
    records["timing"] = {**records["timing"], "sequenceValues": words}
    present: dict[str, Bools] = {**shots.present}
    if place.hutch != "xpp":
        for group, (fields, arrived) in readings(spec, place, shots).items():
            det = next(det for det in place.detectors if det.group == group)
            if det.kind == "bmmon" and det.follows not in RECORDS:
                records[det.source], present[det.source] = fields, arrived
    return replace(shots, records=records, present=present)


def config_of(place: Station) -> tuple[str, str]:
    """Return name and text of the producer config that a user at the hutch would have."""
    text = CONFIG_TEXT.replace("at XPP", f"at {place.hutch.upper()}").replace(SPOT, place.spot)
    return f"prod_config_{place.hutch}.py", text

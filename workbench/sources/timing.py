"""X-ray and laser status of every event, from event codes or from the beam's destination."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.arrays import Array, Bools
from workbench.core.errors import InputError

N_CODES = 288  # bits that the timing system sends with each event
ON, OFF, UNKNOWN = 1, 0, -1

Status = NDArray[np.int8]


@dataclass(frozen=True)
class BeamStatus:
    """What the timing system says of each event; the flags tell the trigger, not light on a sample.

    Parameters
    ----------
    xray, laser
        Shape (event,): 1 on, 0 off, -1 unknown.
    """

    xray: Status
    laser: Status


@dataclass(frozen=True)
class EventCodeRule:
    """Status of both beams from event codes: copper-linac runs, taken with either DAQ.

    A positive code marks a dropped shot: the beam is off where it is present. A negative code -c
    marks a requested shot: the beam is off where c is absent. The beam is on where no code of the
    rule says off; the order of the codes does not matter. It is unknown where an event has no code
    at all, and where the rule has none for this beam.

    Parameters
    ----------
    xray, laser
        Signed codes for each beam.
    """

    xray: tuple[int, ...]
    laser: tuple[int, ...]

    def __post_init__(self) -> None:
        _check(self.xray, "X-ray")
        _check(self.laser, "laser")

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes that decide, without sign."""
        return tuple(abs(code) for code in (*self.xray, *self.laser))

    def status(self, codes: Array) -> BeamStatus:
        """Return the status from event codes, shape (event, code), present where above 0."""
        present = _present(codes)
        return BeamStatus(_by_codes(self.xray, present), _by_codes(self.laser, present))


@dataclass(frozen=True)
class DestinationRule:
    """X-ray status from the destination of the electrons: the superconducting linac only.

    Parameters
    ----------
    destination
        The number that the timing system gives to the hutch's undulator.
    laser
        Signed event codes for the laser, as in `EventCodeRule`.
    """

    destination: int
    laser: tuple[int, ...]

    def __post_init__(self) -> None:
        _check(self.laser, "laser")
        if not 0 <= self.destination < 16:
            raise InputError(f"beam destination {self.destination}; they are numbered 0 to 15")

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes that decide on the laser, without sign."""
        return tuple(abs(code) for code in self.laser)

    def status(self, codes: Array, destination: Array) -> BeamStatus:
        """Return the status; `destination`, shape (event,), is negative where not recorded."""
        present = _present(codes)
        if destination.shape != present.shape[:1]:
            raise InputError(
                f"destinations of shape {destination.shape} for {len(present)} events; "
                "give one each"
            )
        arrived = np.where(destination == self.destination, ON, OFF)
        xray = np.where(destination < 0, UNKNOWN, arrived).astype(np.int8)
        return BeamStatus(xray, _by_codes(self.laser, present))


def event_codes(sequence_values: Array) -> Bools:
    """Return event codes, shape (event, 288), from the timing system's words, (event, 18)."""
    words = N_CODES // 16
    if sequence_values.dtype != np.uint16 or sequence_values.shape[1:] != (words,):
        raise InputError(
            f"sequence values are {sequence_values.dtype} of shape {sequence_values.shape}; "
            f"expected (event, {words}) of uint16"
        )
    octets = np.ascontiguousarray(sequence_values, dtype="<u2").view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little").view(np.bool_)


def _by_codes(rule: tuple[int, ...], present: Bools) -> Status:
    if not rule:
        return np.full(len(present), UNKNOWN, np.int8)
    dropped = present[:, [code for code in rule if code > 0]].any(axis=1)
    requested = present[:, [-code for code in rule if code < 0]].all(axis=1)
    status = np.where(requested & ~dropped, ON, OFF)
    return np.where(present.any(axis=1), status, UNKNOWN).astype(np.int8)


def _present(codes: Array) -> Bools:
    if codes.ndim != 2 or codes.shape[1] != N_CODES:
        raise InputError(f"event codes of shape {codes.shape}; expected (event, {N_CODES})")
    return np.asarray(codes > 0)  # the fill value of integers is negative: not recorded


def _check(rule: tuple[int, ...], beam: str) -> None:
    for code in rule:
        if not 0 < abs(code) < N_CODES:
            raise InputError(f"{beam} event code {code}; codes are 1 to {N_CODES - 1}, with a sign")
        if -code in rule:
            raise InputError(f"{beam} event code {abs(code)} is both required and forbidden")

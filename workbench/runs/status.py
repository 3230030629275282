"""X-ray and laser state: as the experiment says, as stored, else by codes or destination."""

import re
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.arrays import Array, Ints
from workbench.core.errors import InputError, UnknownNameError
from workbench.core.units import UnitError, factor
from workbench.facility import StatusRule, hutch
from workbench.runs.classes import Classes
from workbench.runs.experiment.expressions import Condition
from workbench.runs.experiment.setup import State
from workbench.runs.measured import measured
from workbench.runs.storage import opened_once
from workbench.sources.timing import N_CODES, DestinationRule, EventCodeRule

if TYPE_CHECKING:
    from workbench.runs.run import Run

STORED = {"xray": "lightStatus/xray", "laser": "lightStatus/laser"}
CODES = "timing/eventcodes"
DESTINATIONS = ("timing/destination", "timing/ebeamDestn")
UNKNOWN = -1


@opened_once()
def find_classes(run: "Run") -> Classes:
    """Return the class of every event; unknown where the run does not tell.

    For each beam in this order: what ``experiment.toml`` says, the stored ``lightStatus``, the
    hutch's rule by destination or event codes. Flags tell the trigger, not light on the sample: a
    stored laser flag follows the stock codes even where there is no laser.
    """
    setup = run.setup.status
    xray, xray_why = _beam(run, "xray", setup.xray, setup.destination)
    laser, laser_why = _beam(run, "laser", setup.laser, None)
    if (xray_why, laser_why) == tuple(STORED.values()):
        return Classes(xray, laser, f"{xray_why} and {laser_why}")
    return Classes(xray, laser, f"X-rays: {xray_why}; laser: {laser_why}")


def _beam(run: "Run", which: str, given: State, destination: int | None) -> tuple[Ints, str]:
    """Return the state of one beam, shape (event,), and where it comes from."""
    says = f"as {run.setup.why} says"
    if destination is not None:
        return _by_destination(run, destination, says)
    if isinstance(given, bool):
        return np.full(run.n_events, int(given)), f"always {'on' if given else 'off'}, {says}"
    if isinstance(given, Condition):
        return _by_condition(run, given), f"on where {given}, {says}"
    if given is not None:
        return _by_codes(run, given, says)
    if STORED[which] in run:
        return _stored(run, STORED[which]), STORED[which]
    rule = _rule(run)
    if rule is None:
        why = "not known: no lightStatus in the file and no rule known for this hutch"
        return _nothing(run), why
    says = "assumed: no public list shows the rule" if rule.assumed else "by the hutch's rule"
    if which == "xray" and rule.destination is not None:
        return _by_destination(run, rule.destination, says)
    return _by_codes(run, rule.xray if which == "xray" else rule.laser, says)


def _nothing(run: "Run") -> Ints:
    return np.full(run.n_events, UNKNOWN)


def _stored(run: "Run", name: str) -> Ints:
    values = np.nan_to_num(measured(run[name]), nan=UNKNOWN)
    return np.where(np.isin(values, (0, 1)), values, UNKNOWN).astype(np.int64)


def _by_condition(run: "Run", condition: Condition) -> Ints:
    if condition.field not in run:
        where = f"{run.label}, but {run.setup.why} tells a beam's state by it"
        raise UnknownNameError("channel", condition.field, run, where)
    channel = run[condition.field]
    if channel.shape != (run.n_events,):
        raise InputError(
            f"{run.setup.why}: {condition.field} has shape {channel.shape}; a condition needs one "
            "value per event, such as a column: diodeU/channels[2]"
        )
    scale = 1.0
    if condition.unit and channel.unit:
        try:
            scale = factor(channel.unit, condition.unit)
        except UnitError as error:
            raise UnitError(f"{run.setup.why}: status by {condition}: {error}") from error
    values = measured(channel)
    with np.errstate(invalid="ignore"):
        on = condition(values, scale).astype(np.int64)
    return np.where(np.isfinite(values), on, UNKNOWN)


def _by_destination(run: "Run", destination: int, says: str) -> tuple[Ints, str]:
    name = next((name for name in DESTINATIONS if name in run), None)
    if name is None:
        return _nothing(run), f"not known: no {DESTINATIONS[0]} in the file"
    went = np.nan_to_num(measured(run[name]), nan=UNKNOWN).astype(np.int64)
    rule = DestinationRule(destination, ())
    xray = rule.status(np.zeros((len(went), N_CODES), np.int8), went).xray
    return xray.astype(np.int64), f"on where {name} is {destination}, {says}"


def _by_codes(run: "Run", codes: tuple[int, ...], says: str) -> tuple[Ints, str]:
    if not codes:
        return _nothing(run), "not known: no event code is published for it"
    rule = EventCodeRule(codes, ())
    text = f"event codes {list(codes)}, {says}"
    if CODES in run:
        stacks = [rule.status(stack).xray for _, stack in run[CODES].iter_stacks()]
        found = np.concatenate(stacks) if stacks else np.zeros(0)
        return found.astype(np.int64), text
    recorded = _recorded(run)
    lacking = [abs(code) for code in codes if abs(code) not in recorded]
    if lacking:
        what = "no event codes" if not recorded else f"no evr/code_{lacking[0]}"
        return _nothing(run), f"not known: {what} in the file"
    return rule.status(_code_table(run, recorded)).xray.astype(np.int64), text


def _recorded(run: "Run") -> tuple[int, ...]:
    """Return the event codes that an LCLS-I file has a column for."""
    found = (re.fullmatch(r"evr/code_(\d+)", name) for name in run.infos)
    return tuple(sorted(int(match[1]) for match in found if match and int(match[1]) < N_CODES))


def _code_table(run: "Run", recorded: tuple[int, ...]) -> Array:
    """Return event codes as the other generation has them, shape (event, code)."""
    table = np.zeros((run.n_events, N_CODES), dtype=np.int8)
    for code in recorded:
        table[:, code] = run[f"evr/code_{code}"].read_stored() == 1
    return table


def _rule(run: "Run") -> StatusRule | None:
    try:
        return hutch(run.experiment).status_rule(run.generation, run.run, run.experiment)
    except UnknownNameError:
        return None

"""Why a selection leaves nothing, in words: what took the last events, and what to do about it."""

from workbench.binning.plan import NothingLeftError, Plan

SELECTED = "not selected"


def nothing_left(plan: Plan, what: str, *, hint: str = "") -> NothingLeftError:
    """Return the error of a plan that uses no event.

    The events that were selected and yet are not used are told apart from those that never were:
    the reason that took most of the former is the cause.

    Parameters
    ----------
    plan
        Without an event in a bin.
    what
        Of which there is none, such as "laser-off shot with epix/sum".
    hint
        What else may be wrong where no event was selected in the first place.
    """
    reasons = {why: count for why, count in plan.excluded.items() if count}
    lost = {why: count for why, count in reasons.items() if why != SELECTED}
    counts = ", ".join(f"{why} {count}" for why, count in reasons.items())
    cause = _cause(max(lost, key=lost.__getitem__)) if lost else _not_selected(hint)
    return NothingLeftError(f"{plan.label}: no {what} is left ({counts}); {cause}")


def _not_selected(hint: str) -> str:
    said = "none is of this class and passes the cuts: look at run.check() and at run.tally(...)"
    return f"{said}; {hint}" if hint else said


def _cause(reason: str) -> str:
    """Return what most likely is behind a reason, and the next step."""
    if reason.endswith(" not positive"):
        monitor = reason.removesuffix(" not positive")
        return (
            f"their flags say X-rays, yet {monitor} saw none: flags that were exchanged, a closed "
            "shutter, or a monitor that does not see the beam; look at run.check()"
        )
    if reason.endswith(" missing"):
        field = reason.removesuffix(" missing")
        return f"{field} was not measured in them: look at run.check() and at run.presence()"
    return "they lie outside of the bins: look at the bin edges and at run.tally(...)"

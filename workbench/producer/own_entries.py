"""``get_reductions`` of a config: the user's own reductions, each by the name of its class."""

from dataclasses import dataclass
from pathlib import Path

from workbench.producer.entries import DetectorFacts, EntryError, Recipe
from workbench.producer.given import Given
from workbench.producer.own import OwnReduction
from workbench.producer.report import kind
from workbench.reductions import Reduction

KEYS = ("name", "reduction", "parameters")


@dataclass(frozen=True, eq=False)
class OwnRecipe(Recipe):
    """A user's reduction, which is tried on the detector before it is used.

    Parameters
    ----------
    reduction
        The one to try.
    """

    reduction: OwnReduction

    def build(self, facts: DetectorFacts) -> Reduction:
        """Return the reduction; raise `OwnReductionError` where its class does not work."""
        self.reduction.region(facts.spec)
        self.reduction.settings(facts.spec)
        return self.reduction


def read_own(value: object, path: Path, text: str) -> tuple[str, OwnRecipe]:
    """Return name and recipe of one dictionary, or raise `EntryError`.

    Parameters
    ----------
    value
        ``{"reduction": "Mine", "parameters": {"threshold": 3}}``, the class `Mine` being one of the
        config, of an installed package, or one of ours.
    path, text
        The config.
    """
    given = Given(value, KEYS, "an own reduction")
    chosen = given.text("reduction", "")
    if not chosen:
        message = "name the class: {'reduction': 'Mine', 'parameters': {...}}"
        raise EntryError("missing-key", message, "reduction")
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(key, str) for key in parameters):
        message = f"parameters are a dict by name, not {kind(parameters)}"
        raise EntryError("wrong-type", message, "parameters")
    made = OwnReduction(chosen, parameters, str(path), text)
    return given.name(chosen), OwnRecipe(made)

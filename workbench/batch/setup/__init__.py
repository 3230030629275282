"""A new experiment's folders, configs, notebooks and notes: planned, counted, then made."""

from workbench.batch.setup.kits import choose_templates
from workbench.batch.setup.making import Made, QuotaExceededError, make_plan
from workbench.batch.setup.plan import Plan, PlannedFile, State, plan_experiment
from workbench.batch.setup.successor import Compatibility, plan_successor

__all__ = [
    "Compatibility",
    "Made",
    "Plan",
    "PlannedFile",
    "QuotaExceededError",
    "State",
    "choose_templates",
    "make_plan",
    "plan_experiment",
    "plan_successor",
]

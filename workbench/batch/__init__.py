"""Template catalogue, typed parameters, headless notebooks, their results and HTML reports."""

from workbench.batch.catalogue import Template, TemplateError, find_template, templates
from workbench.batch.jobs import BatchItem, BatchRequest, run_batch, run_item
from workbench.batch.parameters import Parameter, ParameterError, parse_values
from workbench.batch.results import Result, publish
from workbench.core.late_grammars import load_grammars_late
from workbench.core.run_numbers import parse_runs

load_grammars_late()

__all__ = [
    "BatchItem",
    "BatchRequest",
    "Parameter",
    "ParameterError",
    "Result",
    "Template",
    "TemplateError",
    "find_template",
    "parse_runs",
    "parse_values",
    "publish",
    "run_batch",
    "run_item",
    "templates",
]

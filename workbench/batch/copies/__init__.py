"""Copies of templates in an experiment: made, compared with their template, kept up to date."""

from workbench.batch.copies.copying import copied_notebook, copy_template
from workbench.batch.copies.origin import Origin, origin_of
from workbench.batch.copies.updating import (
    Update,
    UpdateState,
    diff,
    find_copies,
    plan_update,
    write_update,
)

__all__ = [
    "Origin",
    "Update",
    "UpdateState",
    "copied_notebook",
    "copy_template",
    "diff",
    "find_copies",
    "origin_of",
    "plan_update",
    "write_update",
]

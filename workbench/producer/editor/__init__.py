"""Writing back into the user's config: the smallest change that does just what was asked."""

from workbench.producer.editor.changes import Change, remove_entry, set_azav, set_mask, set_roi
from workbench.producer.editor.editing import ConfigEdit, edit_config
from workbench.producer.editor.journal import history, undo
from workbench.producer.editor.problems import (
    CannotEditError,
    ChangedMeanwhileError,
    EditRefusedError,
)

__all__ = [
    "CannotEditError",
    "Change",
    "ChangedMeanwhileError",
    "ConfigEdit",
    "EditRefusedError",
    "edit_config",
    "history",
    "remove_entry",
    "set_azav",
    "set_mask",
    "set_roi",
    "undo",
]

"""Writing back into the user's config: the smallest change that does just what was asked."""

from workbench.producer.editor.changes import (
    Change,
    remove_entry,
    set_azav,
    set_mask,
    set_poni,
    set_roi,
)
from workbench.producer.editor.editing import ConfigEdit, edit_config
from workbench.producer.editor.journal import history, last_version, undo
from workbench.producer.editor.problems import (
    CannotEditError,
    ChangedMeanwhileError,
    EditRefusedError,
    UnknownDetectorError,
)
from workbench.producer.editor.reproduce import reproduce_command

__all__ = [
    "CannotEditError",
    "Change",
    "ChangedMeanwhileError",
    "ConfigEdit",
    "EditRefusedError",
    "UnknownDetectorError",
    "edit_config",
    "history",
    "last_version",
    "remove_entry",
    "reproduce_command",
    "set_azav",
    "set_mask",
    "set_poni",
    "set_roi",
    "undo",
]

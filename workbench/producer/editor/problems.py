"""Why a config could not be changed; in every case the file is as it was."""

from workbench.core.errors import InputError, WorkbenchError


class CannotEditError(InputError):
    """A file that no program can change safely: not Python, another encoding, not readable."""


class EditRefusedError(WorkbenchError, ValueError):
    """No form of the change did exactly what was asked in every run; the file is untouched."""


class ChangedMeanwhileError(WorkbenchError, RuntimeError):
    """The file was changed by somebody else since it was read; nothing was written."""

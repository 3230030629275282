"""Why a config could not be changed; in every case the file is as it was."""

from workbench.core.errors import InputError, UnknownNameError, WorkbenchError


class CannotEditError(InputError):
    """A file that no program can change safely: not Python, another encoding, not readable."""


class EditRefusedError(WorkbenchError, ValueError):
    """No form of the change did exactly what was asked in every run; the file is untouched."""


class ChangedMeanwhileError(WorkbenchError, RuntimeError):
    """The file was changed by somebody else since it was read; nothing was written."""


class UnknownDetectorError(UnknownNameError):
    """A detector that the config does not have and that was not said to be new."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. Correct the name, or say that the detector is to be added: "
            f"--new-detector, in Python edit_config(..., new_detectors=[{self.name!r}])"
        )

"""The error of files that do not hold what the XTC2 format demands."""

from pathlib import Path

from workbench.core.errors import WorkbenchError

DAMAGED_FILE = (
    "compare the file's size and checksum with the original and copy it again; if the original "
    "is the same, leave this stream out"
)


class Xtc2Error(WorkbenchError, ValueError):
    """A file that breaks the XTC2 format.

    Parameters
    ----------
    file
        The file.
    offset
        Byte at which the trouble was met.
    problem
        What is wrong there.
    remedy
        What to do next.
    """

    def __init__(self, file: Path, offset: int, problem: str, remedy: str = DAMAGED_FILE) -> None:
        super().__init__(file, offset, problem, remedy)
        self.file = file
        self.offset = offset
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.file}, byte {self.offset}: {self.problem}; {self.remedy}"

"""What is to be written into a config, what it was planned as, and what came of it."""

from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.arrays import Bools
from workbench.core.errors import WorkbenchError
from workbench.core.findings import Finding
from workbench.producer.editor import Change, ConfigEdit


class BothChangedError(WorkbenchError, RuntimeError):
    """Somebody else changed the same entries of the config meanwhile; nothing was written.

    Parameters
    ----------
    path
        The config.
    theirs, ours
        Both changes as unified diffs.
    """

    def __init__(self, path: Path, theirs: str, ours: str) -> None:
        super().__init__(path, theirs, ours)
        self.path, self.theirs, self.ours = path, theirs, ours

    def __str__(self) -> str:
        return (
            f"{self.path}: somebody else changed the same entries since you looked; nothing was "
            f"written. Their change:\n{self.theirs}\nYours:\n{self.ours}\n"
            "Look at the config again, then plan anew"
        )


@dataclass(frozen=True, eq=False)
class Wish:
    """One change that a plan is to make.

    Parameters
    ----------
    change
        What the editor is asked, without the mask.
    good
        Mask of the entry, True = use; None: none.
    poni
        Geometry file of pyFAI that the entry uses, of which a copy is kept; None: none.
    seen
        Its detector has a picture: it may be added to the config.
    """

    change: Change
    good: Bools | None = None
    poni: Path | None = None
    seen: bool = False


@dataclass(frozen=True, eq=False)
class Planned:
    """What would be written.

    Parameters
    ----------
    edit
        Ready to be saved.
    wishes
        What it does.
    how
        In words, change by change.
    findings
        What to know before it is written, worst first.
    refused
        Those of them that the plan brings and that forbid to write it.
    kept
        Names of entries that the config gives as wished already.
    """

    edit: ConfigEdit
    wishes: tuple[Wish, ...]
    how: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    refused: tuple[Finding, ...] = ()
    kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = [self.diff.rstrip("\n")] if self.changed else ["nothing to write"]
        return "\n".join([*told, *map(str, self.findings)])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries that the config gives as wished, once this is written."""
        return (*self.kept, *(wish.change.name for wish in self.wishes))

    @property
    def diff(self) -> str:
        """Unified diff; empty where nothing changes."""
        return self.edit.diff

    @property
    def changed(self) -> bool:
        """Tell whether there is anything to write."""
        return self.edit.changed


@dataclass(frozen=True)
class Saved:
    """What was written.

    Parameters
    ----------
    path
        The config.
    written
        False where it gave these values already.
    diff
        What was changed.
    theirs
        What somebody else had changed meanwhile, and which is kept; "" for nothing.
    """

    path: Path
    written: bool
    diff: str = field(repr=False)
    theirs: str = field(default="", repr=False)

    def __str__(self) -> str:
        kept = "; what somebody else changed meanwhile is kept" if self.theirs else ""
        return f"{self.path}: {'written' if self.written else 'gave these values already'}{kept}"

"""What a producer config asks for, entry by entry, with types."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from workbench.core.arrays import Floats
from workbench.core.errors import InputError
from workbench.core.extras import MissingToolError
from workbench.core.frames import FrameSpec
from workbench.producer.doubts import doubts_of
from workbench.reductions import PixelSum, Reduction
from workbench.sources.constants import read_constants
from workbench.sources.digitizers import Digitizer


class EntryError(InputError):
    """One entry of a config that cannot be used; `code` is that of its finding."""

    def __init__(self, code: str, message: str, key: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.key = key


@dataclass(frozen=True, eq=False)
class DetectorFacts:
    """What a recipe may ask about the detector of a run.

    Parameters
    ----------
    detector, run
        As in the run.
    spec
        Of its frames.
    constants
        File of calibration constants; None without.
    folder
        Of the config: what it names is looked for there; None: in the working folder.
    known
        Positions of the pixels, where they need not be read; see `positions`.
    digitizer
        Whose waveforms its frames are; None where they are pictures, or stored as they are.
    """

    detector: str
    run: int
    spec: FrameSpec
    constants: Path | None = None
    folder: Path | None = None
    known: tuple[Floats, Floats, Floats] | None = None
    digitizer: Digitizer | None = None

    @cached_property
    def positions(self) -> tuple[Floats, Floats, Floats]:
        """Pixel centres x, y, z in the laboratory frame [um]; `EntryError` where not known."""
        if self.known is not None:
            return self.known
        found = None
        if self.constants is not None:
            found = read_constants(self.constants, self.detector, self.run, fields=tuple("xyz"))
        if found is None or found.x is None or found.y is None or found.z is None:
            where = f"{self.constants} has none" if self.constants else "no constants were given"
            raise EntryError(
                "no-geometry",
                f"it is not known where the pixels of {self.detector} are in run {self.run} "
                f"({where}): import its geometry into a file of constants",
            )
        return found.x, found.y, found.z


class Recipe(ABC):
    """What a config asks for that becomes a reduction only with facts about the detector."""

    @abstractmethod
    def build(self, facts: DetectorFacts) -> Reduction:
        """Return the reduction; raise `EntryError` where the detector does not allow it."""

    def doubts(self, facts: DetectorFacts) -> Iterable[tuple[str, str]]:  # noqa: ARG002 - for others
        """Return what is odd though it can be made: code and text of each finding."""
        return ()

    def files(self, folder: Path | None) -> Iterable[Path]:  # noqa: ARG002 - for others
        """Return the files that `build` reads; those of a config are looked for in `folder`."""
        return ()


@dataclass(frozen=True)
class ReductionEntry:
    """One reduction of one detector; its values are stored as ``<detector>/<name>_<value>``.

    Parameters
    ----------
    detector
        As in the run.
    name
        First part of the datasets' names.
    reduction
        What is computed.
    function
        Of the config that asks for it.
    line
        Where it stands in the config; 0 where it does not.
    """

    detector: str
    name: str
    reduction: Reduction | Recipe
    function: str = "getROIs"
    line: int = 0

    def __str__(self) -> str:
        return f"{self.function}[{self.detector!r}] ({self.name})"

    def build(self, facts: DetectorFacts) -> Reduction:
        """Return the reduction for a detector; raise `EntryError` where it does not fit."""
        made = self.reduction
        try:
            made = made.build(facts) if isinstance(made, Recipe) else made
            made.outputs(facts.spec)
        except EntryError:
            raise
        except MissingToolError as error:
            raise EntryError("missing-package", str(error)) from error
        except InputError as error:
            raise EntryError("does-not-fit", str(error)) from error
        return made

    def doubts(self, facts: DetectorFacts) -> Iterable[tuple[str, str]]:
        """Return what is odd though it can be made; see `Recipe.doubts`."""
        if isinstance(self.reduction, Recipe):
            return self.reduction.doubts(facts)
        return doubts_of(self.reduction, facts.spec)


@dataclass(frozen=True)
class SumEntry:
    """One run sum of one detector, stored as ``Sums/<detector>_<sum.name>``."""

    detector: str
    sum: PixelSum
    line: int = 0
    function: str = "get_sum_algos"

    def __str__(self) -> str:
        return f"{self.function}[{self.detector!r}] ({self.sum.name})"


@dataclass(frozen=True)
class PvEntry:
    """One control-system variable and the name under which it is stored."""

    pv: str
    alias: str
    line: int = 0


@dataclass(frozen=True)
class Skipped:
    """Something that the config asks for and the file will not hold.

    Parameters
    ----------
    entry
        For example ``getROIs['epix_1'][0] (ROI_0)``.
    reason
        The finding's message.
    file, line
        Where it is written.
    """

    entry: str
    reason: str
    file: str = ""
    line: int = 0

    def as_dict(self) -> dict[str, str | int]:
        """Return plain values for JSON."""
        return asdict(self)

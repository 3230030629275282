"""How each template is proven: on which made-up runs, what is planted, which faults it meets.

One row a template, in a file a group (`common_rows`, `xpp_rows` ...). `test_matrix` runs them.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import workbench.recipes  # noqa: F401 - its errors are known by name once it is loaded
from workbench.batch import BatchItem
from workbench.core.errors import WorkbenchError
from workbench.core.findings import Severity
from workbench.runs import Truth, check_path
from workbench.synthetic import PumpProbe, write_small_data
from workbench.synthetic.faults import FAULTS, Injected
from workbench.synthetic.scenes import Scene

Value = str | float | bool | None
Place = tuple[str, str]  # hutch, generation
EVERYWHERE: tuple[Place, ...] = tuple(
    (hutch, generation) for hutch in ("xpp", "xcs", "mec") for generation in ("lcls2", "lcls1")
)
MOST_KEPT = 2  # clean runs, of some 50 MB each
TOO_FAR = 5.0  # stated errors from the truth, beyond which a number is wrong
KERNEL = re.compile(r"the kernel |\w+: ")  # how sentences of `batch.execution` on crashes begin
FAILED_CELL = re.compile(r"cell \d+: (?P<error>\w+): (?P<text>.+)")


def both_generations(hutch: str) -> tuple[Place, ...]:
    """Return the places of a template of one hutch."""
    return ((hutch, "lcls1"), (hutch, "lcls2"))


def nothing_more(item: BatchItem, place: Place) -> None:
    """Ask nothing beyond what is asked of every template."""
    del item, place


@dataclass(frozen=True)
class Row:
    """How one template is proven.

    Parameters
    ----------
    faults
        Names from the catalogue that it meets headless, at least two; each is put into a run of
        the first of `places` to which the fault can happen.
    places
        Where it runs on a clean file and must say that it found what was planted.
    scene
        The measurement in its runs.
    made
        Values of `PumpProbe`.
    given
        Parameters of the template: the same everywhere, or asked by place.
    check
        What a clean run must show besides.
    style
        Whose writer the files look like.
    """

    faults: tuple[str, ...]
    places: tuple[Place, ...] = EVERYWHERE
    scene: Scene = field(default_factory=Scene)
    made: Mapping[str, object] = field(default_factory=dict)
    given: Mapping[str, Value] | Callable[[Place], Mapping[str, Value]] = field(
        default_factory=dict
    )
    check: Callable[[BatchItem, Place], None] = nothing_more
    style: str = "ours"

    def parameters(self, place: Place) -> dict[str, Value]:
        """Return what the template is told at one place."""
        return dict(self.given(place) if callable(self.given) else self.given)

    def write(self, place: Place, folder: Path, fault: str = "") -> Path:
        """Write the clean run of one place; `fault`: one into which this fault can be put."""
        style = self.style if not fault else self.style_for(place, fault)
        spec = self._spec(place, fault)
        return write_small_data(spec, folder, generation=place[1], style=style, scene=self.scene)

    def spoil(self, fault: str, folder: Path, clean: "CleanRuns") -> tuple[Place, Injected]:
        """Put a fault into a copy of a clean run; where it is."""
        place = self.place_of(fault)
        file = clean.copy(self, place, fault, folder)
        return place, FAULTS[fault].inject(file, np.random.default_rng(7))

    def key(self, place: Place, fault: str) -> str:
        """Return what tells the clean run for a fault from others."""
        spec = self._spec(place, fault)
        return repr((spec, self.scene, place, self.style_for(place, fault)))

    def _spec(self, place: Place, fault: str) -> PumpProbe:
        needs = FAULTS[fault].needs if fault else {}
        return PumpProbe(experiment=f"{place[0]}syn0126", **{**self.made, **needs})  # type: ignore[arg-type]

    def place_of(self, fault: str) -> Place:
        """Return the first place to which a fault can happen."""
        return next(place for place in self.places if self.style_for(place, fault))

    def style_for(self, place: Place, fault: str) -> str:
        """Return the style of the file to which a fault can happen; empty: none."""
        styles = dict.fromkeys([self.style, "ours", "facility"])
        return next((style for style in styles if FAULTS[fault].applies(*place, style)), "")


@dataclass
class CleanRuns:
    """Clean runs of which several tests in a row spoil copies; the last few are kept."""

    folder: Path
    kept: dict[str, Path] = field(default_factory=dict)
    made: int = 0

    def copy(self, row: Row, place: Place, fault: str, folder: Path) -> Path:
        """Copy the clean run for a fault into a folder."""
        key = row.key(place, fault)
        if key not in self.kept:
            for old in list(self.kept)[: len(self.kept) - MOST_KEPT + 1]:
                shutil.rmtree(self.kept.pop(old).parent)
            self.made += 1
            new = self.folder / f"new{self.made}"
            file = row.write(place, new, fault)
            # Virtual files name their parts by full path: a copy must not find those of the first.
            self.kept[key] = new.rename(self.folder / f"kept{self.made}") / file.name
        shutil.copytree(self.kept[key].parent, folder, dirs_exist_ok=True)
        return folder / self.kept[key].name


def assert_ends_well(item: BatchItem, truth: Truth, code: str, file: Path) -> None:
    """Assert that a run with a fault gave a named finding or a refusal, and no wrong number."""
    if item.state == "failed":
        assert_refused(item.error)
        return
    page = Path(item.report).read_text()
    assert code in page, f"{code} is not named"
    found = check_path(file)
    loud = {each.code for each in found if each.severity is not Severity.INFO}
    told = sum(each.count for each in found if each.code == code)
    wrong = {
        name: (value, error, planted)
        for name, (value, error, planted) in wrong_numbers(item, truth).items()
        if error is not None or abs(value - planted) > told  # events that are said to be missing
    }
    assert code in loud or not wrong, wrong


def assert_refused(text: str) -> None:
    """Assert that a failure is an error of ours, which says what to do, not a bare traceback."""
    cell = FAILED_CELL.fullmatch(text)
    if cell:
        assert cell["error"] in _names_of(WorkbenchError), text
        assert len(cell["text"].split()) >= 5, text
    else:
        assert text, "failed without a word"
        assert not KERNEL.match(text), text


def wrong_numbers(item: BatchItem, truth: Truth) -> dict[str, tuple[float, float | None, float]]:
    """Return published numbers that are more than 5 errors off: value, error, truth."""
    wrong = {}
    for name, result in item.results.items():
        value, error = result["value"], result["error"]
        planted = truth[name].value if name in truth else None
        if isinstance(planted, tuple) or planted is None or not isinstance(value, int | float):
            continue
        if not abs(value - planted) <= TOO_FAR * (error or 0.0):
            wrong[name] = (value, error, planted)
    return wrong


def _names_of(error: type[Exception]) -> set[str]:
    below = (name for child in error.__subclasses__() for name in _names_of(child))
    return {error.__name__, *below}

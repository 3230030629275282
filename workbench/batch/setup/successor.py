"""Notebooks, regions and roles of one experiment taken over by the next; what may not fit."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.batch.catalogue import TAG
from workbench.batch.copies.copying import with_defaults
from workbench.batch.notebooks import NotANotebookError, notebook_text, read_notebook
from workbench.batch.setup.generation import FoundGeneration, find_generation
from workbench.batch.setup.plan import (
    NOTES,
    OURS,
    Plan,
    PlannedFile,
    configs,
    notes_for_all,
    planned,
)
from workbench.core.errors import InputError
from workbench.core.findings import Finding, Severity, worst_first
from workbench.facility import ExperimentPlaces

_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"'-]+)\s*\]\]?\s*(#.*)?")
_GUARD = re.compile(r"\brun\b\s*(?:[<>]=?|==|!=|in\b)")


@dataclass(frozen=True)
class Compatibility:
    """What was taken over from another experiment, and what may not fit.

    Parameters
    ----------
    plan
        Files to make.
    findings
        What to look at before trusting them, worst first.
    """

    plan: Plan
    findings: tuple[Finding, ...]


def plan_successor(old: ExperimentPlaces, new: ExperimentPlaces) -> Compatibility:
    """Return what taking over an experiment's set-up would make; nothing is written.

    Notebooks come without outputs and with the new experiment's name; producer configs with their
    masks as they are, but for the name in their opening line; ``experiment.toml`` without its run
    ranges, which count another experiment's runs. Raises `InputError` where the hutches differ,
    where both are the same experiment, or where there is nothing to take over.
    """
    if old.results == new.results:
        raise InputError(
            f"{new.experiment} cannot take over from itself: name the experiment before it, or "
            f"call `workbench new {new.experiment}` without --from"
        )
    if old.hutch != new.hutch:
        raise InputError(
            f"{old.experiment} is of {old.hutch}, {new.experiment} of {new.hutch}: detectors and "
            f"monitors have other names there. Call `workbench new {new.experiment}` without --from"
        )
    before, now = find_generation(old), find_generation(new)
    findings: list[Finding] = []
    files = [*_notebooks(old, new, findings), *_configs(old, new, findings)]
    notes = _notes(old, new, findings)
    if not files and notes is None:
        raise InputError(
            f"{old.results} holds no set-up of `workbench new`: nothing to take over from "
            f"{old.experiment}"
        )
    findings += _generations(before, now, old, new)
    if notes is not None:
        files.append(notes)
        findings += _fields(notes, new)
    there = {file.path for file in files}
    fresh = [*configs(new, now.names), *notes_for_all(new, now.names[-1], ())]
    files += [file for file in fresh if file.path not in there]
    return Compatibility(planned(new, now, files), tuple(worst_first(findings)))


def _notebooks(
    old: ExperimentPlaces, new: ExperimentPlaces, findings: list[Finding]
) -> Iterator[PlannedFile]:
    for path in _files(old.results / OURS / "notebooks", "*.ipynb"):
        try:
            notebook = read_notebook(path)
        except NotANotebookError as error:
            findings.append(_finding("not-taken-over", Severity.ERROR, str(error), path))
            continue
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            if TAG in cell.metadata.get("tags", ()):
                cell.source = _with_name(cell.source, new.experiment)
            if old.experiment in cell.source:
                text = f"cell {cell.get('id', '')} still names {old.experiment}"
                findings.append(_finding("other-experiment", Severity.WARNING, text, path))
        target = _moved(path, old, new)
        yield PlannedFile(target, notebook_text(notebook).encode())


def _with_name(source: str, experiment: str) -> str:
    try:
        return with_defaults(source, {"experiment": experiment})
    except SyntaxError:  # the user's own affair; the cell is taken over as it is and named
        return source


def _configs(
    old: ExperimentPlaces, new: ExperimentPlaces, findings: list[Finding]
) -> Iterator[PlannedFile]:
    for path in _files(old.results / OURS / "config", "*"):
        content = path.read_bytes()
        if path.suffix == ".py":
            findings += _in_config(path, content.decode(errors="replace"), old)
            content = _headed(content, old, new)
        yield PlannedFile(_moved(path, old, new), content)


def _headed(content: bytes, old: ExperimentPlaces, new: ExperimentPlaces) -> bytes:
    """Return the text with the new name in its opening line, if that is a comment or docstring."""
    head, end, rest = content.partition(b"\n")
    if head.startswith((b"#", b'"""')):
        head = head.replace(old.experiment.encode(), new.experiment.encode())
    return head + end + rest


def _in_config(path: Path, text: str, old: ExperimentPlaces) -> Iterator[Finding]:
    for number, line in enumerate(text.split("\n"), 1):
        code = line.partition("#")[0]
        if _GUARD.search(code):
            message = f"depends on run numbers of {old.experiment}: {line.strip()}"
            yield _finding("run-numbers", Severity.WARNING, message, path, number)
        if "/" in code and old.experiment in code:
            message = f"names a file of {old.experiment}: {line.strip()}"
            yield _finding("other-experiment", Severity.WARNING, message, path, number)


def _notes(
    old: ExperimentPlaces, new: ExperimentPlaces, findings: list[Finding]
) -> PlannedFile | None:
    path = old.results / NOTES
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    kept, left_out = _without_runs(text)
    kept = re.sub(
        r'(?m)^(experiment\s*=\s*)(["\']).*?\2', rf"\g<1>\g<2>{new.experiment}\g<2>", kept, count=1
    )
    try:
        plain, whole = tomllib.loads(kept), tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"is no TOML and was not taken over: {error}"
        findings.append(_finding("not-taken-over", Severity.ERROR, message, path))
        return None
    if {**whole, "experiment": "", "runs": 0} != {**plain, "experiment": "", "runs": 0}:
        message = "its [[runs]] cannot be told from the rest; take over by hand what holds"
        findings.append(_finding("not-taken-over", Severity.ERROR, message, path))
        return None
    if left_out:
        message = f"{left_out} lines of run ranges are comments now: they count other runs"
        findings.append(_finding("run-numbers", Severity.WARNING, message, path))
    for table, key in (("delay", "t0"), ("time_tool", "polynomial"), ("saturation", "")):
        if plain.get(table, {}) and (not key or key in plain[table]):
            message = f"{table} was measured in {old.experiment}: measure it anew"
            findings.append(_finding("measured-before", Severity.WARNING, message, path))
    return PlannedFile(new.results / NOTES, _headed(kept.encode(), old, new))


def _without_runs(text: str) -> tuple[str, int]:
    """Return the text with its run ranges as comments, and how many lines these are."""
    lines, inside, count = [], False, 0
    for line in text.split("\n"):
        header = _HEADER.fullmatch(line)
        if header:
            inside = header[1].split(".")[0] == "runs"
        quiet = inside and line.strip() and not line.lstrip().startswith("#")
        lines.append(f"# {line}" if quiet else line)
        count += bool(quiet)
    return "\n".join(lines), count


def _generations(
    before: FoundGeneration, now: FoundGeneration, old: ExperimentPlaces, new: ExperimentPlaces
) -> Iterator[Finding]:
    if set(before.names) != set(now.names):
        yield Finding(
            "other-generation",
            Severity.WARNING,
            f"{old.experiment} is of {' or '.join(before.names)} ({before.why}), {new.experiment} "
            f"of {' or '.join(now.names)} ({now.why}): names of fields and detectors differ",
        )


def _fields(notes: PlannedFile, new: ExperimentPlaces) -> list[Finding]:
    """Return fields of the notes that the newest small data of the new experiment lack."""
    runs = sorted(new.small_data.glob("**/*_Run*.h5")) if new.small_data.is_dir() else []
    if not runs:
        message = f"{new.experiment} has no small data yet: that its fields fit was not checked"
        return [Finding("not-checked", Severity.INFO, message)]
    from workbench.runs import open_run

    with TemporaryDirectory(prefix="workbench-notes-") as folder:
        file = Path(folder) / NOTES
        file.write_bytes(notes.content)
        run = open_run(runs[-1], experiment_file=file)
        named = [
            *run.setup.channels,
            *run.setup.good,
            *(name for names in run.setup.roles.values() for name in names),
        ]
        return [
            Finding("no-such-field", Severity.WARNING, f"is not in {runs[-1].name}", name)
            for name in dict.fromkeys(named)
            if name not in run
        ]


def _files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.rglob(pattern)) if folder.is_dir() else []
    hidden = [path for path in found if any(part.startswith(".") for part in
              path.relative_to(folder).parts)]  # fmt: skip
    skip = {*hidden, *(path for path in found if "__pycache__" in path.parts)}
    return [path for path in found if path.is_file() and path not in skip]


def _moved(path: Path, old: ExperimentPlaces, new: ExperimentPlaces) -> Path:
    return new.results / path.relative_to(old.results)


def _finding(code: str, severity: Severity, message: str, path: Path, line: int = 0) -> Finding:
    return Finding(code, severity, message, file=str(path), line=line)

"""Which produced files are out of date: made with another config text or other constants."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.producer.identity import constants_hash
from workbench.producer.naming import LCLS2
from workbench.producer.provenance import file_facts
from workbench.smalldata import open_file
from workbench.sources.constants import read_constants

CURRENT, UNKNOWN = "current", "unknown"


@dataclass(frozen=True)
class FileStatus:
    """How the file of one run compares with config and constants as they are now.

    Parameters
    ----------
    run, path
        The file.
    reasons
        What is different: empty for a file that is up to date; "unknown: ..." where the file does
        not say how it was made.
    experiment, raw, config, constants, naming
        What it was made of, and what it would be made of again.
    """

    run: int
    path: Path
    reasons: tuple[str, ...]
    experiment: str = ""
    raw: str = ""
    config: str = ""
    constants: str = ""
    naming: str = ""

    @property
    def stale(self) -> bool:
        """Whether it should be produced again, and can be."""
        return bool(self.reasons) and bool(self.raw)

    @property
    def state(self) -> str:
        """What to show."""
        return "; ".join(self.reasons) or CURRENT

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        told = {**asdict(self), "path": str(self.path), "state": self.state, "stale": self.stale}
        return {**told, "reasons": list(self.reasons)}


def file_status(
    path: Path, run: int, *, config: Path | None = None, constants: Path | None = None
) -> FileStatus:
    """Compare one file with a config and constants: those given, else those it was made with."""
    try:
        with open_file(path) as file:
            record = file.provenance
            experiment = file.experiment
    except WorkbenchError as error:
        return FileStatus(run, path, (f"unknown: {error}",))
    if not record.get("inputs"):
        return FileStatus(run, path, ("unknown: it does not say how it was made",))
    made_with = str(record.get("config_path", ""))
    asked = config.absolute() if config else Path(made_with) if made_with else None
    held = _mapping(record.get("constants"))
    table = constants.absolute() if constants else Path(held["path"]) if held else None
    reasons = [*_config(record, asked), *_constants(record, held, table, run)]
    inputs = record["inputs"]
    assert isinstance(inputs, list)
    return FileStatus(
        run,
        path,
        tuple(reasons),
        experiment,
        str(Path(inputs[0]["path"]).parent),
        str(asked.absolute() if asked else ""),
        str(table or ""),
        str(record.get("naming", LCLS2)),
    )


def commands(files: Sequence[FileStatus]) -> list[str]:
    """Return what to type to produce stale files again: one line for all runs that go together."""

    def key(file: FileStatus) -> tuple[str, ...]:
        return (
            file.experiment,
            file.raw,
            file.config,
            file.constants,
            str(file.path.parent),
            file.naming,
        )

    stale = sorted((file for file in files if file.stale), key=lambda file: (key(file), file.run))
    return [_command(same, [file.run for file in group]) for same, group in groupby(stale, key)]


def _command(key: tuple[str, ...], runs: list[int]) -> str:
    experiment, raw, config, constants, output, naming = key
    given = {
        "--experiment": experiment,
        "--run": ranges(runs),
        "--xtc": raw,
        "--config": config,
        "--constants": constants,
        "--output": output,
        "--naming": naming if naming != LCLS2 else "",
    }
    words = [f"{name} {shlex.quote(value)}" for name, value in given.items() if value]
    return f"workbench produce {' '.join(words)} --replace"


def ranges(runs: Sequence[int]) -> str:
    """Return run numbers as a text, 3-5,8 for 3, 4, 5 and 8."""
    parts: list[list[int]] = []
    for run in sorted(set(runs)):
        if parts and run == parts[-1][-1] + 1:
            parts[-1].append(run)
        else:
            parts.append([run])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _config(record: Mapping[str, Any], asked: Path | None) -> Iterator[str]:
    if asked is None:
        return
    made_with = str(record.get("config_sha256", ""))
    try:
        text = asked.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        yield f"its config cannot be read: {asked}: {error.strerror}"
        return
    if not made_with:
        yield f"made without a config, now {asked.name}"
    elif sha256(text.encode()).hexdigest() != made_with:
        yield f"{asked.name} has another text now"


def _constants(
    record: Mapping[str, Any], held: Mapping[str, Any], table: Path | None, run: int
) -> Iterator[str]:
    """Say how constants differ from those of a file: their numbers, where the table was written."""
    if table is None:
        return
    if not table.is_file():
        yield f"its constants are gone: {table}"
    elif not held:
        yield f"made without constants, now {table.name}"
    elif file_facts(table) != held:
        yield from _other_numbers(_mapping(record.get("calibration")), table, run)


def _other_numbers(made_with: Mapping[str, Any], table: Path, run: int) -> Iterator[str]:
    for detector, told in made_with.items():
        if "sha256" not in told:
            yield f"{table.name} was written since, and {detector}'s constants are not on record"
            continue
        try:
            now = constants_hash(read_constants(table, detector, run, dtype=None))
        except WorkbenchError as error:
            yield f"its constants cannot be read: {error}"
            return
        if now != told["sha256"]:
            yield f"{table.name} holds other constants of {detector} now"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

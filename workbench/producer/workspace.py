"""The hidden folder where a production keeps its parts, and the lock on it."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from workbench.core.atomic import (
    CannotWriteError,
    appearing,
    leaving_none_empty,
    make_folder,
    refusal,
)
from workbench.core.errors import WorkbenchError
from workbench.core.locking import same_file
from workbench.core.workers import LostWorkerError
from workbench.producer.identity import Facts, changed, key_of
from workbench.smalldata import live_name
from workbench.sources import RunStalledError

MANIFEST = "manifest.json"
ATTEMPTS, PAUSE = 5, 0.2  # to remove a folder; s between them


class AlreadyProducingError(WorkbenchError, BlockingIOError):
    """Another process is producing the same file."""


class CannotResumeError(WorkbenchError, ValueError):
    """What a stopped production left cannot be used: something that it depends on has changed."""


@contextmanager
def parts_folder(target: Path, facts: Facts, *, resume: bool) -> Generator[Path]:
    """Give a folder ``.<name>.parts/<key>`` that is this process's alone.

    To resume, it holds what a production that was stopped has finished, if `facts` are the same;
    else what is left there is removed first. At the end the folder and the run's live file
    are removed, but not when the production is stopped (by a signal, by the loss of its workers,
    by a run that does not go on). A folder that was made for the target and is empty goes too.
    Raises `AlreadyProducingError` where another process works on the same file, and
    `CannotResumeError` where the parts are those of something else.
    """
    with leaving_none_empty(target.parent), _parts_folder(target, facts, resume=resume) as folder:
        yield folder


@contextmanager
def _parts_folder(target: Path, facts: Facts, *, resume: bool) -> Generator[Path]:
    base = target.with_name(f".{target.name}.parts")
    make_folder(target.parent)
    handle = _locked(base, target)
    remove = False  # whatever signal comes, and wherever
    ours = not resume
    try:
        folder = _prepared(base, facts, target) if resume else _emptied(base, facts)
        ours = True
        yield folder
        remove = True
    except (LostWorkerError, RunStalledError):
        raise
    except Exception:
        remove = ours
        raise
    finally:
        if remove:
            live_name(target).unlink(missing_ok=True)
            _remove(base)
        os.close(handle)


def _emptied(base: Path, facts: Facts) -> Path:
    for entry in base.iterdir():
        if entry.is_dir():
            _remove(entry)
    folder = make_folder(base / key_of(facts))
    with appearing(folder / MANIFEST) as place:  # no more flushed to disk than the parts are
        place.write_text(json.dumps(facts, indent=1, sort_keys=True), encoding="utf-8")
    return folder


def _prepared(base: Path, facts: Facts, target: Path) -> Path:
    left = sorted(base.glob(f"*/{MANIFEST}"))
    if not left:
        return _emptied(base, facts)
    found = [path.parent for path in left if path.parent.name == key_of(facts)]
    if not found:
        old = _read(left[0])
        if old is None:
            return _emptied(base, facts)
        raise CannotResumeError(
            f"cannot resume {target.name}: changed since it was begun: "
            f"{', '.join(changed(old, json.loads(json.dumps(facts))))}; put that back, or leave "
            "out --resume to produce all of it"
        )
    for path in found[0].glob(".*"):  # what was being written
        path.unlink()
    return found[0]


def _read(manifest: Path) -> Facts | None:
    """Return what a manifest says; None where it was cut off when the machine went down."""
    try:
        facts: Facts = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return facts


def _remove(folder: Path) -> None:
    """Remove a folder in which workers that we cannot stop may still be writing."""
    for attempt in range(ATTEMPTS):
        try:
            shutil.rmtree(folder)
        except OSError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE)
        else:
            return


def _locked(base: Path, target: Path) -> int:
    """Lock the folder's lock file; again if another process removed it in between."""
    while True:
        make_folder(base)
        try:
            handle = os.open(base / "lock", os.O_RDWR | os.O_CREAT, 0o664)
        except FileNotFoundError:
            continue  # the other process removed the folder just now
        except OSError as error:
            raise CannotWriteError(
                f"cannot write in {base}: {refusal(error, base)}; choose another output folder"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise AlreadyProducingError(
                f"{target.name} is being produced by another process; wait for it, or choose "
                "another output folder"
            ) from None
        if same_file(handle, base / "lock"):
            return handle
        os.close(handle)

"""What a config file says, found out in a separate process with limits of time and memory."""

import base64
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.core.findings import Finding, Severity

TIME_LIMIT = 10.0  # s
MEMORY_LIMIT = 8 << 30  # bytes of address space
GRACE = 5.0  # s, for a process that does not stop by itself at its limit


@dataclass(frozen=True)
class Odd:
    """A value that no config may contain; only the name of its type is known."""

    type_name: str


@dataclass(frozen=True)
class Evaluated:
    """Values of the names that were asked, and what went wrong.

    Parameters
    ----------
    values
        Lists as they are, functions called with the run number.
    failed
        Names whose evaluation failed; "" stands for the file as a whole.
    findings
        One error for each failure.
    shared
        By name: where one dictionary stands in several places.
    text_matters
        By name: what the run as a number gives instead of the run as a text.
    """

    values: dict[str, Any]
    failed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    shared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    text_matters: Mapping[str, str] = field(default_factory=dict)


def evaluate_config(
    path: Path, text: str, names: Sequence[str], *, run: int | str, time_limit: float = TIME_LIMIT
) -> Evaluated:
    """Run the text of a config and return the values of `names`; `run` as it is handed over."""
    with evaluating(path, text, names, run=run, time_limit=time_limit) as values:
        return values()


@contextmanager
def evaluating(
    path: Path, text: str, names: Sequence[str], *, run: int | str, time_limit: float = TIME_LIMIT
) -> Generator[Callable[[], Evaluated]]:
    """Do as `evaluate_config` while the block does other things; gives what waits for the values.

    The process talks through files: it never waits for this one.
    """
    with (
        tempfile.TemporaryFile() as told,
        tempfile.TemporaryFile("w+", encoding="utf-8") as results,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as talk,
    ):
        told.write(text.encode())
        told.seek(0)
        descriptor = results.fileno()
        worker = [sys.executable, str(Path(__file__).with_name("evaluate.py"))]
        limits = [str(descriptor), str(time_limit), str(MEMORY_LIMIT)]
        process = subprocess.Popen(  # noqa: S603 - our own script; it runs the user's own config
            [*worker, str(path), json.dumps(run), json.dumps(list(names)), *limits],
            stdin=told,
            stdout=subprocess.DEVNULL,
            stderr=talk,
            pass_fds=(descriptor,),
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )

        watchdog = threading.Timer(time_limit + GRACE, process.kill)
        watchdog.start()

        def values() -> Evaluated:
            process.wait()
            results.seek(0)
            talk.seek(0)
            messages = [json.loads(line) for line in results if line.endswith("\n")]
            return _read(messages, path, talk.read(), process.returncode, time_limit)

        try:
            yield values
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()


def _read(
    messages: list[dict[str, Any]], path: Path, talk: str, code: int, time_limit: float
) -> Evaluated:
    values: dict[str, Any] = {}
    failed: list[str] = []
    findings: list[Finding] = []
    shared = {told["name"]: told["shared"] for told in messages if told.get("shared")}
    texts = {told["name"]: told["text"] for told in messages if told.get("text")}
    for message in messages:
        name = message.get("name")
        if name is None:
            continue
        if "error" in message:
            failed.append(name)
            findings.append(_failure(message, path))
        elif name:
            values[name] = decode(message["value"])
    if not any("done" in message for message in messages):
        failed.append("")
        findings.append(_end(path, talk, code, time_limit))
    return Evaluated(values, tuple(failed), tuple(findings), shared, texts)


def _failure(message: dict[str, Any], path: Path) -> Finding:
    where = f"{message['name']}(run)" if message["name"] else "the file"
    ending = "calls exit" if message["exit"] else "fails"
    error = message["error"]
    if error.startswith("MemoryError"):
        error = f"MemoryError: it may use {MEMORY_LIMIT >> 30} GB of memory"
    return Finding(
        "config-exit" if message["exit"] else "config-exception",
        Severity.ERROR,
        f"{where} {ending} with {error}; what it should give is left out. Correct it "
        "and produce again",
        field=message["name"],
        file=str(path),
        line=message["line"],
    )


def _end(path: Path, talk: str, code: int, time_limit: float) -> Finding:
    lines = re.findall(rf'File "{re.escape(str(path))}", line (\d+)', talk)
    if "Timeout" in talk or code == -9:
        text = f"the config was still running after {time_limit:g} s (an endless loop?)"
        kind = "config-timeout"
    else:
        text, kind = f"the process that read the config died (code {code})", "config-crash"
    return Finding(
        kind,
        Severity.ERROR,
        f"{text}; detectors that it had not told yet are left out. Correct it and produce again",
        file=str(path),
        line=int(lines[0]) if lines else 0,
    )


def decode(value: Any) -> Any:
    """Return what `evaluate.encode` was given; tuples and sets come back as lists."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "dict" in value:
        pairs = [(decode(key), decode(item)) for key, item in value["dict"]]
        return {_key(key): item for key, item in pairs}
    if "bits" in value:
        shape, data = value["bits"]
        packed = np.frombuffer(base64.b64decode(data), np.uint8)
        mask = np.unpackbits(packed, count=math.prod(shape)).view(np.bool_).reshape(shape)
        return mask.item() if mask.ndim == 0 else mask
    if "array" in value:
        dtype, shape, data = value["array"]
        array = np.frombuffer(base64.b64decode(data), dtype=dtype).reshape(shape)
        return array.item() if array.ndim == 0 else array
    if "slice" in value:
        return slice(*(decode(end) for end in value["slice"]))
    return Odd(value["odd"])


def _key(key: Any) -> Any:
    return key if isinstance(key, str | int | float | bool | Odd) else str(key)
